"""A day's tables in the lake: its lines, what was set aside, and the bank's entries."""

import shutil
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from include.domain.merchant import Source
from include.domain.money import Money
from include.domain.settlement import (
    BANK_ENTRY_COLUMNS,
    LINE_COLUMNS,
    QUARANTINE_COLUMNS,
    REPEAT_DAYS,
    LineClass,
    SettlementDay,
)
from include.services.column_types import schema_of
from include.services.day_files import ENTRIES, LINES, QUARANTINE
from include.services.files import LakeStore, ParsedFile
from include.services.measure_facts import records_of
from include.services.whole_files import written_whole

# What names a line for ever; a line without any id of its own is not compared. A dispute's stages
# carry one case and one request: only their date tells a second chargeback from the first.
STAGE_AT = pl.when(pl.col("case_number").is_not_null()).then("settled_at").alias("stage_at")
IDENTITY = (
    "line_class detail_code currency amount_minor request_id batch_id case_number "
    "processor_reference"
).split()
_NAMED = pl.any_horizontal(pl.col("request_id", "case_number").is_not_null())
IDENTITIES = {
    LINES: [*IDENTITY, "stage_at"],
    # A statement that reaches back brings the entries of the days before it once more.
    ENTRIES: "account_id entry_id booking_date currency amount_minor".split(),
}
_RECORD = ["file_digest", "line_no"]
_ROWS_PER_GROUP = 131_072
_Part = tuple[Source, ParsedFile]


