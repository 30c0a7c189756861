"""Text columns into amounts, instants and dates: whole columns, integers only, nothing guessed.

No float exists anywhere: a decimal's digits become one integer, shifted by the currency's minor
digits. What does not fit is null here and quarantined by ``checks``.

What is plain is read many bytes at a time (``plain_bytes``), the rest by these patterns. Every
pass over a chunk costs a fixed time whatever its size, so all columns are read in one pass, one
row of facts decides what is left to do, and a second pass does it.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl

from include.adapters.layouts.reading.fees import compare_total, round_fees
from include.adapters.layouts.reading.moments import read_moments
from include.adapters.layouts.reading.plain_bytes import only_text, read_hundredths, read_instants
from include.adapters.layouts.reading.plan import Plan
from include.adapters.layouts.shape import Kind
from include.domain.money import MINOR_UNIT_DIGITS

PLAIN_DECIMAL = r"^-?[0-9]{1,14}(?:\.[0-9]{1,8})?$"
WHOLE_NUMBER = r"^-?[0-9]{1,18}$"
REQUEST_ID = r"^[0-9]{22}$"
DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
INSTANT = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})$"
)
CONTROL = r"[\x00-\x1f\x7f]"
_UTC = "%Y-%m-%dT%H:%M:%SZ"
_TEN = pl.lit(10, pl.Int64)


def read_columns(frame: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Add what the text means, beside the text.

    ``<currency>#digits``: its minor digits. ``<amount>#minor``: minor units, null where they
    cannot be told; ``<amount>#finer``: finer than the currency. ``<time>#at``: instant or date.
    """
    same = _constants(frame, plan)
    instants = {} if not frame.height else _plain_instants(frame, plan, same)
    names = plan.of_kind(Kind.money, Kind.fee)
    amounts = [series for name in names for series in _number(frame[name])]
    others = [name for name in plan.of_kind(Kind.instant) if name not in instants]
    moments = [name for name in plan.of_kind(Kind.moment) if name not in instants]
    frame = frame.with_columns_seq(
        *_digits(plan, same),
        *amounts,
        *_whole_numbers(plan),
        *_instants(others, same),
        *_days(plan),
        *(found.alias(f"{name}#at") for name, found in instants.items()),
        *(read_moments(frame, name, plan) for name in moments),
    )
    facts = frame.select_seq(*_facts(plan, others)).row(0, named=True) if frame.height else {}
    frame = frame.with_columns_seq(*_minor(plan, facts), *_settled(others, facts))
    return _with_fees(frame, plan, facts)


def _with_fees(frame: pl.DataFrame, plan: Plan, facts: dict[str, object]) -> pl.DataFrame:
    fees = plan.of_kind(Kind.fee)
    if not fees:
        return frame
    frame = frame.with_columns_seq(compare_total(plan))
    all_fit = all(facts.get(f"{name}#fits") for name in fees)
    return frame if all_fit else round_fees(frame, plan)


def _constants(frame: pl.DataFrame, plan: Plan) -> dict[str, str]:
    """Return the columns whose every value is the same: a report often has one batch time."""
    names = plan.of_kind(Kind.currency, Kind.instant)
    return {name: text for name in names if (text := only_text(frame[name])) is not None}


def _digits(plan: Plan, same: Mapping[str, str]) -> Iterator[pl.Expr]:
    for name in plan.of_kind(Kind.currency):
        if name in same:
            yield pl.lit(MINOR_UNIT_DIGITS.get(same[name]), pl.Int64).alias(f"{name}#digits")
            continue
        yield (
            pl.col(name)
            .replace_strict(
                list(MINOR_UNIT_DIGITS),
                list(MINOR_UNIT_DIGITS.values()),
                default=None,
                return_dtype=pl.Int64,
            )
            .alias(f"{name}#digits")
        )


def _number(texts: pl.Series) -> list[pl.Series]:
    """Read each amount's digits as one integer, and how many stand behind the point.

    Most are plain and read many at a time; only the others are held against the pattern.
    """
    found, is_plain = read_hundredths(texts)
    number = pl.Series(found)
    behind = pl.Series(np.full(len(texts), 2))
    if not is_plain.all():
        rest = np.flatnonzero(~is_plain)
        others = texts.gather(rest).to_frame("text").select_seq(**_any_number(pl.col("text")))
        number = number.scatter(rest, others["number"])
        behind = behind.scatter(rest, others["behind"])
    return [number.alias(f"{texts.name}#number"), behind.alias(f"{texts.name}#behind")]


