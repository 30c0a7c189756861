"""Measure a day's totals per currency beside the processor's own control total."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from include.domain.errors import Rejected
from include.domain.merchant import Merchant
from include.domain.money import Money
from include.domain.settlement import LineClass
from include.services.measure_facts import IDENTITY, Row

REPEATS = ("duplicate_line", "repeated_line")  # set aside because they are understood
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


def measure_totals(
    merchant: Merchant,
    control: Mapping[str, ControlTotal],
    lines: Path,
    quarantine: Path,
    groups: pl.DataFrame | None,
    is_plain: bool,
) -> list[Row]:
    """Return one row per currency, for suite ``day_totals``.

    ``groups`` and ``is_plain`` as ``measure_lines`` takes them.
    """
    sums = {} if groups is None else _class_sums(groups if is_plain else _counted_once(lines))
    aside = _set_aside(quarantine)
    seen = {currency for currency, _ in sums if currency} | set(control)
    return [
        _total_row(currency, sums, aside, control.get(currency))
        for currency in sorted({*merchant.currencies, *seen})
    ]


def _counted_once(lines: Path) -> pl.DataFrame:
    """Sum up the lines without those whose identity was there before."""
    amount, nth = pl.col("amount_minor"), pl.int_range(pl.len()).over(IDENTITY)
    return (
        pl.scan_parquet(lines)
        .filter(pl.col("request_id").is_null() | (nth == 0))
        .group_by("currency", "line_class")
        .agg(rows=pl.len(), total_minor=amount.sum(), size_minor=amount.abs().sum())
        .collect(engine="streaming")
    )


def _class_sums(groups: pl.DataFrame) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Return (currency, class) -> (lines, sum, sum without signs), of all files together."""
    sums = groups.group_by("currency", "line_class").agg(
        pl.col("rows", "total_minor", "size_minor").sum()
    )
    return {(r[0] or "", r[1]): (r[2], r[3], r[4]) for r in sums.iter_rows()}


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
