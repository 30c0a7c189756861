"""What several tests of the Cybersource adapter share: a shop at the sandbox, scripted calls."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import count
from typing import Any

import pytest

from include.adapters.cybersource.client import Client
from include.adapters.cybersource.partners import partners_of
from include.adapters.cybersource.settings import Settings
from include.adapters.cybersource.signing import utc_now
from include.adapters.cybersource.timings import timings
from include.adapters.http.transport import HttpTransport
from include.adapters.settings_file import ROOT, read_settings
from include.domain.orders import reference_of
from include.domain.payments import (
    Capture,
    Refund,
    Reverse,
    Void,
)
from include.mappings.load import load_mappings
from include.mappings.today import Meanings
from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, EffectKind, EffectState, Found, Receipt
from tests.cybersource.scripted import (
    AMOUNT,
    AUTH_ID,
    SHOPPER,
    TRANSIENT,
    ScriptedGateway,
    authorize,
    effect_of,
    found,
    response,
)
from tests.effects import ManualClock
from tests.simulator.memory import MemoryEffectStore

MERCHANT = "acme_us"
AUTH, CAPTURE, REFUND, REVERSE, VOID, REVIEW, DELETION = (
    EffectKind.payment_authorization,
    EffectKind.payment_capture,
    EffectKind.payment_refund,
    EffectKind.payment_reversal,
    EffectKind.payment_void,
    EffectKind.review_decision,
    EffectKind.token_deletion,
)
VERBS = {
    AUTH: "authorization", CAPTURE: "capture", REFUND: "refund", REVERSE: "reversal", VOID: "void"
}  # fmt: skip
WRITE_CALLS = {
    AUTH: "POST /pts/v2/payments$", CAPTURE: "/captures$", REFUND: "/refunds$",
    REVERSE: "/reversals$", VOID: "/voids$",
}  # fmt: skip
_numbers = count(1)


class Shop:
    """One order's effects, through a real engine over a store in memory."""

    def __init__(self, sandbox: Any) -> None:
        self.sandbox, self.clock = sandbox, ManualClock()
        self.client = client_of(sandbox)
        self.store = MemoryEffectStore(self.clock)
        settings = self.client.settings
        self.engine = Engine(
            self.store,
            partners_of(
                self.client, Meanings(load_mappings().orders, lambda: date(2026, 11, 3))
            ),  # as finance ships it
            self.clock,
            timings(settings),
            log=lambda event, **fields: None,
        )
        self.number = next(_numbers)
        self.code = f"WOO-{self.number}"
        self.known_reference = ""  # of what was paid last, as the saga tells the next attempt
        self.app = next(app for app in sandbox.apps if app.system == "cybersource")

    def control(self, action: str, **facts: Any) -> Any:
        return self.app.control(action, facts)

    def intend(self, kind: EffectKind, command: Any) -> Effect:
        key = f"{kind.value}|{self.code}|{next(_numbers)}"
        effect = effect_of(kind, command, key=key, reference=reference_of(key))
        return self.engine.intend(replace(effect, intended_at=None))

    def run(self, kind: EffectKind, command: Any) -> Effect:
        effect = self.intend(kind, command)
        return self.engine.advance(kind, effect.key)

    def settle(self, effect: Effect) -> Effect:
        """Let the janitor work until the effect rests for good."""
        for _ in range(12):
            self.clock.move(seconds=400)
            effect = self.engine.advance(effect.kind, effect.key)
            if effect.state in (
                EffectState.verified,
                EffectState.declined,
                EffectState.dead_letter,
                EffectState.mismatched,
            ):
                break
        return effect

    def executed(self, effect: Effect) -> int:
        verb = VERBS[effect.kind]
        found: int = self.sandbox.ledger.count(verb=verb, reference=effect.reference)
        return found

    def pay(self, email: str = "ada@example.com", **changes: Any) -> Effect:
        effect = self.run(AUTH, self.order(email, **changes))
        assert effect.state in (EffectState.done, EffectState.declined), effect.reason
        self.known_reference = effect.reference
        return effect

    def order(self, email: str = "ada@example.com", **changes: Any) -> Any:
        token = self.control("transient_token")["tokens"][0]["jti"]
        source = replace(TRANSIENT, transient_id=token, keep=changes.pop("keep", False))
        shopper = replace(SHOPPER, email=email)
        changes.setdefault("known_reference", self.known_reference)
        return authorize(
            code=self.code, organization_id=MERCHANT, source=source, shopper=shopper, **changes
        )

    def command(self, kind: EffectKind) -> Any:
        """Return a command of this kind, after what it needs has been done."""
        if kind is AUTH:
            return self.order()
        paid = self.pay().their_key
        if kind is REVERSE:
            return Reverse("ord_1", MERCHANT, self.code, paid, AMOUNT, "cancelled")
        capture = Capture("ord_1", 1, MERCHANT, self.code, paid, AMOUNT)
        if kind is CAPTURE:
            return capture
        captured = self.run(CAPTURE, capture).their_key
        if kind is REFUND:
            return Refund("ord_1", "r-1", MERCHANT, self.code, captured, AMOUNT)
        return Void("ord_1", MERCHANT, self.code, "captures", captured, AMOUNT)


