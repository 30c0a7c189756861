"""The sandbox's JSON services and its search."""

import json
from datetime import timedelta

import pytest

from include.sandbox.cybersource import CybersourceApp
from include.sandbox.ledger import Ledger
from tests.sandbox.calling import get, post, target
from tests.sandbox.support import CLASSIC, DAY, body, download, rows, service
from tests.sandbox.support import app as app


def test_chargebacks_say_sign_and_amount_apart(app: CybersourceApp) -> None:
    wanted = target(
        "/reporting/v3/chargeback-details",
        startTime="2026-05-01T00:00:00Z",
        endTime="2026-05-31T00:00:00Z",
    )
    told = body(get(app, "acme_uk", wanted))["chargebackDetails"]
    found = [item for item in told if item["preDisputeFlag"] == "N"]
    assert {(item["action"], item["sign"]) for item in found} == {
        ("CHARGEBACK", "-"),
        ("CHARGEBACK_REVERSAL", "+"),
    }
    assert all(not item["amount"].startswith("-") for item in found)
    assert get(app, "acme_jp", wanted).status == 404
    counts = body(get(app, "acme_uk", wanted.replace("details", "summaries")))
    assert sum(item["count"] for item in counts["chargebackSummaries"]) == len(found)


def test_a_notice_is_flagged_in_the_service_and_without_impact_in_the_report(
    app: CybersourceApp,
) -> None:
    days = [DAY + timedelta(days=n) for n in range(60)]
    day = next(d for d in days if app.world.trade("acme_us").notices(d))
    (case,) = app.world.trade("acme_us").notices(day)
    name = "ChargebackAndRetrievalDetailReport_Daily"
    (row,) = [
        row
        for row in rows(download(app, "acme_us", name, day).whole())
        if row["chargebackAndRetrieval_caseNumber"] == case.case_number
    ]
    said = [row[f"chargebackAndRetrieval_{n}"] for n in ("caseType", "financialImpact")]
    assert (said, row["chargebackAndRetrieval_feeAmount"]) == (["CHARGEBACK", "N"], "")
    start, end = case.at, case.at + timedelta(seconds=1)
    wanted = target(
        "/reporting/v3/chargeback-details",
        startTime=f"{start:%Y-%m-%dT%H:%M:%SZ}",
        endTime=f"{end:%Y-%m-%dT%H:%M:%SZ}",
    )
    (item,) = body(get(app, "acme_us", wanted))["chargebackDetails"]
    assert (item["trackingNumber"], item["preDisputeFlag"]) == (case.case_number, "Y")
    assert case.case_number not in {
        c.case_number for c in app.world.settled("acme_us", day).disputes
    }


def test_retrievals_move_no_money(app: CybersourceApp) -> None:
    wanted = target(
        "/reporting/v3/retrieval-details",
        startTime="2026-05-01T00:00:00Z",
        endTime="2026-05-31T00:00:00Z",
    )
    found = body(get(app, "acme_us", wanted))["retrievalDetails"]
    cases = {
        c.case_number
        for n in range(120)
        for c in app.world.settled("acme_us", DAY + timedelta(days=n)).disputes
    }
    assert found
    assert not {item["trackingNumber"] for item in found} & cases


def test_purchases_and_refunds_come_in_pages(app: CybersourceApp) -> None:
    whole = body(service(app, "acme_us", "purchase-refund-details"))
    ids = [item["requestId"] for item in whole["requestDetails"]]
    first = body(service(app, "acme_us", "purchase-refund-details", limit=10))
    second = body(service(app, "acme_us", "purchase-refund-details", limit=10, offset=10))
    assert [i["requestId"] for i in first["settlements"]] == ids[:10]
    assert [i["requestId"] for i in second["settlements"]] == ids[10:20]
    assert second["pageResults"] == 10
    beyond = service(app, "acme_us", "purchase-refund-details", offset=len(ids))
    assert beyond.status == 404
    for wrong in ({"limit": 2001}, {"limit": 0}, {"offset": "-1"}, {"viewBy": "x"}):
        assert service(app, "acme_us", "purchase-refund-details", **wrong).status == 400
    too_long = target(
        "/reporting/v3/purchase-refund-details",
        startTime="2026-03-01T00:00:00Z",
        endTime="2026-04-02T00:00:00Z",
    )
    assert get(app, "acme_us", too_long).status == 400


