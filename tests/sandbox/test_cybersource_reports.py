"""Reports over the service's own paths: lists, states, downloads, totals and planted files."""

import csv
import gzip
import io
import json
import time
from datetime import date, timedelta
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring

from include.sandbox.cybersource import CybersourceApp
from include.sandbox.ledger import Ledger
from include.sandbox.server import Response
from include.sandbox.world import MERCHANTS, World
from tests.sandbox.calling import claims, get, post, request, target, token

DAY = date(2026, 3, 10)
WINDOWS = {
    "acme_us": ("2026-03-10T04:00:00Z", "2026-03-11T04:00:00Z"),
    "acme_uk": ("2026-03-10T00:00:00Z", "2026-03-11T00:00:00Z"),
    "acme_jp": ("2026-03-09T15:00:00Z", "2026-03-10T15:00:00Z"),
}
CLASSIC = "PaymentBatchDetailReport_Daily_Classic"


@pytest.fixture
def app() -> CybersourceApp:
    return CybersourceApp(World(days=120), Ledger())


def body(response: Response) -> Any:
    assert response.status in (200, 201), response.whole()
    return json.loads(response.whole())


def service(app: CybersourceApp, merchant: str, name: str, **more: object) -> Response:
    start, end = WINDOWS[merchant]
    wanted = target(f"/reporting/v3/{name}", startTime=start, endTime=end, **more)
    return get(app, merchant, wanted)


def listed(
    app: CybersourceApp, merchant: str, start: str, end: str, **more: object
) -> list[dict[str, Any]]:
    wanted = target(
        "/reporting/v3/reports",
        startTime=start,
        endTime=end,
        timeQueryType=more.pop("timeQueryType", "reportTimeFrame"),
        **more,
    )
    answer = get(app, merchant, wanted)
    return [] if answer.status == 404 else body(answer)["reportSearchResults"]


def download(
    app: CybersourceApp, merchant: str, name: str, day: date, accept: str = "text/csv"
) -> Response:
    wanted = target(
        "/reporting/v3/report-downloads",
        organizationId=merchant,
        reportDate=(day + timedelta(days=1)).isoformat(),
        reportName=name,
    )
    return get(app, merchant, wanted, accept)


def rows(data: bytes) -> list[dict[str, str]]:
    lines = list(csv.reader(io.StringIO(data.decode())))
    assert {len(line) for line in lines} == {len(lines[1])}
    return [dict(zip(lines[1], line, strict=True)) for line in lines[2:]]


def day_without_fault(app: CybersourceApp, merchant: str) -> date:
    days = (DAY + timedelta(days=n) for n in range(60))
    return next(
        d
        for d in days
        if app.world.file_fault(merchant, d) is None and app.world.settled(merchant, d).disputes
    )


def test_the_list_shows_a_day_with_the_members_the_vendor_uses(app: CybersourceApp) -> None:
    found = listed(app, "acme_us", *WINDOWS["acme_us"])
    names = {entry["reportName"]: entry for entry in found}
    assert set(names) == {r.name for r in MERCHANTS["acme_us"].reports}
    entry = names[CLASSIC]
    assert entry["status"] == "COMPLETED"
    assert entry["reportStartTime"] == "2026-03-10T00:00:00-04:00"
    assert entry["reportEndTime"] == "2026-03-11T00:00:00-04:00"
    assert entry["timezone"] == "America/New_York"
    one = body(get(app, "acme_us", f"/reporting/v3/reports/{entry['reportId']}"))
    assert one["reportStatus"] == "COMPLETED"
    assert "status" not in one
    assert entry["_link"]["reportDownload"]["href"].endswith(
        f"reportDate=2026-03-11&reportName={CLASSIC}"
    )


def test_the_list_takes_filters(app: CybersourceApp) -> None:
    window = WINDOWS["acme_us"]
    (only,) = listed(app, "acme_us", *window, reportName=CLASSIC)
    assert only["reportName"] == CLASSIC
    assert listed(app, "acme_us", *window, reportStatus="ERROR") == []
    xml = listed(app, "acme_us", *window, reportMimeType="application/xml")
    assert {entry["reportMimeType"] for entry in xml} == {"application/xml"}
    ready = listed(
        app,
        "acme_us",
        "2026-03-11T05:00:00Z",
        "2026-03-11T07:00:00Z",
        timeQueryType="executedTime",
    )
    assert {entry["reportStartTime"][:10] for entry in ready} == {"2026-03-10"}


