"""What makes a record's amounts unreadable, or contradict its type or one another."""

from collections.abc import Iterator

import polars as pl

from include.adapters.layouts.reading.check import Check
from include.adapters.layouts.reading.columns import PLAIN_DECIMAL, WHOLE_NUMBER
from include.adapters.layouts.reading.faults import ASK
from include.adapters.layouts.reading.fees import TOTAL_OFF, fees_of
from include.adapters.layouts.reading.plan import TYPE, Plan
from include.adapters.layouts.reading.witnesses import Told, moves_money
from include.adapters.layouts.shape import NEGATIVE, POSITIVE, Kind, Sign


def money_checks(plan: Plan, told: Told) -> Iterator[Check]:
    """Yield the checks of amounts, then of their signs, then of their sum."""
    yield from _money_checks(plan)
    yield from _sign_checks(plan, told)
    yield from _total_check(plan)


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


def _sign_checks(plan: Plan, told: Told) -> Iterator[Check]:
    """A signed amount must suit its class; an unsigned one must not carry a sign."""
    moves = moves_money() if told.has_none else pl.lit(True)
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
            else ASK,
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
