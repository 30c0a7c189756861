"""One chunk of text columns into lines and quarantined rows. Rows in = rows out, counted."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from include.adapters.layouts.reading import cards
from include.adapters.layouts.reading.check import Check
from include.adapters.layouts.reading.checks import (
    Seen,
    card_flags,
    checks_of,
    is_bad,
    longest_texts,
    sound_ids,
)
from include.adapters.layouts.reading.columns import read_columns
from include.adapters.layouts.reading.lines import lines_of
from include.adapters.layouts.reading.plan import LINE_NO, TYPE, Plan
from include.adapters.layouts.reading.witnesses import all_told, hear
from include.adapters.layouts.shape import RecordTypes
from include.services.uniqueness import are_unique

_COMPANION = re.compile(r"[a-z_]{1,40}")  # e.g. ics_auth beside ics_bill
_FEW_WORDS = 4
_SAMPLE = 1_000  # rows that nearly always have every word a report uses
_BAD_SCHEMA = {
    LINE_NO: pl.Int64(),
    **dict.fromkeys(("reason_code", "what", "do", "currency", "amount_text"), pl.String()),
}


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk, judged. Line numbers count from 0 inside it."""

    lines: pl.DataFrame  # domain.settlement.LINE_COLUMNS or BANK_ENTRY_COLUMNS
    bad: pl.DataFrame  # LINE_NO, reason_code, what, do, currency, amount_text
    rows_without_money: int
    prints: pl.Series  # one hash per good row, to find exact repeats; none where all are proven
    print_lines: pl.Series  # and its line number
    totals: Mapping[tuple[str, str], int]  # (currency, class) -> minor units


def classify(text: pl.DataFrame, line_no: pl.Series, plan: Plan, has_control: bool = True) -> Chunk:
    """Judge a frame of text columns named as in the plan.

    Args:
        text: one row per record, every column text, blank is null.
        line_no: the line of each record, counted from the chunk's first.
        plan: the layout and what was asked for.
        has_control: whether the bytes hold control characters beyond line ends.
    """
    frame = read_columns(text.with_columns_seq(line_no.cast(pl.Int64).alias(LINE_NO)), plan)
    longest = longest_texts(text, plan)
    held = card_flags(text, plan, longest)
    told = hear(frame, plan, _translated)
    frame = frame.with_columns_seq(_types(frame, plan).alias(TYPE), *held.values(), *told.columns)
    if told.seen:
        frame = frame.with_columns_seq(all_told(plan))
    blank = {name for name in text.columns if text[name].null_count()}
    seen = Seen(has_control, longest, held, blank, sound_ids(text, plan), told)
    checks = checks_of(plan, seen)
    found_bad = frame.select_seq(is_bad(checks)).to_series()
    prints = text.select_seq(list(dict.fromkeys(plan.telling))).hash_rows()
    bad, good = pl.DataFrame(schema=_BAD_SCHEMA), frame
    if found_bad.any():
        bad = _explained(frame.filter(found_bad), checks, plan)
        good, prints = frame.filter(~found_bad), prints.filter(~found_bad)
    if plan.layout.is_proven:
        prints = prints.clear()
    elif not are_unique(prints):
        is_again = good[LINE_NO].is_in(_repeated(good, prints, text.columns).implode())
        bad = pl.concat([bad, _explained(good.filter(is_again), [_AGAIN], plan)])
        good, prints = good.filter(~is_again), prints.filter(~is_again)
    lines = lines_of(good, plan, has_unmoved=told.has_none)
    unpaid = good.height - _records(lines["line_no"].to_numpy())
    totals = totals_of(lines, plan.layout.yields)
    print_lines = good[LINE_NO] if len(prints) else good[LINE_NO].clear()
    return Chunk(lines, bad, unpaid, prints, print_lines, totals)


def _records(line_no: npt.NDArray[np.int64]) -> int:
    """Count the records that have lines; those of one record stand together."""
    return int((line_no[1:] != line_no[:-1]).sum()) + 1 if len(line_no) else 0


def totals_of(lines: pl.DataFrame, yields: str) -> dict[tuple[str, str], int]:
    """Add up lines per currency and class; bank entries have one class of their own."""
    if yields == "bank_entries":
        lines = lines.with_columns_seq(line_class=pl.lit("bank_entry"))
    found = _few_totals(lines)
    if found is None:
        sums = lines.group_by("currency", "line_class").agg(pl.col("amount_minor").sum())
        found = {(currency, name): minor for currency, name, minor in sums.iter_rows()}
    return found


def _few_totals(lines: pl.DataFrame) -> dict[tuple[str, str], int] | None:
    """Add up lines of one currency and few classes, or return ``None``.

    Comparing costs a tenth of hashing; the first rows nearly always have every class.
    """
    names = lines["line_class"].head(_SAMPLE).unique().to_list()
    if not 0 < len(names) <= _FEW_WORDS:
        return None
    currency, amount = lines["currency"][0], pl.col("amount_minor")
    masks = [pl.col("line_class") == name for name in names]
    is_one = (pl.col("currency") == currency).fill_null(False).all()
    row = lines.select_seq(
        is_one.alias("is_one"),
        *(mask.sum().alias(f"n{i}") for i, mask in enumerate(masks)),
        *(pl.when(mask).then(amount).sum().alias(f"m{i}") for i, mask in enumerate(masks)),
    ).row(0)
    counts, minors = row[1 : 1 + len(names)], row[1 + len(names) :]
    if not row[0] or sum(counts) != lines.height:
        return None
    return {(currency, name): minor for name, minor in zip(names, minors, strict=True)}


