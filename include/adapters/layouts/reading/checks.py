"""What makes a record unreadable, asked of whole columns; sentences are made for the few."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from include.adapters.layouts.reading import cards
from include.adapters.layouts.reading.columns import (
    CONTROL,
    PLAIN_DECIMAL,
    REQUEST_ID,
    WHOLE_NUMBER,
)
from include.adapters.layouts.reading.faults import MAX_FIELD_BYTES
from include.adapters.layouts.reading.fees import TOTAL_OFF, fees_of
from include.adapters.layouts.reading.plain_bytes import are_digits
from include.adapters.layouts.reading.plan import TYPE, Plan
from include.adapters.layouts.reading.witnesses import NOBODY, Told, contradictions, moves_money
from include.adapters.layouts.shape import NEGATIVE, POSITIVE, Kind, Sign

_ASK = "Ask the sender for a corrected file."


@dataclass(frozen=True, slots=True)
class Check:
    """One reason; ``mask`` is true where it applies. ``what`` may use {value}.

    A refinement only names more exactly what another check finds anyway, so it is asked of the
    rows already found bad and not of all.
    """

    reason_code: str
    mask: pl.Expr
    column: str  # whose value the sentence shows; '' shows none
    what: str
    do: str = _ASK
    is_refinement: bool = False


def is_bad(checks: list[Check]) -> pl.Expr:
    """Say where any check applies."""
    return pl.any_horizontal(c.mask for c in checks if not c.is_refinement).fill_null(False)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look at a chunk's text has shown: a check that cannot apply is never made."""

    has_control: bool  # the bytes hold control characters beyond line ends
    longest: Mapping[str, int]  # bytes of the longest value of each free column
    with_cards: Container[str]  # columns in which a card number stands
    with_blanks: Container[str]  # columns in which a value is missing
    sound: Container[str] = ()  # request id columns that are well-formed in every row
    told: Told = NOBODY  # what the witnesses say


def checks_of(plan: Plan, seen: Seen) -> list[Check]:
    """List the checks in the order in which their reasons are preferred."""
    return [
        *_card_checks(plan, seen),
        *_text_checks(plan, seen),
        *_merchant_check(plan),
        *_type_check(plan),
        *_filled_checks(plan, seen),
        *_witness_checks(plan, seen),
        *_shape_checks(plan, seen),
        *_money_checks(plan),
        *_sign_checks(plan, seen),
        *_total_check(plan),
    ]


def _free(plan: Plan) -> list[str]:
    """Name the fields that could hold anything: a known record type is a known word already."""
    known = plan.layout.records.column
    return [*(name for name in plan.of_kind(Kind.text) if name != known), *plan.extra]


def longest_texts(text: pl.DataFrame, plan: Plan) -> dict[str, int]:
    """Return the bytes of the longest value of each free column."""
    lengths = {name: text[name].str.len_bytes().max() for name in _free(plan)}
    return {name: found if isinstance(found, int) else 0 for name, found in lengths.items()}


def _card_checks(plan: Plan, seen: Seen) -> Iterator[Check]:
    for name in _free(plan):
        if name in seen.with_cards:
            yield Check(
                "card_number_in_field",
                pl.col(f"{name}#card"),
                "",
                f"The field {name} holds a card number",
                "The file lies in the lake as it came, under raw/ and its digest: tell security, "
                "have the sender send it without, then delete it there.",
            )


def card_flags(text: pl.DataFrame, plan: Plan, longest: Mapping[str, int]) -> dict[str, pl.Series]:
    """Say of each free column that holds a card number which rows do; as ``<column>#card``."""
    flags = {
        name: cards.flag_cards(text[name]).alias(f"{name}#card")
        for name in _free(plan)
        if longest[name] >= cards.SHORTEST
    }
    return {name: found for name, found in flags.items() if found.any()}


def _text_checks(plan: Plan, seen: Seen) -> Iterator[Check]:
    for name in _free(plan):
        if seen.longest[name] > MAX_FIELD_BYTES:
            yield Check(
                "field_too_long",
                pl.col(name).str.len_bytes() > MAX_FIELD_BYTES,
                "",
                f"The field {name} is longer than {MAX_FIELD_BYTES} bytes",
            )
        if seen.has_control:
            yield Check(
                "control_character",
                pl.col(name).str.contains(CONTROL),
                "",
                f"The field {name} holds a control character",
            )


def _merchant_check(plan: Plan) -> Iterator[Check]:
    name, wanted = plan.layout.merchant, plan.expected.organization_id
    if name in plan.present and wanted:
        yield Check(
            "wrong_merchant",
            pl.col(name) != wanted,
            name,
            f"{{value}} is not the merchant asked for, {wanted!r}",
            "Ask the sender why another merchant's line is in this file.",
        )


def _type_check(plan: Plan) -> Iterator[Check]:
    column = plan.layout.records.column
    if column:
        yield Check(
            "unknown_record_type",
            pl.col(TYPE).is_null(),
            column,
            f"{{value}} is no known {column}",
            "Find out what it means and add it to the layout's record types.",
        )


def _filled_checks(plan: Plan, seen: Seen) -> Iterator[Check]:
    for column in plan.layout.columns:
        if column.is_filled and column.name in plan.present and column.name in seen.with_blanks:
            yield Check(
                "required_field_blank",
                pl.col(column.name).is_null(),
                "",
                f"The field {column.name} is blank",
            )