def test_what_a_processor_does_not_settle_is_told_by_its_status_alone(app: CybersourceApp) -> None:
    days = (app.world.settled("acme_us", DAY + timedelta(days=n)) for n in range(60))
    settled = next(s for s in days if s.mysteries)
    wanted = target(
        "/reporting/v3/purchase-refund-details",
        startTime=f"{settled.closed_at:%Y-%m-%dT%H:%M:%SZ}",
        endTime=f"{settled.closed_at + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
        viewBy="submissionDate",
    )
    found = body(get(app, "acme_us", wanted))
    failed = {i["requestId"] for i in found["settlementStatuses"] if i["status"] == "FAILED"}
    assert failed == {odd.request_id for odd in settled.mysteries}
    assert failed < {i["requestId"] for i in found["settlements"]}


def test_a_subscription_says_whether_its_amounts_have_signs(app: CybersourceApp) -> None:
    found = body(get(app, "acme_us", target("/reporting/v3/report-subscriptions")))
    signed = {
        s["reportName"]: s["reportPreferences"]["signedAmounts"] for s in found["subscriptions"]
    }
    assert (signed[CLASSIC], signed["FundingDetailReport_Daily"]) == (False, True)
    one = body(get(app, "acme_us", target(f"/reporting/v3/report-subscriptions/{CLASSIC}")))
    assert one in found["subscriptions"]
    assert get(app, "acme_us", target("/reporting/v3/report-subscriptions/None")).status == 404


def test_net_fundings_come_to_their_net(app: CybersourceApp) -> None:
    found = body(service(app, "acme_uk", "net-fundings"))
    for currency in ("EUR", "GBP"):
        parts = sum(
            int(row["fundedAmount"].replace(".", ""))
            for row in found["netFundingSummaries"]
            if row["currencyCode"] == currency
        )
        (net,) = [t["value"] for t in found["netTotal"] if t["currency"] == currency]
        assert int(net.replace(".", "")) == parts
        assert parts == app.world.settled("acme_uk", DAY).net(currency)


def test_review_decisions_are_asked_for_less_than_a_day_at_a_time(app: CybersourceApp) -> None:
    long = target(
        "/reporting/v3/conversion-details",
        startTime="2026-03-10T00:00:00Z",
        endTime="2026-03-11T00:00:00Z",
    )
    assert get(app, "acme_us", long).status == 400
    found = [
        item
        for n in range(10)
        for answer in [
            get(
                app,
                "acme_us",
                target(
                    "/reporting/v3/conversion-details",
                    startTime=f"2026-03-{10 + n}T00:00:00Z",
                    endTime=f"2026-03-{10 + n}T23:59:00Z",
                ),
            )
        ]
        if answer.status == 200
        for item in json.loads(answer.whole())["conversionDetails"]
    ]
    assert found
    assert {item["originalDecision"] for item in found} == {"REVIEW"}


def test_definitions_keep_the_vendors_spelling(app: CybersourceApp) -> None:
    found = body(get(app, "acme_us", "/reporting/v3/report-definitions"))
    names = {item["reportDefintionName"] for item in found["reportDefinitions"]}
    assert "FeeDetailClass" in names
    one = body(get(app, "acme_us", "/reporting/v3/report-definitions/FeeDetailClass"))
    assert "fee_interchangeAmount" in {item["name"] for item in one["attributes"]}
    assert get(app, "acme_us", "/reporting/v3/report-definitions/No").status == 404


