"""Step 2: every record of a day is in its class, or set aside with an owner."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from include.domain.settlement import Coverage, Knowledge, LineClass
from include.services.files import FileState
from include.services.ports import ReportState
from tests.support_files import BANK, DAY, DISPUTES, SALES, Bench, sale, sales_file

BANK_FILE = (
    b"date,value_date,amount,currency,reference,text,balance\n"
    b"2026-10-31,2026-10-31,267.98,USD,B1,ACQUIRER,1267.98\n"
)


def _day(bench: Bench, name: str) -> pl.DataFrame:
    return pl.read_parquet(bench.lake.day_path(DAY, name))


def test_totals_are_per_currency_and_class(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.gateway.put(
        "Sales", DAY, sales_file(DAY, sale(1, "100.00"), sale(2, "30.00", "ics_credit"))
    )
    bench.download()
    found = bench.classify()
    assert found.totals == {("USD", LineClass.gross_sale): 10000, ("USD", LineClass.refund): -3000}
    assert (found.rows_in, found.rows_classified, found.rows_quarantined) == (2, 2, 0)
    assert bench.files.of_day(DAY)[0].state is FileState.classified


def test_what_cannot_be_read_is_counted_and_has_an_owner(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    rows = (sale(1), sale(2, "1,5"), sale(3, "5.00", "ics_mystery"), sale(1))
    bench.gateway.put("Sales", DAY, sales_file(DAY, *rows))
    bench.download()
    found = bench.classify()
    assert (found.rows_in, found.rows_classified, found.rows_quarantined) == (4, 1, 3)
    assert bench.findings.causes(DAY) == [
        "duplicate_line",
        "unknown_record_type",
        "unreadable_line",
    ]
    mystery = bench.findings.found[str(DAY), "classify"][1]
    assert (mystery.currency, mystery.amount_minor, mystery.owner) == (
        "USD",
        500,
        "ar.us@acme.example",
    )
    assert mystery.source == f"{bench.files.of_day(DAY)[0].digest}:5"
    assert mystery.explanation == (
        "'ics_mystery' is no known applications (at payment_batch_detail_classic_csv:5)."
    )
    kept = bench.files.of_day(DAY)[0]
    assert (kept.lines_in, kept.lines_classified, kept.lines_quarantined) == (4, 1, 3)


def test_a_restatement_replaces_the_days_lines(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.gateway.put("Sales", DAY, sales_file(DAY, sale(1), sale(2)))
    bench.download()
    bench.classify()
    bench.gateway.put("Sales", DAY, sales_file(DAY, sale(1)))
    bench.download()
    assert bench.classify().totals == {("USD", LineClass.gross_sale): 3500}
    assert _day(bench, "lines.parquet").height == 1


@pytest.mark.parametrize(
    "number",
    [
        "4111111111111111",
        "4111.1111.1111.1111",
        "4111  1111  1111  1111",
        "4111\u00a01111\u00a01111\u00a01111",
        "41111111/11111111",
        "\uff14" + "\uff11" * 15,
        "4111\u200b1111\u200b1111\u200b1111",
    ],
)
def test_a_file_with_a_card_number_may_be_deleted_once_a_clean_one_is_read(
    tmp_path: Path, number: str
) -> None:
    bench = Bench(tmp_path)
    bench.gateway.put("Sales", DAY, sales_file(DAY, sale(1), sale(2).replace("ORD-2", number)))
    bench.download()
    bench.classify()
    (item,) = bench.findings.found[str(DAY), "classify"]
    raw = bench.lake.raw_path(item.source.partition(":")[0])
    assert number in raw.read_text()  # as it came
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and path != raw]
    assert not any(number.encode() in path.read_bytes() for path in kept)
    assert number not in item.explanation
    assert "under raw/ and its digest" in item.next_action
    bench.gateway.put("Sales", DAY, sales_file(DAY, sale(1), sale(2)))
    bench.download()
    bench.classify()
    raw.unlink()
    bench.download()
    assert bench.classify().totals == {("USD", LineClass.gross_sale): 7000}


def test_a_replay_gives_the_same_bytes(tmp_path: Path) -> None:
    bench = Bench(tmp_path, SALES, BANK)
    bench.gateway.put("Sales", DAY, sales_file(DAY, sale(1), sale(2, "x"), sale(1)))
    bench.gateway.put("US-001", DAY, BANK_FILE)
    names = ("lines.parquet", "quarantine.parquet", "bank_entries.parquet", "downloads.json")
    bench.download()
    bench.classify()
    first = [bench.lake.day_path(DAY, name).read_bytes() for name in names[:3]]
    bench.download()
    bench.classify()
    assert [bench.lake.day_path(DAY, name).read_bytes() for name in names[:3]] == first


def test_a_file_set_aside_as_a_whole_is_an_open_item_and_awaited(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.gateway.put("Sales", DAY, sales_file(DAY, sale(1), sale(2))[:-20])
    bench.download()
    found = bench.classify()
    assert (found.rows_in, found.rows_quarantined, found.totals) == (1, 1, {})
    assert bench.findings.causes(DAY) == ["truncated_file"]
    assert Coverage(LineClass.gross_sale, Knowledge.awaited, "sales") in found.coverage
    assert _day(bench, "lines.parquet").height == 0


def test_a_cut_file_that_came_whole_the_second_time_is_told_and_needs_nothing(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    whole = sales_file(DAY, sale(1), sale(2))
    bench.gateway.put("Sales", DAY, whole[:-20], whole)
    bench.download()
    assert bench.classify().totals == {("USD", LineClass.gross_sale): 7000}
    item = bench.findings.found[str(DAY), "classify"][0]
    assert (item.cause.value, item.next_action) == (
        "truncated_file",
        "Nothing to do: version 2 came whole.",
    )


def test_a_broken_version_replaces_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path, SALES, BANK)
    whole = sales_file(DAY, sale(1), sale(2))
    bench.gateway.put("Sales", DAY, whole)
    bench.gateway.put("US-001", DAY, BANK_FILE)
    bench.download()
    first = bench.classify()
    bench.gateway.put("Sales", DAY, whole[:-20])
    bench.gateway.put("US-001", DAY, BANK_FILE[:-9])
    bench.download()
    found = bench.classify()
    assert (found.totals, found.coverage) == (first.totals, first.coverage)
    assert (found.rows_in, found.rows_classified, found.rows_quarantined) == (5, 3, 2)
    assert _day(bench, "bank_entries.parquet")["amount_minor"].to_list() == [26798]
    assert bench.findings.causes(DAY) == ["truncated_file", "truncated_file"]
    states = [(file.source, file.version, file.state.value) for file in bench.files.of_day(DAY)]
    assert states == [
        ("bank", 1, "classified"),
        ("bank", 2, "quarantined"),
        ("sales", 1, "classified"),
        ("sales", 2, "quarantined"),
    ]
    assert bench.classify().totals == first.totals


def test_coverage_tells_reported_empty_awaited_and_not_knowable_apart(tmp_path: Path) -> None:
    funding = replace(BANK, supplies=(LineClass.funding,))
    bench = Bench(tmp_path, SALES, DISPUTES, funding)
    bench.gateway.put("Sales", DAY, sales_file(DAY, sale(1)))
    bench.download()
    coverage = bench.classify().coverage
    assert {(c.line_class.value, c.knowledge.value, c.source) for c in coverage} == {
        ("gross_sale", "reported", "sales"),
        ("refund", "reported", "sales"),  # delivered, and no refund in it: a zero we know
        ("chargeback", "empty", "disputes"),
        ("chargeback_reversal", "empty", "disputes"),
        ("funding", "awaited", "bank"),
        ("fee", "not_knowable", ""),
        ("adjustment", "not_knowable", ""),
        ("reserve", "not_knowable", ""),
    }
    fee = next(c for c in coverage if c.line_class is LineClass.fee)
    assert str(fee) == "fee: not knowable from this processor (not_knowable)"


def test_a_class_that_a_source_does_not_supply_is_left_to_the_source_that_does(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, replace(SALES, supplies=(LineClass.gross_sale,)))
    bench.gateway.put(
        "Sales", DAY, sales_file(DAY, sale(1, "100.00"), sale(2, "30.00", "ics_credit"))
    )
    bench.download()
    assert bench.classify().totals == {("USD", LineClass.gross_sale): 10000}
    kept = bench.files.of_day(DAY)[0]
    assert (kept.lines_classified, kept.lines_without_money) == (2, 1)


def test_bank_entries_are_a_table_of_their_own(tmp_path: Path) -> None:
    bench = Bench(tmp_path, SALES, BANK)
    bench.gateway.put("Sales", DAY, sales_file(DAY, sale(1)))
    bench.gateway.put("US-001", DAY, BANK_FILE)
    bench.download()
    found = bench.classify()
    entry = _day(bench, "bank_entries.parquet").to_dicts()[0]
    assert (entry["account_id"], entry["amount_minor"], entry["reference"]) == (
        "US-001",
        26798,
        "B1",
    )
    # No report tells of funding, so what the bank booked is the funding that is known.
    assert found.totals == {
        ("USD", LineClass.gross_sale): 3500,
        ("USD", LineClass.funding): 26798,
    }


def test_a_day_without_any_file_has_empty_tables(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.gateway.states = {"Sales": ReportState.empty}
    bench.download()
    found = bench.classify()
    assert (found.rows_in, found.totals) == (0, {})
    assert _day(bench, "lines.parquet").height == _day(bench, "quarantine.parquet").height == 0
    assert not bench.lake.day_path(DAY, "bank_entries.parquet").exists()


def test_a_thousand_broken_lines_are_two_hundred_items_and_a_number(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.gateway.put("Sales", DAY, sales_file(DAY, *(sale(n, "x") for n in range(1_000))))
    bench.download()
    assert bench.classify().rows_quarantined == 1_000
    items = bench.findings.found[str(DAY), "classify"]
    assert len(items) == 201
    assert any("800 more lines" in item.explanation for item in items)
