"""The facts of a day are measured exactly; the gate stops a day that does not add up."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from include.adapters.quality.runner import GxGate
from include.adapters.store.engine import open_store
from include.adapters.store.quality import SqlQuality
from include.adapters.store.schema import files, metadata
from include.domain.errors import Rejected
from include.domain.quality import QualityResult, Severity
from include.domain.settlement import (
    LINE_COLUMNS,
    Coverage,
    Knowledge,
    LineClass,
    SettlementDay,
)
from include.mappings.load import load_mappings
from include.services.check_quality import check_quality
from include.services.column_types import schema_of

DAY = SettlementDay("acme_us", date(2026, 10, 31))
US = load_mappings().merchant("acme_us", DAY.settlement_date)
SALES, FEES = "a" * 64, "b" * 64
NOON = datetime(2026, 10, 31, 16, tzinfo=UTC)
CONTROL = [
    {
        "currencyCode": "USD",
        "merchantId": "acme_us",
        "salesCount": 3,
        "salesAmount": "400.00",
        "creditCount": 1,
        "creditAmount": "30.00",
    }
]


class Clock:
    def now(self) -> datetime:
        return datetime(2026, 11, 1, 9, tzinfo=UTC)


class Folder:
    def __init__(self, root: Path) -> None:
        self.root = root

    def day_path(self, day: SettlementDay, name: str) -> Path:
        return self.root / name


def _line(number: int, line_class: str, minor: int, **more: object) -> dict[str, object]:
    return {
        **dict.fromkeys(LINE_COLUMNS),
        "file_digest": SALES,
        "line_no": number,
        "line_class": line_class,
        "detail_code": "",
        "currency": "USD",
        "amount_minor": minor,
        "request_id": f"64258734912460012345{number:02d}",
        "occurred_at": NOON,
        **more,
    }


# The books' day: sales 100.00 + 250.50 + 49.50, a refund of 30.00, a fee of 6.10.
LINES = [
    _line(3, "gross_sale", 10_000),
    _line(4, "gross_sale", 25_050),
    _line(5, "gross_sale", 4_950),
    _line(6, "refund", -3_000),
    _line(3, "fee", -610, file_digest=FEES, detail_code="interchange"),
]


class Day:
    """A settlement day in a lake and a store, as the earlier steps leave it."""

    def __init__(self, tmp_path: Path) -> None:
        self.root = tmp_path
        self.engine = open_store(f"sqlite:///{tmp_path}/store.db")
        metadata.create_all(self.engine)
        self.store = SqlQuality(self.engine, Clock())
        self.lines([*LINES])
        self.file("sales", SALES, 4)
        self.file("fees", FEES, 1)

    def lines(self, rows: list[dict[str, object]]) -> None:
        schema = schema_of(LINE_COLUMNS)
        pl.DataFrame(rows, schema=schema, orient="row").write_parquet(self.root / "lines.parquet")

    def quarantine(self, rows: list[tuple[str, int, str, str | None, str | None]]) -> None:
        names = ["file_digest", "line_no", "reason_code", "currency", "amount_text"]
        pl.DataFrame(
            rows, schema=dict.fromkeys(names, pl.String) | {"line_no": pl.Int64}, orient="row"
        ).write_parquet(self.root / "quarantine.parquet")

    def file(self, source: str, digest: str, records: int, **more: object) -> None:
        row = {
            "merchant_id": "acme_us",
            "settlement_date": DAY.settlement_date,
            "source": source,
            "layout": "x",
            "digest": digest,
            "version": 1,
            "size_bytes": 1,
            "window_start_at": datetime(2026, 10, 31, 4, tzinfo=UTC),
            "window_end_at": datetime(2026, 11, 1, 4, tzinfo=UTC),
            "received_at": Clock().now(),
            "state": "classified",
            "reason": "",
            "lines_in": records,
            "lines_classified": records,
            "lines_quarantined": 0,
            **more,
        }
        with self.engine.begin() as connection:
            connection.execute(files.insert(), [row])

    def check(self, control: list[dict[str, object]] | None = None) -> QualityResult:
        return check_quality(
            DAY,
            US,
            lake=Folder(self.root),
            gate=GxGate(),
            quality_store=self.store,
            control_totals=CONTROL if control is None else control,
            coverage=(),
        )

    def change(self, name: str, **values: object) -> None:
        with self.engine.begin() as connection:
            connection.execute(files.update().where(files.c.source == name).values(**values))


@pytest.fixture
def day(tmp_path: Path) -> Day:
    return Day(tmp_path)


def test_the_day_of_the_books_passes_and_its_result_is_kept(day: Day) -> None:
    result = day.check()
    assert result.findings == ()
    result.require()
    assert day.store.of_day(DAY) == result
    assert day.store.of_day(SettlementDay("acme_uk", DAY.settlement_date)) is None


def test_a_second_run_replaces_the_first(day: Day) -> None:
    day.check()
    day.lines(LINES[:-1])
    second = day.check()
    assert day.store.of_day(DAY) == second
    assert len(second.suites) == 4


def test_a_repeated_line_does_not_disturb_the_control_total(day: Day) -> None:
    day.lines([*LINES, _line(7, "gross_sale", 10_000, request_id=LINES[0]["request_id"])])
    day.change("sales", lines_in=5, lines_classified=5)
    assert day.check().is_passed


def test_records_without_money_are_not_missed_in_the_lake(day: Day) -> None:
    day.change("fees", lines_in=3, lines_classified=3)
    assert day.check().findings == ()


def test_more_in_the_lake_than_was_classified_stops_the_day(day: Day) -> None:
    day.change("fees", lines_in=0, lines_classified=0)
    assert "fees: 0 records were classified, but the lake holds 1" in day.check().findings


def test_a_lost_line_stops_the_day_with_what_where_and_what_to_do(day: Day) -> None:
    day.lines(LINES[1:])
    with pytest.raises(Rejected) as caught:
        day.check().require()
    assert "sales are 300.00 USD, the processor's control total is 400.00 USD" in caught.value.what
    assert caught.value.where == "acme_us|2026-10-31"
    assert "Download the day again" in caught.value.do


def test_a_control_total_may_be_met_with_the_records_set_aside(day: Day) -> None:
    day.lines([LINES[0], LINES[1], LINES[3], LINES[4]])  # 49.50 is set aside
    day.quarantine([(SALES, 5, "unknown_record_type", "USD", "49.50")])
    day.change("sales", lines_classified=3, lines_quarantined=1)
    result = day.check()
    assert result.is_passed
    assert result.findings == ("USD: 1 records are set aside, 0 of them without a readable amount",)


def test_a_record_set_aside_explains_no_more_than_its_amount(day: Day) -> None:
    day.lines([LINES[0], LINES[1], LINES[3], LINES[4]])
    day.quarantine([(SALES, 5, "unknown_record_type", "USD", "49.49")])
    day.change("sales", lines_classified=3, lines_quarantined=1)
    assert not day.check().is_passed


def test_an_exact_repeat_set_aside_is_no_cause_for_worry(day: Day) -> None:
    day.quarantine([(SALES, 7, "duplicate_line", "USD", "100.00")])
    day.change("sales", lines_in=5, lines_quarantined=1)
    assert day.check().findings == ()


def test_a_fifth_of_the_amounts_set_aside_stops_the_day(day: Day) -> None:
    # 436.10 of lines without signs; 110.00 of 546.10 are 2015 basis points, rounded up.
    day.quarantine([(SALES, 7, "unknown_record_type", "USD", "110.00")])
    day.change("sales", lines_in=5, lines_quarantined=1)
    result = day.check([])
    assert not result.is_passed
    assert "1 records of 110.00 USD are set aside, 2,015 basis points of the amounts" in (
        result.findings
    )


def test_no_control_total_is_a_note_and_not_a_zero(day: Day) -> None:
    result = day.check([])
    assert result.is_passed
    assert result.failures(Severity.note)[0].check == "control_total_known"


def test_a_control_total_of_another_merchant_is_not_ours(day: Day) -> None:
    foreign = {**CONTROL[0], "merchantId": "acme_uk", "salesAmount": "9.99"}
    assert day.check([*CONTROL, foreign]).findings == ()


def test_a_control_total_that_is_no_money_is_refused(day: Day) -> None:
    with pytest.raises(Rejected, match="'4e2' 'USD' is not money"):
        day.check([{**CONTROL[0], "salesAmount": "4e2"}])


def test_a_repeated_line_and_a_conflicting_id_are_counted(day: Day) -> None:
    again = _line(7, "gross_sale", 10_000, request_id=LINES[0]["request_id"])
    other = _line(8, "gross_sale", 999, request_id=LINES[1]["request_id"])
    day.lines([*LINES, again, other])
    found = day.check([]).findings
    assert "sales: 1 USD gross_sale lines are there twice; each is counted once" in found
    assert "sales: 1 USD gross_sale request ids appear with two amounts" in found


def test_fees_of_one_request_are_told_apart_by_their_kind(day: Day) -> None:
    per_item = _line(3, "fee", -610, file_digest=FEES, detail_code="per_item")
    day.lines([*LINES, per_item])
    assert day.check().findings == ()


def test_signs_dates_currencies_and_classes_are_measured(day: Day) -> None:
    day.lines(
        [
            *LINES,
            _line(7, "refund", 100),
            _line(8, "gross_sale", 100, occurred_at=datetime(2026, 11, 1, 4, tzinfo=UTC)),
            _line(9, "gross_sale", 100, currency="CAD"),
            _line(10, "chargeback", -100),
        ]
    )
    found = "\n".join(day.check([]).findings)
    assert "1 of 2 USD refund lines have the wrong sign" in found
    assert "1 USD gross_sale lines are dated after the day (up to 2026-11-01)" in found
    assert "1 gross_sale lines are in CAD, which this merchant does not settle" in found
    assert "1 USD lines are chargeback, which this source is not configured to supply" in found


def test_a_file_of_another_window_stops_the_day(day: Day) -> None:
    day.change("sales", window_start_at=datetime(2026, 10, 31, 5, tzinfo=UTC))
    assert "sales: the interval inside the file is 60 minutes off the settlement day" in (
        day.check().findings
    )


def test_the_bytes_of_the_day_before_stop_the_day(day: Day) -> None:
    day.file("sales", SALES, 4, settlement_date=date(2026, 10, 30))
    assert "sales: these are the bytes of 2026-10-30, delivered again" in day.check().findings


def test_an_awaited_required_source_stops_the_day(day: Day) -> None:
    result = check_quality(
        DAY,
        US,
        lake=Folder(day.root),
        gate=GxGate(),
        quality_store=day.store,
        control_totals=CONTROL,
        coverage=(Coverage(LineClass.chargeback, Knowledge.awaited, "disputes"),),
    )
    assert result.findings == ("disputes has not been delivered",)


def test_bank_entries_are_measured_per_account(day: Day) -> None:
    entry = ("c" * 64, "US-001", "e1", date(2026, 11, 2), "USD", 26_798)
    odd = ("c" * 64, "XX-9", "e2", date(2026, 9, 2), "CAD", None)
    names = ["file_digest", "account_id", "entry_id", "booking_date", "currency", "amount_minor"]
    frame = pl.DataFrame([entry, entry, odd], schema=names, orient="row")
    frame.with_row_index("line_no", 1).write_parquet(day.root / "bank_entries.parquet")
    found = day.check().findings
    assert found == (
        "the statement of XX-9 is not of an account of this merchant",
        "account XX-9: 1 entries have no amount",
        "account US-001: 1 entries are there twice",
        "account XX-9: entries are booked from 2026-09-02 to 2026-09-02, up to 59 days from the "
        "settlement day",
    )


@pytest.mark.parametrize(
    ("off", "is_near"), [(-4, False), (-3, True), (0, True), (3, True), (4, False)]
)
def test_a_bank_entry_may_be_booked_three_days_from_the_day(
    day: Day, off: int, is_near: bool
) -> None:
    entry = ("c" * 64, "US-001", "e1", DAY.settlement_date + timedelta(off), "USD", 26_798)
    names = ["file_digest", "account_id", "entry_id", "booking_date", "currency", "amount_minor"]
    frame = pl.DataFrame([entry], schema=names, orient="row")
    frame.with_row_index("line_no", 1).write_parquet(day.root / "bank_entries.parquet")
    assert any("days from" in one for one in day.check().findings) is not is_near
