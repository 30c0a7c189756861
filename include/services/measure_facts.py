"""Measure a day's lines, quarantine and bank entries: whole columns in, one row per thing out.

Every row of the day is looked at, here and by Polars; what comes out is small enough for people
and for Great Expectations. Rows have the columns that the suites declare.
"""

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from include.domain.calendar import Window, settlement_window
from include.domain.merchant import Merchant, Source
from include.domain.quality import DayFile
from include.domain.settlement import Coverage, Knowledge, LineClass, SettlementDay
from include.services.uniqueness import are_unique

Row = dict[str, object]
_PLUS = (LineClass.gross_sale.value, LineClass.chargeback_reversal.value)
_MINUS = (LineClass.refund.value, LineClass.chargeback.value)
_LATER = LineClass.funding.value  # is announced before it arrives
_ROWS = 131_072  # looked at together


def measure_files(
    merchant: Merchant,
    day: SettlementDay,
    files: Sequence[DayFile],
    coverage: Sequence[Coverage],
    lines: Sequence[Path],
    quarantine: Path,
) -> list[Row]:
    """Return one row per source of the merchant, for suite ``file_facts``."""
    window = settlement_window(day.settlement_date, merchant.zone, merchant.cut_off)
    found = Counter[str]()
    for path in lines:
        found.update(records_of(path))
    aside = records_of(quarantine)
    awaited = {c.source for c in coverage if c.knowledge is Knowledge.awaited}
    by_source = {file.source: file for file in files}
    return [
        _file_row(source, by_source.get(source.name), awaited, window, found, aside)
        for source in merchant.sources
    ]


def _file_row(
    source: Source,
    file: DayFile | None,
    awaited: Container[str],
    window: Window,
    found: Mapping[str, int],
    aside: Mapping[str, int],
) -> Row:
    is_read = file is not None and file.state == "classified"
    in_lake = found.get(file.digest, 0) if file and is_read else 0
    return {
        "source": source.name,
        "layout": source.layout,
        "is_required": int(source.is_required),
        "is_awaited": int(source.name in awaited and file is None),
        "is_set_aside": int(file is not None and file.state == "quarantined"),
        "reason": file.reason if file else "",
        "records_in": file.lines_in if file else 0,
        "records_accounted": file.lines_classified + file.lines_quarantined if file else 0,
        "records_claimed": _with_money(file, in_lake) if file and is_read else 0,
        "records_found": in_lake,
        "set_aside_claimed": file.lines_quarantined if file and is_read else 0,
        "set_aside_found": aside.get(file.digest, 0) if file and is_read else 0,
        "window_shift_minutes": _shift(file, window) if file else 0,
        "repeats_of": file.repeats_of if file and file.lines_in else "",
    }


def _with_money(file: DayFile, in_lake: int) -> int:
    """Return how many records must have lines; where that is unsaid, at most the classified."""
    if file.lines_without_money is None:
        return min(in_lake, file.lines_classified)
    return file.lines_classified - file.lines_without_money


def _shift(file: DayFile, window: Window) -> int:
    if file.window_start_at is None:
        return 0
    minutes = abs(file.window_start_at - window.start_at)
    if file.window_end_at is not None:
        minutes = max(minutes, abs(file.window_end_at - window.end_at))
    return int(minutes / timedelta(minutes=1))


def records_of(path: Path) -> dict[str, int]:
    """Count the records of each file in a Parquet of lines; one record may give several lines.

    Lines of a record stand together, so a record begins where the number changes.
    """
    if not path.exists():
        return {}
    found = Counter[str]()
    last: tuple[str, int] | None = None
    with pq.ParquetFile(path, read_dictionary=["file_digest"]) as file:
        # On one core: the other is summing up the lines, and the gate waits for this count.
        for batch in file.iter_batches(
            _ROWS, columns=["file_digest", "line_no"], use_threads=False
        ):
            digests: Any = batch.column(0)
            names, codes = digests.dictionary.to_pylist(), digests.indices.to_numpy()
            numbers = batch.column(1).to_numpy()
            begins = np.ones(len(numbers), dtype=np.bool_)
            np.not_equal(numbers[1:], numbers[:-1], out=begins[1:])
            begins[0] = last != (names[codes[0]], numbers[0])
            last = names[codes[-1]], numbers[-1]
            if len(names) == 1:
                found[names[0]] += int(np.count_nonzero(begins))
                continue
            begins[1:] |= codes[1:] != codes[:-1]
            counted = np.bincount(codes[begins], minlength=len(names))
            found.update({name: int(n) for name, n in zip(names, counted, strict=True) if n})
    return dict(found)