def test_interchange_and_notices_answer(app: CybersourceApp) -> None:
    found = body(service(app, "acme_us", "interchange-clearing-level-details"))
    assert found["interchangeClearingLevelDetails"][0]["requestId"]
    assert service(app, "acme_uk", "interchange-clearing-level-details").status == 404
    assert service(app, "acme_us", "notification-of-changes").status == 404


def test_a_transaction_tells_captured_and_authorized_apart(app: CybersourceApp) -> None:
    label = next(
        found
        for n in range(60)
        for found in app.world.labels("acme_us", DAY + timedelta(days=n))
        if found.label == "partial_capture"
    )
    detail = body(get(app, "acme_us", f"/tss/v2/transactions/{label.request_id}"))
    amounts = detail["orderInformation"]["amountDetails"]
    authorized = int(amounts["authorizedAmount"].replace(".", ""))
    captured = int(amounts["totalAmount"].replace(".", ""))
    assert authorized - captured == label.detail["open_minor"]
    assert detail["rootId"] != detail["id"]
    assert "submitTimeUTC" in detail
    root = body(get(app, "acme_us", f"/tss/v2/transactions/{detail['rootId']}"))
    names = [a["name"] for a in root["applicationInformation"]["applications"]]
    assert names == ["ics_auth"]


def test_a_sale_has_both_applications_and_a_refund_points_at_its_sale(app: CybersourceApp) -> None:
    refund = app.world.trade("acme_us").refunds(DAY)[0]
    detail = body(get(app, "acme_us", f"/tss/v2/transactions/{refund.transaction.request_id}"))
    assert detail["rootId"] == refund.of.captured.request_id
    sale = body(get(app, "acme_us", f"/tss/v2/transactions/{detail['rootId']}"))
    names = {a["name"] for a in sale["applicationInformation"]["applications"]}
    assert names == {"ics_bill", "ics_auth"}


def test_unknown_transactions_are_404(app: CybersourceApp) -> None:
    sale = app.world.settled("acme_us", DAY).captures[0]
    path = "/tss/v2/transactions"
    assert get(app, "acme_us", f"{path}/{sale.request_id}").status == 200
    assert get(app, "acme_uk", f"{path}/{sale.request_id}").status == 404
    assert get(app, "acme_us", f"{path}/1234567890123456789012").status == 404
    assert get(app, "acme_us", f"{path}/x").status == 404


def test_a_search_by_order_number_finds_sale_and_refund(app: CybersourceApp) -> None:
    refund = next(r for r in app.world.trade("acme_us").refunds(DAY) if r.transaction.reference)
    asked = {
        "query": f"clientReferenceInformation.code:{refund.of.reference} AND "
        "submitTimeUtc:[2026-03-01T00:00:00Z TO 2026-03-12T00:00:00Z}",
        "sort": "submitTimeUtc:desc",
        "limit": 1,
    }
    found = body(post(app, "acme_us", "/tss/v2/searches", json.dumps(asked).encode()))
    assert (found["count"], found["totalCount"]) == (1, 2)
    (newest,) = found["_embedded"]["transactionSummaries"]
    assert newest["id"] == refund.transaction.request_id
    again = body(get(app, "acme_us", f"/tss/v2/searches/{found['searchId']}"))
    assert again == found
    assert get(app, "acme_uk", f"/tss/v2/searches/{found['searchId']}").status == 404


@pytest.mark.parametrize("text", [b"", b"[]", b'{"query": 5}', b'{"query": "x"}', b"{"])
def test_a_search_nobody_can_read_is_400(app: CybersourceApp, text: bytes) -> None:
    assert post(app, "acme_us", "/tss/v2/searches", text).status == 400


def test_downloads_are_in_the_truth_ledger(app: CybersourceApp) -> None:
    ledger = Ledger()
    counted = CybersourceApp(app.world, ledger)
    download(counted, "acme_us", CLASSIC, DAY)
    download(counted, "acme_us", "Nothing", DAY)
    assert [(row.verb, row.committed) for row in ledger.rows()] == [
        ("report-downloads", True),
        ("report-downloads", False),
    ]
