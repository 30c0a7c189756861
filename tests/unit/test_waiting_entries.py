"""Bank entries that wait for their batch, where the bank uses an id again on another day."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from include.services.day_files import ENTRIES
from tests.support_books import Desk, line

LAST = date(2026, 10, 31)  # the settlement date
SECOND, THIRD, FOURTH = date(2026, 11, 2), date(2026, 11, 3), date(2026, 11, 4)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def waiting(desk: Desk) -> list[tuple[str, int | None]]:
    """Return the amounts that have an open item, by the day it is listed on."""
    items = desk.items.of_stage("acme_us", "fund")
    return sorted((str(item.settlement_date), item.amount_minor) for item in items)


def date_entries(desk: Desk, on: date, booked: date) -> None:
    """Have the entries of the statement of ``on`` booked on another day."""
    path = desk.lake.day_path(desk.day(on), ENTRIES)
    pl.read_parquet(path).with_columns(booking_date=pl.lit(booked)).write_parquet(path)


def test_what_waits_is_kept_when_its_id_comes_again_for_a_batch(desk: Desk) -> None:
    desk.build([line(minor=10000, batch="B1", request="1")], LAST)
    desk.fund([("1", 500, "rent")], SECOND)
    (funding,) = desk.fund([("1", 10000, "B1")], THIRD).built
    assert (funding.batch_id, waiting(desk)) == ("B1#1", [("2026-11-02", 500)])
    assert desk.fund_again(SECOND).unexplained == 1
    assert desk.fund_again(THIRD).standing == (funding,)
    assert waiting(desk) == [("2026-11-02", 500)]


def test_what_waits_is_kept_when_its_id_comes_again_unexplained(desk: Desk) -> None:
    desk.fund([("1", 500, "rent")], SECOND)
    desk.fund([("1", 700, "rent")], THIRD)
    assert waiting(desk) == [("2026-11-02", 500), ("2026-11-03", 700)]


def test_two_entries_of_one_id_pay_one_batch_in_one_run(desk: Desk) -> None:
    desk.fund([("1", 4000, "B1")], SECOND)
    desk.fund([("1", 6000, "B1")], THIRD)
    desk.build([line(minor=10000, batch="B1", request="1")], LAST)
    built = desk.fund([], FOURTH).built
    assert {(j.batch_id, j.posting_date, j.debit_total.minor) for j in built} == {
        ("B1#1#2026-11-02", SECOND, 4000),
        ("B1#1#2026-11-03", THIRD, 6000),
    }
    assert waiting(desk) == []
    for on in (SECOND, THIRD, FOURTH):
        assert desk.fund_again(on).built == ()


def test_an_id_that_comes_again_leaves_what_a_later_day_has_booked(desk: Desk) -> None:
    desk.fund([("1", 10000, "B1")], SECOND)
    desk.build([line(minor=10000, batch="B1", request="1")], LAST)
    (funding,) = desk.fund([], THIRD).built
    desk.fund([("1", 700, "rent")], FOURTH)
    for on in (SECOND, THIRD, FOURTH):
        assert desk.fund_again(on).built == ()
    assert desk.fund_again(THIRD).standing == (funding,)
    assert waiting(desk) == [("2026-11-04", 700)]


@pytest.mark.parametrize("booked", [SECOND, FOURTH], ids=["before", "after"])
def test_an_entry_waits_by_the_statement_that_has_it(desk: Desk, booked: date) -> None:
    """A statement of a weekend has entries of other days; those days' own runs know none."""
    desk.fund([("1", 500, "rent")], THIRD)
    date_entries(desk, THIRD, booked)
    desk.fund_again(THIRD)
    for on in (SECOND, FOURTH):
        desk.fund([], on)
    assert waiting(desk) == [("2026-11-03", 500)]
    (item,) = desk.items.of_stage("acme_us", "fund")
    assert f"of {booked} over 5.00 USD" in item.explanation
    desk.fund([], THIRD)  # the bank drops it from its statement
    assert waiting(desk) == []


def test_an_entry_of_no_money_neither_pays_nor_waits(desk: Desk) -> None:
    desk.build([line(minor=10000, batch="B1", request="1")], LAST)
    result = desk.fund([("1", 0, "B1"), ("2", 0, "notice")], SECOND)
    assert (result.built, result.unexplained, waiting(desk)) == ((), 0, [])
