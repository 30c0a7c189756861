"""What is traded live settles: it is in every report of its day, and the books tie to the cent."""

import csv
import http.client
import io
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from defusedxml.ElementTree import fromstring

from include.sandbox import start
from include.sandbox.board import Sandbox
from include.sandbox.cybersource.render import render
from include.sandbox.world import MERCHANTS, World
from include.sandbox.world.dates import local_window, utc_text
from tests.sandbox.merchant import DAY, Merchant, order, running

CURRENCIES = {"acme_us": "USD", "acme_uk": "GBP", "acme_jp": "JPY"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running() as sandbox:
        yield sandbox


@pytest.fixture
def shop_of(sandbox: Sandbox) -> Callable[[str], Merchant]:
    sandbox.reset()
    return lambda name: Merchant(sandbox, name)


def trade(shop: Merchant) -> dict[str, str]:
    """Sell 40 and 60 (one captured later, in part), refund 15; void and reverse two others."""
    currency = CURRENCIES[shop.name]
    digits = "" if currency == "JPY" else ".00"
    options = {"currency": currency}
    sale = shop.held(f"4000{digits}", capture=True, code="SO-1", **options)
    held = shop.held(f"6000{digits}", code="SO-2", **options)
    captured = shop.capture(held, f"5000{digits}", code="SO-2", **options)[1]["id"]
    refund = shop.refund(sale, f"1500{digits}", "payments", code="SO-1", **options)[1]["id"]
    voided = shop.held(f"700{digits}", capture=True, **options)
    assert shop.void(voided, "payments")[0] == 201
    reversed_ = shop.held(f"800{digits}", **options)
    assert shop.reverse(reversed_, f"800{digits}", **options)[0] == 201
    return {"sale": sale, "captured": captured, "refund": refund, "voided": voided}


def download(shop: Merchant, word: str, day: date = DAY) -> bytes:
    report = next(r for r in MERCHANTS[shop.name].reports if r.content == word)
    query = urlencode(
        {
            "organizationId": shop.name,
            "reportDate": (day + timedelta(days=1)).isoformat(),
            "reportName": report.name,
        }
    )
    shop.control(
        "redeliver",
        organization_id=shop.name,
        report_name=report.name,
        settlement_date=day.isoformat(),
    )
    path = f"/reporting/v3/report-downloads?{query}"
    status, data = shop.call("GET", path, headers={"Accept": report.mime_type})
    assert status == 200, data
    return bytes(data)


def rows(data: bytes) -> list[dict[str, str]]:
    lines = list(csv.reader(io.StringIO(data.decode())))
    return [dict(zip(lines[1], line, strict=True)) for line in lines[2:]]


def service(shop: Merchant, name: str, day: date = DAY, **more: object) -> Any:
    start_at, end_at = local_window(day, MERCHANTS[shop.name].zone)
    query = urlencode({"startTime": utc_text(start_at), "endTime": utc_text(end_at), **more})
    status, answer = shop.call("GET", f"/reporting/v3/{name}?{query}")
    assert status == 200, answer
    return answer


def bank(sandbox: Sandbox, path: str) -> bytes:
    address = urlsplit(sandbox.bank_url)
    wire = http.client.HTTPConnection(str(address.hostname), address.port, timeout=10)
    try:
        wire.request("GET", path, headers={"X-Api-Key": "sandbox-bank"})
        response = wire.getresponse()
        assert response.status == 200
        return response.read()
    finally:
        wire.close()


def opening_of(world: World, day: date) -> int:
    statement = world.bank("US-001", day)
    assert statement is not None
    return statement.opening_minor


def cents(text: str) -> int:
    return int(Decimal(text) * 100)


Shops = Callable[[str], Merchant]


def test_live_lines_stand_in_the_classic_and_the_legacy_batch_report(shop_of: Shops) -> None:
    shop = shop_of("acme_us")
    before = len(rows(download(shop, "batch_classic")))
    made = trade(shop)
    classic = rows(download(shop, "batch_classic"))
    found = {r["request_id"]: r for r in classic}
    assert len(classic) == before + 3
    sale = found[made["sale"]]
    assert (sale["amount"], sale["merchant_ref_number"]) == ("4000.00", "SO-1")
    assert sale["ics_applications"] == "ics_bill,ics_auth"
    assert sale["batch_id"] == classic[0]["batch_id"]
    assert found[made["captured"]]["ics_applications"] == "ics_bill"
    assert found[made["refund"]]["ics_applications"] == "ics_credit"
    assert made["voided"] not in found
    legacy = {r["request_id"]: r for r in rows(download(shop, "batch_legacy"))}
    assert legacy[made["refund"]]["amount"] == "-1500.00"


def test_live_lines_stand_in_the_xml_and_in_the_processor_report(shop_of: Shops) -> None:
    british = shop_of("acme_uk")
    made = trade(british)
    root = fromstring(download(british, "batch_xml").decode())
    ids = {e.attrib["RequestID"] for e in root.iter() if e.tag.endswith("}Request")}
    assert {made["sale"], made["captured"], made["refund"]} <= ids
    assert made["voided"] not in ids
    japanese = Merchant(british.sandbox, "acme_jp")
    made = trade(japanese)
    found = {r["requestID"]: r for r in rows(download(japanese, "processor_settlement"))}
    assert found[made["refund"]]["settlement_settlementAmount"] == "-1500"
    assert found[made["captured"]]["settlement_settlementAmount"] == "5000"


def test_live_lines_are_charged_by_the_schedule(shop_of: Shops) -> None:
    shop = shop_of("acme_us")
    made = trade(shop)
    fees = {r["requestID"]: r for r in rows(download(shop, "fee_detail"))}
    # 4,000.00 by Visa: 1.65 % is 66.00, 0.14 % is 5.60, and 0.10 an item.
    sale = fees[made["sale"]]
    parts = ("fee_interchangeAmount", "fee_assessmentAmount", "fee_perItemFeeAmount")
    assert [sale[p] for p in parts] == ["66.00", "5.60", "0.10"]
    assert sale["fee_totalFeeAmount"] == "71.70"
    # A refund costs its item and nothing else.
    assert fees[made["refund"]]["fee_totalFeeAmount"] == "0.10"


def test_a_fee_summary_counts_live_lines_in_its_rows(shop_of: Shops) -> None:
    shop = shop_of("acme_uk")

    def visa_item_row() -> dict[str, str]:
        return next(
            r
            for r in rows(download(shop, "fee_summary"))
            if (r["feeSummary_feeType"], r["feeSummary_cardType"]) == ("PER_ITEM", "Visa")
            and r["feeSummary_fundingCurrency"] == "GBP"
        )

    before = visa_item_row()
    trade(shop)
    after = visa_item_row()
    assert int(after["feeSummary_count"]) - int(before["feeSummary_count"]) == 3
    fee = "feeSummary_totalFeeAmount"
    assert cents(after[fee]) - cents(before[fee]) == 3 * 8


@pytest.mark.parametrize("name", ["acme_us", "acme_uk", "acme_jp"])
def test_summaries_and_net_fundings_tie_with_the_lines(shop_of: Shops, name: str) -> None:
    shop = shop_of(name)
    trade(shop)
    currency = CURRENCIES[name]
    groups = [
        r
        for r in service(shop, "payment-batch-summaries")["paymentBatchSummaries"]
        if r["currencyCode"] == currency
    ]
    sold = sum(cents(r["salesAmount"]) for r in groups)
    returned = sum(cents(r["creditAmount"]) for r in groups)
    page = service(shop, "purchase-refund-details", viewBy="submissionDate")
    lines = [s for s in page["settlements"] if s["currencyCode"] == currency]
    by_kind = {
        kind: sum(cents(s["amount"]) for s in lines if s["transactionType"] == kind)
        for kind in ("Purchase", "Refund")
    }
    assert by_kind == {"Purchase": sold, "Refund": returned}
    nets = service(shop, "net-fundings")
    (total,) = [t for t in nets["totalPurchases"] if t["currency"] == currency]
    assert cents(total["value"]) == sold
    parts = ("totalPurchases", "totalRefunds", "totalFees", "totalChargebacks")
    found = sum(cents(t["value"]) for p in parts for t in nets[p] if t["currency"] == currency)
    (net,) = [cents(t["value"]) for t in nets["netTotal"] if t["currency"] == currency]
    other = shop.world.trade(name).settled(DAY).other(currency)  # reserve, adjustments
    assert net == found + other * (100 if currency == "JPY" else 1)


def test_the_acquirers_statement_holds_live_fees_and_a_higher_reserve(shop_of: Shops) -> None:
    shop = shop_of("acme_jp")
    path = f"/acquirer/acme_jp/statements/{DAY}"

    def held() -> int:
        lines = bank(shop.sandbox, path).decode().splitlines()
        return sum(int(x.split("|")[2]) for x in lines if x.startswith("R|HOLD"))

    before = held()
    made = trade(shop)
    text = bank(shop.sandbox, path).decode()
    # 4,000 yen by Visa: 1.90 % is 76, 0.10 % is 4, and 10 an item.
    for code, cost in (("INT", "76"), ("ASM", "4"), ("ITM", "10")):
        assert f"F|{code}|{made['sale']}|{cost}|JPY" in text
    assert abs(held() - before - 270) <= 1  # 3 % of 9,000 more, rounded down once on the whole
    rows_, trailer = text.splitlines()[1:-1], text.splitlines()[-1].split("|")
    assert int(trailer[1]) == len(rows_)
    assert int(trailer[2]) == sum(int(x.split("|")[3]) for x in rows_ if x.startswith("F|"))


def test_the_bank_pays_live_trade_two_days_later(shop_of: Shops) -> None:
    shop = shop_of("acme_us")
    world = shop.world
    funded_on = world.trade("acme_us").funding(DAY, "USD").funding_date
    after_that = funded_on + timedelta(days=5)
    opening = opening_of(world, after_that)
    before = world.trade("acme_us").funding(DAY, "USD")
    trade(shop)
    after = world.trade("acme_us").funding(DAY, "USD")
    # 4,000 + 5,000 - 1,500 sold; fees 71.70, then 82.50 + 7.00 + 0.10, and 0.10 for the refund.
    assert after.net_minor - before.net_minor == 750_000 - 7_170 - 8_960 - 10
    assert after.bank_minor - before.bank_minor == after.net_minor - before.net_minor
    assert funded_on == DAY + timedelta(days=2)
    entries = {e.reference: e for e in world.bank_entries("US-001", funded_on)}
    assert entries[after.batch_id].amount_minor == after.bank_minor
    moved = opening_of(world, after_that) - opening
    assert moved == after.net_minor - before.net_minor
    text = bank(shop.sandbox, f"/bank/accounts/US-001/statements/{funded_on}").decode()
    assert str(after.bank_minor) in text
    (funding,) = [
        r
        for r in rows(download(shop, "funding", funded_on))
        if r["batch_batchID"] == after.batch_id
    ]
    assert cents(funding["funding_fundingAmount"]) == after.net_minor


def test_days_without_live_trade_are_the_same_bytes(shop_of: Shops) -> None:
    plain = World(days=40)
    shop = shop_of("acme_us")
    for name in MERCHANTS:
        trade(Merchant(shop.sandbox, name))
    live = shop.world
    for name, facts in MERCHANTS.items():
        for report in facts.reports:
            if report.content in ("funding", "deposit"):
                continue
            for day in (DAY - timedelta(days=1), DAY + timedelta(days=1)):
                expected = render(plain.report(name, report.name, day))
                assert render(live.report(name, report.name, day)) == expected
        assert plain.labels(name, DAY) == live.labels(name, DAY)
    shop.sandbox.reset()
    first = MERCHANTS["acme_us"].reports[0].name
    expected = render(plain.report("acme_us", first, DAY))
    assert render(live.report("acme_us", first, DAY)) == expected


def test_trade_after_a_reset_is_not_mistaken_for_that_before_it(shop_of: Shops) -> None:
    shop = shop_of("acme_us")
    first = shop.held("11.00", capture=True)
    assert first in download(shop, "batch_classic").decode()
    shop.control("reset")
    second = shop.held("22.00", capture=True)
    text = download(shop, "batch_classic").decode()
    assert second in text
    assert first not in text


def test_a_moved_business_date_closes_the_batch_before_it(shop_of: Shops) -> None:
    shop = shop_of("acme_us")
    sale = shop.held("50.00", capture=True)
    next_day = DAY + timedelta(days=1)
    answer = shop.control("live_date", date=next_day.isoformat())
    assert answer == {"live_date": next_day.isoformat(), "settled": 1}
    assert shop.one(sale)["applicationInformation"]["status"] == "TRANSMITTED"
    refund = shop.refund(sale, "50.00", "payments")[1]["id"]
    assert refund not in download(shop, "batch_classic").decode()
    assert refund in download(shop, "batch_classic", next_day).decode()


def test_a_credit_of_nobodys_sale_settles_as_a_refund(shop_of: Shops) -> None:
    shop = shop_of("acme_us")
    body = {**order("12.00"), "tokenInformation": {"jti": "tt-approved-0001"}}
    credit = shop.call("POST", "/pts/v2/credits", body)[1]["id"]
    found = {r["request_id"]: r for r in rows(download(shop, "batch_classic"))}
    assert found[credit]["ics_applications"] == "ics_credit"


def test_a_live_date_outside_the_world_is_refused_at_start() -> None:
    with pytest.raises(ValueError, match="live date 2027-01-01 is not between"):
        start(live_date=date(2027, 1, 1))
    assert World(days=40).live_date == date(2026, 4, 9)  # the last day, where none is given


def test_a_reset_returns_to_the_business_date_of_the_start(shop_of: Shops) -> None:
    shop = shop_of("acme_us")
    shop.control("live_date", date="2026-03-20")
    assert shop.world.live_date == date(2026, 3, 20)
    shop.control("reset")
    assert shop.world.live_date == DAY
