"""Join the senders' own checks to the inbox's ``Verifier``: one shape, whoever sends."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from include.adapters.cybersource.webhooks import signature
from include.adapters.cybersource.webhooks.body import UnreadableBodyError, read_body
from include.adapters.cybersource.webhooks.events import read_event
from include.adapters.shop import woo_webhook
from include.adapters.shop.signed_webhook import WebhookJudge
from include.domain.shops import WebhookRules
from include.services.inbox.ports import Refusal, Verdict, Verifier

SIGNED_BY = "v-c-signature"  # the header of Cybersource's signature, and of WooCommerce's
WOO_SIGNED_BY = "x-wc-webhook-signature"


def cybersource_verifier(
    keys: Callable[[], Mapping[str, bytes]], organizations: Sequence[str], tolerance: timedelta
) -> Verifier:
    """Return the check of one merchant's notifications.

    Args:
        keys: decoded keys by id, two or more while one is replaced; asked for each event.
        organizations: whose events these may be; another tenant's are refused.
        tolerance: how far the signature's time may be off.
    """

    def verify(raw: bytes, headers: Mapping[str, str], now: datetime) -> Verdict | Refusal:
        header = headers.get(SIGNED_BY)
        if fault := signature.header_fault(header):
            return Refusal(fault)
        try:
            body = read_body(raw)
        except UnreadableBodyError as unreadable:
            return Refusal(str(unreadable), is_malformed=True)
        found = signature.verify(header, body.signed_texts, keys(), now, tolerance)
        if not found.is_good:
            return Refusal(found.reason)
        event = read_event(body.members, now)
        if event.organization_id and event.organization_id not in organizations:
            return Refusal("another organization's event")
        if not event.event_type:
            return Refusal("it names no event type", is_malformed=True)
        return Verdict(event.key, event.event_type)

    return verify


def woocommerce_verifier(secrets: Callable[[], Sequence[str]]) -> Verifier:
    """Return the check of one shop's deliveries; ``secrets`` are the newest first."""

    def verify(raw: bytes, headers: Mapping[str, str], now: datetime) -> Verdict | Refusal:
        found = woo_webhook.receive(headers, raw, secrets())
        if isinstance(found, woo_webhook.WooEvent):
            return Verdict(found.key, found.topic)
        if isinstance(found, woo_webhook.WooPing):
            return Refusal("a hello, and nothing else", is_malformed=True)
        return Refusal(
            found.reason,
            is_malformed=found.status != 401,
            holds_card_number=found.holds_card_number,
        )

    return verify


def shop_verifier(rules: WebhookRules, secrets: Sequence[str], where: str) -> Verifier:
    """Return the check of a shop whose mapping says how it signs.

    Raises:
        Rejected: a secret is not written as its scheme wants it.
    """
    return WebhookJudge(rules, secrets, where)
