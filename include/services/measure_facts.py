"""Measure a day's lines, quarantine and bank entries: whole columns in, one row per thing out.

Every row of the day is looked at, here and by Polars; what comes out is small enough for people
and for Great Expectations. Rows have the columns that the suites declare.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from include.domain.calendar import Window, settlement_window
from include.domain.errors import Rejected
from include.domain.merchant import Merchant
from include.domain.money import Money
from include.domain.quality import DayFile
from include.domain.settlement import Coverage, Knowledge, LineClass, SettlementDay

Row = dict[str, object]
REPEATS = ("duplicate_line", "repeated_line")  # set aside because they are understood
_PLUS = (LineClass.gross_sale.value, LineClass.chargeback_reversal.value)
_MINUS = (LineClass.refund.value, LineClass.chargeback.value)
_LATER = LineClass.funding.value  # is announced before it arrives
_STRAY_DAYS = 3
_WHOLE = 10_000  # basis points


@dataclass(frozen=True, slots=True)
class ControlTotal:
    """What the processor says the day's sales and refunds are, in one currency."""

    currency: str
    sales_minor: int
    refunds_minor: int  # below zero, as our lines are


def read_control_totals(
    rows: Sequence[Mapping[str, object]], merchant: Merchant
) -> dict[str, ControlTotal]:
    """Add up ``payment-batch-summaries`` rows of this merchant, as the vendor names them.

    Raises:
        Rejected: an amount is not a plain decimal.
    """
    found: dict[str, ControlTotal] = {}
    for row in rows:
        owner = str(row.get("merchantId") or row.get("accountId") or merchant.organization_id)
        if owner != merchant.organization_id:
            continue
        currency = str(row.get("currencyCode", ""))
        where = f"payment-batch-summaries of {merchant.merchant_id}"
        sales = Money.parse(_plain(row.get("salesAmount")), currency, where).minor
        credit = Money.parse(_plain(row.get("creditAmount")), currency, where).minor
        before = found.get(currency, ControlTotal(currency, 0, 0))
        found[currency] = ControlTotal(
            currency, before.sales_minor + sales, before.refunds_minor - abs(credit)
        )
    return found


def _plain(value: object) -> str:
    return "0" if value in (None, "") else str(value)


def measure_files(
    merchant: Merchant,
    day: SettlementDay,
    files: Sequence[DayFile],
    coverage: Sequence[Coverage],
    lines: Path,
    quarantine: Path,
) -> list[Row]:
    """Return one row per source of the merchant, for suite ``file_facts``."""
    window = settlement_window(day.settlement_date, merchant.zone, merchant.cut_off)
    classified = _records(lines)
    set_aside = _records(quarantine)
    awaited = {c.source for c in coverage if c.knowledge is Knowledge.awaited}
    by_source = {file.source: file for file in files}
    rows: list[Row] = []
    for source in merchant.sources:
        file = by_source.get(source.name)
        row: Row = {
            "source": source.name,
            "layout": source.layout,
            "is_required": int(source.is_required),
            "is_awaited": int(source.name in awaited and file is None),
            "is_set_aside": int(file is not None and file.state == "quarantined"),
            "reason": file.reason if file else "",
            "records_in": 0,
            "records_accounted": 0,
            "records_claimed": 0,
            "records_found": 0,
            "window_shift_minutes": 0,
            "repeats_of": "",
        }
        if file is not None:
            row["records_in"] = file.lines_in
            row["records_accounted"] = file.lines_classified + file.lines_quarantined
            row["window_shift_minutes"] = _shift(file, window)
            row["repeats_of"] = file.repeats_of if file.lines_in else ""
            if file.state == "classified":
                row["records_claimed"] = row["records_accounted"]
                found = classified.get(file.digest, 0) + set_aside.get(file.digest, 0)
                row["records_found"] = found
        rows.append(row)
    return rows


def _shift(file: DayFile, window: Window) -> int:
    if file.window_start_at is None:
        return 0
    minutes = abs(file.window_start_at - window.start_at)
    if file.window_end_at is not None:
        minutes = max(minutes, abs(file.window_end_at - window.end_at))
    return int(minutes / timedelta(minutes=1))


