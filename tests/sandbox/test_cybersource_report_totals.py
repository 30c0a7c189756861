"""The figures of the sandbox's reports agree with each other."""

from datetime import date, timedelta

from defusedxml.ElementTree import fromstring

from include.sandbox.cybersource import CybersourceApp
from include.sandbox.world import MERCHANTS
from tests.sandbox.support import CLASSIC, DAY, body, download, rows, service
from tests.sandbox.support import app as app


def day_without_fault(app: CybersourceApp, merchant: str) -> date:
    days = (DAY + timedelta(days=n) for n in range(60))
    return next(
        d
        for d in days
        if app.world.file_fault(merchant, d) is None and app.world.settled(merchant, d).disputes
    )


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
