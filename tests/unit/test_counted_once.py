"""Step 2: what the files of several days tell is counted once, on the right day."""

from datetime import timedelta
from pathlib import Path

from include.adapters.store.engine import open_store
from include.adapters.store.files import SqlFiles
from include.adapters.store.schema import metadata
from include.domain.merchant import Source, SourceKind
from include.domain.settlement import LineClass, SettlementDay
from include.services.ports import ReportState
from tests.support_files import DAY, NEXT, SALES, Bench, sale, sales_file, window_of

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


def with_a_line_in_two_days(tmp_path: Path, *days: SettlementDay) -> Bench:
    """Have the second sale of a day in the next day's file as well; they come as ``days`` says."""
    bench = Bench(tmp_path)
    bench.gateway.put("Sales", DAY, sales_file(DAY, sale(1), sale(2)))
    bench.gateway.put("Sales", NEXT, sales_file(NEXT, sale(2), sale(3, "7.00")))
    for day in days:
        bench.download(day)
    return bench


def test_a_line_of_an_earlier_days_file_is_counted_once(tmp_path: Path) -> None:
    bench = with_a_line_in_two_days(tmp_path, DAY, NEXT)
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
    bench = with_a_line_in_two_days(tmp_path, NEXT, DAY)
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
