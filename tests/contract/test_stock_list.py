"""The list of what a warehouse has, which checkout asks in place of SYSPRO."""

from datetime import UTC, datetime, timedelta

import pytest

from include.adapters.store.engine import open_store
from include.adapters.store.stock_list import SqlStockList

NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)


@pytest.fixture
def stocked(migrated_url: str) -> SqlStockList:
    return SqlStockList(open_store(migrated_url), lambda _connection: NOW)


def test_only_what_a_whole_list_does_not_have_is_absent_whatever_its_case(
    stocked: SqlStockList,
) -> None:
    stocked.note("A", "MAIN", ["TEA"], NOW, is_whole=False)
    assert stocked.absent("A", "MAIN", ["CUP"]) == ()  # it has shown changes alone
    stocked.note("A", "MAIN", ["TEA", *(f"P{n}" for n in range(1_200))], NOW, is_whole=True)
    assert stocked.absent("A", "MAIN", ["tea", "CUP", "p1199"]) == ("CUP",)
    assert stocked.absent("A", "EAST", ["CUP"]) == ()  # nobody has read that warehouse
    assert stocked.absent("B", "MAIN", ["CUP"]) == ()


def test_what_a_later_whole_list_does_not_show_is_forgotten(stocked: SqlStockList) -> None:
    stocked.note("A", "MAIN", ["TEA", "CUP"], NOW - timedelta(minutes=30), is_whole=True)
    stocked.note("A", "MAIN", ["POT"], NOW - timedelta(minutes=15), is_whole=False)
    assert stocked.absent("A", "MAIN", ["TEA", "CUP", "POT"]) == ()
    stocked.note("A", "MAIN", ["TEA"], NOW, is_whole=True)
    assert stocked.absent("A", "MAIN", ["TEA", "CUP", "POT"]) == ("CUP", "POT")


def test_a_push_that_comes_late_takes_nothing_away_from_a_newer_one(stocked: SqlStockList) -> None:
    earlier = NOW - timedelta(minutes=1)
    stocked.note("A", "MAIN", ["TEA", "CUP"], NOW, is_whole=True)
    stocked.note("A", "MAIN", ["TEA"], earlier, is_whole=True)  # another shop of the warehouse
    assert stocked.absent("A", "MAIN", ["TEA", "CUP"]) == ()


def test_a_list_that_nobody_brings_up_to_date_says_nothing(stocked: SqlStockList) -> None:
    stocked.note("A", "MAIN", ["TEA"], NOW - timedelta(hours=2), is_whole=True)
    assert stocked.absent("A", "MAIN", ["CUP"]) == ()
    stocked.note("A", "MAIN", ["TEA"], NOW, is_whole=False)
    assert stocked.absent("A", "MAIN", ["CUP"]) == ("CUP",)


def test_a_warehouse_that_comes_back_empty_is_no_list(stocked: SqlStockList) -> None:
    stocked.note("A", "MAIN", [], NOW, is_whole=True)
    assert stocked.absent("A", "MAIN", ["TEA"]) == ()
    stocked.note("A", "MAIN", ["TEA"], NOW - timedelta(minutes=15), is_whole=True)
    stocked.note("A", "MAIN", [], NOW, is_whole=True)
    assert stocked.absent("A", "MAIN", ["TEA", "CUP"]) == ("CUP",)
