"""Captures, refunds, reversals and voids over real HTTP, and what time-outs leave behind."""

import http.client
import threading
from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from include.sandbox.board import Sandbox
from tests.sandbox.merchant import Merchant, order, payment, reversal, running


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running() as sandbox:
        yield sandbox


@pytest.fixture
def shop(sandbox: Sandbox) -> Merchant:
    sandbox.reset()
    return Merchant(sandbox)


def test_captures_come_in_parts_up_to_what_is_held(shop: Merchant) -> None:
    held = shop.held("100.00")
    status, answer = shop.capture(held, "60.00", mti="c-1")
    assert (status, answer["status"]) == (201, "PENDING")
    assert answer["orderInformation"]["amountDetails"]["totalAmount"] == "60.00"
    assert shop.capture(held, "40.01")[1]["reason"] == "EXCEEDS_AUTH_AMOUNT"
    assert shop.capture(held, "40.00")[0] == 201
    assert shop.executed("capture") == 2


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, "Y"),
        ({"amountDetails.totalAmount": "9.00"}, "N"),  # not what the lines come to
        ({"amountDetails.taxAmount": "0.70"}, "N"),
        ({"invoiceDetails.taxable": False}, "N"),
    ],
)
def test_lines_that_do_not_add_up_are_not_passed_on_and_captured_all_the_same(
    shop: Merchant, change: dict[str, object], told: str
) -> None:
    held, body = shop.held("100.00"), order("10.80")
    found = body["orderInformation"]
    found["amountDetails"]["taxAmount"] = "0.80"
    found["lineItems"] = [
        {"productName": "Lamp", "unitPrice": "5.00", "quantity": 2, "totalAmount": "10.00",
         "taxAmount": "0.80"},
    ]  # fmt: skip
    found["invoiceDetails"] = {"taxable": True}
    body["processingInformation"] = {"purchaseLevel": "3"}
    for path, value in change.items():
        place, _, member = path.partition(".")
        found[place][member] = value
    status, answer = shop.call("POST", f"/pts/v2/payments/{held}/captures", body)
    assert status == 201
    details = answer["orderInformation"]["invoiceDetails"]
    assert details["level3TransmissionStatus"] == told
    assert shop.executed("capture") == 1


