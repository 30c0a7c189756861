"""Fees finer than their currency, e.g. 0.2534 USD: read exactly, rounded once a record.

The guide gives fees up to four decimals. Booked are whole minor units, so the record's total is
rounded and shared over its fees by their remainders, as ``domain.money.allocate`` does: the lines
of a record always sum to what it costs. Where it states its total in whole minor units, that is
what it costs, provided its fees round to it; else the total is rounded half to even.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from include.adapters.layouts.reading.plan import Plan
from include.adapters.layouts.shape import Kind

TOTAL_OFF = "#total_off"  # the fees of the record are not its total
_FINE = 10_000  # parts of a minor unit: a dollar has six decimals, a yen four
_FINE_DIGITS = 4
_MOST = 10**17  # of fine parts; 18 fees of so much still fit 64 bits

Numbers = npt.NDArray[np.int64]
Masks = npt.NDArray[np.bool_]


def fees_of(plan: Plan) -> list[str]:
    """Name the fees of a record, without its total."""
    total = plan.layout.total
    return [name for name in plan.of_kind(Kind.fee) if total is None or name != total.column]


def compare_total(plan: Plan) -> pl.Expr:
    """Say where fees of whole minor units are not the total that the record states."""
    total = plan.layout.total
    if total is None or total.column not in plan.present:
        return pl.lit(False).alias(TOTAL_OFF)
    stated = pl.col(f"{total.column}#minor")
    sum_of = pl.sum_horizontal(pl.col(f"{fee}#minor").fill_null(0) for fee in fees_of(plan))
    return (stated.is_not_null() & (sum_of != stated)).alias(TOTAL_OFF)


def round_fees(frame: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Give every record with a finer fee whole ``<fee>#minor``; others stay as they are.

    A record whose fees are too fine or too large to be exact, or in several currencies, keeps
    ``<fee>#finer`` and is quarantined for it.
    """
    names = plan.of_kind(Kind.fee)
    is_finer = frame.select(pl.any_horizontal(f"{name}#finer" for name in names)).to_series()
    rows = is_finer.arg_true()
    if not len(rows):
        return frame
    found = frame[rows]
    fees = fees_of(plan)
    total = plan.layout.total.column if plan.layout.total else ""
    read = {name: _fine(found, name, plan) for name in names}
    sound = np.logical_and.reduce([one.is_exact for one in read.values()])
    sound &= _one_currency(found, plan)
    parts = np.stack([read[fee].parts for fee in fees])
    stated = read.get(total)
    cost, is_off = _cost(parts.sum(axis=0), stated)
    shares = _shares(parts, cost)
    minors = dict(zip(fees, shares, strict=True)) | ({total: cost} if stated else {})
    good = rows.filter(pl.Series(sound))
    return frame.with_columns(
        frame[TOTAL_OFF].scatter(good, is_off[sound]),
        *(_placed(frame, name, found, minor, sound, good) for name, minor in minors.items()),
        *(frame[f"{name}#finer"].scatter(good, False) for name in names),
    )


@dataclass(frozen=True, slots=True)
class _Fine:
    """A column of fees in ten-thousandths of a minor unit; a blank is none."""

    parts: Numbers
    is_exact: Masks
    is_there: Masks


def _fine(found: pl.DataFrame, name: str, plan: Plan) -> _Fine:
    number = found[f"{name}#number"]
    is_there = number.is_not_null().to_numpy()
    currency = plan.layout.column(name).currency_from
    digits = found[f"{currency}#digits"] if currency in plan.present else None
    known = np.zeros(len(found), np.bool_) if digits is None else digits.is_not_null().to_numpy()
    of_currency = 0 if digits is None else digits.fill_null(0).to_numpy()
    value = number.fill_null(0).to_numpy()
    shift = of_currency + _FINE_DIGITS - found[f"{name}#behind"].fill_null(0).to_numpy()
    up, down = 10 ** np.clip(shift, 0, 8), 10 ** np.clip(-shift, 0, 8)
    is_exact = (value % down == 0) & (np.abs(value) <= _MOST // up)
    parts = np.where(is_exact & is_there, value // down * up, 0)
    return _Fine(parts, (is_exact & known) | ~is_there, is_there)


def _one_currency(found: pl.DataFrame, plan: Plan) -> Masks:
    """Say which records have all their fees in one currency."""
    codes = [
        pl.when(pl.col(f"{name}#number").fill_null(0) != 0).then(pl.col(currency))
        for name in plan.of_kind(Kind.fee)
        if (currency := plan.layout.column(name).currency_from) in plan.present
    ]
    same = pl.min_horizontal(codes) == pl.max_horizontal(codes)
    return found.select(same.fill_null(True)).to_series().to_numpy()


def _cost(sums: Numbers, stated: _Fine | None) -> tuple[Numbers, Masks]:
    """Return what each record costs in minor units, and where its total contradicts its fees."""
    if stated is None:
        return _rounded(sums), np.zeros(len(sums), np.bool_)
    total = np.where(stated.is_there, stated.parts, sums)
    is_whole = total % _FINE == 0
    slack = np.where(is_whole, _FINE // 2, 0)
    return np.where(is_whole, total // _FINE, _rounded(total)), np.abs(total - sums) > slack


def _rounded(parts: Numbers) -> Numbers:
    whole, rest = np.divmod(parts, _FINE)
    half = _FINE // 2
    is_up = (rest > half) | ((rest == half) & (whole % 2 == 1))
    found: Numbers = whole + is_up
    return found


def _shares(parts: Numbers, cost: Numbers) -> Numbers:
    """Return the whole minor units of each fee: largest remainder first, the first wins ties."""
    whole, rest = np.divmod(parts, _FINE)
    short = cost - whole.sum(axis=0)
    order = np.argsort(-rest, axis=0, kind="stable")
    rank = np.argsort(order, axis=0, kind="stable")
    found: Numbers = whole + (rank < short)
    return found


def _placed(
    frame: pl.DataFrame,
    name: str,
    found: pl.DataFrame,
    minor: Numbers,
    sound: Masks,
    rows: pl.Series,
) -> pl.Series:
    """Put minor units where they belong; a fee that the record does not state stays blank."""
    there = found[f"{name}#number"].is_not_null().to_numpy()[sound]
    of = f"{name}#minor"
    return frame[of].scatter(rows.filter(pl.Series(there)), minor[sound][there])
