"""A clear answer: a receipt, or a no for which nobody has to act."""

from dataclasses import replace
from typing import Any

import pytest

from include.domain.errors import Parked, Rejected
from include.domain.payments import PaymentStatus
from include.services.effects.ports import EffectKind
from tests.cybersource.scripted import (
    TRANSIENT,
    ScriptedGateway,
    authorize,
)
from tests.cybersource.support import (
    ANSWER_ID,
    AUTH,
    CAPTURE,
    GOOD,
    REFUND,
    REVERSE,
    VOID,
    Make,
    answer,
    refusal,
    send,
)


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


AMOUNTS: tuple[tuple[EffectKind, dict[str, Any]], ...] = (
    (CAPTURE, {"orderInformation": {"amountDetails": {"totalAmount": "7.01"}}}),
    (REFUND, {"refundAmountDetails": {"refundAmount": "7.01", "currency": "USD"}}),
    (REVERSE, {"reversalAmountDetails": {"reversedAmount": "7.01", "currency": "USD"}}),
    (VOID, {"voidAmountDetails": {"voidAmount": "7.01", "currency": "USD"}}),
)


@pytest.mark.parametrize(("kind", "told"), AMOUNTS)
def test_the_amount_that_an_answer_names_is_kept_with_it(
    gateway: ScriptedGateway, make_client: Make, kind: EffectKind, told: dict[str, Any]
) -> None:
    receipt = send(gateway, make_client(), kind, answer(kind, **told))
    assert receipt.evidence["amount"] == {"minor": 701, "currency": "USD"}


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
        "brand": "Visa",
        "is_closed": False,
    }
    assert receipt.evidence["token_failure"] == ""


@pytest.mark.parametrize(
    ("payment", "brand"),
    [
        ({"card": {"type": "004"}}, "Discover"),
        ({"tokenizedCard": {"type": "003"}}, "American Express"),
        ({"card": {"type": "visa"}}, "Visa"),  # the vault's word for it
        ({"card": {"type": "099"}}, "099"),
        ({}, ""),
    ],
    ids=str,
)
def test_the_brand_of_a_card_that_is_not_kept_is_known(
    gateway: ScriptedGateway, make_client: Make, payment: dict[str, Any], brand: str
) -> None:
    receipt = send(gateway, make_client(), AUTH, answer(AUTH, paymentInformation=payment))
    assert (receipt.evidence["stored"], receipt.evidence["brand"]) == (None, brand)


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
