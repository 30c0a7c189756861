"""What decides how a batch is booked: the mappings of its dates, and what it began with."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from include.adapters.store.schema import journals as journal_table
from include.domain.merchant import PeriodPolicy
from include.services.journal_book import JournalState
from tests.support_books import ACCOUNTS, Desk, base_table, line, table, worked_day

LAST, FIRST, BANK_DAY = date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 2)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_accounts_and_rate_are_of_the_posting_date_and_fee_kinds_of_the_day(
    tmp_path: Path,
) -> None:
    desk = Desk(tmp_path, period_policy=PeriodPolicy.next_open)
    desk.periods.closed.add((2026, 10))
    november = desk.mappings.since(FIRST)
    november.rate_millionths = 1_100_000
    november.accounts["clearing"] = ACCOUNTS | {"net": "1161"}
    november.kinds["interchange"] = "assessment"
    euro = {"currency": "EUR", "batch": "B1", "request": "1"}
    fee = line("fee", -100, detail_code="interchange", **euro)
    (journal,) = desk.build([line(minor=10000, **euro), fee], LAST).built
    assert (journal.posting_date, journal.rate_millionths) == (FIRST, 1_100_000)
    assert base_table(journal)[:3] == [("1161", "108.90"), ("6150", "1.10"), ("1150", "-110.00")]


@pytest.mark.parametrize("begins_as_invoice", [True, False])
def test_fees_that_began_as_a_bill_or_without_one_go_on_so(
    tmp_path: Path, begins_as_invoice: bool
) -> None:
    desk = Desk(tmp_path, fees_as_ap_invoice=begins_as_invoice, ap_supplier="ACQ001")
    for journal in desk.build(worked_day(), LAST).built:
        desk.journals.move(journal, JournalState.posted)
    desk.merchant = replace(desk.merchant, fees_as_ap_invoice=not begins_as_invoice)
    assert desk.build(worked_day(), LAST).built == ()


def test_a_funding_goes_on_at_the_accounts_it_began_with(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.build(worked_day(), LAST)
    for journal in desk.fund([("E1", 26700, "B1")], BANK_DAY).built:
        desk.journals.move(journal, JournalState.posted)
    desk.mappings.accounts["clearing"] = ACCOUNTS | {"net": "1161", "bank": "1001"}
    (second,) = desk.fund([("E1", 26798, "B1")], BANK_DAY).built  # the bank corrects its statement
    assert table(second) == [("1160", "-0.98"), ("1000", "0.98")]


def test_a_changed_mapping_moves_nothing_that_is_booked(desk: Desk) -> None:
    (first,) = desk.build(worked_day(), LAST).built
    desk.journals.move(first, JournalState.posted)
    desk.mappings.version = "mappings 2"
    desk.mappings.accounts["clearing"] = {**desk.mappings.accounts["clearing"], "net": "1161"}
    desk.mappings.kinds["assessment"] = "discount"
    assert desk.build(worked_day(), LAST).built == ()
    (second,) = desk.build(worked_day(per_item=-50), LAST).built
    assert table(second) == [("1160", "-0.10"), ("6152", "0.10")]
    with desk.engine.begin() as connection:
        kept = connection.execute(select(journal_table.c.mapping_version)).scalars().all()
    assert kept == ["mappings 1", "mappings 1"]


def test_a_changed_rate_moves_nothing_that_is_booked(desk: Desk) -> None:
    lines = [line("gross_sale", 1000, currency="EUR", batch="B1", request="1")]
    (first,) = desk.build(lines, LAST).built
    desk.journals.move(first, JournalState.posted)
    desk.mappings.rate_millionths = 1_200_000
    assert desk.build(lines, LAST).built == ()
