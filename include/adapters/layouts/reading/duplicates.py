"""Exact repeats that lie in different batches of one file: found by hash, proven by content.

Repeats inside a batch were set aside when it was judged. Here only 16 bytes a record are held.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from include.adapters.layouts.reading.classify import totals_of
from include.adapters.layouts.reading.lines import columns_of
from include.adapters.layouts.reading.writing import TableWriter
from include.adapters.layouts.shape import Layout
from include.domain.money import Money
from include.domain.settlement import QUARANTINE_COLUMNS
from include.services.uniqueness import are_unique_side_by_side


def suspects_of(prints: Sequence[pl.Series], print_lines: Sequence[pl.Series]) -> pl.DataFrame:
    """Return the records of a whole file whose print another has too: ``print``, ``line_no``."""
    every = pl.concat(list(prints), rechunk=True) if prints else pl.Series(dtype=pl.UInt64)
    if are_unique_side_by_side(every):
        return pl.DataFrame(schema={"print": pl.UInt64, "line_no": pl.Int64})
    rows = pl.DataFrame({"print": every, "line_no": pl.concat(list(print_lines))})
    return rows.filter(pl.col("print").is_duplicated())


def across_batches(suspects: pl.DataFrame, lines_path: Path) -> pl.Series:
    """Return the line numbers of suspects that repeat an earlier line, in order."""
    if not suspects.height:
        return pl.Series(dtype=pl.Int64)
    written = (
        pl.scan_parquet(lines_path)
        .filter(pl.col("line_no").is_in(suspects["line_no"].implode()))
        .collect(engine="streaming")
    )
    # A record is its lines, all of them: equal hash and equal lines is a repeat.
    values = pl.struct(pl.exclude("line_no", "file_digest", "entry_id"))
    records = written.group_by("line_no").agg(values.alias("lines")).join(suspects, on="line_no")
    first = records.sort("line_no").unique(
        subset=["print", "lines"], keep="first", maintain_order=True
    )
    again = records.filter(~pl.col("line_no").is_in(first["line_no"].implode()))
    return again["line_no"].sort()


def set_aside(
    again: pl.Series, lines_path: Path, quarantine_path: Path, layout: Layout, digest: str
) -> Counter[tuple[str, str]]:
    """Move repeated lines from the lines to the quarantine; both files are replaced whole.

    Returns:
        What was taken out: minor units by currency and class.
    """
    totals: Counter[tuple[str, str]] = Counter()
    moved: list[pl.DataFrame] = []
    with (
        pq.ParquetFile(lines_path) as old,
        TableWriter(lines_path, columns_of(layout.yields), digest) as writer,
    ):
        for group in range(old.num_row_groups):
            frame = pl.DataFrame(old.read_row_group(group))
            is_again = frame["line_no"].is_in(again.implode())
            gone = frame.filter(is_again)
            writer.write(frame.filter(~is_again) if gone.height else frame)
            totals.update(totals_of(gone, layout.yields))
            moved.append(gone.unique("line_no", keep="first", maintain_order=True))
    _add_to_quarantine(pl.concat(moved), quarantine_path, layout, digest)
    return totals


def _add_to_quarantine(
    moved: pl.DataFrame, quarantine_path: Path, layout: Layout, digest: str
) -> None:
    before = pl.read_parquet(quarantine_path)
    amounts = [
        Money(minor, currency).decimal
        for minor, currency in moved.select("amount_minor", "currency").iter_rows()
    ]
    added = moved.select(
        "line_no",
        "currency",
        reason_code=pl.lit("duplicate_line"),
        detail=pl.format(
            "The line repeats an earlier line of this file exactly (at {}:{}). Nothing to do if "
            "the sender repeats itself; else ask whether one of the two was meant.",
            pl.lit(layout.name),
            "line_no",
        ),
        amount_text=pl.Series(amounts, dtype=pl.String),
        raw=pl.lit(b"(as the line it repeats)"),
    )
    whole = pl.concat([before.drop("file_digest"), added], how="diagonal").sort("line_no")
    with TableWriter(quarantine_path, QUARANTINE_COLUMNS, digest) as writer:
        writer.write(whole)