def _any_number(text: pl.Expr) -> dict[str, pl.Expr]:
    digits = text.str.replace(".", "", literal=True).cast(pl.Int64, strict=False)
    point = text.str.find(".", literal=True)
    behind = text.str.len_bytes().cast(pl.Int64) - point.cast(pl.Int64) - 1
    return {
        "number": pl.when(text.str.contains(PLAIN_DECIMAL)).then(digits),
        "behind": behind.fill_null(0),
    }


def _whole_numbers(plan: Plan) -> Iterator[pl.Expr]:
    for name in plan.of_kind(Kind.minor):
        plain = pl.when(pl.col(name).str.contains(WHOLE_NUMBER)).then(pl.col(name))
        yield plain.cast(pl.Int64, strict=False).alias(f"{name}#minor")
        yield pl.lit(False).alias(f"{name}#finer")


def _plain_instants(
    frame: pl.DataFrame, plan: Plan, same: Mapping[str, str]
) -> dict[str, pl.Series]:
    """Return the columns of which every text is an instant in UTC without a fraction."""
    names = [name for name in plan.of_kind(Kind.instant, Kind.moment) if name not in same]
    found = {name: read_instants(frame[name]) for name in names}
    return {name: series for name, series in found.items() if series is not None}


def _instants(names: Sequence[str], same: Mapping[str, str]) -> Iterator[pl.Expr]:
    for name in names:
        text = pl.lit(same[name]) if name in same else pl.col(name)
        found = text.str.to_datetime(_UTC, strict=False, time_unit="ms", cache=False)
        yield found.dt.replace_time_zone("UTC").alias(f"{name}#utc")
        # the parser is laxer than ISO 8601 about widths: the pattern has the last word
        yield text.str.contains(INSTANT).alias(f"{name}#strict")


def _days(plan: Plan) -> Iterator[pl.Expr]:
    for name in plan.of_kind(Kind.day):
        strict = pl.when(pl.col(name).str.contains(DAY)).then(pl.col(name))
        yield strict.str.to_date("%Y-%m-%d", strict=False).alias(f"{name}#at")


def _shift(name: str, plan: Plan) -> pl.Expr:
    currency = plan.layout.column(name).currency_from
    digits = pl.col(f"{currency}#digits") if currency in plan.present else pl.lit(None, pl.Int64)
    return digits - pl.col(f"{name}#behind")


def _facts(plan: Plan, instants: Sequence[str]) -> Iterator[pl.Expr]:
    yield pl.len()
    for name in plan.of_kind(Kind.money, Kind.fee):
        yield (_shift(name, plan) == 0).fill_null(False).all().alias(f"{name}#fits")
    for name in instants:
        unread = pl.col(f"{name}#strict") & pl.col(f"{name}#utc").is_null()
        yield unread.any().alias(f"{name}#offset")


def _minor(plan: Plan, facts: dict[str, object]) -> Iterator[pl.Expr]:
    for name in plan.of_kind(Kind.money, Kind.fee):
        number = pl.col(f"{name}#number")
        if facts.get(f"{name}#fits"):
            yield number.alias(f"{name}#minor")
            yield pl.lit(False).alias(f"{name}#finer")
            continue
        shift = _shift(name, plan)
        scaled = number * _TEN.pow(shift.clip(0, 4).cast(pl.UInt32))
        down = _TEN.pow((-shift).clip(0, 8).cast(pl.UInt32))
        finer = (scaled % down != 0).fill_null(False)
        yield pl.when(~finer).then(scaled // down).alias(f"{name}#minor")
        yield finer.alias(f"{name}#finer")


def _settled(names: Sequence[str], facts: dict[str, object]) -> Iterator[pl.Expr]:
    for name in names:
        found = pl.col(f"{name}#utc")
        if facts.get(f"{name}#offset"):
            offset = (
                pl.col(name)
                .str.replace("Z$", "+00:00")
                .str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", strict=False, time_unit="ms")
            )
            found = pl.coalesce(found, offset.dt.convert_time_zone("UTC"))
        yield pl.when(pl.col(f"{name}#strict")).then(found).alias(f"{name}#at")
