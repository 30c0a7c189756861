"""Lines that another day left to this one, which had counted them and holds them no more.

A restatement may move a line from one day's file to another's. Where the day that receives it ran
first, it left the line to the day that had it; once that day has run again, nobody counts it.
Only the other day can: it is named, with what to do, until it has run, or the line is back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from pathlib import Path

import polars as pl

from include.domain.matching import Cause
from include.domain.merchant import Merchant
from include.domain.open_items import OpenItem, Stage, item_key_of
from include.domain.settlement import BANK_ENTRY_COLUMNS, SettlementDay
from include.services.column_types import schema_of
from include.services.day_files import ENTRIES, EXPLAINED, LINES, QUARANTINE
from include.services.day_tables import (
    IDENTITIES,
    STAGE_AT,
    counted_with,
    days_around,
    is_of_bank,
)
from include.services.files import Files, LakeStore
from include.services.matching.duplicates import settled_on
from include.services.matching.ports import ItemStore
from include.services.set_aside_items import CLASSIFIER, MOST_ITEMS, cause_of, place_item

_RECORD = ["file_digest", "line_no"]
_REQUEST = ["request_id", "currency", "amount_minor"]


@dataclass(frozen=True, slots=True)
class MovedLine:
    """A record that ``day`` set aside and that no day counts."""

    day: SettlementDay
    lost_by: date
    source: str  # "<file digest>:<line>"
    currency: str
    minor: int

    def item(self, merchant: Merchant) -> OpenItem:
        """Return the item of the day that has the record."""
        on, by = self.day.settlement_date, self.lost_by
        item = _item(
            self.day,
            by,
            merchant,
            self.source,
            f"The line was left to {by}, which had counted it. The files of {by} do not hold it "
            "like this any more, so no day counts it.",
            # An amount that was corrected there looks the same from here, and is counted there.
            f"See that {by} does not hold it with another amount; then run {on} again: it counts "
            "the line.",
        )
        return replace(item, currency=self.currency, amount_minor=self.minor)

    @property
    def answered(self) -> str:
        """Return the key of the item which said that the line is counted once."""
        return item_key_of(self.day, cause_of("counted_before"), self.source)


def tell_moved(
    day: SettlementDay, merchant: Merchant, moved: Sequence[MovedLine], open_items: ItemStore
) -> None:
    """Make ``moved`` what is said of the lines other days left to this one; close what is back."""
    by = day.settlement_date
    open_items.replace_stage(
        day.merchant_id, _stage(by), _items(moved, merchant), f"{by} counts the line again"
    )
    open_items.resolve(
        [line.answered for line in moved],
        resolved_by=CLASSIFIER,
        resolution=f"No longer counted with {by}.",
    )


def close_counted(day: SettlementDay, open_items: ItemStore) -> None:
    """Close what days around this one said of its lines: its run, just now, has counted them."""
    for other in days_around(day):
        open_items.replace_findings(day, _stage(other.settlement_date), [])


def _stage(lost_by: date) -> str:
    """Name the step that found it: the day's own run replaces what it found, and nothing else."""
    return f"{Stage.classify} {lost_by}"


def _items(moved: Sequence[MovedLine], merchant: Merchant) -> list[OpenItem]:
    """Return one item per record; of each day, what is beyond ``MOST_ITEMS`` is one more."""
    items: list[OpenItem] = []
    for day, some in groupby(moved, key=lambda line: line.day):
        lines = list(some)
        items += [line.item(merchant) for line in lines[:MOST_ITEMS]]
        if len(lines) > MOST_ITEMS:
            items.append(_rest(day, lines[0].lost_by, len(lines) - MOST_ITEMS, merchant))
    return items


def _rest(day: SettlementDay, by: date, count: int, merchant: Merchant) -> OpenItem:
    return _item(
        day,
        by,
        merchant,
        by.isoformat(),
        f"{count} more lines were left to {by}, whose files do not hold them like this any more.",
        f"See what {by} holds in their place; then run {day.settlement_date} again: it counts "
        "the lines.",
    )


def _item(
    day: SettlementDay, by: date, merchant: Merchant, source: str, explanation: str, todo: str
) -> OpenItem:
    cause, key = Cause.duplicate_line, f"{source}:moved:{by}"
    item = place_item(day, merchant, cause, source, explanation, todo, key=key)
    return replace(item, stage=_stage(by))


