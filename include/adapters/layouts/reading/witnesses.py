"""What the further columns of a record say of its money: whether it moves, and which way.

Words become bits, so that what several columns say is one number a row and a contradiction is two
bits that exclude each other. Only distinct words are looked at one by one; a column of one word
throughout, as the status of a batch is, costs a comparison.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_

import polars as pl

from include.adapters.layouts.reading.plain_bytes import only_text
from include.adapters.layouts.reading.plan import TYPE, Plan
from include.adapters.layouts.shape import NEGATIVE, POSITIVE, Line, Says, Sign, Witness

TOLD = "#told"  # what all witnesses of a record say, as bits
_NONE, _MONEY, _TAKEN, _GIVEN = 1, 2, 4, 8
_BITS = {
    Says.nothing: 0,
    Says.none: _NONE,
    Says.money: _MONEY,
    Says.taken: _MONEY | _TAKEN,
    Says.given: _MONEY | _GIVEN,
}
_EXCLUDE = ((_NONE, _MONEY), (_TAKEN, _GIVEN))


@dataclass(frozen=True, slots=True)
class Told:
    """What the witnesses of a chunk say."""

    columns: tuple[pl.Series, ...] = ()  # ``<witness>#told``; null is a word nobody declared
    seen: int = 0  # every bit that any row has

    @property
    def has_none(self) -> bool:
        return bool(self.seen & _NONE)


NOBODY = Told()
# Translates the words of a column by a table, as ``classify`` does for record types.
Translate = Callable[[pl.Series, Mapping[str, int | None]], pl.Series]


def hear(frame: pl.DataFrame, plan: Plan, translate: Translate) -> Told:
    """Read the witnesses of a chunk; one that the file does not have says nothing."""
    seen, columns = 0, []
    for witness in plan.witnesses:
        found = frame[witness.column]
        only = only_text(found)
        words = [only] if only is not None else found.drop_nulls().unique().to_list()
        bits = {word: _bits(word, witness) for word in words}
        blank = _bits("", witness) if found.null_count() else 0
        seen |= reduce(or_, (b for b in (*bits.values(), blank) if b is not None), 0)
        if only is not None or not words:
            told = pl.repeat(bits.get(only or "", blank), frame.height, dtype=pl.Int16, eager=True)
        else:
            told = translate(found, bits)
            if blank is not None and found.null_count():
                told = told.scatter(found.is_null().arg_true(), blank)
        columns.append(told.alias(f"{witness.column}#told"))
    return Told(tuple(columns), seen)


def _bits(text: str, witness: Witness) -> int | None:
    words = text.split(",") if witness.several else [text]
    said = [witness.words.get(word.strip().casefold(), witness.others) for word in words]
    return None if None in said else reduce(or_, (_BITS[one] for one in said if one), 0)


def all_told(plan: Plan) -> pl.Expr:
    """Return what all witnesses of each row say together."""
    told = [pl.col(f"{witness.column}#told").fill_null(0) for witness in plan.witnesses]
    return reduce(lambda one, other: one | other, told).alias(TOLD)


def moves_money() -> pl.Expr:
    """Say of each row whether no witness says that its money does not move."""
    return pl.col(TOLD) & _NONE == 0


def contradictions(plan: Plan, told: Told) -> Iterator[pl.Expr]:
    """Yield where witnesses contradict one another or the record's type; none that cannot be."""
    both = pl.col(TOLD)
    for one, other in _EXCLUDE:
        if told.seen & one and told.seen & other:
            yield (both & one != 0) & (both & other != 0)
    for bit, types in _against(plan).items():
        if told.seen & bit and types:
            yield (both & bit != 0) & pl.col(TYPE).is_in(types)


def _against(plan: Plan) -> dict[int, list[int]]:
    """Return the types that each bit contradicts; a type with money may turn out to have none."""
    found: dict[int, list[int]] = {_MONEY: [], _TAKEN: [], _GIVEN: []}
    for index, lines in enumerate(plan.layout.records.types.values()):
        ways = {_way(line) for line in lines}
        if not lines:
            found[_MONEY].append(index)
        elif _GIVEN in ways:
            found[_TAKEN].append(index)
        elif _TAKEN in ways:
            found[_GIVEN].append(index)
    return found


def _way(line: Line) -> int:
    if line.sign is Sign.signed:
        named = {_GIVEN: POSITIVE, _TAKEN: NEGATIVE}
        return next((bit for bit, names in named.items() if line.line_class in names), 0)
    return {Sign.given: _GIVEN, Sign.taken: _TAKEN}.get(line.sign, 0)
