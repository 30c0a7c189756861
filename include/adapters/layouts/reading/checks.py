"""What sets a record aside, asked of whole columns; sentences are made for the few."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from include.adapters.layouts.reading import cards
from include.adapters.layouts.reading.check import Check
from include.adapters.layouts.reading.columns import (
    CONTROL,
    REQUEST_ID,
)
from include.adapters.layouts.reading.faults import MAX_FIELD_BYTES
from include.adapters.layouts.reading.money_checks import money_checks
from include.adapters.layouts.reading.plain_bytes import are_digits
from include.adapters.layouts.reading.plan import TYPE, Plan
from include.adapters.layouts.reading.witnesses import NOBODY, Told, contradictions
from include.adapters.layouts.shape import Kind


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
        *money_checks(plan, seen.told),
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