def _digests(path: Path) -> list[str]:
    """Name the files whose lines a Parquet holds; each row group lists them once."""
    column = pq.ParquetFile(path, read_dictionary=["file_digest"]).read(["file_digest"])[0]
    chunks: list[Any] = column.chunks
    return sorted({digest for chunk in chunks for digest in chunk.dictionary.to_pylist()})


def group_lines(merchant: Merchant, day: SettlementDay, lines: Path) -> pl.DataFrame:
    """Sum up the lines per file, currency and class: one pass, for both suites about lines."""
    end = settlement_window(day.settlement_date, merchant.zone, merchant.cut_off).end_at
    when, amount = pl.coalesce("occurred_at", "settled_at"), pl.col("amount_minor")
    keys = ["file_digest", "currency", "line_class"]
    digests = _digests(lines)
    # Hashing the same digest for every line would take half of the time.
    measured = (
        pl.scan_parquet(lines)
        .group_by(keys[1:] if len(digests) == 1 else keys)
        .agg(
            rows=pl.len(),
            total_minor=amount.sum(),
            size_minor=amount.abs().sum(),
            missing_amounts=amount.null_count(),
            above_zero=(amount > 0).sum(),
            below_zero=(amount < 0).sum(),
            ahead=(when >= end).sum(),
            first_at=when.min(),
            last_at=when.max(),
        )
        .collect(engine="streaming")
    )
    if len(digests) == 1:
        measured = measured.with_columns(file_digest=pl.lit(digests[0]))
    return measured.sort(keys, nulls_last=True)


def measure_lines(
    merchant: Merchant,
    files: Sequence[DayFile],
    lines: Path,
    groups: pl.DataFrame | None,
    is_plain: bool,
) -> list[Row]:
    """Return one row per file, currency and class of the lines, for suite ``line_facts``.

    Args:
        merchant: what it settles in.
        files: the newest of each source.
        lines: the day's lines.
        groups: as ``group_lines`` returns them; ``None`` where the day has no lines.
        is_plain: as ``has_plain_ids`` says.
    """
    if groups is None:
        return []
    repeated = {} if is_plain else _repeated(lines)
    conflicting = {} if is_plain else _conflicting(lines)
    sources = {file.digest: file.source for file in files}
    return [
        _line_row(row, merchant, sources, repeated, conflicting)
        for row in groups.iter_rows(named=True)
    ]


def _line_row(
    row: Mapping[str, Any],
    merchant: Merchant,
    sources: Mapping[str, str],
    repeated: Mapping[tuple[Any, ...], int],
    conflicting: Mapping[tuple[Any, ...], int],
) -> Row:
    key = (row["file_digest"], row["currency"], row["line_class"])
    name = sources.get(row["file_digest"])
    known = {c.value for c in LineClass}
    supplied = {c.value for s in merchant.sources if s.name == name for c in s.supplies}
    return {
        "source": name or f"file {row['file_digest'][:12]}",
        "currency": row["currency"] or "",
        "line_class": row["line_class"] or "",
        "is_known_class": int(row["line_class"] in known),
        "is_settled_currency": int(row["currency"] in (*merchant.currencies, None)),
        "is_supplied": int(row["line_class"] in supplied or row["line_class"] not in known),
        "rows": row["rows"],
        "total_minor": row["total_minor"],
        "missing_amounts": row["missing_amounts"],
        "missing_currencies": row["rows"] if row["currency"] is None else 0,
        "wrong_signs": _wrong_signs(row),
        "repeated": repeated.get(key, 0),
        "conflicting": conflicting.get(key, 0),
        "ahead_of_window": 0 if row["line_class"] in (_LATER, None) else row["ahead"],
        "first_day": _day_text(row["first_at"]),
        "last_day": _day_text(row["last_at"]),
    }