def test_captures_at_once_never_exceed_what_is_held(shop: Merchant) -> None:
    held = shop.held("100.00")
    answers: list[int] = []

    def take() -> None:
        answers.append(Merchant(shop.sandbox).capture(held, "30.00")[0])

    threads = [threading.Thread(target=take) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [201] * 3 + [400] * 7
    assert shop.requests(request_id=held)[0]["open_hold"] == "10.00"


def test_an_increment_raises_what_can_be_captured(shop: Merchant) -> None:
    held = shop.held("100.00")
    body = order("0")
    body["orderInformation"]["amountDetails"] = {"additionalAmount": "22.49", "currency": "USD"}
    status, answer = shop.call("PATCH", f"/pts/v2/payments/{held}", body)
    assert (status, answer["status"]) == (201, "AUTHORIZED")
    assert shop.capture(held, "122.49")[0] == 201


def test_only_the_approved_part_of_a_partial_authorization_can_be_captured(
    shop: Merchant,
) -> None:
    _, answer = shop.pay("99.99", "partial")
    assert answer["orderInformation"]["amountDetails"]["authorizedAmount"] == "49.99"
    assert shop.capture(answer["id"], "99.99")[1]["reason"] == "EXCEEDS_AUTH_AMOUNT"
    assert shop.capture(answer["id"], "49.99")[0] == 201


def test_follow_ons_of_what_does_not_exist_are_refused(shop: Merchant) -> None:
    declined = shop.held(word="declined")
    assert shop.capture(declined)[1]["reason"] == "MISSING_AUTH"
    assert shop.capture("1" * 22)[1]["reason"] == "INVALID_PAYMENT_ID"
    assert shop.capture("nonsense")[1]["reason"] == "INVALID_PAYMENT_ID"
    assert shop.refund(shop.held(), "1.00", "payments")[1]["reason"] == "INVALID_PAYMENT_ID"
    other = Merchant(shop.sandbox, "acme_uk")
    assert other.capture(shop.held(), currency="GBP")[1]["reason"] == "INVALID_PAYMENT_ID"


def test_a_reversed_authorization_cannot_be_captured_or_reversed_again(shop: Merchant) -> None:
    held = shop.held()
    assert shop.reverse(held, "100.01")[1]["reason"] == "EXCEEDS_AUTH_AMOUNT"
    status, answer = shop.reverse(held)
    assert (status, answer["status"]) == (201, "REVERSED")
    assert answer["reversalAmountDetails"]["reversedAmount"] == "100.00"
    assert shop.capture(held)[1]["reason"] == "AUTH_ALREADY_REVERSED"
    assert shop.reverse(held)[1]["reason"] == "AUTH_ALREADY_REVERSED"
    assert shop.executed("reversal") == 1


def test_a_hold_lapses_where_the_issuer_is_told_to_let_it(shop: Merchant) -> None:
    shop.control("cybersource", hold_days=7)
    day = date(2026, 3, 10)
    shop.control("live_date", date=f"{day}")
    held = shop.held("100.00")
    shop.control("live_date", date=f"{day + timedelta(days=6)}")
    assert shop.capture(held, "40.00")[0] == 201
    shop.control("live_date", date=f"{day + timedelta(days=8)}")
    assert shop.capture(held, "60.00")[1]["reason"] == "MISSING_AUTH"


def test_a_captured_authorization_is_not_reversed_unless_the_processor_can(
    shop: Merchant,
) -> None:
    held = shop.held()
    shop.capture(held, "60.00")
    assert shop.reverse(held)[1]["reason"] == "TRANSACTION_ALREADY_REVERSED_OR_SETTLED"
    shop.control("settle")
    assert shop.reverse(held)[1]["reason"] == "TRANSACTION_ALREADY_SETTLED"
    shop.control("cybersource", reverse_after_capture=True)
    assert shop.reverse(held, "40.00")[0] == 201


@pytest.mark.parametrize("numbers", [None, (1, 1), (1, 2)])
def test_the_last_capture_of_an_authorization_releases_the_rest_at_some_processors(
    shop: Merchant, numbers: tuple[int, int] | None
) -> None:
    """By equal numbers, or without any."""
    shop.control("cybersource", last_capture_releases=True)
    held = shop.held()
    body = order("60.00")
    if numbers:
        counts = {"captureSequenceNumber": numbers[0], "totalCaptureCount": numbers[1]}
        body["processingInformation"] = {"captureOptions": counts}
    assert shop.call("POST", f"/pts/v2/payments/{held}/captures", body)[0] == 201
    status, answer = shop.capture(held, "40.00")
    assert (status, answer.get("reason")) == (
        (201, None) if numbers == (1, 2) else (400, "AUTH_ALREADY_REVERSED")
    )


def test_refunds_come_in_parts_up_to_what_was_captured(shop: Merchant) -> None:
    _, captured = shop.capture(shop.held(), "100.00")
    status, answer = shop.refund(captured["id"], "70.00", mti="r-1")
    assert (status, answer["status"]) == (201, "PENDING")
    assert answer["refundAmountDetails"] == {"refundAmount": "70.00", "currency": "USD"}
    assert shop.refund(captured["id"], "30.01")[1]["reason"] == "INVALID_AMOUNT"
    assert shop.refund(captured["id"], "30.00")[0] == 201
    assert shop.refund(captured["id"], "0.01")[0] == 400
    assert shop.executed("refund") == 2


def test_a_sale_is_refunded_by_its_own_id(shop: Merchant) -> None:
    sale = shop.held(capture=True)
    assert shop.refund(sale, "100.00", "payments")[0] == 201
    assert shop.refund(sale, "100.00", "captures")[1]["reason"] == "INVALID_PAYMENT_ID"


def test_a_refund_can_be_declined_and_then_moves_nothing(shop: Merchant) -> None:
    sale = shop.held(capture=True)
    shop.control("outcome", verb="refund", outcome="declined")
    status, answer = shop.refund(sale, "40.00", "payments")
    assert (status, answer["status"]) == (201, "DECLINED")
    assert answer["errorInformation"]["reason"] == "PROCESSOR_DECLINED"
    assert shop.executed("refund") == 0
    assert shop.refund(sale, "100.00", "payments")[0] == 201


def test_a_void_takes_a_capture_out_and_leaves_the_hold(shop: Merchant) -> None:
    held = shop.held()
    _, captured = shop.capture(held)
    status, answer = shop.void(captured["id"])
    assert (status, answer["status"]) == (201, "VOIDED")
    assert answer["voidAmountDetails"] == {"voidAmount": "100.00", "currency": "USD"}
    assert shop.void(captured["id"])[1]["reason"] == "NOT_VOIDABLE"
    assert shop.refund(captured["id"], "1.00")[1]["reason"] == "CAPTURE_ALREADY_VOIDED"
    assert shop.capture(held)[0] == 201


def test_nothing_is_voidable_once_its_batch_is_closed(shop: Merchant) -> None:
    sale = shop.held(capture=True)
    refunded = shop.refund(sale, "10.00", "payments")[1]["id"]
    assert shop.control("settle") == {"settled": 2}
    assert shop.void(sale, "payments")[1]["reason"] == "NOT_VOIDABLE"
    assert shop.void(refunded, "refunds")[1]["reason"] == "NOT_VOIDABLE"


def test_a_voided_refund_can_be_made_again(shop: Merchant) -> None:
    sale = shop.held(capture=True)
    refunded = shop.refund(sale, "100.00", "payments")[1]["id"]
    assert shop.void(refunded, "refunds")[0] == 201
    assert shop.refund(sale, "100.00", "payments")[0] == 201


def test_a_credit_stands_alone_and_can_be_switched_off(shop: Merchant) -> None:
    status, answer = shop.call("POST", "/pts/v2/credits", payment("12.00"))
    assert (status, answer["status"]) == (201, "PENDING")
    assert answer["creditAmountDetails"]["creditAmount"] == "12.00"
    assert shop.void(answer["id"], "credits")[0] == 201
    shop.control("cybersource", credits_allowed=False)
    _, answer = shop.call("POST", "/pts/v2/credits/", payment("12.00"))
    assert answer["reason"] == "ACCOUNT_NOT_ALLOWED_CREDIT"


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_lost_authorization_is_reversed_by_its_transaction_id(shop: Merchant, slash: str) -> None:
    status, answer = shop.pay(word="timeout_commit", mti="m-1")
    assert (status, answer["status"], answer["reason"]) == (502, "SERVER_ERROR", "SERVER_TIMEOUT")
    assert "id" not in answer
    assert shop.executed("authorization", reference="m-1") == 1
    wrong = reversal("99.00", mti="m-1")
    assert shop.call("POST", f"/pts/v2/reversals{slash}", wrong)[1]["reason"] == "INVALID_AMOUNT"
    status, answer = shop.call("POST", f"/pts/v2/reversals{slash}", reversal("100.00", mti="m-1"))
    assert (status, answer["status"]) == (201, "REVERSED")
    assert shop.requests(kind="authorization")[0]["open_hold"] == "0.00"


def test_a_timeout_without_commit_leaves_nothing_and_frees_the_id(shop: Merchant) -> None:
    assert shop.pay(word="timeout", mti="m-1")[0] == 502
    assert shop.executed("authorization") == 0
    status, answer = shop.call("POST", "/pts/v2/reversals", reversal("100.00", mti="m-1"))
    assert (status, answer["status"], answer["reason"]) == (400, "INVALID_REQUEST", "INVALID_DATA")
    assert shop.pay(mti="m-1")[0] == 201


def test_a_timeout_reversal_refuses_what_is_captured(shop: Merchant) -> None:
    shop.held(mti="m-1", capture=True)
    status, answer = shop.call("POST", "/pts/v2/reversals", reversal("100.00", mti="m-1"))
    assert (status, answer["reason"]) == (400, "TRANSACTION_ALREADY_REVERSED_OR_SETTLED")


@pytest.mark.parametrize("verb", ["capture", "refund"])
def test_a_lost_capture_or_refund_is_voided_by_its_transaction_id(
    shop: Merchant, verb: str
) -> None:
    held = shop.held()
    captured = shop.capture(held, "50.00")[1]["id"]
    shop.control("outcome", verb=verb, outcome="timeout_commit")
    lost = (
        shop.capture(held, "50.00", mti="x-1")
        if verb == "capture"
        else shop.refund(captured, "50.00", mti="x-1")
    )
    assert lost[0] == 502
    assert shop.executed(verb, reference="x-1") == 1
    found = {"clientReferenceInformation": {"transactionId": "x-1"}}
    status, answer = shop.call("POST", "/pts/v2/voids/", found)
    assert (status, answer["status"]) == (201, "VOIDED")
    assert answer["clientReferenceInformation"]["transactionId"] == "x-1"
    unknown = {"clientReferenceInformation": {"transactionId": "x-2"}}
    status, answer = shop.call("POST", "/pts/v2/voids", unknown)
    assert (status, answer["reason"], "details" in answer) == (400, "INVALID_DATA", False)


def test_a_forced_outcome_strikes_only_the_order_it_names(shop: Merchant) -> None:
    shop.control("outcome", verb="authorization", outcome="system_error", code="SO-5")
    assert shop.pay(code="SO-4")[0] == 201
    assert shop.pay(code="SO-5")[1]["reason"] == "SYSTEM_ERROR"
    assert shop.pay(code="SO-5")[0] == 201


def test_a_time_out_call_can_be_too_early(shop: Merchant) -> None:
    shop.control("cybersource", timeout_wait_s=60)
    shop.held(mti="m-1")
    status, answer = shop.call("POST", "/pts/v2/reversals", reversal("100.00", mti="m-1"))
    assert (status, answer["reason"]) == (400, "INVALID_DATA")


def test_a_dropped_answer_is_executed_once_and_found_by_search(shop: Merchant) -> None:
    rule = {"system": "cybersource", "match": "/pts/v2/payments$", "fault": "drop_after_commit"}
    shop.sandbox.faults.add(str(rule.pop("fault")), **rule)
    with pytest.raises(http.client.RemoteDisconnected):
        Merchant(shop.sandbox).pay(mti="m-1", code="SO-8")
    (found,) = shop.find("clientReferenceInformation.transactionId:m-1")
    assert found["clientReferenceInformation"] == {"code": "SO-8"}
    assert shop.pay(mti="m-1")[0] == 400


def test_a_second_delivery_is_stopped_by_the_guard(shop: Merchant) -> None:
    shop.sandbox.faults.add("second_delivery", system="cybersource", match="/captures")
    held = shop.held()
    assert shop.capture(held, "40.00", mti="c-1")[0] == 201
    assert shop.executed("capture", reference="c-1") == 1


def test_a_generated_sale_can_be_refunded_but_not_beyond_what_it_captured(
    shop: Merchant,
) -> None:
    world = shop.world
    sales = [o.captured for o in world.orders("acme_us", date(2026, 3, 3)) if not o.fault]
    sale = next(s for s in sales if len(world.transactions_of("acme_us", s.reference or "")) == 1)
    whole = f"{sale.amount_minor // 100}.{sale.amount_minor % 100:02d}"
    assert shop.void(sale.request_id, "payments")[1]["reason"] == "NOT_VOIDABLE"
    assert shop.refund(sale.request_id, "99999.00", "payments")[1]["reason"] == "INVALID_AMOUNT"
    assert shop.refund(sale.request_id, whole, "payments")[0] == 201
    assert shop.refund(sale.request_id, "0.01", "payments")[0] == 400


def test_a_sale_that_the_generated_world_refunded_has_less_left(shop: Merchant) -> None:
    world = shop.world
    days = (date(2026, 3, n) for n in range(5, 15))
    refunds = (r for d in days for r in world.trade("acme_us").refunds(d))
    refund = next(r for r in refunds if not r.fault)  # the whole amount, with its reference
    sale = refund.of.captured.request_id
    assert shop.refund(sale, "0.01", "payments")[1]["reason"] == "INVALID_AMOUNT"
