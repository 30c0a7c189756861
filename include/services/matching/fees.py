"""Fees against the agreed schedule: per transaction where the source says which, else per row.

A fee kind without an agreed price, or a card type without one, has no knowable drift.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.domain.errors import Rejected
from include.domain.fees import FeeRate, FeeSchedule
from include.domain.money import Money
from include.domain.settlement import REPEAT_DAYS
from include.services.matching.columns import request_of
from include.services.matching.history import History
from include.services.matching.ports import FeePrices

if TYPE_CHECKING:
    import polars as pl

_CHARGED = ["gross_sale", "refund", "chargeback", "chargeback_reversal"]
_COLUMNS = "file_digest line_no line_class detail_code currency amount_minor".split()
_IDS = ["request_id", "processor_reference", "merchant_reference", "card_type"]
_ONE = 1_000_000  # millionths
_LINKS = ("request_id", "processor_reference", "merchant_reference")  # the surest first


@dataclass(frozen=True, slots=True)
class FeeDrift:
    """One fee that differs from the agreed price by more than its tolerance."""

    row: int
    source: str
    key: str
    currency: str
    drift_minor: int  # + we paid too much
    explanation: str


def drifts(
    path: Path,
    merchant_id: str,
    on: date,
    mappings: FeePrices,
    layouts: Mapping[str, str],
    history: History,
) -> list[FeeDrift]:
    """Return every fee of the day that is off the schedule.

    Args:
        path: the day's lines.parquet.
        merchant_id: whose schedule.
        on: the settlement date.
        mappings: fee kinds and schedules.
        layouts: layout by file digest, to translate the source's fee codes.
        history: for fees that come some days after their transaction.
    """
    import polars as pl

    lines = pl.scan_parquet(path).with_row_index("row").select("row", *_COLUMNS, *_IDS)
    lines = lines.with_columns(request_of())
    fees = lines.filter(pl.col("line_class") == "fee").collect(engine="streaming")
    if fees.is_empty():
        return []
    kinds = _kinds(fees, mappings, layouts, on)
    charged = _charged(lines, fees, history)
    found: list[FeeDrift] = []
    for (currency,), part in fees.group_by("currency", maintain_order=True):
        schedule = mappings.fee_schedule(merchant_id, on, str(currency))
        if schedule is not None:
            itemized_drifts, itemized = _per_transaction(part, charged, schedule, kinds)
            found += itemized_drifts
            found += _per_row(part, charged, schedule, kinds, itemized)
    return sorted(found, key=lambda drift: drift.row)


def _kinds(
    fees: "pl.DataFrame", mappings: FeePrices, layouts: Mapping[str, str], on: date
) -> dict[tuple[str, str], str]:
    """Return the fee kind by (file digest, source's code); unmapped ones stop the build later."""
    found: dict[tuple[str, str], str] = {}
    for digest, code in fees.select("file_digest", "detail_code").unique().iter_rows():
        try:
            found[digest, code] = mappings.fee_kind(layouts.get(digest, ""), code, on)
        except Rejected:
            continue  # building the journal refuses it, with the line to add
    return found


def _charged(lines: "pl.LazyFrame", fees: "pl.DataFrame", history: History) -> "pl.DataFrame":
    """Return the transactions fees can be about: all of the day, earlier ones that are named."""
    import polars as pl

    columns = ["line_class", "currency", "amount_minor", *_IDS]
    today = lines.filter(pl.col("line_class").is_in(_CHARGED)).select(
        *columns, is_today=pl.lit(True)
    )
    named = fees["request_id"].drop_nulls().unique()
    known = today.select("request_id").collect(engine="streaming")["request_id"]
    missing = named.filter(~named.is_in(known.drop_nulls().implode()))
    past = history.lines(REPEAT_DAYS, columns) if len(missing) else None
    if past is not None:
        earlier = past.filter(
            pl.col("line_class").is_in(_CHARGED), pl.col("request_id").is_in(missing.implode())
        ).select(*columns, is_today=pl.lit(False))
        today = pl.concat([today, earlier])
    return today.collect(engine="streaming")


def _per_transaction(
    fees: "pl.DataFrame",
    charged: "pl.DataFrame",
    schedule: FeeSchedule,
    kinds: Mapping[tuple[str, str], str],
) -> tuple[list[FeeDrift], set[tuple[str, str]]]:
    """Judge fees that name their transaction, by the surest of the ids they carry.

    Returns:
        The drifts, and the (file digest, code) of the fees that come one per transaction.
    """
    import polars as pl

    found: list[FeeDrift] = []
    itemized: set[tuple[str, str]] = set()
    left = fees
    for name in _LINKS:
        # An order or reference with several transactions does not say which one was charged.
        key = [name, "currency"]
        about = charged.filter(pl.col(name).is_not_null())
        once = [name, "line_class"] if name == "request_id" else key
        about = about.filter(~pl.struct(once).is_duplicated())
        pairs = left.filter(pl.col(name).is_not_null()).join(
            about, on=key, suffix="_of", maintain_order="left"
        )
        left = left.filter(~pl.col("row").is_in(pairs["row"].implode()))
        for (digest, code), part in pairs.group_by(
            ["file_digest", "detail_code"], maintain_order=True
        ):
            itemized.add((str(digest), str(code)))
            rate = schedule.rates.get(kinds.get((str(digest), str(code)), ""))
            if rate is not None:
                found += _judge(part, rate)
    return found, itemized


def _judge(pairs: "pl.DataFrame", rate: FeeRate) -> list[FeeDrift]:
    """Compare in columns; only what is outside the tolerance becomes an object."""
    import polars as pl

    classes = [line_class.value for line_class in rate.charged_on]
    # A dispute fee is about the chargeback, although the capture carries the same request id.
    pairs = pairs.filter(
        pl.col("line_class_of").is_in(classes)
        | ~pl.col("row").is_in(
            pairs.filter(pl.col("line_class_of").is_in(classes))["row"].implode()
        )
    ).unique("row", keep="first", maintain_order=True)
    found = []
    rates: list[tuple[str | None, int]] = list(rate.card_rates.items())
    rates = rates or [(None, rate.rate_millionths)]
    for card, millionths in rates:
        of_card = pairs if card is None else pairs.filter(_card() == card)
        is_due = pl.col("line_class_of").is_in(classes)
        price = _half_even(pl.col("amount_minor_of").abs() * millionths) + rate.per_item_minor
        charged = -pl.col("amount_minor")
        expected = pl.when(is_due).then(price).otherwise(0)
        suspects = of_card.filter((charged - expected).abs() > rate.tolerance_minor)
        for row in suspects.iter_rows(named=True):
            drift = _exactly(row, rate, classes)
            if drift is not None:
                found.append(drift)
    return found


def _half_even(millionths: "pl.Expr") -> "pl.Expr":
    """Round to whole minor units as ``Money.convert`` does."""
    whole, rest = millionths // _ONE, millionths % _ONE * 2
    return whole + ((rest > _ONE) | ((rest == _ONE) & (whole % 2 == 1))).cast(int)


def _card() -> "pl.Expr":
    import polars as pl

    return pl.coalesce("card_type_of", "card_type")


def _exactly(row: Mapping[str, Any], rate: FeeRate, classes: list[str]) -> FeeDrift | None:
    amount = Money(row["amount_minor_of"], row["currency"])
    card = row["card_type_of"] or row["card_type"] or ""
    expected = rate.expected(amount, 1, card)
    if row["line_class_of"] not in classes:
        expected = Money(0, amount.currency)
    if expected is None:
        return None
    who = next(str(row[name]) for name in _LINKS if row[name])
    return _drift(row, rate, expected, f"{who} over {amount}", f"{who}|{rate.fee_kind}")


def _per_row(
    fees: "pl.DataFrame",
    charged: "pl.DataFrame",
    schedule: FeeSchedule,
    kinds: Mapping[tuple[str, str], str],
    itemized: set[tuple[str, str]],
) -> list[FeeDrift]:
    """Judge summary rows: one fee kind, and one card type where the row says so, of the day.

    No source says whether an acquirer rounds each fee or their sum, which differ by cents: either
    is what was agreed.
    """
    import polars as pl

    summary = fees.filter(pl.col("request_id").is_null(), pl.col("merchant_reference").is_null())
    today = charged.filter(pl.col("is_today"), pl.col("currency") == schedule.currency)
    sums = {
        (row[0], row[1]): (row[2], row[3])
        for row in today.group_by("line_class", "card_type")
        .agg(pl.col("amount_minor").abs().sum(), pl.len())
        .iter_rows()
    }
    found = []
    for row in summary.iter_rows(named=True):
        source = (row["file_digest"], row["detail_code"])
        rate = schedule.rates.get(kinds.get(source, ""))
        if rate is None or source in itemized:
            continue
        expected = _expected_of_row(row, rate, sums)
        if expected is not None and _is_off(row, rate, expected):
            expected = _nearer(row, expected, _rounded_each(row, rate, today))
            card = row["card_type"] or "all cards"
            drift = _drift(row, rate, expected, card, f"{rate.fee_kind}|{card}|{row['currency']}")
            found += [drift] if drift else []
    return found


def _expected_of_row(
    row: Mapping[str, Any], rate: FeeRate, sums: Mapping[tuple[str, str | None], tuple[int, int]]
) -> Money | None:
    classes = {line_class.value for line_class in rate.charged_on}
    chosen = [
        (card, minor, items)
        for (line_class, card), (minor, items) in sums.items()
        if line_class in classes and row["card_type"] in (None, card)
    ]
    if not rate.card_rates or row["card_type"] is not None:
        total = Money(sum(minor for _, minor, _ in chosen), row["currency"])
        items = sum(count for _, _, count in chosen)
        return rate.expected(total, items, row["card_type"] or "")
    parts = [rate.expected(Money(m, row["currency"]), n, c or "") for c, m, n in chosen]
    known = [part.minor for part in parts if part is not None]
    return Money(sum(known), row["currency"]) if len(known) == len(parts) else None


def _rounded_each(row: Mapping[str, Any], rate: FeeRate, today: "pl.DataFrame") -> Money:
    """Return the price of a summary row where each transaction's share is rounded by itself."""
    import polars as pl

    classes = [line_class.value for line_class in rate.charged_on]
    chosen = today.filter(pl.col("line_class").is_in(classes))
    if row["card_type"] is not None:
        chosen = chosen.filter(pl.col("card_type") == row["card_type"])
    millionths = pl.lit(rate.rate_millionths)
    if rate.card_rates:
        millionths = pl.col("card_type").replace_strict(
            dict(rate.card_rates), default=None, return_dtype=pl.Int64
        )
    shares = chosen.select(_half_even(pl.col("amount_minor").abs() * millionths).sum()).item()
    return Money(int(shares) + rate.per_item_minor * chosen.height, row["currency"])


def _is_off(row: Mapping[str, Any], rate: FeeRate, expected: Money) -> bool:
    off: int = abs(row["amount_minor"] + expected.minor)
    return off > rate.tolerance_minor


def _nearer(row: Mapping[str, Any], one: Money, other: Money) -> Money:
    """Return the one of two prices that the row's charge is nearer to."""
    charged = -row["amount_minor"]
    return min(one, other, key=lambda price: abs(charged - price.minor))


def _drift(
    row: Mapping[str, Any], rate: FeeRate, expected: Money, about: str, key: str
) -> FeeDrift | None:
    if not _is_off(row, rate, expected):
        return None
    charged = Money(-row["amount_minor"], row["currency"])
    drift = charged - expected
    return FeeDrift(
        row["row"],
        f"{row['file_digest']}:{row['line_no']}",
        key,
        row["currency"],
        drift.minor,
        f"Fee {rate.fee_kind} of {about}: charged {charged}, agreed {expected}, "
        f"{drift} more than agreed.",
    )
