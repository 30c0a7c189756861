"""Decision Manager: cases, reviewers, what they do to money, and how others learn of it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from include.sandbox.board import Sandbox
from include.sandbox.world.dates import local_window, utc_text
from tests.sandbox.merchant import DAY, Merchant, order, running


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running() as sandbox:
        yield sandbox


@pytest.fixture
def shop(sandbox: Sandbox) -> Merchant:
    sandbox.reset()
    return Merchant(sandbox)


def act(shop: Merchant, request_id: str, decision: str, *actions: str) -> tuple[int, Any]:
    body: dict[str, Any] = {"decisionInformation": {"decision": decision, "comments": "seen"}}
    if actions:
        body["processingInformation"] = {"actionList": list(actions)}
    return shop.call("POST", f"/risk/v1/decisions/{request_id}/actions", body)


def conversions(shop: Merchant) -> list[Any]:
    start, end = local_window(DAY, "America/New_York")
    noon, found = start + timedelta(hours=12), []
    for first, last in ((start, noon), (noon, end)):  # a whole day is not taken
        query = urlencode({"startTime": utc_text(first), "endTime": utc_text(last)})
        status, answer = shop.call("GET", f"/reporting/v3/conversion-details?{query}")
        found += answer["conversionDetails"] if status == 200 else []
    return found


def test_an_accepted_case_is_captured_when_asked_so(shop: Merchant) -> None:
    own_id = shop.held("80.00", "review", code="SO-1", mti="m-1")
    status, answer = act(shop, own_id, "ACCEPT", "CAPTURE")
    assert (status, answer["status"]) == (201, "ACCEPTED")
    assert answer["_embedded"]["capture"]["status"] == "PENDING"
    assert shop.requests(request_id=own_id)[0]["status"] == "AUTHORIZED"
    assert shop.executed("capture", amount="80.00") == 1
    assert shop.executed("decision", status="ACCEPT", request_id=own_id) == 1


def test_a_rejected_case_keeps_its_hold_unless_it_is_reversed_too(shop: Merchant) -> None:
    first, second = shop.held(word="review"), shop.held(word="review")
    assert act(shop, first, "REJECT")[1]["status"] == "REJECTED"
    assert shop.requests(request_id=first)[0]["open_hold"] == "100.00"
    assert shop.requests(request_id=first)[0]["status"] == "AUTHORIZED_RISK_DECLINED"
    answer = act(shop, second, "REJECT", "REVERSE")[1]
    assert answer["_embedded"]["reversal"]["status"] == "REVERSED"
    assert shop.requests(request_id=second)[0]["open_hold"] == "0.00"


def test_an_action_must_fit_the_decision_and_a_case_is_decided_once(shop: Merchant) -> None:
    own_id = shop.held(word="review")
    assert act(shop, own_id, "ACCEPT", "REVERSE")[1]["reason"] == "INVALID_DATA"
    assert act(shop, own_id, "MAYBE")[1]["reason"] == "INVALID_DATA"
    assert act(shop, "1" * 22, "ACCEPT")[1]["reason"] == "INVALID_PAYMENT_ID"
    assert act(shop, own_id, "ACCEPT")[0] == 201
    assert act(shop, own_id, "REJECT")[0] == 400
    assert shop.executed("decision") == 1


def test_decisions_stand_in_conversion_details_and_in_the_report_of_the_day(
    shop: Merchant,
) -> None:
    before = len(conversions(shop))
    own_id = shop.held(word="review", code="SO-5")
    shop.control("decide", request_id=own_id, decision="REJECT", reviewer="eve", comments="odd")
    found = conversions(shop)
    assert len(found) == before + 1
    (mine,) = [c for c in found if c["requestId"] == own_id]
    assert (mine["merchantReferenceNumber"], mine["originalDecision"]) == ("SO-5", "REVIEW")
    assert (mine["newDecision"], mine["reviewer"], mine["reviewerComments"]) == (
        "REJECT",
        "eve",
        "odd",
    )
    world = shop.world
    report = world.report("acme_us", "ConversionDetailReport_Daily_Classic", DAY)
    assert own_id in [row["requestID"] for row in report.dicts()]


def test_conversion_details_are_asked_for_less_than_a_day(shop: Merchant) -> None:
    query = urlencode({"startTime": "2026-03-18T00:00:00Z", "endTime": "2026-03-19T00:00:00Z"})
    assert shop.call("GET", f"/reporting/v3/conversion-details?{query}")[0] == 400


def test_a_reviewer_may_change_his_mind(shop: Merchant) -> None:
    own_id = shop.held(word="review")
    shop.control("decide", request_id=own_id, decision="ACCEPT")
    shop.control("decide", request_id=own_id, decision="REJECT")
    mine = [c["newDecision"] for c in conversions(shop) if c["requestId"] == own_id]
    assert mine == ["ACCEPT", "REJECT"]


def test_a_payment_nobody_looked_at_is_no_case(shop: Merchant) -> None:
    own_id = shop.held(actions=["DECISION_SKIP"])
    assert act(shop, own_id, "ACCEPT")[0] == 400
    with pytest.raises(AssertionError, match="no case"):
        shop.control("decide", request_id=own_id, decision="ACCEPT")


def test_a_comment_is_kept(shop: Merchant) -> None:
    own_id = shop.held(word="review")
    body = {"decisionInformation": {"comments": "called the buyer"}}
    status, answer = shop.call("POST", f"/risk/v1/decisions/{own_id}/comments", body)
    assert (status, answer["status"]) == (201, "COMPLETED")
    (row,) = shop.requests(request_id=own_id)
    assert [note["comments"] for note in row["notes"]] == ["called the buyer"]
    assert shop.call("POST", f"/risk/v1/decisions/{own_id}/comments", {})[0] == 400


@pytest.mark.parametrize(
    ("tag", "status"),
    [("", "ACCEPTED"), ("+review", "PENDING_REVIEW"), ("+risk_declined", "REJECTED")],
)
def test_an_order_is_looked_at_without_a_payment(shop: Merchant, tag: str, status: str) -> None:
    body = order("30.00", code="SO-3", mti="d-1")
    body["orderInformation"]["billTo"] = {"email": f"ann{tag}@example.com"}
    code, answer = shop.call("POST", "/risk/v1/decisions", body)
    assert (code, answer["status"]) == (201, status)
    (found,) = shop.find("clientReferenceInformation.code:SO-3")
    assert found["applicationInformation"]["applications"][0]["name"] == "ics_decision"
    assert shop.executed("decision", reference="d-1") == 1


def test_capturing_in_review_can_be_forbidden(shop: Merchant) -> None:
    own_id = shop.held(word="review")
    shop.control("cybersource", capture_in_review=False)
    assert shop.capture(own_id)[1]["reason"] == "MISSING_AUTH"
    shop.control("decide", request_id=own_id, decision="ACCEPT")
    assert shop.capture(own_id)[0] == 201
