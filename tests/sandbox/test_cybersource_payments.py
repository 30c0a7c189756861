"""Payments over real HTTP: answers, limits, guards, lost answers and what the ledger says."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from include.sandbox.board import Sandbox
from tests.sandbox.merchant import Merchant, payment, running


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running() as sandbox:
        yield sandbox


@pytest.fixture
def shop(sandbox: Sandbox) -> Merchant:
    sandbox.reset()
    return Merchant(sandbox)


def test_an_authorization_is_held_and_dated_on_the_business_date(shop: Merchant) -> None:
    status, answer = shop.pay("100.00", code="SO-7", mti="m-1")
    assert status == 201
    assert answer["status"] == "AUTHORIZED"
    assert "errorInformation" not in answer
    assert answer["clientReferenceInformation"] == {"code": "SO-7", "transactionId": "m-1"}
    details = answer["orderInformation"]["amountDetails"]
    assert (details["authorizedAmount"], details["currency"]) == ("100.00", "USD")
    assert len(answer["id"]) == 22
    assert answer["submitTimeUtc"][:10] in ("2026-03-18", "2026-03-19")  # New York's 18th
    assert answer["embeddedActions"] == {"DECISION": {"status": "ACCEPTED"}}
    assert shop.executed("authorization", reference="m-1", request_id=answer["id"]) == 1
    assert shop.executed("capture") == 0


def test_a_sale_answers_authorized_and_says_that_its_capture_is_pending(shop: Merchant) -> None:
    status, answer = shop.pay("30.00", capture=True, mti="m-1")
    assert (status, answer["status"]) == (201, "AUTHORIZED")
    assert answer["embeddedActions"]["CAPTURE"] == {"status": "PENDING"}
    assert shop.executed("capture", reference="m-1", amount="30.00") == 1


@pytest.mark.parametrize(
    ("word", "status", "reason", "held"),
    [
        ("insufficient_fund", "DECLINED", "INSUFFICIENT_FUND", "0.00"),
        ("declined", "DECLINED", "PROCESSOR_DECLINED", "0.00"),
        ("stolen_lost_card", "DECLINED", "STOLEN_LOST_CARD", "0.00"),
        ("partial", "PARTIAL_AUTHORIZED", "", "50.00"),
        ("review", "AUTHORIZED_PENDING_REVIEW", "DECISION_PROFILE_REVIEW", "100.00"),
        ("review_before", "PENDING_REVIEW", "DECISION_PROFILE_REVIEW", "0.00"),
        ("risk_declined", "AUTHORIZED_RISK_DECLINED", "DECISION_PROFILE_REJECT", "100.00"),
        ("risk_declined_before", "DECLINED", "DECISION_PROFILE_REJECT", "0.00"),
        ("avs_failed", "AUTHORIZED_PENDING_REVIEW", "AVS_FAILED", "100.00"),
        ("cv_failed", "AUTHORIZED_PENDING_REVIEW", "CV_FAILED", "100.00"),
        ("sca_required", "201", "CUSTOMER_AUTHENTICATION_REQUIRED", "0.00"),
        (
            "pending_authentication",
            "PENDING_AUTHENTICATION",
            "CONSUMER_AUTHENTICATION_REQUIRED",
            "0.00",
        ),
    ],
)
def test_a_word_in_the_token_chooses_the_outcome(
    shop: Merchant, word: str, status: str, reason: str, held: str
) -> None:
    code, answer = shop.pay("100.00", word)
    assert (code, answer["status"]) == (201, status)
    assert answer.get("errorInformation", {}).get("reason", "") == reason
    (row,) = shop.requests()
    assert row["authorized"] == held
    assert shop.executed("authorization") == (held != "0.00")


def test_a_tag_in_the_buyers_mail_chooses_the_outcome_too(shop: Merchant) -> None:
    _, answer = shop.pay(email="ann+expired_card@example.com")
    assert answer["errorInformation"]["reason"] == "EXPIRED_CARD"


def test_decision_skip_leaves_decision_manager_out(shop: Merchant) -> None:
    _, answer = shop.pay(word="review", actions=["DECISION_SKIP"])
    assert answer["status"] == "AUTHORIZED"
    assert "DECISION" not in answer.get("embeddedActions", {})


def test_a_sale_in_review_is_not_captured(shop: Merchant) -> None:
    _, answer = shop.pay(word="review", capture=True)
    assert "CAPTURE" not in answer["embeddedActions"]
    assert shop.executed("capture") == 0


def test_a_sale_whose_capture_fails_is_still_authorized(shop: Merchant) -> None:
    _, answer = shop.pay(word="capture_failed", capture=True)
    assert answer["status"] == "AUTHORIZED"
    assert answer["embeddedActions"]["CAPTURE"]["status"] == "INVALID_REQUEST"
    assert shop.executed("capture") == 0


@pytest.mark.parametrize(
    ("change", "reason", "field"),
    [
        ({"tokenInformation": None}, "MISSING_FIELD", "tokenInformation.transientTokenJwt"),
        ({"tokenInformation": {"jti": "x y"}}, "INVALID_DATA", "tokenInformation.jti"),
        ({"tokenInformation": "text"}, "INVALID_DATA", "tokenInformation"),
        (
            {"orderInformation": {"amountDetails": {"currency": "USD"}}},
            "MISSING_FIELD",
            "orderInformation.amountDetails.totalAmount",
        ),
        (
            {"orderInformation": {"amountDetails": {"totalAmount": 10, "currency": "USD"}}},
            "INVALID_DATA",
            "orderInformation.amountDetails.totalAmount",
        ),
        (
            {"orderInformation": {"amountDetails": {"totalAmount": "-1", "currency": "USD"}}},
            "INVALID_DATA",
            "orderInformation.amountDetails.totalAmount",
        ),
        (
            {"orderInformation": {"amountDetails": {"totalAmount": "1", "currency": "XXX"}}},
            "INVALID_DATA",
            "orderInformation.amountDetails.currency",
        ),
        (
            {"clientReferenceInformation": {"transactionId": "x" * 31}},
            "INVALID_DATA",
            "clientReferenceInformation.transactionId",
        ),
    ],
)
def test_a_bad_request_is_400_with_status_reason_and_details_at_the_top(
    shop: Merchant, change: dict[str, Any], reason: str, field: str
) -> None:
    status, answer = shop.call("POST", "/pts/v2/payments", {**payment("10.00"), **change})
    assert (status, answer["status"], answer["reason"]) == (400, "INVALID_REQUEST", reason)
    assert answer["details"] == [{"field": field, "reason": reason}]
    assert shop.requests() == []


@pytest.mark.parametrize(
    ("place", "most"),
    [
        ("shipTo.administrativeArea", 2),
        ("billTo.administrativeArea", 20),
        ("invoiceDetails.purchaseOrderNumber", 25),
        ("lineItems.unitOfMeasure", 12),
        ("billTo.company.name", 60),
    ],
)
def test_a_text_longer_than_the_vendors_swagger_allows_is_refused(
    shop: Merchant, place: str, most: int
) -> None:
    def tell(length: int) -> tuple[int, Any]:
        value: Any = "x" * length
        for name in reversed(place.split(".")):
            value = [{name: value}] if name == "unitOfMeasure" else {name: value}
        body = payment("10.00")
        body["orderInformation"] |= value
        return shop.call("POST", "/pts/v2/payments", body)

    assert tell(most)[0] == 201
    status, answer = tell(most + 1)
    assert (status, answer["details"]) == (
        400, [{"field": f"orderInformation.{place}", "reason": "INVALID_DATA"}]
    )  # fmt: skip


def test_a_card_number_is_no_token_and_is_kept_nowhere(shop: Merchant) -> None:
    body = payment("10.00")
    del body["tokenInformation"]
    body["paymentInformation"] = {"card": {"number": "4111111111111111"}}
    status, answer = shop.call("POST", "/pts/v2/payments", body)
    assert (status, answer["reason"]) == (400, "MISSING_FIELD")
    number_as_token = {**payment("10.00"), "tokenInformation": {"jti": "4111111111111111"}}
    assert shop.call("POST", "/pts/v2/payments", number_as_token)[0] == 400
    assert "4111111111111111" not in repr(shop.sandbox.ledger.rows())


def test_members_that_the_sandbox_does_not_use_may_have_any_shape(shop: Merchant) -> None:
    body = payment("10.00")
    body["orderInformation"]["billTo"]["company"] = {"name": "Acme"}  # an object, for the vendor
    body["orderInformation"]["lineItems"] = [{"productSku": "A", "quantity": 1}]
    body["deviceInformation"] = {"ipAddress": "192.0.2.1"}
    assert shop.call("POST", "/pts/v2/payments", body)[0] == 201


def test_a_currency_the_merchant_has_no_account_for_is_refused(shop: Merchant) -> None:
    status, answer = shop.pay("10.00", currency="EUR")
    assert (status, answer["reason"]) == (400, "INVALID_MERCHANT_CONFIGURATION")


def test_yen_has_no_decimals_and_surplus_decimals_are_cut_off(sandbox: Sandbox) -> None:
    sandbox.reset()
    _, answer = Merchant(sandbox, "acme_jp").pay("1500", currency="JPY")
    assert answer["orderInformation"]["amountDetails"]["authorizedAmount"] == "1500"
    _, answer = Merchant(sandbox).pay("10.019")
    assert answer["orderInformation"]["amountDetails"]["authorizedAmount"] == "10.01"


def test_a_used_transaction_id_is_refused_as_invalid_data(shop: Merchant) -> None:
    shop.held(mti="m-1")
    status, answer = shop.pay(mti="m-1", code="SO-2")
    assert (status, answer["reason"]) == (400, "INVALID_DATA")
    assert answer["details"][0]["field"] == "clientReferenceInformation.transactionId"
    assert shop.executed("authorization", reference="m-1") == 1
    shop.control("cybersource", mti_guard=False)
    assert shop.pay(mti="m-1")[0] == 201
    assert shop.executed("authorization", reference="m-1") == 2


def test_a_transaction_id_is_free_again_after_180_days(shop: Merchant) -> None:
    book = shop.live.book
    shop.held(mti="m-1")
    book.now = lambda: time.time() + 179 * 86_400
    assert shop.pay(mti="m-1")[0] == 400
    book.now = lambda: time.time() + 181 * 86_400
    try:
        assert shop.pay(mti="m-1")[0] == 201
    finally:
        book.now = time.time


def test_of_many_copies_at_once_one_is_executed(shop: Merchant) -> None:
    answers: list[int] = []

    def send() -> None:
        answers.append(Merchant(shop.sandbox).pay(mti="m-1")[0])

    threads = [threading.Thread(target=send) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [201] + [400] * 11
    assert shop.executed("authorization", reference="m-1") == 1


def test_the_duplicate_check_of_order_numbers_is_off_until_switched_on(shop: Merchant) -> None:
    shop.held(code="SO-9")
    assert shop.pay(code="SO-9")[0] == 201
    shop.control("cybersource", duplicate_reference_check=True)
    status, answer = shop.pay(code="SO-9")
    assert (status, answer["reason"]) == (400, "DUPLICATE_REQUEST")


def test_reset_forgets_live_trade_and_switches(shop: Merchant) -> None:
    shop.held(mti="m-1", capture=True)
    shop.control("cybersource", mti_guard=False)
    shop.control("reset")
    assert shop.requests() == []
    assert shop.control("cybersource")["mti_guard"] is True
    assert shop.pay(mti="m-1")[0] == 201


def test_a_switch_that_does_not_exist_or_fit_is_refused(shop: Merchant) -> None:
    for facts in ({"mti_gard": True}, {"mti_guard": "yes"}, {"index_lag_s": -1}):
        with pytest.raises(AssertionError, match=r"setting|cannot be"):
            shop.control("cybersource", **facts)
