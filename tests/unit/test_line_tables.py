"""Tables of lines: whatever is constant in a block or is not, what was written is read back."""

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from include.adapters.layouts.reading.lines import empty_lines
from include.adapters.layouts.reading.writing import TableWriter
from include.domain.settlement import LINE_COLUMNS


def block(currencies: list[str | None], batches: list[str | None]) -> pl.DataFrame:
    count = len(currencies)
    rows = {
        "line_no": range(3, 3 + count),
        "line_class": ["gross_sale"] * count,
        "detail_code": [""] * count,
        "currency": currencies,
        "amount_minor": [(-1) ** n * n * 10**15 for n in range(count)],
        "request_id": [f"69{n:020}" for n in range(count)],
        "batch_id": batches,
    }
    shape = empty_lines("lines")
    return pl.concat([shape, pl.DataFrame(rows)], how="diagonal_relaxed").cast(shape.schema)


BLOCKS = {
    "one value": block(["USD"] * 5, ["B1"] * 5),
    "another in the middle": block(["USD", "EUR", "USD"], ["B1", "B2", "B1"]),
    "another at the end": block(["USD", "USD", "EUR"], ["B1", "B1", "B2"]),
    "nothing in the middle": block(["USD", None, "USD"], ["B1", None, "B1"]),
    "nothing first": block([None, "USD", "USD"], [None, "B1", "B1"]),
    "nothing at all": block([None] * 3, [None] * 3),
    "one row": block(["JPY"], [None]),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_is_read_back_as_it_was_written(tmp_path: Path, name: str) -> None:
    path = tmp_path / "lines.parquet"
    with TableWriter(path, LINE_COLUMNS, "d" * 64) as writer:
        writer.write(BLOCKS[name])
    wanted = BLOCKS[name].with_columns(file_digest=pl.lit("d" * 64))
    assert_frame_equal(pl.read_parquet(path), wanted, check_column_order=False)


def test_two_processes_of_one_number_write_no_part_of_each_other(tmp_path: Path) -> None:
    """As two containers have: process ids are theirs, the folder is not."""
    path = tmp_path / "lines.parquet"
    with (
        TableWriter(path, LINE_COLUMNS, "d" * 64) as late,
        TableWriter(path, LINE_COLUMNS, "d" * 64) as writer,
    ):
        for one in (late, writer):
            one.write(BLOCKS["one value"])
    assert pl.read_parquet(path).height == 5


def test_blocks_of_every_kind_stand_in_one_table_and_give_the_same_bytes(tmp_path: Path) -> None:
    paths = [tmp_path / "first.parquet", tmp_path / "again.parquet"]
    for path in paths:
        with TableWriter(path, LINE_COLUMNS, "d" * 64) as writer:
            for one in BLOCKS.values():
                writer.write(one)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    wanted = pl.concat(BLOCKS.values()).with_columns(file_digest=pl.lit("d" * 64))
    assert_frame_equal(pl.read_parquet(paths[0]), wanted, check_column_order=False)