def _records(path: Path) -> dict[str, int]:
    """Count the records of each file in a Parquet of lines; one record may give several lines.

    Lines of a record stand together, so a record begins where the number changes.
    """
    if not path.exists():
        return {}
    number, digest = pl.col("line_no"), pl.col("file_digest")
    begins = (number != number.shift(1)).fill_null(True) | (digest != digest.shift(1))
    counted = (
        pl.scan_parquet(path)
        .select("file_digest", "line_no")
        .filter(begins)
        .filter(pl.col("line_no") > 0)  # 0 is the file as a whole
        .group_by("file_digest")
        .len()
        .collect(engine="streaming")
    )
    return dict(counted.iter_rows())


def measure_lines(
    merchant: Merchant, day: SettlementDay, files: Sequence[DayFile], lines: Path
) -> list[Row]:
    """Return one row per file, currency and class of the lines, for suite ``line_facts``."""
    if not lines.exists():
        return []
    end = settlement_window(day.settlement_date, merchant.zone, merchant.cut_off).end_at
    when = pl.coalesce("occurred_at", "settled_at")
    amount, kind = pl.col("amount_minor"), pl.col("line_class")
    wrong = (kind.is_in(_PLUS) & (amount < 0)) | (kind.is_in(_MINUS) & (amount > 0))
    keys = ["file_digest", "currency", "line_class"]
    measured = (
        pl.scan_parquet(lines)
        .group_by(keys)
        .agg(
            rows=pl.len(),
            total_minor=amount.sum(),
            missing_amounts=amount.null_count(),
            wrong_signs=wrong.sum(),
            ahead_of_window=((when >= end) & (kind != _LATER)).sum(),
            first_at=when.min(),
            last_at=when.max(),
        )
        .collect(engine="streaming")
        .sort(keys, nulls_last=True)
    )
    is_plain = _has_plain_ids(lines)
    repeated = {} if is_plain else _repeated(lines)
    conflicting = {} if is_plain else _conflicting(lines)
    sources = {file.digest: file.source for file in files}
    return [
        _line_row(row, merchant, sources, repeated, conflicting)
        for row in measured.iter_rows(named=True)
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
        "wrong_signs": row["wrong_signs"],
        "repeated": repeated.get(key, 0),
        "conflicting": conflicting.get(key, 0),
        "ahead_of_window": row["ahead_of_window"],
        "first_day": _day_text(row["first_at"]),
        "last_day": _day_text(row["last_at"]),
    }


def _day_text(instant: datetime | date | None) -> str:
    return "" if instant is None else instant.isoformat()[:10]


_IDENTITY = ["request_id", "line_class", "detail_code", "currency", "amount_minor", "batch_id"]
_ONE_CLASS = [LineClass.gross_sale.value, LineClass.refund.value]


def _has_plain_ids(lines: Path) -> bool:
    """Say whether every identity and, of sales and refunds, every request id is there once.

    One hash per line answers it for the usual day, which then never groups by text.
    """
    once = pl.struct("request_id", "line_class").hash(1)
    whole = pl.struct(_IDENTITY).hash(1)
    key = pl.when(pl.col("line_class").is_in(_ONE_CLASS)).then(once).otherwise(whole)
    named = pl.scan_parquet(lines).filter(pl.col("request_id").is_not_null())
    total, distinct = named.select(pl.len(), key.n_unique().alias("keys")).collect().row(0)
    return bool(total == distinct)


def _repeated(lines: Path) -> dict[tuple[Any, ...], int]:
    """Count lines whose identity was there before, whichever file they came in."""
    named = pl.scan_parquet(lines).filter(pl.col("request_id").is_not_null())
    nth = pl.int_range(pl.len()).over(_IDENTITY)
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


def measure_totals(
    merchant: Merchant, control: Mapping[str, ControlTotal], lines: Path, quarantine: Path
) -> list[Row]:
    """Return one row per currency, for suite ``day_totals``."""
    sums = _class_sums(lines)
    aside = _set_aside(quarantine)
    seen = {currency for currency, _ in sums if currency} | set(control)
    return [
        _total_row(currency, sums, aside, control.get(currency))
        for currency in sorted({*merchant.currencies, *seen})
    ]