class DayTables:
    """Builds the three tables of a day; each appears whole or keeps its former content."""

    def __init__(self, day: SettlementDay, lake: LakeStore) -> None:
        self._day = day
        self._lake = lake
        self._whole: ParsedFile | None = None  # the file whose lines are the day's, all of them

    def write(self, good: Sequence[_Part], every: Sequence[ParsedFile]) -> dict[str, int]:
        """Write the tables of the day.

        Args:
            good: the files that were read, with the source that names the classes they supply.
            every: these and the files that were set aside as a whole.

        Returns:
            By file digest, how many records were set aside as counted on another day.
        """
        lines, repeats = self._apart(_day_lines(good), LINES)
        entries, repeated_entries = self._apart(_day_entries(good), ENTRIES)
        aside = [pl.scan_parquet(found.quarantine_path) for found in every]
        empty = pl.LazyFrame(schema=schema_of(QUARANTINE_COLUMNS))
        again = [repeats.lazy(), repeated_entries.lazy()]
        self._whole = None if repeats.height else _whole_file(good)
        if self._whole is None:
            self._sink(lines, LINE_COLUMNS, LINES)
        else:
            self._link(self._whole.lines_path, LINES)
        self._sink(pl.concat([empty, *aside, *again]), QUARANTINE_COLUMNS, QUARANTINE)
        if entries is not None:
            self._sink(entries, BANK_ENTRY_COLUMNS, ENTRIES)
        else:
            self._path(ENTRIES).unlink(missing_ok=True)  # without a statement nothing is said
        both = pl.concat([repeats.select(_RECORD), repeated_entries.select(_RECORD)])
        return dict(both.group_by("file_digest").len().iter_rows())

    def totals(self) -> dict[tuple[str, LineClass], int]:
        """Add up the day's lines per currency and class.

        Those of a whole file were added up while it was read; the gate and the journals add up
        what lies in the lake, each for itself.
        """
        if self._whole is not None:
            return {(c, LineClass(name)): minor for (c, name), minor in self._whole.totals.items()}
        sums = (
            pl.scan_parquet(self._path(LINES))
            .group_by("currency", "line_class")
            .agg(pl.col("amount_minor").sum())
            .sort("currency", "line_class")
            .collect(engine="streaming")
        )
        return {
            (currency, LineClass(line_class)): minor
            for currency, line_class, minor in sums.iter_rows()
        }

    def funding(self) -> dict[tuple[str, LineClass], int]:
        """Add up what the bank booked, per currency; nothing where no statement came."""
        path = self._path(ENTRIES)
        if not path.exists():
            return {}
        sums = pl.read_parquet(path).group_by("currency").agg(pl.col("amount_minor").sum())
        return {(currency, LineClass.funding): minor for currency, minor in sums.iter_rows()}

    def records_with_lines(self, digest: str) -> int:
        """Count the records of a file that have lines or entries on this day."""
        if self._whole is not None and self._whole.digest == digest:
            return self._whole.rows_classified - self._whole.rows_without_money
        return sum(records_of(self._path(name)).get(digest, 0) for name in (LINES, ENTRIES))

    def quarantined(self) -> pl.DataFrame:
        """Return what was set aside, without the bytes."""
        return pl.read_parquet(self._path(QUARANTINE)).drop("raw")

    def _path(self, name: str) -> Path:
        return self._lake.day_path(self._day, name)

    def _apart(
        self, rows: pl.LazyFrame | None, name: str
    ) -> tuple[pl.LazyFrame | None, pl.DataFrame]:
        """Return the rows of a table that no day around counts, and as quarantine the others."""
        elsewhere = self._elsewhere(name)
        none = pl.DataFrame(schema=schema_of(QUARANTINE_COLUMNS))
        if rows is None or elsewhere is None:
            return rows, none
        records = _repeated(rows, elsewhere, name)
        if not records.height:
            return rows, none
        gone = rows.join(records.lazy(), on=_RECORD, how="inner")
        kept = rows.join(records.lazy(), on=_RECORD, how="anti", maintain_order="left")
        return kept, _counted_before(gone, _not_counted(gone, elsewhere, name))

    def _elsewhere(self, name: str) -> pl.LazyFrame | None:
        """Return what names the rows of the days around, and which day holds each."""
        paths = {
            other.settlement_date: self._lake.day_path(other, name)
            for other in days_around(self._day)
        }
        others = [
            named(pl.scan_parquet(path), name).select(
                *IDENTITIES[name], pl.lit(other).alias("counted_on")
            )
            for other, path in paths.items()
            if path.exists()
        ]
        return pl.concat(others) if others else None

    def _sink(
        self, frame: pl.LazyFrame | None, columns: Mapping[str, tuple[str, str]], name: str
    ) -> None:
        path = self._path(name)
        frame = pl.LazyFrame(schema=schema_of(columns)) if frame is None else frame
        with written_whole(path) as part:
            frame.select(list(columns)).sink_parquet(
                part, compression="lz4", row_group_size=_ROWS_PER_GROUP, maintain_order=True
            )

    def _link(self, lines: Path, name: str) -> None:
        """Give a file a second name; whoever writes tables makes new files, so neither changes."""
        with written_whole(
            self._path(name)
        ) as part:  # it stays where both are names of one file already
            try:
                part.hardlink_to(lines)
            except OSError:  # a file system without links
                shutil.copyfile(lines, part)


def _day_lines(good: Sequence[_Part]) -> pl.LazyFrame | None:
    frames = []
    for source, found in good:
        if not is_of_bank(found.lines_path):
            supplied = [line_class.value for line_class in source.supplies]
            frame = pl.scan_parquet(found.lines_path)
            frames.append(frame.filter(pl.col("line_class").is_in(supplied)))
    return pl.concat(frames) if frames else None


def _day_entries(good: Sequence[_Part]) -> pl.LazyFrame | None:
    paths = [found.lines_path for _, found in good if is_of_bank(found.lines_path)]
    return pl.scan_parquet(paths) if paths else None


def named(rows: pl.LazyFrame, name: str) -> pl.LazyFrame:
    """Return the rows of a table that may be compared, with all columns of its identity."""
    return rows.filter(_NAMED).with_columns(STAGE_AT) if name == LINES else rows


