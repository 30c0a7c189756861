"""Card numbers where none may be: whole columns are sorted without a loop, suspects asked singly.

What is one is said by ``domain.card_numbers`` alone. Columns only sort out what cannot be one, by
ever dearer looks: at bytes, by a pattern, by issuer and check digit where a text has one run of
digits. Request ids of 22 digits and references of 12 get no further, whatever stands between.
"""

import numpy as np
import polars as pl

from include.adapters.layouts.reading.plain_bytes import may_hold_digits
from include.domain.card_numbers import (
    ISSUERS,
    has_card_number,
    has_card_shape,
    mask_card_numbers,
)

SHORTEST = 13  # digits
# 13 digits of any script with no letter of ours between them: whatever is found has them.
_SUSPECT = rf"\d(?:[^\dA-Za-z]*\d){{{SHORTEST - 1}}}"
_LONE_RUN = rf"^\D*([0-9]{{{SHORTEST},}})\D*$"
_ISSUED = "^(?:" + "|".join(ISSUERS) + ")$"


def flag_cards(texts: pl.Series) -> pl.Series:
    """Say for each text whether it holds a card number; null holds none."""
    if not may_hold_digits(texts, SHORTEST):  # a pattern per text would cost as much as the rest
        return pl.Series(np.zeros(len(texts), np.bool_))
    hits = may_hold_cards(texts)
    if not hits.any():
        return hits
    asked = _worth_asking(texts.filter(hits).unique())
    found = [text for text in asked if has_card_number(text, in_a_file=True)]
    return texts.is_in(found).fill_null(False) if found else hits & False


def may_hold_cards(texts: pl.Series) -> pl.Series:
    """Say for each text whether it is worth a closer look; null is not."""
    return texts.str.contains(_SUSPECT).fill_null(False)


def _worth_asking(suspects: pl.Series) -> pl.Series:
    """Drop what cannot be a card: most lone runs by their digits, dates by their shape."""
    text, run = pl.col("text"), pl.col("run")
    asked = suspects.to_frame("text").with_columns(run=text.str.extract(_LONE_RUN))
    asked = asked.filter(run.is_null() | _is_issued(run))
    asked = asked.with_columns(shape=text.str.replace_all("[0-9]", "0"))
    shapes = [shape for shape in asked["shape"].unique() if has_card_shape(shape)]
    return asked.filter(pl.col("shape").is_in(shapes))["text"]


def _is_issued(run: pl.Expr) -> pl.Expr:
    """Say whether a run of digits has the length, issuer and check digit of a card."""
    digits = pl.when(run.str.contains(_ISSUED)).then(run)
    return digits.is_not_null() & _passes_luhn(digits.cast(pl.UInt64))


def _passes_luhn(number: pl.Expr) -> pl.Expr:
    total = pl.lit(0, pl.UInt64)
    for position in range(19):
        digit = (number // 10**position) % 10
        if position % 2:
            doubled = digit * 2
            digit = pl.when(doubled > 9).then(doubled - 9).otherwise(doubled)
        total = total + digit
    return total % 10 == 0


def mask_cards(text: str) -> str:
    """Replace every card number by a note."""
    return mask_card_numbers(text, in_a_file=True)
