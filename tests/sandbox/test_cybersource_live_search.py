"""Transaction search of live requests: what is found, when, and how it changes."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from include.sandbox.board import Sandbox
from tests.sandbox.merchant import DAY, Merchant, running


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running() as sandbox:
        yield sandbox


@pytest.fixture
def shop(sandbox: Sandbox) -> Merchant:
    sandbox.reset()
    return Merchant(sandbox)


def applications(found: Any) -> dict[str, tuple[str, str, str]]:
    """Return reason code, rCode and rFlag of each application."""
    return {
        a["name"]: (a["reasonCode"], a["rCode"], a["rFlag"])
        for a in found["applicationInformation"]["applications"]
    }


def test_a_payment_is_found_by_code_by_transaction_id_and_by_id(shop: Merchant) -> None:
    own_id = shop.held("77.00", code="SO-77", mti="m-77")
    shop.held(code="SO-78", mti="m-78")
    for query in (
        "clientReferenceInformation.code:SO-77",
        'clientReferenceInformation.code:"SO-77"',
        "clientReferenceInformation.transactionId:m-77",
        f"id:{own_id}",
        "clientReferenceInformation.code:SO-77 AND clientReferenceInformation.transactionId:m-77",
    ):
        (found,) = shop.find(query)
        assert found["id"] == own_id, query
        assert found["clientReferenceInformation"] == {"code": "SO-77"}  # no model has the MTI
        assert found["orderInformation"]["amountDetails"]["totalAmount"] == "77.00"
    assert shop.find("clientReferenceInformation.code:SO-77 AND id:1") == []
    nothing = (
        "clientReferenceInformation.code:SO-77 AND clientReferenceInformation.transactionId:m-78"
    )
    assert shop.find(nothing) == []
    shop.control("cybersource", tss_shows_mti=True)
    for found in (shop.one(own_id), shop.find(f"id:{own_id}")[0]):
        assert found["clientReferenceInformation"] == {"code": "SO-77", "transactionId": "m-77"}


def test_a_row_shows_no_more_than_the_recorded_ones(shop: Merchant) -> None:
    own_id = shop.held(code="SO-1", mti="m-1")
    (found,) = shop.find("clientReferenceInformation.code:SO-1")
    assert "status" not in found
    assert set(found["applicationInformation"]) == {"reasonCode", "rCode", "rFlag", "applications"}
    assert set(found["orderInformation"]["amountDetails"]) == {"totalAmount", "currency"}
    full = shop.one(own_id)
    assert full["applicationInformation"]["status"] == "AUTHORIZED"
    assert full["orderInformation"]["amountDetails"]["authorizedAmount"] == "100.00"


def test_search_may_answer_without_telling_anything(shop: Merchant) -> None:
    own_id = shop.held(code="SO-1")
    query = {"query": "clientReferenceInformation.code:SO-1"}
    shop.control("cybersource", tss_says="pending")
    status, body = shop.call("POST", "/tss/v2/searches", query)
    assert (status, sorted(body), body["status"]) == (201, ["searchId", "status"], "PENDING")
    shop.control("cybersource", tss_says="no_applications")
    for found in (shop.one(own_id), shop.find(query["query"])[0]):
        assert found["applicationInformation"] == {}


def test_a_time_range_on_the_business_date_finds_live_and_generated_ones(shop: Merchant) -> None:
    own_id = shop.held()
    at = shop.one(own_id)["submitTimeUTC"]
    query = f"submitTimeUtc:[{at} TO {at}]"
    assert own_id in [t["id"] for t in shop.find(query)]
    recent = "submitTimeUtc:[NOW-1HOUR TO NOW+1HOUR}"
    assert own_id in [t["id"] for t in shop.find(recent)]
    day = DAY - timedelta(days=3)
    before = f"submitTimeUtc:[{day}T00:00:00Z TO {day}T23:59:59Z}}"
    assert own_id not in [t["id"] for t in shop.find(before)]
    assert shop.find(before)


def test_another_merchant_finds_nothing(shop: Merchant) -> None:
    own_id = shop.held(code="SO-1", mti="m-1")
    other = Merchant(shop.sandbox, "acme_uk")
    assert other.find("clientReferenceInformation.transactionId:m-1") == []
    assert other.call("GET", f"/tss/v2/transactions/{own_id}")[0] == 404


def test_a_sale_has_two_applications_and_a_payment_links_what_follows(shop: Merchant) -> None:
    sale = shop.held(capture=True, mti="m-1")
    found = shop.one(sale)
    assert list(applications(found)) == ["ics_decision", "ics_auth", "ics_bill"]
    assert found["applicationInformation"]["reasonCode"] == "100"
    assert found["rootId"] == sale
    refund = shop.refund(sale, "10.00", "payments", mti="r-1")[1]["id"]
    assert applications(shop.one(refund)) == {"ics_credit": ("100", "1", "SOK")}
    assert shop.one(refund)["rootId"] == sale
    links = shop.one(sale)["_links"]["relatedTransactions"]
    assert [link["href"] for link in links] == [f"/tss/v2/transactions/{refund}"]


def test_each_kind_of_follow_on_has_its_application(shop: Merchant) -> None:
    held = shop.held()
    capture = shop.capture(held, "40.00")[1]["id"]
    void = shop.void(capture)[1]["id"]
    reversed_ = shop.reverse(held)[1]["id"]
    names = [next(iter(applications(shop.one(i)))) for i in (capture, void, reversed_)]
    assert names == ["ics_bill", "ics_void", "ics_auth_reversal"]
    assert shop.one(capture)["applicationInformation"]["status"] == "VOIDED"
    assert shop.one(held)["applicationInformation"]["status"] == "REVERSED"


def test_settling_changes_pending_to_transmitted(shop: Merchant) -> None:
    sale = shop.held(capture=True)
    assert shop.one(sale)["applicationInformation"]["status"] == "PENDING"
    shop.control("settle")
    assert shop.one(sale)["applicationInformation"]["status"] == "TRANSMITTED"


def test_a_decline_shows_its_code(shop: Merchant) -> None:
    found = shop.one(shop.held(word="insufficient_fund"))
    assert applications(found) == {"ics_auth": ("204", "0", "DCARDREFUSED")}
    assert found["errorInformation"] == {"reason": "INSUFFICIENT_FUND"}


def test_a_risk_decline_shows_an_approved_authorization(shop: Merchant) -> None:
    found = shop.one(shop.held(word="risk_declined"))
    assert applications(found) == {
        "ics_decision": ("481", "0", "DREJECT"),
        "ics_auth": ("100", "1", "SOK"),
    }
    assert found["applicationInformation"]["rFlag"] == "DREJECT"


def test_a_payer_who_must_be_asked_was_never_at_the_issuer(shop: Merchant) -> None:
    found = shop.one(shop.held(word="pending_authentication"))
    assert applications(found) == {"ics_pa_enroll": ("475", "0", "DAUTHENTICATE")}


def test_a_decision_changes_what_search_says_only_where_that_is_switched_on(
    shop: Merchant,
) -> None:
    own_id = shop.held(word="review", code="SO-1")
    assert applications(shop.one(own_id))["ics_decision"] == ("480", "0", "DREVIEW")
    shop.control("decide", code="SO-1", decision="ACCEPT")
    (found,) = shop.find("clientReferenceInformation.code:SO-1")
    assert applications(found)["ics_decision"] == ("480", "0", "DREVIEW")
    shop.control("cybersource", tss_follows_review=True)
    (found,) = shop.find("clientReferenceInformation.code:SO-1")
    assert applications(found)["ics_decision"] == ("100", "1", "SOK")


def test_the_index_lags_behind_where_that_is_switched_on(shop: Merchant) -> None:
    shop.control("cybersource", index_lag_s=3600, detail_lag_s=3600)
    own_id = shop.held(mti="m-1")
    query = "clientReferenceInformation.transactionId:m-1"
    assert shop.find(query) == []
    assert shop.call("GET", f"/tss/v2/transactions/{own_id}")[0] == 404
    shop.control("cybersource", index_lag_s=3600, detail_lag_s=0)
    assert shop.call("GET", f"/tss/v2/transactions/{own_id}")[0] == 200
    assert shop.find(query) == []
    shop.control("cybersource", index_lag_s=0.01, detail_lag_s=0)
    time.sleep(0.05)
    assert len(shop.find(query)) == 1


def test_only_the_latest_thousand_searches_are_kept(shop: Merchant) -> None:
    query = {"query": "clientReferenceInformation.code:none"}
    first = shop.call("POST", "/tss/v2/searches", query)[1]["searchId"]
    assert shop.call("GET", f"/tss/v2/searches/{first}")[0] == 200
    for _ in range(1000):
        shop.call("POST", "/tss/v2/searches", query)
    assert shop.call("GET", f"/tss/v2/searches/{first}")[0] == 404
