"""Dates of no promised shape: the instant that each text stands for, worked out by hand."""

from pathlib import Path

import polars as pl
import pytest

from include.adapters.layouts.reading.parse import parse_file

WINDOW = "2026-03-09T07:00:00Z to 2026-03-10T07:00:00Z"
HEADINGS = (
    "requestID,merchantID,transactionDate,fee_settlementTime,fee_settlementTimeZone,"
    "fee_interchangeAmount,fee_interchangeCurrency,fee_assessmentAmount,fee_assessmentCurrency,"
    "fee_discountAmount,fee_discountCurrency,fee_totalFeeAmount,fee_totalFeeCurrency"
)


def _settled_at(tmp_path: Path, *times: str) -> list[str | None]:
    """Return when each row's fee was settled, or why the row was set aside."""
    rows = [
        f"7{n:021d},m,2026-03-09T09:33:55Z,{time},1.00,USD,0.10,USD,0.25,USD,1.35,USD"
        for n, time in enumerate(times)
    ]
    path = tmp_path / "fees.csv"
    path.write_text("\n".join([f"m,Fees,FeeDetail,1.0,{WINDOW}", HEADINGS, *rows, ""]))
    lines, aside = tmp_path / "lines.parquet", tmp_path / "aside.parquet"
    parse_file(path, "fee_detail_csv", lines_path=lines, quarantine_path=aside)
    when = pl.col("settled_at").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    found = dict(pl.read_parquet(lines).select("line_no", when).iter_rows())
    found |= dict(pl.read_parquet(aside).select("line_no", "reason_code").iter_rows())
    return [found[n + 3] for n in range(len(times))]


@pytest.mark.parametrize(
    ("time", "zone", "instant"),
    [
        ("2026-03-09T08:00:00", "GMT", "2026-03-09T08:00:00Z"),
        ("2026-03-09T08:00:00", "PST", "2026-03-09T16:00:00Z"),
        ("2026-03-09T20:00:00", "EDT", "2026-03-10T00:00:00Z"),
        ("2026-03-09T08:00:00", "+09:00", "2026-03-08T23:00:00Z"),
        ("2026-03-09T08:00:00.25", "-0330", "2026-03-09T11:30:00Z"),
        ("2026-03-09T08:00:00", "", "2026-03-09T08:00:00Z"),
        ("2026-03-09T08:00:00Z", "PST", "2026-03-09T08:00:00Z"),  # a zone of its own counts
        ("2026-03-09T08:00:00+01:00", "PST", "2026-03-09T07:00:00Z"),
        ("2026-03-09", "pst", "2026-03-09T08:00:00Z"),
        ("2026-03-09T08:00:00", "IST", "time_not_iso_8601"),  # Israel, India or Ireland
        ("2026-03-09T08:00:00Z", "IST", "2026-03-09T08:00:00Z"),
        ("2026-02-29", "GMT", "time_not_iso_8601"),
        ("2026-03-09 08:00:00", "GMT", "time_not_iso_8601"),
        ("09.03.2026", "GMT", "time_not_iso_8601"),
    ],
)
def test_a_time_is_read_in_its_own_zone_or_that_beside_it(
    time: str, zone: str, instant: str, tmp_path: Path
) -> None:
    assert _settled_at(tmp_path, f"{time},{zone}") == [instant]


def test_shapes_and_zones_may_differ_from_row_to_row(tmp_path: Path) -> None:
    texts = ("2026-03-09T08:00:00Z,GMT", "2026-03-09,PST", ",GMT", "2026-03-09T08:00:00,IST")
    found = _settled_at(tmp_path, *texts)
    assert found[:2] == ["2026-03-09T08:00:00Z", "2026-03-09T08:00:00Z"]
    assert found[2:] == [None, "time_not_iso_8601"]
