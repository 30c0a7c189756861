"""One day in each layout: every line and every field, worked out by hand in the JSON beside it.

``day.expected.json`` shows what is not null. A change of these files is a decision: read the diff.
"""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from include.adapters.layouts import LAYOUTS
from include.adapters.layouts.reading.parse import parse_file
from include.services.files import Expected

GOLDEN = Path(__file__).parent
ASKED = {"bank_csv": Expected(account_id="JP-001")}


def _rows(path: Path) -> list[dict[str, Any]]:
    frame = pl.read_parquet(path)
    shown = frame.with_columns(
        pl.col(pl.Datetime).dt.strftime("%Y-%m-%dT%H:%M:%SZ"), pl.col(pl.Date).cast(pl.String)
    ).drop("file_digest")
    return [{k: v for k, v in row.items() if v not in (None, "")} for row in shown.to_dicts()]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_day_reads_as_worked_out_by_hand(layout: str, tmp_path: Path) -> None:
    expected = json.loads((GOLDEN / layout / "day.expected.json").read_text())
    found = parse_file(
        GOLDEN / layout / expected["file"],
        layout,
        lines_path=tmp_path / "lines.parquet",
        quarantine_path=tmp_path / "quarantine.parquet",
        expected=ASKED.get(layout),
    )
    assert found.fault is None
    assert found.warnings == ()
    rows = _rows(tmp_path / "lines.parquet")
    if layout == "bank_csv":  # this layout names neither account nor entry: both are made
        made = [(row.pop("account_id"), row.pop("entry_id")) for row in rows]
        assert {account for account, _ in made} == {"JP-001"}
        assert len({entry for _, entry in made}) == len(rows)
    assert rows == expected["lines"]
    assert (dict(found.reasons), found.rows_without_money) == (
        expected["set_aside"],
        expected["rows_without_money"],
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_same_file_gives_the_same_bytes(layout: str, tmp_path: Path) -> None:
    source = (
        GOLDEN / layout / json.loads((GOLDEN / layout / "day.expected.json").read_text())["file"]
    )
    outputs = []
    for run in ("first", "second"):
        lines, quarantine = tmp_path / f"{run}.lines", tmp_path / f"{run}.quarantine"
        parse_file(source, layout, lines_path=lines, quarantine_path=quarantine)
        outputs.append((lines.read_bytes(), quarantine.read_bytes()))
    assert outputs[0] == outputs[1]
