"""What goes out, and which family of outcome each answer comes to: every row of the contract."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from include.adapters.cybersource.client import Client
from include.adapters.cybersource.partners import partners_of
from include.adapters.http.transport import Fault, error_for
from include.domain.errors import IntegrationError, OutcomeUnknown, Parked, Rejected, Retryable
from include.domain.money import Money
from include.domain.orders import LineKind, OrderLine, PaymentMethod, PaymentSource
from include.domain.payments import PaymentStatus, Reverse, Void
from include.services.effects.ports import EffectKind, Receipt
from tests.cybersource.scripted import (
    AMOUNT,
    AUTH_ID,
    CODE,
    LINES,
    TRANSIENT,
    ScriptedGateway,
    authorize,
    effect_of,
    response,
)

Make = Callable[..., Client]
AUTH, CAPTURE, REFUND, REVERSE, VOID = (
    EffectKind.payment_authorization,
    EffectKind.payment_capture,
    EffectKind.payment_refund,
    EffectKind.payment_reversal,
    EffectKind.payment_void,
)
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


# -- what goes out ---------------------------------------------------------------------------------


def test_an_authorization_carries_the_order_the_token_and_both_references(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    effect = effect_of(AUTH)
    gateway.on(CALLS[AUTH], answer(AUTH))
    partners_of(make_client())[AUTH].send(effect)
    body = gateway.body()
    assert body["clientReferenceInformation"] == {
        "code": CODE, "transactionId": effect.reference
    }  # fmt: skip
    assert body["tokenInformation"] == {"jti": "a" * 64}
    assert "paymentInformation" not in body
    order = body["orderInformation"]
    assert order["amountDetails"] == {
        "totalAmount": "90.19",
        "currency": "USD",
        "taxAmount": "6.19",  # 6.60 - 0.41
        "freightAmount": "9.00",
        "discountAmount": "5.00",
    }
    assert [line["productSku"] for line in order["lineItems"]] == ["LAMP-1", "freight"]
    assert order["lineItems"][0] | {} == {
        "productCode": "default",
        "productName": "Lamp",
        "productSku": "LAMP-1",
        "quantity": 2,
        "unitPrice": "40.00",
        "totalAmount": "80.00",
        "unitOfMeasure": "EA",
        "amountIncludesTax": False,
        "taxAmount": "6.60",
    }
    assert order["billTo"] == {
        "firstName": "Ada",
        "lastName": "Lovelace",
        "address1": "1 Market St",
        "locality": "Austin",
        "administrativeArea": "TX",
        "postalCode": "73301",
        "country": "US",
        "email": "ada@example.com",
        "phoneNumber": "5125550100",
    }
    assert "email" not in order["shipTo"]
    assert body["deviceInformation"] == {"ipAddress": "192.0.2.10"}
    assert body["processingInformation"]["capture"] is False
    assert "actionList" not in body["processingInformation"]


def test_a_card_to_keep_asks_for_tokens_and_says_that_it_will_be_stored(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    source = replace(TRANSIENT, keep=True)
    send(gateway, make_client(), AUTH, answer(AUTH),
         command=authorize(source=source, skip_decision=True))  # fmt: skip
    processing = gateway.body()["processingInformation"]
    assert processing["actionList"] == ["TOKEN_CREATE", "DECISION_SKIP"]
    assert processing["actionTokenTypes"] == [
        "customer", "paymentInstrument", "instrumentIdentifier"
    ]  # fmt: skip
    assert processing["authorizationOptions"] == {
        "initiator": {"type": "customer", "credentialStoredOnFile": True}
    }


def test_a_known_customer_gets_another_instrument_not_a_second_customer(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    source = replace(TRANSIENT, keep=True, customer_token="C" * 32)
    send(gateway, make_client(), AUTH, answer(AUTH), command=authorize(source=source))
    body = gateway.body()
    assert "customer" not in body["processingInformation"]["actionTokenTypes"]
    assert body["paymentInformation"] == {"customer": {"id": "C" * 32}}


def test_a_stored_token_is_used_as_the_shopper_present_uses_it(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    source = PaymentSource(
        PaymentMethod.stored_token, customer_token="C" * 32, instrument_token="D" * 32
    )
    send(gateway, make_client(), AUTH, answer(AUTH), command=authorize(source=source))
    body = gateway.body()
    assert body["paymentInformation"] == {
        "customer": {"id": "C" * 32}, "paymentInstrument": {"id": "D" * 32}
    }  # fmt: skip
    assert body["processingInformation"]["authorizationOptions"]["initiator"] == {
        "type": "customer", "storedCredentialUsed": True
    }  # fmt: skip
    assert "tokenInformation" not in body


def test_a_payment_without_any_token_is_our_own_mistake(make_client: Make) -> None:
    source = PaymentSource(PaymentMethod.authorized, request_id=AUTH_ID)
    with pytest.raises(ValueError, match="nothing to authorize with"):
        partners_of(make_client())[AUTH].send(effect_of(AUTH, authorize(source=source)))


@pytest.mark.parametrize(
    ("quantity", "net", "sent"),
    [
        (3_000_000, 900, (3, "3.00")),
        (3_000_000, 1000, (1, "10.00")),  # 3.333... each: one piece of it all
        (2_500_000, 1000, (1, "10.00")),  # no whole count
    ],
)
def test_a_line_that_does_not_divide_is_one_piece_of_it_all(
    gateway: ScriptedGateway, make_client: Make, quantity: int, net: int, sent: tuple[int, str]
) -> None:
    line = OrderLine(
        1, LineKind.goods, "Wire", quantity, Money(net, "USD"), Money(0, "USD"), "WIRE"
    )
    command = authorize(lines=(line,), amount=Money(net, "USD"))
    gateway.on(CALLS[AUTH], answer(AUTH, "DECLINED", "GENERAL_DECLINE"))
    partners_of(make_client())[AUTH].send(effect_of(AUTH, command))
    (item,) = gateway.body()["orderInformation"]["lineItems"]
    assert (item["quantity"], item["unitPrice"]) == sent


def test_yen_go_out_without_a_fraction(gateway: ScriptedGateway, make_client: Make) -> None:
    yen = Money(12_000, "JPY")
    lines = (OrderLine(1, LineKind.goods, "A", 1_000_000, yen, Money(0, "JPY"), "A"),)
    gateway.on(CALLS[AUTH], answer(AUTH, "DECLINED", "GENERAL_DECLINE"))
    command = authorize(lines=lines, amount=yen)
    partners_of(make_client())[AUTH].send(effect_of(AUTH, command))
    assert gateway.body()["orderInformation"]["amountDetails"]["totalAmount"] == "12000"


@pytest.mark.parametrize("kind", [CAPTURE, REFUND])
def test_a_follow_on_names_its_amount_and_its_own_reference(
    gateway: ScriptedGateway, make_client: Make, kind: EffectKind
) -> None:
    send(gateway, make_client(), kind, answer(kind))
    effect = effect_of(kind)
    assert gateway.body() == {
        "clientReferenceInformation": {"code": CODE, "transactionId": effect.reference},
        "orderInformation": {
            "amountDetails": {
                "totalAmount": "90.19" if kind is CAPTURE else "10.00", "currency": "USD"
            }
        },
    }  # fmt: skip


def test_a_lost_authorization_is_reversed_by_its_own_reference(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    gateway.on("POST /pts/v2/reversals", answer(REVERSE))
    command = Reverse("ord_1", "shop_1", CODE, "mti:TO0123456789ABCDEF01", AMOUNT, "time-out")
    receipt = partners_of(make_client())[REVERSE].send(effect_of(REVERSE, command))
    assert gateway.body() == {
        "clientReferenceInformation": {"code": CODE, "transactionId": "TO0123456789ABCDEF01"},
        "reversalInformation": {
            "amountDetails": {"totalAmount": "90.19", "currency": "USD"}, "reason": "time-out"
        },
    }  # fmt: skip
    assert receipt.evidence["theirs"] == "REVERSED"


def test_a_lost_capture_is_voided_by_its_own_reference(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    details = {"voidAmountDetails": {"voidAmount": "90.19", "currency": "USD"}}
    gateway.on("POST /pts/v2/voids", answer(VOID, **details))
    command = Void("ord_1", "shop_1", CODE, "captures", "mti:TO0123456789ABCDEF01", AMOUNT)
    receipt = partners_of(make_client())[VOID].send(effect_of(VOID, command))
    assert gateway.body() == {
        "clientReferenceInformation": {"code": CODE, "transactionId": "TO0123456789ABCDEF01"}
    }
    assert receipt.evidence["amount"] == {"minor": 9019, "currency": "USD"}


def test_every_write_is_sent_as_a_write_within_its_deadline(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    for kind in EVERY:
        send(gateway, make_client(), kind, answer(kind))
        request = gateway.requests[-1]
        assert request.is_write
        assert request.not_accepted == frozenset()
        assert request.limits.deadline_s == (20 if kind is AUTH else 30)


# -- good answers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "reason", "meant", "held"),
    [
        ("AUTHORIZED", "", PaymentStatus.authorized, True),
        ("PARTIAL_AUTHORIZED", "", PaymentStatus.partial, True),
        ("AUTHORIZED_PENDING_REVIEW", "DECISION_PROFILE_REVIEW", PaymentStatus.in_review, True),
        ("AUTHORIZED_PENDING_REVIEW", "AVS_FAILED", PaymentStatus.in_review, True),
        ("AUTHORIZED_RISK_DECLINED", "SCORE_EXCEEDS_THRESHOLD", PaymentStatus.risk_declined, True),
        ("PENDING_REVIEW", "DECISION_PROFILE_REVIEW", PaymentStatus.review_first, False),
    ],
)
def test_a_pending_or_approved_authorization_is_a_receipt(
    gateway: ScriptedGateway, make_client: Make, status: str, reason: str,
    meant: PaymentStatus, held: bool,
) -> None:  # fmt: skip
    receipt = send(gateway, make_client(), AUTH, answer(AUTH, status, reason))
    assert (receipt.their_key, receipt.is_no) == (ANSWER_ID, False)
    assert receipt.evidence["status"] == meant.value
    assert receipt.evidence["theirs"] == status
    wanted = {"minor": 9019, "currency": "USD"} if held else None
    assert receipt.evidence["authorized"] == wanted


def test_a_partial_approval_is_what_the_bank_approved(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    part = {"orderInformation": {"amountDetails": {"authorizedAmount": "40.00", "currency": "USD"}}}
    for status in ("PARTIAL_AUTHORIZED", "AUTHORIZED"):  # less than asked is partial, however said
        receipt = send(gateway, make_client(), AUTH, answer(AUTH, status, **part))
        assert receipt.evidence["status"] == "partial"
        assert receipt.evidence["authorized"] == {"minor": 4000, "currency": "USD"}


def test_a_token_that_could_not_be_made_does_not_spoil_the_payment(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    command = authorize(source=replace(TRANSIENT, keep=True))
    failed = {"embeddedActions": {"TOKEN_CREATE": {"status": "SERVER_ERROR", "reason": "X_ERR"}}}
    receipt = send(gateway, make_client(), AUTH, answer(AUTH, **failed), command=command)
    assert receipt.evidence["status"] == "authorized"
    assert receipt.evidence["token_failure"] == "X_ERR"
    silent = send(gateway, make_client(), AUTH, answer(AUTH), command=command)
    assert silent.evidence["token_failure"] == "the answer holds no token"


def test_new_tokens_are_kept_with_the_evidence(gateway: ScriptedGateway, make_client: Make) -> None:
    tokens = {
        "tokenInformation": {
            "instrumentidentifierNew": True,
            "customer": {"id": "C" * 32},
            "paymentInstrument": {"id": "D" * 32},
            "instrumentIdentifier": {"id": "7010000000016241111", "state": "ACTIVE"},
        },
        "paymentInformation": {"card": {"type": "001"}},
    }
    command = authorize(source=replace(TRANSIENT, keep=True))
    receipt = send(gateway, make_client(), AUTH, answer(AUTH, **tokens), command=command)
    assert receipt.evidence["stored"] == {
        "customer_token": "C" * 32,
        "instrument_token": "D" * 32,
        "identifier_token": "7010000000016241111",
        "suffix": "",
        "expiry": "",
        "brand": "001",
    }
    assert receipt.evidence["token_failure"] == ""


@pytest.mark.parametrize("kind", [CAPTURE, REFUND, REVERSE, VOID])
def test_a_good_follow_on_is_a_receipt(
    gateway: ScriptedGateway, make_client: Make, kind: EffectKind
) -> None:
    receipt = send(gateway, make_client(), kind, answer(kind))
    assert (receipt.their_key, receipt.is_no) == (ANSWER_ID, False)
    assert receipt.evidence["theirs"] == GOOD[kind]


# -- a clear no ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reason", ["INSUFFICIENT_FUND", "STOLEN_LOST_CARD", "DECISION_PROFILE_REJECT", ""]
)
def test_a_decline_is_a_no_for_which_nobody_has_to_act(
    gateway: ScriptedGateway, make_client: Make, reason: str
) -> None:
    receipt = send(gateway, make_client(), AUTH, answer(AUTH, "DECLINED", reason))
    assert receipt.is_no
    assert receipt.evidence["status"] == "declined"
    assert receipt.evidence["reason"] == reason
    assert receipt.evidence["authorized"] is None


def test_a_decline_that_carries_an_approval_still_holds_money(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    held = {
        "processorInformation": {"approvalCode": "831000"},
        "orderInformation": {"amountDetails": {"authorizedAmount": "90.19", "currency": "USD"}},
    }
    receipt = send(gateway, make_client(), AUTH, answer(AUTH, "DECLINED", "AVS_FAILED", **held))
    assert not receipt.is_no
    assert receipt.evidence["status"] == "risk_declined"


@pytest.mark.parametrize("status", ["PENDING_AUTHENTICATION", "201"])
def test_a_shopper_who_must_prove_who_pays_was_not_charged(
    gateway: ScriptedGateway, make_client: Make, status: str
) -> None:
    reply = answer(AUTH, status, "CUSTOMER_AUTHENTICATION_REQUIRED")
    receipt = send(gateway, make_client(), AUTH, reply)
    assert receipt.is_no
    assert receipt.evidence["status"] == "authentication_needed"


def test_a_refused_field_is_named_and_its_value_is_not_kept(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    reply = refusal("MISSING_FIELD", "orderInformation.billTo.country")
    receipt = send(gateway, make_client(), AUTH, reply)
    assert receipt.is_no
    assert receipt.evidence["status"] == "invalid"
    assert receipt.evidence["details"] == ["orderInformation.billTo.country"]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (CAPTURE, "AUTH_ALREADY_REVERSED"),
        (REFUND, "CAPTURE_ALREADY_VOIDED"),
        (REVERSE, "TRANSACTION_ALREADY_SETTLED"),
        (VOID, "TRANSACTION_ALREADY_SETTLED"),
    ],
)
def test_what_can_no_longer_be_done_is_a_clear_no(
    gateway: ScriptedGateway, make_client: Make, kind: EffectKind, reason: str
) -> None:
    receipt = send(gateway, make_client(), kind, refusal(reason))
    assert receipt.is_no
    assert receipt.evidence["reason"] == reason


@pytest.mark.parametrize("kind", [CAPTURE, REFUND, REVERSE, VOID])
def test_a_follow_on_that_is_wrong_needs_a_person(
    gateway: ScriptedGateway, make_client: Make, kind: EffectKind
) -> None:
    with pytest.raises(Rejected, match=r"MISSING_FIELD in orderInformation\.amount") as caught:
        send(gateway, make_client(), kind, refusal("MISSING_FIELD", "orderInformation.amount"))
    assert not isinstance(caught.value, Parked)


# -- a doubt ---------------------------------------------------------------------------------------

BROKEN_BODIES = [b"", b"{", b"[]", b'"AUTHORIZED"', b"<html></html>", b'{"id":"1","id":"2"}']


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("body", BROKEN_BODIES)
def test_an_answer_that_cannot_be_read_is_unknown(
    gateway: ScriptedGateway, make_client: Make, kind: EffectKind, body: bytes
) -> None:
    for status in (201, 400):
        with pytest.raises(OutcomeUnknown):
            send(gateway, make_client(), kind, response(body, status))


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"status": None},
        {"status": "SOMETHING_NEW"},
        {"clientReferenceInformation": {"code": "ANOTHER-1"}},
        {"clientReferenceInformation": {"transactionId": "TOANOTHER"}},
    ],
    ids=str,
)
def test_a_good_status_that_breaks_the_schema_is_unknown(
    gateway: ScriptedGateway, make_client: Make, kind: EffectKind, change: dict[str, Any]
) -> None:
    with pytest.raises(OutcomeUnknown):
        send(gateway, make_client(), kind, answer(kind) | change)


@pytest.mark.parametrize(
    "details",
    [
        {},
        {"authorizedAmount": "90.19", "currency": "EUR"},
        {"authorizedAmount": "90.191", "currency": "USD"},
        {"authorizedAmount": "9e1", "currency": "USD"},
        {"currency": "USD"},
    ],
)
def test_an_approval_that_does_not_say_how_much_is_unknown(
    gateway: ScriptedGateway, make_client: Make, details: dict[str, str]
) -> None:
    reply = answer(AUTH, orderInformation={"amountDetails": details})
    with pytest.raises(OutcomeUnknown):
        send(gateway, make_client(), AUTH, reply)


def test_a_good_status_in_a_refusal_is_unknown(gateway: ScriptedGateway, make_client: Make) -> None:
    for kind in EVERY:
        with pytest.raises(OutcomeUnknown):
            send(gateway, make_client(), kind, response(answer(kind), 400))


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_status_that_leaves_a_doubt_is_unknown(
    gateway: ScriptedGateway, make_client: Make, kind: EffectKind, status: int
) -> None:
    body = {"status": "SERVER_ERROR", "reason": "SERVER_TIMEOUT", "message": "words"}
    with pytest.raises(OutcomeUnknown):
        send(gateway, make_client(), kind, response(body, status))


@pytest.mark.parametrize("status", [429, 503])
def test_a_site_that_knows_better_may_take_a_refusal_as_not_accepted(
    gateway: ScriptedGateway, make_client: Make, status: int
) -> None:
    client = make_client(refused_means_not_accepted="true")
    with pytest.raises(Retryable):
        send(gateway, client, CAPTURE, response({}, status))
    with pytest.raises(OutcomeUnknown):
        send(gateway, client, CAPTURE, response({}, 502))


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize(
    "reply",
    [
        refusal("DUPLICATE_REQUEST"),
        refusal("INVALID_DATA"),  # how a repeated transaction id is reported to be answered
        refusal("INVALID_DATA", "clientReferenceInformation.transactionId"),
        refusal("PROCESSOR_UNAVAILABLE"),
        refusal("A_NEW_REASON"),
        refusal("SYSTEM_ERROR", status="SERVER_ERROR"),
    ],
    ids=["duplicate", "invalid", "invalid id", "processor", "new reason", "server error"],
)
def test_a_refusal_that_our_own_repeat_could_cause_is_unknown(
    gateway: ScriptedGateway, make_client: Make, kind: EffectKind, reply: Any
) -> None:
    with pytest.raises(OutcomeUnknown):
        send(gateway, make_client(), kind, reply)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (CAPTURE, "EXCEEDS_AUTH_AMOUNT"),
        (REFUND, "INVALID_AMOUNT"),  # more than is left: the first copy may have taken it
        (CAPTURE, "TRANSACTION_ALREADY_REVERSED_OR_SETTLED"),
        (REFUND, "TRANSACTION_ALREADY_REVERSED_OR_SETTLED"),
        (REVERSE, "AUTH_ALREADY_REVERSED"),
        (REVERSE, "TRANSACTION_ALREADY_REVERSED_OR_SETTLED"),
        (VOID, "NOT_VOIDABLE"),
        (VOID, "CAPTURE_ALREADY_VOIDED"),
    ],
)
def test_what_may_have_been_done_before_is_looked_for(
    gateway: ScriptedGateway, make_client: Make, kind: EffectKind, reason: str
) -> None:
    with pytest.raises(OutcomeUnknown, match=reason):
        send(gateway, make_client(), kind, refusal(reason))


def test_a_fault_of_the_wire_keeps_its_family(gateway: ScriptedGateway, make_client: Make) -> None:
    """The line is the first byte: before it nothing happened, after it nobody knows."""
    for kind in EVERY:
        send(gateway, make_client(), kind, answer(kind))
        request = gateway.requests[-1]
        for text, has_written, family in (
            ("no connection", False, Retryable),
            ("reset", True, OutcomeUnknown),
            ("redirect", True, OutcomeUnknown),
        ):
            fault = Fault("redirect" if text == "redirect" else "broken", text)
            with pytest.raises(family):
                send(gateway, make_client(), kind, error_for(request, fault, has_written))


# -- the key of the account ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_accepted_nothing_and_waits_unless_a_shopper_does(
    gateway: ScriptedGateway, make_client: Make, kind: EffectKind, status: int
) -> None:
    with pytest.raises(Rejected, match=str(status)) as caught:
        send(gateway, make_client(), kind, response({"response": {"rmsg": "no"}}, status))
    assert isinstance(caught.value, Parked) is (kind is not AUTH)


def test_a_processor_that_is_not_set_up_is_a_matter_of_configuration(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    errors: list[type[IntegrationError]] = []
    for kind in (AUTH, CAPTURE):
        with pytest.raises(Rejected) as caught:
            send(gateway, make_client(), kind, refusal("INVALID_MERCHANT_CONFIGURATION"))
        errors.append(type(caught.value))
    assert errors == [Rejected, Parked]


def test_the_lines_of_the_fixture_sum_to_its_amount() -> None:
    assert sum(line.gross.minor for line in LINES) == AMOUNT.minor