def moved_lines(day: SettlementDay, lake: LakeStore, files: Files) -> list[MovedLine]:
    """Return what days around this one left to it, and its lines do not hold now that it ran."""
    own = {
        LINES: pl.scan_parquet(lake.day_path(day, LINES)).with_columns(STAGE_AT),
        ENTRIES: _entries(day, lake),
    }
    found: list[MovedLine] = []
    for other in days_around(day):
        for gone in (
            _left_by_classify(day, other, own, lake, files),
            _left_by_match(day, other, own[LINES], lake),
        ):
            found += [
                MovedLine(other, day.settlement_date, f"{digest}:{number}", currency, minor)
                for digest, number, currency, minor in gone.iter_rows()
            ]
    return found


def _left_by_classify(
    day: SettlementDay,
    other: SettlementDay,
    own: Mapping[str, pl.LazyFrame],
    lake: LakeStore,
    files: Files,
) -> pl.DataFrame:
    """Return records that are in the other day's quarantine; their rows lie with their file."""
    path = lake.day_path(other, QUARANTINE)
    if not path.exists():
        return _records([])
    is_ours = pl.col("detail").str.starts_with(counted_with(day.settlement_date))
    aside = pl.scan_parquet(path).filter(is_ours).select(_RECORD).collect()
    if aside.is_empty():
        return _records([])
    # A store that was restored may have forgotten the file: that day's own run tells it again.
    layouts = {file.digest: file.layout for file in files.of_day(other)}
    paths = [
        lake.lines_path(digest, layouts[digest])
        for digest in aside["file_digest"].unique().sort()
        if digest in layouts
    ]
    return _records([_left(path, aside, own) for path in paths])


def _left(path: Path, aside: pl.DataFrame, own: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Return the rows of one file that were set aside and of whose records the day holds none."""
    rows = pl.scan_parquet(path).join(aside.lazy(), on=_RECORD, how="semi")
    if is_of_bank(path):
        return _without(rows, own[ENTRIES], IDENTITIES[ENTRIES])
    return _without(rows.with_columns(STAGE_AT), own[LINES], IDENTITIES[LINES])


def _entries(day: SettlementDay, lake: LakeStore) -> pl.LazyFrame:
    path = lake.day_path(day, ENTRIES)
    if path.exists():
        return pl.scan_parquet(path)
    return pl.LazyFrame(schema=schema_of(BANK_ENTRY_COLUMNS))


def _left_by_match(
    day: SettlementDay, other: SettlementDay, own: pl.LazyFrame, lake: LakeStore
) -> pl.DataFrame:
    """Return lines that the other day named as repeats of this day's."""
    explained, lines = lake.day_path(other, EXPLAINED), lake.day_path(other, LINES)
    if not explained.exists() or not lines.exists():
        return _records([])
    place = [*_RECORD, "line_class"]
    is_ours = pl.col("runner_up") == settled_on(day.settlement_date)
    is_repeat = pl.col("cause") == Cause.duplicate_line.value
    repeats = pl.scan_parquet(explained).filter(is_repeat, is_ours).select(place).collect()
    if repeats.is_empty():  # nearly always: the other day's lines need not be read
        return _records([])
    named = pl.scan_parquet(lines).join(repeats.lazy(), on=place, how="semi")
    return _records([_without(named, own, _REQUEST)])


def _without(lines: pl.LazyFrame, own: pl.LazyFrame, on: Sequence[str]) -> pl.LazyFrame:
    """Return the lines of records of which the day holds none."""
    held = lines.join(own.select(on), on=on, how="semi", nulls_equal=True)
    return lines.join(held.select(_RECORD), on=_RECORD, how="anti")


def _records(lines: Sequence[pl.LazyFrame]) -> pl.DataFrame:
    """Add lines up to one row per record."""
    if not lines:
        return pl.DataFrame()
    return (
        pl.concat([frame.select(*_RECORD, "currency", "amount_minor") for frame in lines])
        .group_by(_RECORD)
        .agg(pl.col("currency").first(), pl.col("amount_minor").sum())
        .sort(_RECORD)
        .collect(engine="streaming")
    )
