"""Statements that overlap: each bank entry is counted once, with the day that ran first."""

from pathlib import Path

import polars as pl
import pytest

from include.domain.settlement import SettlementDay
from include.services.day_files import ENTRIES
from tests.support_files import BANK, DAY, NEXT, Bench

HEAD = "date,value_date,amount,currency,reference,text,balance\n"
FIRST = "2026-10-31,2026-10-31,267.98,USD,B1,ACQ,\n"
SECOND = "2026-11-01,2026-11-01,70.00,USD,B2,ACQ,\n"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, BANK)


def state(bench: Bench, day: SettlementDay, *entries: str) -> list[int]:
    """Have the bank state entries of a day; return the amounts that the day counts."""
    bench.gateway.put("US-001", day, "".join([HEAD, *entries]).encode())
    bench.download(day)
    return counted(bench, day)


def counted(bench: Bench, day: SettlementDay) -> list[int]:
    result = bench.classify(day)
    assert result.rows_in == result.rows_classified + result.rows_quarantined
    return [
        int(minor) for minor in pl.read_parquet(bench.lake.day_path(day, ENTRIES))["amount_minor"]
    ]


def test_an_entry_that_the_next_statement_repeats_is_counted_once(bench: Bench) -> None:
    assert state(bench, DAY, FIRST) == [26798]
    assert state(bench, NEXT, FIRST, SECOND) == [7000]
    (item,) = bench.findings.found[str(NEXT), "classify"]
    assert (item.cause.value, item.amount_minor) == ("duplicate_line", 26798)
    assert f"counted with {DAY.settlement_date} already" in item.explanation
    assert counted(bench, DAY) == [26798]
    assert counted(bench, NEXT) == [7000]


def test_the_day_that_ran_first_keeps_the_entry_of_a_statement_that_came_late(
    bench: Bench,
) -> None:
    assert state(bench, NEXT, FIRST, SECOND) == [26798, 7000]
    assert state(bench, DAY, FIRST) == []
    assert counted(bench, NEXT) == [26798, 7000]


def test_an_entry_that_left_the_statement_that_counted_it_names_the_day_to_run(
    bench: Bench,
) -> None:
    state(bench, DAY, FIRST)
    state(bench, NEXT, FIRST, SECOND)
    assert state(bench, DAY) == []  # the bank books it with the next day after all
    (item,) = bench.findings.opened
    assert (item.settlement_date, item.amount_minor) == (NEXT.settlement_date, 26798)
    assert f"then run {NEXT.settlement_date} again" in item.next_action
    assert counted(bench, NEXT) == [26798, 7000]


def test_an_entry_with_another_amount_is_another(bench: Bench) -> None:
    state(bench, DAY, FIRST)
    assert state(bench, NEXT, FIRST.replace("267.98", "267.97")) == [26797]
