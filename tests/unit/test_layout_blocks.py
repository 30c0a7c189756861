"""Blocks and workers are a matter of speed: they change nothing in what is found, or its bytes."""

from pathlib import Path

import polars as pl
import pytest

from include.adapters.layouts.reading import csv_blocks, parse
from tests.support_files import DAY, sale, sales_file

ODD = (
    sale(7, "1,5"),
    sale(8, "5.00", "ics_mystery"),
    sale(9).replace("ORD-9", "4111111111111111"),
    "\n",
    sale(10).replace(",Visa", ""),
)
CONTENT = sales_file(DAY, *(sale(n, f"{n}.00") for n in range(1, 60)), sale(1, "1.00"), *ODD)


def _parsed(folder: Path) -> tuple[parse.ParsedFile, pl.DataFrame, pl.DataFrame]:
    folder.mkdir()
    path = folder / "day.csv"
    path.write_bytes(CONTENT)
    found = parse.parse_file(
        path,
        "payment_batch_detail_classic_csv",
        lines_path=folder / "lines.parquet",
        quarantine_path=folder / "quarantine.parquet",
    )
    return (
        found,
        pl.read_parquet(folder / "lines.parquet"),
        pl.read_parquet(folder / "quarantine.parquet").drop("raw"),
    )


@pytest.mark.parametrize("block_bytes", [200, 777, 4096])
def test_the_size_of_a_block_changes_nothing_that_is_found(
    block_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, lines, quarantine = _parsed(tmp_path / "whole")
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", block_bytes)
    found, same_lines, same_quarantine = _parsed(tmp_path / "blocks")
    assert (found.totals, found.reasons, found.rows_in) == (
        whole.totals,
        whole.reasons,
        whole.rows_in,
    )
    assert same_lines.equals(lines)
    assert same_quarantine.drop("detail").equals(quarantine.drop("detail"))
    assert found.reasons == {
        "card_number_in_field": 1,
        "column_count_wrong": 2,  # a comma nobody quoted, a column too few
        "duplicate_line": 1,  # of the first record, by the 60th
        "unknown_record_type": 1,
    }


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_number_of_workers_changes_no_byte(
    workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", 500)
    _parsed(tmp_path / "first")
    monkeypatch.setattr(parse, "_WORKERS", workers)
    _parsed(tmp_path / "second")
    for name in ("lines.parquet", "quarantine.parquet"):
        first, second = (tmp_path / run / name for run in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()
