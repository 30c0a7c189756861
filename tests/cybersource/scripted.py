"""A gateway that says what it is told, behind the transport's port, and orders to send to it."""

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from include.adapters.http.wire import Request, Response
from include.domain.canonical import to_json
from include.domain.money import Money
from include.domain.orders import (
    Address,
    LineKind,
    OrderLine,
    PaymentMethod,
    PaymentSource,
    Shopper,
    reference_of,
)
from include.domain.payments import Authorize, Capture, Refund, Reverse, Void
from include.services.effects.ports import Effect, EffectKind

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
SECRET = "dGllb3V0IHRlc3Qga2V5IG9mIDMyIGJ5dGVzIGxvbmc="
AUTH_ID = "7300000000000000000001"
CODE = "WOO-1001"


def response(body: object, status: int = 201) -> Response:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"content-type": "application/hal+json"}
    return Response(status, headers, data, hashlib.sha256(data).hexdigest(), len(data))


@dataclass
class ScriptedGateway:
    """Satisfies ``wire.Transport``. The last answer of a list stays."""

    answers: dict[str, list[Any]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    def on(self, call: str, *answers: Any) -> None:
        """Script e.g. ``POST /pts/v2/payments``; an answer is a body, a response or an error."""
        self.answers[call] = list(answers)

    def exchange(self, request: Request, sink: BinaryIO | None = None) -> Response:
        request.leave()
        self.requests.append(request)
        call = f"{request.method} {urlsplit(request.url).path}"
        scripted = self.answers.get(call)
        if scripted is None:
            raise AssertionError(f"nobody scripted {call}")
        answer = scripted.pop(0) if len(scripted) > 1 else scripted[0]
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, Response):
            return answer
        return response(answer, 200 if request.method == "GET" else 201)

    def body(self, number: int = -1) -> Any:
        return json.loads(self.requests[number].body or b"null")

    def calls(self) -> list[str]:
        return [f"{one.method} {urlsplit(one.url).path}" for one in self.requests]


def address(**changes: Any) -> Address:
    made = Address("Ada Lovelace", ("1 Market St",), "Austin", "US", "73301", "TX")
    return replace(made, **changes)


SHOPPER = Shopper("Ada Lovelace", "ada@example.com", address(), address(), "c-7", "5125550100")
LINES = (
    OrderLine(
        1, LineKind.goods, "Lamp", 2_000_000, Money(8000, "USD"), Money(660, "USD"), "LAMP-1"
    ),
    OrderLine(
        2, LineKind.freight, "Parcel", 1_000_000, Money(900, "USD"), Money(0, "USD")
    ),
    OrderLine(
        3, LineKind.discount, "Welcome", 1_000_000, Money(-500, "USD"), Money(-41, "USD")
    ),
)  # fmt: skip
TRANSIENT = PaymentSource(PaymentMethod.transient_token, transient_id="a" * 64)
AMOUNT = Money(9019, "USD")  # 8000 + 660 + 900 - 500 - 41


def authorize(**changes: Any) -> Authorize:
    made = Authorize("ord_1", 1, "shop_1", CODE, AMOUNT, TRANSIENT, SHOPPER, LINES)
    return replace(made, **changes)


COMMANDS: dict[EffectKind, Any] = {
    EffectKind.payment_authorization: authorize(),
    EffectKind.payment_capture: Capture("ord_1", 1, "shop_1", CODE, AUTH_ID, AMOUNT),
    EffectKind.payment_refund: Refund(
        "ord_1", "r-1", "shop_1", CODE, "7300000000000000000002", Money(1000, "USD")
    ),
    EffectKind.payment_reversal: Reverse("ord_1", "shop_1", CODE, AUTH_ID, AMOUNT, "declined"),
    EffectKind.payment_void: Void(
        "ord_1", "shop_1", CODE, "captures", "7300000000000000000002", AMOUNT
    ),
}


def effect_of(kind: EffectKind, command: Any = None, **changes: Any) -> Effect:
    made = COMMANDS[kind] if command is None else command
    payload, key = to_json(made), f"{kind.value}|ord_1|1"
    amount = getattr(made, "amount", Money(0, "USD"))
    effect = Effect(
        kind=kind,
        key=key,
        reference=reference_of(key),
        payload=payload,
        digest=hashlib.sha256(payload.encode()).hexdigest(),
        target="cybersource:shop_1",
        currency=amount.currency,
        amount_minor=amount.minor,
        owner="payments",
        intended_at=NOW,
    )
    return replace(effect, **changes)


def row(
    request_id: str,
    mti: str | None,
    *applications: tuple[str, str],
    amount: str | None = "90.19",
    **more: Any,
) -> dict[str, Any]:
    """A search row or detail; each application is (name, three-digit code)."""
    reference = {"code": more.pop("code", CODE)}
    if mti is not None:
        reference["transactionId"] = mti
    details = {"currency": more.pop("currency", "USD")}
    if amount is not None:
        details["totalAmount"] = amount
    if "authorized" in more:
        details["authorizedAmount"] = more.pop("authorized")
    good = ("100", "110")
    listed = [
        {"name": name, "reasonCode": code, "rCode": "1" if code in good else "0", "rFlag": "X"}
        for name, code in applications
    ]
    return {
        "id": request_id,
        "submitTimeUtc": "2026-11-03T12:00:01Z",
        "applicationInformation": {
            "applications": listed, "status": more.pop("status", "")
        },
        "clientReferenceInformation": reference,
        "orderInformation": {"amountDetails": details},
        **more,
    }  # fmt: skip


def found(*rows: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {"totalCount": len(rows), "count": len(rows)}
    if rows:
        body["_embedded"] = {"transactionSummaries": list(rows)}
    return body