def _witness_checks(plan: Plan, seen: Seen) -> Iterator[Check]:
    for told in seen.told.columns:
        if told.null_count():
            name = told.name.removesuffix("#told")
            yield Check(
                "unknown_word",
                pl.col(told.name).is_null(),
                name,
                f"{{value}} is no known {name}, so whether money moved is not known",
                "Find out what it means and add it to the layout's witnesses.",
            )
    names = [witness.column for witness in plan.witnesses]
    for contradicts in contradictions(plan, seen.told):
        yield Check(
            "words_contradict",
            contradicts,
            plan.layout.records.column,
            f"The record's type, {{value}}, and what stands in {', '.join(names)} contradict "
            "one another",
            "Ask the sender which of them is meant.",
        )


def sound_ids(text: pl.DataFrame, plan: Plan) -> set[str]:
    """Name the request id columns of which every value is 22 digits."""
    return {name for name in plan.of_kind(Kind.request_id) if are_digits(text[name], 22)}


def _shape_checks(plan: Plan, seen: Seen) -> Iterator[Check]:
    for name in plan.of_kind(Kind.request_id):
        if name in seen.sound:
            continue
        yield Check(
            "request_id_malformed",
            ~pl.col(name).str.contains(REQUEST_ID),
            name,
            "{value} is not a request id of 22 digits",
        )
    for name in plan.of_kind(Kind.number):
        yield Check(
            "number_malformed",
            ~pl.col(name).str.contains(r"^[0-9]{1,18}$"),
            name,
            f"{{value}} in {name} is not a whole number",
        )
    for kind, code, what in (
        (Kind.instant, "time_not_iso_8601", "is not an ISO 8601 time with zone"),
        (Kind.day, "date_not_iso_8601", "is not an ISO 8601 date"),
        (
            Kind.moment,
            "time_not_iso_8601",
            "is neither an ISO 8601 time in a zone that is known nor a date",
        ),
    ):
        for name in plan.of_kind(kind):
            unread = pl.col(name).is_not_null() & pl.col(f"{name}#at").is_null()
            yield Check(code, unread, name, f"{{value}} in {name} {what}")


def _money_checks(plan: Plan) -> Iterator[Check]:
    for name in plan.of_kind(Kind.currency):
        yield Check(
            "currency_unknown",
            pl.col(name).is_not_null() & pl.col(f"{name}#digits").is_null(),
            name,
            f"{{value}} in {name} is not an ISO 4217 currency",
        )
    for name in plan.of_kind(Kind.money, Kind.fee, Kind.minor):
        is_minor = plan.layout.column(name).kind is Kind.minor
        plain = WHOLE_NUMBER if is_minor else PLAIN_DECIMAL
        yield Check(
            "amount_not_plain_decimal",
            ~pl.col(name).str.contains(plain),
            name,
            f"{{value}} in {name} is not a plain decimal",
            is_refinement=True,
        )
        yield Check(
            "amount_finer_than_currency",
            pl.col(f"{name}#finer"),
            name,
            f"{{value}} in {name} is finer than its currency allows",
            is_refinement=True,
        )
        yield Check(
            "amount_without_currency",
            pl.col(name).is_not_null() & pl.col(f"{name}#minor").is_null(),
            name,
            f"{{value}} in {name} has no currency, or too many digits",
        )


def _sign_checks(plan: Plan, seen: Seen) -> Iterator[Check]:
    """A signed amount must suit its class; an unsigned one must not carry a sign."""
    moves = moves_money() if seen.told.has_none else pl.lit(True)
    words = plan.type_words
    other = "unsigned" if plan.layout.signed_amounts else "signed (signedAmounts)"
    wrong: dict[tuple[str, bool], set[int]] = {}  # (amount, must be positive) -> types
    for word, line in plan.lines:
        if line.sign in (Sign.given, Sign.taken) or (
            line.sign is Sign.signed and line.line_class in POSITIVE
        ):
            wrong.setdefault((line.amount, True), set()).add(words.index(word))
        elif line.sign is Sign.signed and line.line_class in NEGATIVE:
            wrong.setdefault((line.amount, False), set()).add(words.index(word))
    for (amount, must_be_positive), types in wrong.items():
        minor = pl.col(f"{amount}#minor")
        bad = (minor < 0) if must_be_positive else (minor > 0)
        yield Check(
            "sign_contradicts_type",
            bad & pl.col(TYPE).is_in(sorted(types)) & moves,
            amount,
            f"The sign of {{value}} in {amount} contradicts the record's type",
            f"If its amounts are {other}, name the layout {plan.layout.other_signs!r} in "
            "merchants.yaml; else ask the sender which of the two is meant."
            if plan.layout.other_signs
            else _ASK,
        )


def _total_check(plan: Plan) -> Iterator[Check]:
    total = plan.layout.total
    if total is None or total.column not in plan.present:
        return
    parts = fees_of(plan)
    currencies = {plan.layout.column(part).currency_from for part in parts}
    mixed = [
        pl.col(part).is_not_null() & (pl.col(f"{part}#minor") != 0) & (pl.col(of) != total_currency)
        for part in parts
        for of in [plan.layout.column(part).currency_from]
        for total_currency in [pl.col(total.currency)]
        if of in plan.present
    ]
    if mixed and currencies != {total.currency}:
        yield Check(
            "fee_currency_mixed",
            pl.any_horizontal(mixed),
            total.column,
            "The fees of one record are in more than one currency (total {value})",
        )
    yield Check(
        "fee_total_differs",
        pl.col(TOTAL_OFF),
        total.column,
        "The fees of the record do not add up to its total {value}",
    )