def _wrong_signs(row: Mapping[str, Any]) -> int:
    if row["line_class"] in _PLUS:
        return int(row["below_zero"])
    return int(row["above_zero"]) if row["line_class"] in _MINUS else 0


def _day_text(instant: datetime | date | None) -> str:
    return "" if instant is None else instant.isoformat()[:10]


IDENTITY = ["request_id", "line_class", "detail_code", "currency", "amount_minor", "batch_id"]
_ONE_CLASS = [LineClass.gross_sale.value, LineClass.refund.value]
_ODD = pl.lit(0x9E3779B97F4A7C15, pl.UInt64)  # sets a sale apart from the refund of its id


def has_plain_ids(lines: Path) -> bool:
    """Say whether every identity and, of sales and refunds, every request id is there once.

    One hash per line answers it for the usual day, which then never groups by text.
    """
    if not lines.exists():
        return True
    named, line_class = pl.col("request_id").is_not_null(), pl.col("line_class")
    is_once = pl.any_horizontal(line_class == name for name in _ONE_CLASS).fill_null(False)
    of_class = pl.when(line_class == _ONE_CLASS[0]).then(_ODD).otherwise(pl.lit(0, pl.UInt64))
    once = pl.col("request_id").hash(1) ^ of_class
    found = pl.scan_parquet(lines).select(
        key=pl.when(named & is_once).then(once), is_other=named & ~is_once
    )
    keys = found.collect(engine="streaming")
    if not are_unique(keys["key"]):
        return False
    if not keys["is_other"].any():
        return True
    whole = pl.scan_parquet(lines).filter(named & ~is_once).select(pl.struct(IDENTITY).hash(1))
    return are_unique(whole.collect(engine="streaming").to_series())


def _repeated(lines: Path) -> dict[tuple[Any, ...], int]:
    """Count lines whose identity was there before, whichever file they came in."""
    named = pl.scan_parquet(lines).filter(pl.col("request_id").is_not_null())
    nth = pl.int_range(pl.len()).over(IDENTITY)
    return _count(named.with_columns(nth=nth).filter(pl.col("nth") > 0))


def _conflicting(lines: Path) -> dict[tuple[Any, ...], int]:
    """Count sales or refunds whose request id came before with another amount."""
    named = pl.scan_parquet(lines).filter(
        pl.col("request_id").is_not_null() & pl.col("line_class").is_in(_ONE_CLASS)
    )
    first = pl.col("amount_minor").first().over("request_id", "line_class")
    return _count(named.filter(pl.col("amount_minor") != first))


def _count(found: pl.LazyFrame) -> dict[tuple[Any, ...], int]:
    keys = ["file_digest", "currency", "line_class"]
    return {row[:3]: row[3] for row in found.group_by(keys).len().collect().iter_rows()}


def measure_bank(merchant: Merchant, day: SettlementDay, entries: Path) -> list[Row]:
    """Return one row per account and currency of the bank entries, for suite ``bank_facts``."""
    if not entries.exists():
        return []
    booked = pl.col("booking_date")
    days_off = (booked - pl.lit(day.settlement_date)).dt.total_days().abs()
    found = (
        pl.scan_parquet(entries)
        .group_by("account_id", "currency")
        .agg(
            entries=pl.len(),
            total_minor=pl.col("amount_minor").sum(),
            missing_amounts=pl.col("amount_minor").null_count(),
            repeated=pl.len() - pl.col("entry_id").n_unique(),
            days_off=days_off.max().fill_null(0),
            first_day=booked.min(),
            last_day=booked.max(),
        )
        .sort("account_id", "currency")
        .collect()
    )
    accounts = {account.account_id: c for c, account in merchant.bank_accounts.items()}
    return [
        {
            **row,
            "currency": row["currency"] or "",
            "is_our_account": int(row["account_id"] in accounts),
            "is_account_currency": int(accounts.get(row["account_id"]) in (row["currency"], None)),
            "first_day": _day_text(row["first_day"]),
            "last_day": _day_text(row["last_day"]),
        }
        for row in found.iter_rows(named=True)
    ]