def _class_sums(lines: Path) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Return (currency, class) -> (lines, sum, sum without signs)."""
    if not lines.exists():
        return {}
    amount = pl.col("amount_minor")
    found = (
        pl.scan_parquet(lines)
        .group_by("currency", "line_class")
        .agg(pl.len(), amount.sum().alias("sum"), amount.abs().sum().alias("size"))
        .collect(engine="streaming")
    )
    return {(r[0] or "", r[1]): (r[2], r[3], r[4]) for r in found.iter_rows()}


def _set_aside(quarantine: Path) -> list[tuple[str, str | None]]:
    """Return (currency, amount as found) of each record that was not understood."""
    if not quarantine.exists():
        return []
    found = (
        pl.scan_parquet(quarantine)
        .filter((pl.col("line_no") > 0) & ~pl.col("reason_code").is_in(REPEATS))
        .select(pl.col("currency").fill_null(""), "amount_text")
        .collect()
    )
    return list(found.iter_rows())


def _total_row(
    currency: str,
    sums: Mapping[tuple[str, str], tuple[int, int, int]],
    aside: Sequence[tuple[str, str | None]],
    control: ControlTotal | None,
) -> Row:
    own = [(c, text) for c, text in aside if c in (currency, "")]
    amounts = [_readable(currency, text) for c, text in own if c == currency]
    known = [minor for minor in amounts if minor is not None]
    unreadable = len(own) - len(known)
    sales = sums.get((currency, LineClass.gross_sale.value), (0, 0, 0))[1]
    refunds = sums.get((currency, LineClass.refund.value), (0, 0, 0))[1]
    size = sum(value[2] for (c, _), value in sums.items() if c == currency)
    rows = sum(value[0] for (c, _), value in sums.items() if c == currency)
    set_aside_minor = sum(abs(minor) for minor in known)
    more = control.sales_minor - sales if control else 0
    fewer = control.refunds_minor - refunds if control else 0
    return {
        "currency": currency,
        "sales_minor": sales,
        "refunds_minor": refunds,
        "control_sales_minor": control.sales_minor if control else sales,
        "control_refunds_minor": control.refunds_minor if control else refunds,
        "has_control": int(control is not None),
        "unexplained_sales_minor": _unexplained(more, 1, set_aside_minor, unreadable),
        "unexplained_refunds_minor": _unexplained(fewer, -1, set_aside_minor, unreadable),
        "lines": rows,
        "set_aside": len(own),
        "set_aside_minor": set_aside_minor,
        "set_aside_share_bp": _share(set_aside_minor, set_aside_minor + size),
        "set_aside_rows_bp": _share(len(own), len(own) + rows),
        "unreadable": unreadable,
    }


def _unexplained(difference: int, direction: int, set_aside: int, unreadable: int) -> int:
    """Return what neither the lines nor the records set aside explain.

    The control total may hold any of the records set aside, and those without a readable amount
    may be worth anything in its direction; a difference beyond that is a contradiction.
    """
    is_explained = difference * direction > 0 and (abs(difference) <= set_aside or unreadable > 0)
    return 0 if is_explained else difference


def _readable(currency: str, text: str | None) -> int | None:
    try:
        return Money.parse(text or "", currency, "quarantine").minor
    except Rejected:
        return None  # set aside because it cannot be read: unknown, not zero


def _share(part: int, whole: int) -> int:
    """Return a share in basis points, rounded up: a little is never shown as nothing."""
    return -(-part * _WHOLE // whole) if whole else 0


def measure_bank(merchant: Merchant, day: SettlementDay, entries: Path) -> list[Row]:
    """Return one row per account and currency of the bank entries, for suite ``bank_facts``."""
    if not entries.exists():
        return []
    far = timedelta(days=_STRAY_DAYS)
    first, last = day.settlement_date - far, day.settlement_date + far
    booked = pl.col("booking_date")
    found = (
        pl.scan_parquet(entries)
        .group_by("account_id", "currency")
        .agg(
            entries=pl.len(),
            total_minor=pl.col("amount_minor").sum(),
            missing_amounts=pl.col("amount_minor").null_count(),
            repeated=pl.len() - pl.col("entry_id").n_unique(),
            stray_dates=(~booked.is_between(first, last)).sum(),
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
