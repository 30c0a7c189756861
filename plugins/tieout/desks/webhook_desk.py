"""Who may send us webhooks, how each is judged, and what is done with what they say."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC

from include.adapters.cybersource.webhooks.body import read_body
from include.adapters.cybersource.webhooks.events import read_event
from include.adapters.shop.signed_webhook import order_number
from include.adapters.webhook_verifiers import (
    SIGNED_BY,
    WOO_SIGNED_BY,
    cybersource_verifier,
    shop_verifier,
    woocommerce_verifier,
)
from include.domain.errors import Rejected, Retryable
from include.domain.reviews import DecisionEvent
from include.domain.shops import ShopKind
from include.services.inbox.handle_events import Handler
from include.services.inbox.hear_decision import decision_handler
from include.services.inbox.ports import InboxRow, WebhookAccount
from tieout.desks.care_desk import profile_check
from tieout.desks.order_desk import Desks
from tieout.desks.order_feeds import shop_sync
from tieout.desks.shop_desk import ShopDesk
from tieout.hooks.cybersource import CybersourceHook

_DECISION_EVENTS = ("risk.", "payments.authorization.", "payments.payments.")
_KNOWN_FROM_ELSEWHERE = ("payments.",)  # our own writes answer sooner; kept as a hint
_TOKEN_EVENTS = ("tms.",)


def find_account(desks: Desks) -> Callable[[str, str], WebhookAccount | None]:
    """Return the look-up of senders by kind and account."""

    def find(kind: str, name: str) -> WebhookAccount | None:
        try:
            return account(kind, name)
        except Rejected as fault:  # a setting of ours: the sender is asked to come again
            raise Retryable(fault.what, fault.where, fault.do) from None

    def account(kind: str, name: str) -> WebhookAccount | None:
        context = desks.context
        if kind == "cybersource" and name in context.today.merchants():
            merchant = context.today.merchant(name)
            hook = CybersourceHook(merchant.cybersource_conn_id)
            verifier = cybersource_verifier(
                lambda: hook.webhook_keys, (merchant.organization_id,), hook.webhook_tolerance
            )
            return WebhookAccount(f"cybersource|{name}", verifier, SIGNED_BY)
        if kind in set(ShopKind) and name in context.today.shops():
            return shop_account(desks.of(name), kind)
        return None

    def shop_account(desk: ShopDesk, kind: str) -> WebhookAccount | None:
        shop, source = desk.shop, f"{kind}|{desk.shop.shop_id}"
        is_woo = shop.kind is ShopKind.woocommerce
        if shop.kind != kind or not (is_woo or shop.webhooks):
            return None  # nobody there, or a shop that sends nothing
        secrets = desk.shop_hook.webhook_secrets
        if shop.webhooks is None:
            return WebhookAccount(source, woocommerce_verifier(lambda: secrets), WOO_SIGNED_BY)
        verifier = shop_verifier(shop.webhooks, secrets, f"connection {shop.conn_id}")
        rules = shop.webhooks
        return WebhookAccount(source, verifier, rules.signature_header.lower(), rules.headers)

    return find


class Handlers(Mapping[str, Handler]):
    """By event type, the longest known beginning first: vendors add endings."""

    def __init__(self, by_beginning: Mapping[str, Handler]) -> None:
        self._known = dict(sorted(by_beginning.items(), key=lambda pair: -len(pair[0])))

    def __getitem__(self, event_type: str) -> Handler:
        for beginning, handler in self._known.items():
            if event_type.startswith(beginning):
                return handler
        raise KeyError(event_type)

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


def handlers(desks: Desks) -> Handlers:
    """Return what is done with each kind of event."""
    service = desks.service
    decide = decision_handler(
        _heard, lambda row: _gateway_of(desks, row), service.decide, service.orders.by_request
    )
    shop = _shop_handler(desks)
    return Handlers(
        {
            **dict.fromkeys(_DECISION_EVENTS, decide),
            **dict.fromkeys(_KNOWN_FROM_ELSEWHERE, _hint),
            **dict.fromkeys(_TOKEN_EVENTS, _token_handler(desks)),
            "order.": shop,
            "product.": _hint,
            "customer.": _hint,
            "coupon.": _hint,
        }
    )


def _heard(row: InboxRow) -> DecisionEvent | None:
    return read_event(read_body(row.body).members, row.received_at.astimezone(UTC)).decision


def _gateway_of(desks: Desks, row: InboxRow) -> CybersourceHook | None:
    _, _, merchant_id = row.source.partition("|")
    desk = desks.by_merchant().get(merchant_id)
    return desk.gateway if desk else None


def _token_handler(desks: Desks) -> Handler:
    """A token's update names ids only: what we keep of them is read again from the vault."""

    def handle(row: InboxRow) -> str:
        _, _, merchant_id = row.source.partition("|")
        event = read_event(read_body(row.body).members, row.received_at.astimezone(UTC))
        desk = desks.by_merchant().get(merchant_id)
        if desk is None or not event.token_ids:
            return "it names no token of a shop of ours"
        check = profile_check(desk)
        count = sum(check.refresh(token_id) for token_id in event.token_ids)
        return f"{count} tokens read again"

    return handle


def _shop_handler(desks: Desks) -> Handler:
    """A shop's webhook is a hint: the order is read from the shop as it is now."""

    def handle(row: InboxRow) -> str:
        _, _, shop_id = row.source.partition("|")
        found = receive_again(row)
        rules = desks.of(shop_id).shop.webhooks
        number = (
            order_number(rules, found) if rules else str(found.get("number") or found.get("id", ""))
        )
        if not number:
            raise Rejected("the event names no order", f"inbox {row.inbox_id}", "Resolve it.")
        return str(shop_sync(desks, shop_id).import_one(number))

    return handle


def receive_again(row: InboxRow) -> Mapping[str, object]:
    """Read the kept bytes of an event that was judged when it came."""
    from include.adapters.http.strict_json import parse

    found = parse(row.body)
    return found if isinstance(found, dict) else {}


def _hint(_row: InboxRow) -> str:
    return "kept; our own answers and the pollers know it already"