def _repeated(rows: pl.LazyFrame, elsewhere: pl.LazyFrame, name: str) -> pl.DataFrame:
    """Return the records with a row that another day's table holds, and which day that is.

    Whichever day ran first has counted it: what is set aside is in no day's tables.
    """
    return (
        named(rows, name)
        .join(elsewhere, on=IDENTITIES[name], how="inner", nulls_equal=True)
        .group_by(_RECORD)
        .agg(pl.col("counted_on").min())
        .sort(_RECORD)
        .collect(engine="streaming")
    )


def _not_counted(
    gone: pl.LazyFrame, elsewhere: pl.LazyFrame, name: str
) -> dict[tuple[str, int], str]:
    """Return, of records with other lines than the one that repeats, what no day counts."""
    rows = gone.with_columns(STAGE_AT) if name == LINES else gone
    left = (
        rows.join(elsewhere, on=IDENTITIES[name], how="anti", nulls_equal=True)
        .group_by(*_RECORD, "currency")
        .agg(pl.col("amount_minor").sum())
        .sort(*_RECORD, "currency")
        .collect(engine="streaming")
    )
    found: dict[tuple[str, int], str] = {}
    for digest, number, currency, minor in left.iter_rows():
        before, amount = found.get((digest, number)), str(Money(minor, currency))
        found[digest, number] = f"{before} and {amount}" if before else amount
    return found


def days_around(day: SettlementDay) -> list[SettlementDay]:
    """Return the days whose lines a day's own may repeat."""
    on = day.settlement_date
    numbers = [n for n in range(-REPEAT_DAYS, REPEAT_DAYS + 1) if n]
    return [SettlementDay(day.merchant_id, on + timedelta(days=n)) for n in numbers]


def counted_with(on: date) -> str:
    """Return how the quarantine says that a line was counted with another day; it begins so."""
    return f"The line was counted with {on} already"


def _whole_file(good: Sequence[_Part]) -> ParsedFile | None:
    """Return the only file with lines, if its source supplies every class that is in it."""
    lines = [(source, found) for source, found in good if not is_of_bank(found.lines_path)]
    if len(lines) != 1:
        return None
    source, found = lines[0]
    supplied = {line_class.value for line_class in source.supplies}
    return found if {name for _, name in found.totals} <= supplied else None


def is_of_bank(lines_path: Path) -> bool:
    """Say whether the rows of a file are bank entries."""
    return "entry_id" in pl.scan_parquet(lines_path).collect_schema().names()


def _counted_before(gone: pl.LazyFrame, differing: Mapping[tuple[str, int], str]) -> pl.DataFrame:
    """Make one quarantine row per record that another day has counted, in whole or in part."""
    records = (
        gone.group_by(_RECORD, maintain_order=True)
        .agg(pl.col("currency").first(), pl.col("amount_minor").sum(), pl.col("counted_on").first())
        .sort(_RECORD)
        .collect(engine="streaming")
    )
    amounts = [
        Money(minor, currency).decimal
        for currency, minor in records.select("currency", "amount_minor").iter_rows()
    ]
    said = [
        _said(line_no, on, differing.get((digest, line_no), ""))
        for digest, line_no, on in records.select(*_RECORD, "counted_on").iter_rows()
    ]
    return records.select(
        "file_digest",
        "line_no",
        reason_code=pl.lit("counted_before"),
        detail=pl.Series(said, dtype=pl.String),
        currency="currency",
        amount_text=pl.Series(amounts, dtype=pl.String),
        raw=pl.lit(b"(as in the file)"),
    )


def _said(line_no: int, on: date, not_counted: str) -> str:
    if not not_counted:
        return f"{counted_with(on)} (at line {line_no}). Nothing to do: it is counted once."
    return (
        f"{counted_with(on)}, but for {not_counted} that no day counts (at line {line_no}). "
        f"Compare the record with what {on} holds of it; ask the sender which is right, and for a "
        "corrected file."
    )
