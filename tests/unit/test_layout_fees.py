"""Fees finer than a cent: what each record costs is whole, and its lines sum to it."""

from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.adapters.layouts.reading.fees import TOTAL_OFF, compare_total, round_fees
from include.adapters.layouts.reading.parse import parse_file
from include.adapters.layouts.reading.plan import Plan
from include.adapters.layouts.shape import (
    Csv,
    Layout,
    Line,
    RecordTypes,
    Sign,
    Total,
    currency,
    fee,
)
from include.domain.settlement import LineClass
from include.services.files import Expected, ParsedFile

WINDOW = "2026-03-09T07:00:00Z to 2026-03-10T07:00:00Z"
HEADINGS = (
    "requestID,merchantID,transactionDate,fee_interchangeAmount,fee_interchangeCurrency,"
    "fee_assessmentAmount,fee_assessmentCurrency,fee_discountAmount,fee_discountCurrency,"
    "fee_totalFeeAmount,fee_totalFeeCurrency"
)
FEES = ("interchange", "assessment", "discount")
LAYOUT = Layout(
    name="fees",
    source=Csv(preamble="none"),
    columns=(
        *(fee(name, "currency", name) for name in FEES),
        fee("total", "currency", "total"),
        currency("currency", "currency"),
    ),
    records=RecordTypes(
        types={"": tuple(Line(LineClass.fee, n, Sign.cost, n, is_optional=True) for n in FEES)}
    ),
    total=Total("total", "currency"),
)
PLAN = Plan(LAYOUT, (*FEES, "total", "currency"), (), Expected())


def _read(tmp_path: Path, *rows: str, code: str = "USD") -> tuple[ParsedFile, dict[int, list[int]]]:
    """Parse rows of interchange, assessment, discount and total; return each row's lines."""
    path = tmp_path / "fees.csv"
    lines = [
        f"7{n:021d},m,2026-03-09T09:33:55Z,"
        + ",".join(f"{amount},{code}" for amount in row.split())
        for n, row in enumerate(rows)
    ]
    path.write_text("\n".join([f"m,Fees,FeeDetail,1.0,{WINDOW}", HEADINGS, *lines, ""]))
    found = parse_file(path, "fee_detail_csv", lines_path=tmp_path / "l.parquet")
    frame = pl.read_parquet(tmp_path / "l.parquet")
    of_rows = frame.group_by("line_no", maintain_order=True).agg("amount_minor").iter_rows()
    return found, {line - 3: minors for line, minors in of_rows}


@pytest.mark.parametrize(
    ("row", "lines"),
    [
        # 1.3534 is 1.35: 100 + 10 + 25.34, of which the fraction is dropped
        ("1.00 0.10 0.2534 1.3534", [-100, -10, -25]),
        ("1.00 0.10 0.2534 1.35", [-100, -10, -25]),
        # 0.3333 * 3 is 0.9999, or 1.00: each has 33 cents, the first gets the hundredth
        ("0.3333 0.3333 0.3333 1.00", [-34, -33, -33]),
        ("0.3333 0.3333 0.3333 0.9999", [-34, -33, -33]),
        # the largest remainder first: .75 before .50
        ("0.0050 0.0075 0.0100 0.0225", [-1, -1]),
        # half a cent: to even where the total is as fine, as stated where it is whole
        ("0.0050 0.0000 0.0000 0.0050", []),
        ("0.0150 0.0000 0.0000 0.0150", [-2]),
        ("0.0050 0.0000 0.0000 0.01", [-1]),
        ("0.0050 0.0000 0.0000 0.00", []),
        # a rebate is a negative cost
        ("1.00 0.00 -0.2534 0.7466", [-100, 25]),
        ("1.000000 0.10 0.25 1.35", [-100, -10, -25]),  # digits that say nothing are no fraction
    ],
)
def test_a_record_costs_whole_minor_units(row: str, lines: list[int], tmp_path: Path) -> None:
    found, of_rows = _read(tmp_path, row, "1.00 0.10 0.25 1.35")
    assert found.reasons == {}
    assert of_rows.pop(1) == [-100, -10, -25]  # a plain record beside it
    assert of_rows.get(0, []) == lines


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1.00 0.10 0.2534 1.36", "fee_total_differs"),
        ("1.00 0.10 0.2534 1.3535", "fee_total_differs"),
        ("1.00 0.10 0.25 1.3501", "fee_total_differs"),
        ("1.00 0.10 0.2500001 1.35", "amount_finer_than_currency"),  # seven decimals of a dollar
        ("1.00 0.10 0.2x34 1.35", "amount_not_plain_decimal"),
        ("99999999999999.0001 0.00 0.00 99999999999999.00", "amount_finer_than_currency"),
    ],
)
def test_what_cannot_be_its_total_is_set_aside(row: str, reason: str, tmp_path: Path) -> None:
    found, of_rows = _read(tmp_path, row, "1.00 0.10 0.2534 1.35")
    assert (found.reasons, of_rows) == ({reason: 1}, {1: [-100, -10, -25]})


def test_a_fraction_of_a_yen_is_rounded_as_one_of_a_cent(tmp_path: Path) -> None:
    found, of_rows = _read(tmp_path, "10 2.5 0.2534 13", "10 2 1 13", code="JPY")
    assert (found.reasons, of_rows) == ({}, {0: [-10, -3], 1: [-10, -2, -1]})


fine = st.integers(-(10**9), 10**9)  # ten-thousandths of a dollar


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(fine, fine, fine, st.booleans()), min_size=1, max_size=40))
def test_the_fees_of_a_record_sum_to_its_rounded_total(
    rows: list[tuple[int, int, int, bool]],
) -> None:
    number: dict[str, list[int | None]] = {
        name: [row[i] for row in rows] for i, name in enumerate(FEES)
    }
    number["total"] = [sum(row[:3]) if row[3] else None for row in rows]
    frame = pl.DataFrame(
        {
            "currency": ["USD"] * len(rows),
            "currency#digits": [2] * len(rows),
            **{f"{n}#number": pl.Series(v, dtype=pl.Int64) for n, v in number.items()},
            **{f"{n}#behind": [4] * len(rows) for n in number},
            **{
                f"{n}#finer": [v is not None and v % 100 != 0 for v in vs]
                for n, vs in number.items()
            },
            **{
                f"{n}#minor": pl.Series(
                    [None if v is None or v % 100 else v // 100 for v in vs], dtype=pl.Int64
                )
                for n, vs in number.items()
            },
        }
    )
    found = round_fees(frame.with_columns(compare_total(PLAN)), PLAN)
    assert not found[TOTAL_OFF].any()
    assert not found.select(pl.any_horizontal(pl.col(r"^.*#finer$"))).to_series().any()
    for row, said in zip(rows, found.iter_rows(named=True), strict=True):
        booked = [said[f"{name}#minor"] for name in FEES]
        total = sum(row[:3])
        assert sum(booked) == round(Fraction(total, 100))  # half to even
        assert all(abs(100 * m - exact) < 100 for m, exact in zip(booked, row[:3], strict=True))