def test_a_window_of_23_hours_lists_exactly_its_day(app: CybersourceApp) -> None:
    found = listed(app, "acme_us", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z")
    assert {entry["reportStartTime"] for entry in found} == {"2026-03-08T00:00:00-05:00"}
    assert listed(app, "acme_us", "2026-03-08T05:00:01Z", "2026-03-09T04:00:00Z") == []


def test_wrong_parameters_are_400_and_name_the_field(app: CybersourceApp) -> None:
    for wanted, field in (
        (target("/reporting/v3/reports", startTime="2026-03-01T00:00:00Z"), "endTime"),
        (
            target("/reporting/v3/reports", startTime="2026-03-01", endTime="2026-03-02T00:00:00Z"),
            "startTime",
        ),
        (target("/reporting/v3/report-downloads", reportDate="2026-03-11"), "reportName"),
        (
            target("/reporting/v3/report-downloads", reportDate="20260311", reportName="x"),
            "reportDate",
        ),
    ):
        answer = get(app, "acme_us", wanted)
        assert answer.status == 400
        assert json.loads(answer.whole())["details"][0]["field"] == field


def test_the_report_date_is_the_day_the_window_ends_on(app: CybersourceApp) -> None:
    data = download(app, "acme_us", CLASSIC, DAY).whole()
    assert data.decode().splitlines()[0] == (
        f"acme_us,{CLASSIC},PaymentBatchDetail,1.10,"
        "2026-03-10T04:00:00Z to 2026-03-11T04:00:00Z,,,,,,,"
    )


def test_a_download_in_another_format_is_refused(app: CybersourceApp) -> None:
    assert download(app, "acme_us", CLASSIC, DAY, "application/xml").status == 400
    assert download(app, "acme_us", CLASSIC, DAY, "text/csv").content_type == "text/csv"


def test_a_download_is_compressed_when_accepted(app: CybersourceApp) -> None:
    wanted = target("/reporting/v3/report-downloads", reportDate="2026-03-11", reportName=CLASSIC)
    headers = {
        "authorization": f"Bearer {token(claims('GET', wanted, 'acme_us'), 'acme_us')}",
        "accept-encoding": "gzip, deflate",
        "accept": "text/csv",
    }
    packed = app.handle(request("GET", wanted, headers))
    assert ("Content-Encoding", "gzip") in packed.headers
    assert gzip.decompress(packed.whole()) == download(app, "acme_us", CLASSIC, DAY).whole()


def test_unknown_reports_and_days_without_data_are_404(app: CybersourceApp) -> None:
    assert download(app, "acme_us", "Nothing", DAY).status == 404
    assert download(app, "acme_us", CLASSIC, date(2025, 1, 1)).status == 404
    sunday = date(2026, 3, 15)
    assert download(app, "acme_us", "FundingDetailReport_Daily", sunday).status == 404
    states = {
        e["reportName"]: e["status"]
        for e in listed(app, "acme_us", "2026-03-15T04:00:00Z", "2026-03-16T04:00:00Z")
    }
    assert states["FundingDetailReport_Daily"] == "NO_DATA"
    assert states[CLASSIC] == "COMPLETED"
    wanted = target("/reporting/v3/report-downloads", reportDate="2026-03-16", reportName="Nothing")
    missing = get(app, "acme_us", wanted, "application/xml")
    assert fromstring(missing.whole()).tag == "errorBean"


def test_sales_fees_and_disputes_of_the_files_come_to_the_funding_file(
    app: CybersourceApp,
) -> None:
    day = day_without_fault(app, "acme_us")
    sales = {r["request_id"]: r for r in rows(download(app, "acme_us", CLASSIC, day).whole())}
    net = 0
    for row in sales.values():
        cents = int(row["amount"].replace(".", ""))
        if row["ics_applications"].startswith("ics_bill"):
            net += cents
        if row["ics_applications"] == "ics_credit":
            net -= cents
    for row in rows(download(app, "acme_us", "FeeDetailReport_Daily", day).whole()):
        net -= int(row["fee_totalFeeAmount"].replace(".", ""))
    name = "ChargebackAndRetrievalDetailReport_Daily"
    for row in rows(download(app, "acme_us", name, day).whole()):
        if row["chargebackAndRetrieval_financialImpact"] == "Y":
            net += int(row["chargebackAndRetrieval_chargebackAmount"].replace(".", ""))
        net -= int(row["chargebackAndRetrieval_feeAmount"].replace(".", "") or 0)
    batch = next(iter(sales.values()))["batch_id"]
    paid_on = app.world.trade("acme_us").funding(day, "USD").funding_date
    funding = rows(download(app, "acme_us", "FundingDetailReport_Daily", paid_on).whole())
    (paid,) = [r["funding_fundingAmount"] for r in funding if r["batch_batchID"] == batch]
    assert int(paid.replace(".", "")) == net


def test_the_parts_of_a_fee_line_come_to_its_total(app: CybersourceApp) -> None:
    for row in rows(download(app, "acme_us", "FeeDetailReport_Daily", DAY).whole()):
        parts = ("interchange", "assessment", "discount", "perItemFee")
        cents = [int(row[f"fee_{part}Amount"].replace(".", "")) for part in parts]
        assert sum(cents) == int(row["fee_totalFeeAmount"].replace(".", ""))


def xml_amounts(data: bytes) -> dict[str, int]:
    """Sum the amounts that count, by currency: those paired with ics_bill or ics_credit."""
    space = "{https://api.cybersource.com/reporting/v3/dtds/pbdr}"
    sums: dict[str, int] = {}
    seen: set[str] = set()
    for item in fromstring(data, forbid_dtd=False).iter(f"{space}Request"):
        replies = [reply.get("Name") for reply in item.iter(f"{space}ApplicationReply")]
        infos = list(item.iter(f"{space}PaymentInfo"))
        assert len(replies) == len(infos)
        if item.get("RequestID") in seen:
            continue
        seen.add(item.get("RequestID"))
        for reply, info in zip(replies, infos, strict=True):
            if reply in ("ics_bill", "ics_credit"):
                currency = info.findtext(f"{space}CurrencyCode")
                cents = int(info.findtext(f"{space}Amount").replace(".", ""))
                sums[currency] = sums.get(currency, 0) + cents
    return sums


def test_the_xml_report_has_the_bill_beside_the_authorization(app: CybersourceApp) -> None:
    name = "PaymentBatchDetailReport_Daily"
    day = day_without_fault(app, "acme_uk")
    data = download(app, "acme_uk", name, day, "application/xml").whole()
    assert data.startswith(b'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE Report SYSTEM ')
    settled = app.world.settled("acme_uk", day)
    assert xml_amounts(data) == {c: settled.gross(c) + settled.refunded(c) for c in ("EUR", "GBP")}


def test_batch_summaries_equal_the_batch_detail(app: CybersourceApp) -> None:
    for merchant in MERCHANTS:
        found = body(service(app, merchant, "payment-batch-summaries"))["paymentBatchSummaries"]
        settled = app.world.settled(merchant, DAY)
        for currency in MERCHANTS[merchant].currencies:
            mine = [row for row in found if row["currencyCode"] == currency]
            sales = sum(int(row["salesAmount"].replace(".", "")) for row in mine)
            credits = sum(int(row["creditAmount"].replace(".", "")) for row in mine)
            assert (sales, -credits) == (settled.gross(currency), settled.refunded(currency))
        assert sum(row["salesCount"] + row["creditCount"] for row in found) == len(settled.lines)


def test_a_restated_sales_report_takes_the_summaries_with_it(app: CybersourceApp) -> None:
    def count() -> int:
        found = body(service(app, "acme_us", "payment-batch-summaries"))["paymentBatchSummaries"]
        return sum(row["salesCount"] for row in found)

    before = count()
    facts = {
        "organization_id": "acme_us",
        "report_name": CLASSIC,
        "settlement_date": DAY.isoformat(),
    }
    answer = app.control("restate", facts)
    assert answer is not None
    assert answer["version"] == 2
    assert count() == before - 1
    app.reset()
    assert count() == before


def test_control_sets_states_and_refuses_unknown_ones(app: CybersourceApp) -> None:
    facts = {
        "organization_id": "acme_us",
        "report_name": CLASSIC,
        "settlement_date": DAY.isoformat(),
    }
    app.control("report_state", {**facts, "state": "PENDING"})
    (entry,) = listed(app, "acme_us", *WINDOWS["acme_us"], reportName=CLASSIC)
    assert entry["status"] == "PENDING"
    assert download(app, "acme_us", CLASSIC, DAY).status == 404
    app.control("report_state", {**facts, "state": "COMPLETED"})
    assert download(app, "acme_us", CLASSIC, DAY).status == 200
    with pytest.raises(ValueError, match="no report state"):
        app.control("report_state", {**facts, "state": "LOST"})
    with pytest.raises(ValueError, match="no report 'x'"):
        app.control("restate", {**facts, "report_name": "x"})
    assert app.control("periods", {}) is None


def planted(app: CybersourceApp, word: str) -> tuple[str, str, date]:
    for merchant in MERCHANTS:
        for n in range(1, 100):
            day = date(2026, 3, 1) + timedelta(days=n)
            found = app.world.file_fault(merchant, day)
            if found and found[1] == word:
                return merchant, found[0], day
    raise AssertionError(f"{word} is nowhere planted")


def accept_of(merchant: str) -> str:
    return MERCHANTS[merchant].reports[0].mime_type


def test_a_duplicate_file_is_yesterdays_once(app: CybersourceApp) -> None:
    merchant, name, day = planted(app, "duplicate_file")
    accept = accept_of(merchant)
    app.desk.redeliver(merchant, name, day - timedelta(days=1))
    yesterday = download(app, merchant, name, day - timedelta(days=1), accept).whole()
    assert download(app, merchant, name, day, accept).whole() == yesterday
    assert download(app, merchant, name, day, accept).whole() != yesterday


def test_redeliver_makes_the_first_download_right(app: CybersourceApp) -> None:
    merchant, name, day = planted(app, "duplicate_file")
    facts = {"organization_id": merchant, "report_name": name, "settlement_date": str(day)}
    app.control("redeliver", facts)
    first = download(app, merchant, name, day, accept_of(merchant)).whole()
    assert first == download(app, merchant, name, day, accept_of(merchant)).whole()


def test_a_truncated_file_ends_inside_a_line_once(app: CybersourceApp) -> None:
    merchant, name, day = planted(app, "truncated_file")
    cut = download(app, merchant, name, day, accept_of(merchant)).whole()
    whole = download(app, merchant, name, day, accept_of(merchant)).whole()
    assert whole.startswith(cut)
    assert len(cut) < len(whole)
    assert cut[-1:] not in (b"\n", b"\r")
    assert whole[len(cut) : len(cut) + 1] not in (b"\n", b"\r")


def test_every_csv_report_is_rectangular(app: CybersourceApp) -> None:
    for merchant, facts in MERCHANTS.items():
        for report in facts.reports:
            app.desk.redeliver(merchant, report.name, DAY)
            answer = download(app, merchant, report.name, DAY, report.mime_type)
            if answer.status == 404:
                assert not app.world.has_rows(merchant, report.name, DAY)
            elif report.mime_type == "text/csv":
                assert rows(answer.whole())
            else:
                assert fromstring(answer.whole(), forbid_dtd=False).tag.endswith("}Report")


def test_the_review_report_keeps_its_malformed_dates(app: CybersourceApp) -> None:
    name = "ConversionDetailReport_Daily_Classic"
    days = (DAY + timedelta(days=n) for n in range(20))
    day = next(d for d in days if app.world.has_rows("acme_us", name, d))
    root = fromstring(
        download(app, "acme_us", name, day, "application/xml").whole(), forbid_dtd=False
    )
    assert root.get("ReportStartDate") == f"{day}T04:00:00Z+00:00"
    assert root.get("MerchantID") == "acme_us"


def test_chargebacks_say_sign_and_amount_apart(app: CybersourceApp) -> None:
    wanted = target(
        "/reporting/v3/chargeback-details",
        startTime="2026-05-01T00:00:00Z",
        endTime="2026-05-31T00:00:00Z",
    )
    found = body(get(app, "acme_uk", wanted))["chargebackDetails"]
    assert {(item["action"], item["sign"]) for item in found} == {
        ("CHARGEBACK", "-"),
        ("CHARGEBACK_REVERSAL", "+"),
    }
    assert all(not item["amount"].startswith("-") for item in found)
    assert get(app, "acme_jp", wanted).status == 404
    counts = body(get(app, "acme_uk", wanted.replace("details", "summaries")))
    assert sum(item["count"] for item in counts["chargebackSummaries"]) == len(found)


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


def test_review_decisions_are_asked_for_a_day_at_a_time(app: CybersourceApp) -> None:
    long = target(
        "/reporting/v3/conversion-details",
        startTime="2026-03-10T00:00:00Z",
        endTime="2026-03-11T00:00:01Z",
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
                    endTime=f"2026-03-{11 + n}T00:00:00Z",
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


def test_a_cold_day_and_a_list_are_made_quickly() -> None:
    cold = CybersourceApp(World(), Ledger())
    started = time.perf_counter()
    cold.world.settled("acme_us", date(2026, 10, 14))
    day_s = time.perf_counter() - started
    started = time.perf_counter()
    listed(cold, "acme_us", "2026-10-14T04:00:00Z", "2026-10-15T04:00:00Z")
    assert (
        max(day_s, time.perf_counter() - started) < 0.25
    )  # about 20 ms alone; others may share it
