"""Card numbers where none may be: found by Luhn, length and issuer prefix, and masked.

Whole columns are searched without a loop. A number may be written in one piece or in the groups
printed on cards (4-4-4-4, 4-6-5). Request ids have 22 digits and are longer runs; epoch
milliseconds and dates carry no issuer prefix. Source: PCI DSS scope row of the reliability
reference, 3.11 check 12.
"""

import re

import numpy as np
import polars as pl

from include.adapters.layouts.reading.plain_bytes import may_hold_runs
from include.domain.card_numbers import ISSUERS, passes_luhn

_GROUPED = r"[0-9]{4}[ -][0-9]{4}[ -][0-9]{4}[ -][0-9]{1,7}|[0-9]{4}[ -][0-9]{6}[ -][0-9]{4,5}"
SHORTEST = 13  # digits
# A cheap superset for whole columns.
PREFILTER = rf"[2-68][0-9]{{12}}|{_GROUPED}"
_RUN = re.compile(rf"(?<![0-9])(?:[0-9]{{13,19}}|{_GROUPED})(?![0-9])")
CARD = "^(?:" + "|".join(ISSUERS) + ")$"


def flag_cards(texts: pl.Series) -> pl.Series:
    """Say for each text whether it holds a card number; null holds none."""
    if not may_hold_runs(texts, SHORTEST):  # a pattern per text would cost as much as the rest
        return pl.Series(np.zeros(len(texts), np.bool_))
    hits = texts.str.contains(PREFILTER).fill_null(False)
    if not hits.any():
        return hits
    suspects = texts.filter(hits).unique().to_frame("text")
    runs = suspects.with_columns(
        run=pl.concat_list(
            pl.col("text").str.extract_all(r"[0-9]+"), pl.col("text").str.extract_all(_GROUPED)
        )
    ).explode("run")
    digits = pl.col("run").str.replace_all(r"[ -]", "")
    cards = (
        runs.with_columns(digits.alias("digits"))
        .filter(
            pl.col("digits").str.len_bytes().is_between(13, 19)
            & pl.col("digits").str.contains(CARD)
        )
        .filter(_passes_luhn(pl.col("digits").cast(pl.UInt64)))
    )
    return texts.is_in(cards["text"].implode()).fill_null(False) if cards.height else hits & False


def _passes_luhn(number: pl.Expr) -> pl.Expr:
    total = pl.lit(0, pl.UInt64)
    for position in range(19):
        digit = (number // 10**position) % 10
        if position % 2:
            doubled = digit * 2
            digit = pl.when(doubled > 9).then(doubled - 9).otherwise(doubled)
        total = total + digit
    return (total % 10 == 0) & (total > 0)


def _is_card(digits: str) -> bool:
    if re.match(CARD, digits) is None or not 13 <= len(digits) <= 19:
        return False
    return passes_luhn(digits)


def _mask(found: re.Match[str]) -> str:
    digits = re.sub(r"[ -]", "", found.group())
    return f"[card number ending {digits[-4:]}]" if _is_card(digits) else found.group()


def mask_cards(text: str) -> str:
    """Replace every card number by a note that keeps its last four digits."""
    return _RUN.sub(_mask, text)