_AGAIN = Check(
    "duplicate_line",
    pl.lit(True),
    "",
    "The line repeats an earlier line of this file exactly",
    "Nothing to do if the sender repeats itself; else ask whether one of the two was meant.",
)


def _repeated(good: pl.DataFrame, prints: pl.Series, columns: list[str]) -> pl.Series:
    """Return the lines that repeat an earlier one; equal hashes alone prove nothing."""
    suspects = good.filter(prints.is_duplicated())
    first = suspects.unique(subset=columns, keep="first", maintain_order=True)[LINE_NO]
    return suspects.filter(~pl.col(LINE_NO).is_in(first.implode()))[LINE_NO]


def _types(frame: pl.DataFrame, plan: Plan) -> pl.Series:
    """Return each row's index into ``plan.type_words``; null where the type is unknown.

    Only distinct words are looked at one by one; a report has a handful of them.
    """
    records, words = plan.layout.records, plan.type_words
    if not records.column:
        return pl.repeat(0, frame.height, dtype=pl.Int16, eager=True)
    if records.by_sign:
        minor = frame[f"{records.column}#minor"]
        plus, minus = words.index("+"), words.index("-")
        sign = pl.when(minor >= 0).then(plus).otherwise(minus)
        return frame.select_seq(sign.cast(pl.Int16).alias(TYPE))[TYPE]
    if records.column not in frame.columns:
        blank = words.index("") if "" in words else None
        return pl.repeat(blank, frame.height, dtype=pl.Int16, eager=True)
    found = frame[records.column]
    typed = _by_word(found.head(_SAMPLE), found, records, words)
    if typed.null_count() > found.null_count():  # a word that the first rows do not have
        typed = _by_word(found, found, records, words)
    blank = words.index("") if "" in words else None
    if blank is None:
        return typed
    return frame.select_seq(
        pl.when(pl.col(records.column).is_null()).then(blank).otherwise(typed).cast(pl.Int16)
    ).to_series()


def _by_word(
    some: pl.Series, found: pl.Series, records: RecordTypes, words: tuple[str, ...]
) -> pl.Series:
    """Give every row the type of its word, of the words that ``some`` of them have."""
    distinct = some.drop_nulls().unique(maintain_order=True).to_list()
    return _translated(found, {text: _type_index(text, records, words) for text in distinct})


def _translated(found: pl.Series, known: Mapping[str, int | None]) -> pl.Series:
    """Replace each word by its index; comparing beats hashing where there are few words."""
    if not 0 < len(known) <= _FEW_WORDS:
        return found.replace_strict(
            list(known), list(known.values()), default=None, return_dtype=pl.Int16
        )
    index = pl.lit(None, pl.Int16)
    for word, number in known.items():
        index = pl.when(pl.col("word") == word).then(pl.lit(number, pl.Int16)).otherwise(index)
    return found.to_frame("word").select_seq(index).to_series()


def _type_index(text: str, records: RecordTypes, words: tuple[str, ...]) -> int | None:
    if not records.several:
        word = text.strip().casefold()
        return words.index(word) if word in words else None
    listed = {word.strip().casefold() for word in text.split(",")}
    found = listed & set(words)
    is_plain = all(_COMPANION.fullmatch(word) for word in listed)
    return words.index(found.pop()) if len(found) == 1 and is_plain else None


def _explained(rows: pl.DataFrame, checks: list[Check], plan: Plan) -> pl.DataFrame:
    """Give each bad row the first reason that applies, with a sentence that shows the value."""
    shown = pl.lit("(no value)")
    first = pl.lit(None, pl.Int16)
    what, code, do = pl.lit(None, pl.String), pl.lit(None, pl.String), pl.lit(None, pl.String)
    for number, check in reversed(list(enumerate(checks))):
        here = check.mask.fill_null(False)
        first = pl.when(here).then(number).otherwise(first)
        code = pl.when(here).then(pl.lit(check.reason_code)).otherwise(code)
        do = pl.when(here).then(pl.lit(check.do)).otherwise(do)
        if check.column in rows.columns and "{value}" in check.what:
            head, tail = check.what.split("{value}")
            value = pl.concat_str(
                pl.lit("'"), pl.col(check.column).fill_null("").str.slice(0, 80), pl.lit("'")
            )
            shown = pl.concat_str(pl.lit(head), value, pl.lit(tail))
        else:
            shown = pl.lit(check.what.replace("{value}", "it"))
        what = pl.when(here).then(shown).otherwise(what)
    return rows.select_seq(
        LINE_NO,
        reason_code=code,
        what=what,
        do=do,
        currency=_known_currency(plan),
        amount_text=_shown_amount(plan),
    ).with_columns_seq(
        # a card number may hide in a value that another sentence quotes
        pl.col("what", "amount_text").map_batches(_masked, return_dtype=pl.String)
    )


def _masked(texts: pl.Series) -> pl.Series:
    if not cards.may_hold_cards(texts).any():
        return texts
    return pl.Series([None if t is None else cards.mask_cards(t) for t in texts], dtype=pl.String)


def _known_currency(plan: Plan) -> pl.Expr:
    name = plan.layout.currency
    if name not in plan.present:
        return pl.lit(None, pl.String)
    return pl.when(pl.col(f"{name}#digits").is_not_null()).then(pl.col(name))


def _shown_amount(plan: Plan) -> pl.Expr:
    total = plan.layout.total.column if plan.layout.total else ""
    for name in (total, *(line.amount for _, line in plan.lines)):
        if name in plan.present:
            return pl.col(name).str.slice(0, 80)
    return pl.lit(None, pl.String)
