"""Step 2: every record counted once, on the right day, and whatever is set aside has an owner."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from include.adapters.store.engine import open_store
from include.adapters.store.files import SqlFiles
from include.adapters.store.schema import metadata
from include.domain.merchant import Source, SourceKind
from include.domain.settlement import Coverage, Knowledge, LineClass, SettlementDay
from include.services.files import FileState
from include.services.ports import ReportState
from tests.support_files import BANK, DAY, DISPUTES, NEXT, SALES, Bench, sale, sales_file, window_of

BANK_FILE = (
    b"date,value_date,amount,currency,reference,text,balance\n"
    b"2026-10-31,2026-10-31,267.98,USD,B1,ACQUIRER,1267.98\n"
)

CASES = Source(
    "disputes",
    SourceKind.report,
    "Disp",
    "chargeback_and_retrieval_detail_csv",
    (LineClass.chargeback, LineClass.chargeback_reversal, LineClass.fee),
)


def cases_file(
    day: SettlementDay, stage: str, amount: str, *, fee: str = "15.00", of: SettlementDay = DAY
) -> bytes:
    """One stage of one case, with a fee; ``of`` is the day whose stage it is, where the same."""
    window = window_of(day)
    at, until = (f"{when:%Y-%m-%dT%H:%M:%SZ}" for when in (window.start_at, window.end_at))
    names = "requestID merchantID merchantReferenceNumber transactionDate caseNumber caseType "
    names += "chargebackAmount chargebackCurrency chargebackTime chargebackReasonCode "
    names += "financialImpact transactionType arn feeAmount feeCurrency"
    on = f"{window_of(of).start_at:%Y-%m-%dT%H:%M:%SZ}"
    row = f"7000000000000000000001,acme_us,ORD-1,{on},K1,{stage},{amount},USD,{on},10.4,Y,,A1,"
    head = f"acme_us,Disp,ChargebackAndRetrievalDetail,1.10,{at} to {until},,,,,,,,,,"
    return "\n".join([head, names.replace(" ", ","), f"{row}{fee},USD", ""]).encode()


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


def test_a_line_of_an_earlier_days_file_is_counted_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.gateway.put("Sales", DAY, sales_file(DAY, sale(1), sale(2)))
    bench.gateway.put("Sales", NEXT, sales_file(NEXT, sale(2), sale(3, "7.00")))
    for day in (DAY, NEXT):
        bench.download(day)
    first, second = bench.classify(DAY), bench.classify(NEXT)
    assert first.totals == {("USD", LineClass.gross_sale): 7000}
    assert second.totals == {("USD", LineClass.gross_sale): 700}
    assert (second.rows_in, second.rows_classified, second.rows_quarantined) == (2, 1, 1)
    item = bench.findings.found[str(NEXT), "classify"][0]
    assert (item.cause.value, item.amount_minor) == ("duplicate_line", 3500)
    assert f"counted with {DAY.settlement_date} already" in item.explanation
    assert bench.classify(DAY).totals == first.totals  # what was set aside is in no day's lines


def test_a_record_that_repeats_in_part_says_what_no_day_counts(tmp_path: Path) -> None:
    bench = Bench(tmp_path, CASES)
    bench.gateway.states = {"Disp": ReportState.ready}
    items = []
    for day, fee in ((DAY, "15.00"), (NEXT, "25.00"), (NEXT, "15.00")):
        bench.gateway.put("Disp", day, cases_file(day, "CHARGEBACK", "-80.00", fee=fee))
        bench.download(day)
        bench.classify(day)
        items.append(bench.findings.found[str(day), "classify"])
    nothing, (differs,), (repeats,) = items
    assert nothing == []
    assert differs.explanation.startswith(
        f"The line was counted with {DAY.settlement_date} already, but for -25.00 USD that no day"
    )
    assert "Nothing to do" not in differs.next_action
    assert differs.next_action.startswith("Compare the record with what 2026-10-31 holds of it")
    assert repeats.next_action == "Nothing to do: it is counted once."


def test_a_line_of_a_later_day_that_ran_first_is_counted_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.gateway.put("Sales", DAY, sales_file(DAY, sale(1), sale(2)))
    bench.gateway.put("Sales", NEXT, sales_file(NEXT, sale(2), sale(3, "7.00")))
    for day in (NEXT, DAY):
        bench.download(day)
    later, earlier = bench.classify(NEXT), bench.classify(DAY)
    assert later.totals == {("USD", LineClass.gross_sale): 4200}
    assert earlier.totals == {("USD", LineClass.gross_sale): 3500}
    (item,) = bench.findings.found[str(DAY), "classify"]
    assert f"counted with {NEXT.settlement_date} already" in item.explanation
    assert bench.classify(NEXT).totals == later.totals
    assert bench.classify(DAY).totals == earlier.totals


def test_a_line_that_moved_to_a_day_that_ran_before_names_that_day_to_run_again(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    bench.gateway.put("Sales", DAY, sales_file(DAY, sale(1), sale(2)))
    bench.gateway.put("Sales", NEXT, sales_file(NEXT, sale(2), sale(3, "7.00")))
    for day in (DAY, NEXT):
        bench.download(day)
        bench.classify(day)
    assert bench.findings.opened == []
    bench.gateway.put("Sales", DAY, sales_file(DAY, sale(1)))  # restated: sale 2 is of NEXT
    bench.download(DAY)
    first = bench.classify(DAY)
    assert first.totals == {("USD", LineClass.gross_sale): 3500}
    assert first.rows_in == first.rows_classified + first.rows_quarantined == 1
    (item,) = bench.findings.opened
    assert (item.settlement_date, item.amount_minor) == (NEXT.settlement_date, 3500)
    assert f"then run {NEXT.settlement_date} again: it counts the line." in item.next_action
    assert bench.findings.found[str(NEXT), "classify"][0].item_key in bench.findings.resolved
    second = bench.classify(NEXT)
    assert second.totals == {("USD", LineClass.gross_sale): 4200}
    assert second.rows_in == second.rows_classified == 2
    assert bench.findings.causes(NEXT) == []
    bench.findings.opened.clear()
    bench.classify(DAY)
    assert bench.findings.opened == []


def test_a_day_whose_files_the_store_has_forgotten_keeps_no_other_day_from_running(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    for day in (DAY, NEXT):
        bench.gateway.put("Sales", day, sales_file(day, sale(1)))
        bench.download(day)
    first, _ = bench.classify(DAY), bench.classify(NEXT)
    restored = open_store(f"sqlite:///{tmp_path / 'restored.db'}")
    metadata.create_all(restored)
    bench.files = SqlFiles(restored)
    bench.download(DAY)
    assert bench.classify(DAY).totals == first.totals
    assert bench.findings.opened == []


def test_a_thousand_moved_lines_are_two_hundred_items_and_a_number(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    rows = [sale(number) for number in range(1000)]
    for day in (DAY, NEXT):
        bench.gateway.put("Sales", day, sales_file(day, *rows))
        bench.download(day)
        bench.classify(day)
    bench.gateway.put("Sales", DAY, sales_file(DAY, sale(5000)))  # restated: all are of NEXT
    bench.download(DAY)
    bench.classify(DAY)
    assert len({item.item_key for item in bench.findings.opened}) == 201
    assert bench.findings.opened[-1].explanation.startswith("800 more lines were left to 2026-10")


def test_a_second_chargeback_of_a_case_is_money_of_its_own(tmp_path: Path) -> None:
    bench = Bench(tmp_path, SALES, CASES)
    bench.gateway.states["Disp"] = ReportState.ready
    stages = ("chargeback", "-80.00"), ("chargeback_reversal", "80.00"), (
        "second_chargeback", "-80.00")  # fmt: skip
    found = []
    for number, stage in enumerate(stages):
        day = SettlementDay("acme_us", DAY.settlement_date + timedelta(days=2 * number))
        bench.gateway.put("Sales", day, sales_file(day, sale(number + 1)))
        bench.gateway.put("Disp", day, cases_file(day, *stage, of=day))
        bench.download(day)
        found.append({c.value: minor for (_, c), minor in bench.classify(day).totals.items()})
        assert bench.findings.causes(day) == []
    assert [(day.get("chargeback"), day.get("chargeback_reversal")) for day in found] == [
        (-8000, None), (None, 8000), (-8000, None)]  # fmt: skip


def test_the_same_request_with_another_amount_is_another_line(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.gateway.put("Sales", DAY, sales_file(DAY, sale(1, "35.00")))
    bench.gateway.put("Sales", NEXT, sales_file(NEXT, sale(1, "15.00")))
    for day in (DAY, NEXT):
        bench.download(day)
        bench.classify(day)
    assert bench.classify(NEXT).totals == {("USD", LineClass.gross_sale): 1500}


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
