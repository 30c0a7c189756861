"""Who sends webhooks in these tests: keys, genuine events, and how they are signed."""

import base64
import hashlib
import hmac
import json
import time
from datetime import timedelta
from typing import Any

from include.adapters.webhook_verifiers import (
    SIGNED_BY,
    WOO_SIGNED_BY,
    cybersource_verifier,
    shop_verifier,
    woocommerce_verifier,
)
from include.domain.shops import Said, WebhookRules, WebhookScheme
from include.services.inbox.ports import WebhookAccount

KEYS = {"acme_us": {"key-1": b"1" * 32, "key-2": b"2" * 32}, "acme_uk": {"key-9": b"9" * 32}}
WOO_SECRET = "woo webhook secret"
STANDARD_SECRET = f"whsec_{base64.b64encode(b's' * 32).decode()}"
TOLERANCE = timedelta(minutes=60)


def cybersource_account(merchant: str) -> WebhookAccount:
    verify = cybersource_verifier(lambda: KEYS[merchant], [f"{merchant}_org"], TOLERANCE)
    return WebhookAccount(f"cybersource|{merchant}", verify, SIGNED_BY)


def woocommerce_account(shop: str) -> WebhookAccount:
    verify = woocommerce_verifier(lambda: [WOO_SECRET])
    return WebhookAccount(f"woocommerce|{shop}", verify, WOO_SIGNED_BY)


def generic_account(shop: str) -> WebhookAccount:
    """A shop that speaks Standard Webhooks under the usual names of headers."""
    rules = WebhookRules(
        WebhookScheme.standard,
        "webhook-signature",
        Said("webhook-id"),
        Said(at="type"),
        "data.no",
        "webhook-timestamp",
        timedelta(minutes=5),
    )
    verify = shop_verifier(rules, [STANDARD_SECRET], "connection shop")
    return WebhookAccount(f"generic|{shop}", verify, rules.signature_header, rules.headers)


def event(request_id: str = "7" * 22, **changes: Any) -> dict[str, Any]:
    """A decision of Decision Manager."""
    members = {
        "eventType": "risk.casemanagement.decision.accept",
        "webhookId": "hook-1",
        "productId": "decisionManager",
        "organizationId": "acme_us_org",
        "eventDate": "2026-11-03T10:00:00+00:00",
        "transactionTraceId": "trace-1",
        "payload": [{"data": {"id": request_id}}],
    }
    return members | changes


def signed(
    body: dict[str, Any], key_id: str = "key-1", key: bytes = b"1" * 32, at: float | None = None
) -> tuple[bytes, dict[str, str]]:
    """Return an event's bytes and headers, as Cybersource sends them."""
    moment = str(int((time.time() if at is None else at) * 1000))
    payload = json.dumps(body["payload"], separators=(",", ":"))
    made = hmac.new(key, f"{moment}.{payload}".encode(), hashlib.sha256).digest()
    header = f"t={moment};keyId={key_id};sig={base64.b64encode(made).decode()}"
    raw = json.dumps(body, separators=(",", ":")).encode()
    return raw, {"v-c-signature": header, "Content-Type": "application/json"}


def standard_signed(
    body: dict[str, Any], delivery: str = "msg_1", at: float | None = None
) -> tuple[bytes, dict[str, str]]:
    """Return a delivery's bytes and headers, as Standard Webhooks wants them."""
    raw = json.dumps(body, separators=(",", ":")).encode()
    moment = int(time.time() if at is None else at)
    key = base64.b64decode(STANDARD_SECRET.removeprefix("whsec_"))
    made = hmac.new(key, f"{delivery}.{moment}.".encode() + raw, hashlib.sha256).digest()
    return raw, {
        "Content-Type": "application/json",
        "webhook-id": delivery,
        "webhook-timestamp": str(moment),
        "webhook-signature": f"v1,{base64.b64encode(made).decode()}",
    }


def woo_signed(
    body: dict[str, Any], delivery: str = "d1", topic: str = "order.updated"
) -> tuple[bytes, dict[str, str]]:
    """Return a delivery's bytes and headers, as WooCommerce sends them."""
    raw = json.dumps(body, separators=(",", ":")).encode()
    made = hmac.new(WOO_SECRET.encode(), raw, hashlib.sha256).digest()
    resource, _, verb = topic.partition(".")
    return raw, {
        "Content-Type": "application/json",
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-Resource": resource,
        "X-WC-Webhook-Event": verb,
        "X-WC-Webhook-Signature": base64.b64encode(made).decode(),
        "X-WC-Webhook-ID": "7",
        "X-WC-Webhook-Delivery-ID": delivery,
        "X-WC-Webhook-Source": "https://shop.example/",
    }