def client_of(sandbox: Any, **extra: Any) -> Client:
    fields = read_settings(ROOT / "airflow_settings.yaml", {}).connections[
        f"cybersource_{MERCHANT}"
    ]
    given = json.loads(fields["extra"]) | {"deadline_s": 20, "authorization_deadline_s": 20} | extra
    settings = Settings.from_connection(
        "c", sandbox.cybersource_url, None, fields["login"], fields["password"], given
    )
    return Client(settings, HttpTransport(), utc_now)


@pytest.fixture
def shop(sandbox: Any) -> Iterator[Shop]:
    yield Shop(sandbox)
    sandbox.faults.clear()
    next(a for a in sandbox.apps if a.system == "cybersource").control(
        "cybersource",
        {"mti_guard": True, "index_lag_s": 0.0, "tss_says": "all", "decision_manager": True},
    )


Prepare = Callable[[Shop], Any]
Make = Callable[..., Client]
SEARCH = "POST /tss/v2/searches"
OURS = "7300000000000000000011"
OTHER = "7300000000000000000012"


def detail(request_id: str) -> str:
    return f"GET /tss/v2/transactions/{request_id}"


def show(gateway: ScriptedGateway, *rows: dict[str, Any], hidden: str = "") -> None:
    """Let the search show rows and each detail what its row shows; ``hidden`` has no detail."""
    gateway.on(SEARCH, found(*rows))
    for one in rows:
        gateway.on(detail(one["id"]), response({}, 404) if one["id"] == hidden else one)


def look(client: Client, effect: Effect) -> tuple[Found, ...]:
    return partners_of(client)[effect.kind].look(effect)


def mti(kind: EffectKind) -> str:
    return effect_of(kind).reference


CALLS = {
    AUTH: "POST /pts/v2/payments",
    CAPTURE: f"POST /pts/v2/payments/{AUTH_ID}/captures",
    REFUND: "POST /pts/v2/captures/7300000000000000000002/refunds",
    REVERSE: f"POST /pts/v2/payments/{AUTH_ID}/reversals",
    VOID: "POST /pts/v2/captures/7300000000000000000002/voids",
}
GOOD = {
    AUTH: "AUTHORIZED", CAPTURE: "PENDING", REFUND: "PENDING", REVERSE: "REVERSED", VOID: "VOIDED"
}  # fmt: skip
ANSWER_ID = "7300000000000000000009"
EVERY = sorted(CALLS, key=lambda kind: kind.value)


def answer(kind: EffectKind, status: str = "", reason: str = "", **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"id": ANSWER_ID, "status": status or GOOD[kind]}
    if reason:
        made["errorInformation"] = {"reason": reason, "message": "words"}
    if kind is AUTH and "AUTHORIZED" in made["status"]:
        made["orderInformation"] = {
            "amountDetails": {"authorizedAmount": "90.19", "currency": "USD"}
        }
    return made | more


def refusal(reason: str, *fields: str, status: str = "INVALID_REQUEST") -> Any:
    details = [{"field": name, "reason": "INVALID_DATA"} for name in fields]
    body = {"id": ANSWER_ID, "status": status, "reason": reason, "message": "words"}
    return response(body | ({"details": details} if fields else {}), 400)


def send(
    gateway: ScriptedGateway, client: Client, kind: EffectKind, reply: Any, **changes: Any
) -> Receipt:
    gateway.on(CALLS[kind], reply)
    return partners_of(client)[kind].send(effect_of(kind, **changes))


OLD_ID, NEW_ID = "5c0ffee0-0000-4000-8000-000000000001", "5c0ffee0-0000-4000-8000-000000000002"
KEYS = {OLD_ID: b"old key, still alive, of 32 bytes", NEW_ID: b"new key, made today, of 32 bytes."}
HOUR = timedelta(hours=1)
MEMBERS: dict[str, Any] = {
    "eventType": "risk.casemanagement.decision.accept",
    "webhookId": "hook-1",
    "productId": "decisionManager",
    "organizationId": "shop_1",
    "eventDate": "2026-11-03T11:59:30",
    "transactionTraceId": "trace-1",
    "retryNumber": 0,
    "payload": {"organizationId": "shop_1", "data": {"id": AUTH_ID, "note": "größer"}},
    "requestType": "NEW",
}
