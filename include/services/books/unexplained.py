"""Bank entries that no batch explains: they wait, from day to day, for the batch that does."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from include.domain.expectations import Expectation, ExpectationKind, ExpectationState
from include.domain.settlement import SettlementDay
from include.services.books.bank_entries import BankEntry

HELD = "is_held"  # in the detail of an entry: a person has said no to its funding


def earlier_entries(unexplained: Iterable[Expectation], on: date) -> list[BankEntry]:
    """Return entries of earlier statements that nothing had explained when ``on`` begins."""
    return [
        BankEntry(
            e.item_key,
            e.detail["entry_id"],
            e.since_date,
            booked_on(e),
            e.currency,
            e.amount_minor,
            e.detail["reference"],
            e.detail["text"],
        )
        for e in unexplained
        if e.since_date < on
        and (e.is_awaited or (e.state is ExpectationState.met and e.met_date == on))
    ]


def booked_on(waiting: Expectation) -> date:
    """Return the bank's booking date of an entry that waits; its statement may be of another."""
    return date.fromisoformat(waiting.detail["booking_date"])


def keep_unexplained(
    day: SettlementDay,
    unexplained: Sequence[Expectation],
    entries: Iterable[BankEntry],
    left: Collection[str],
    held: Collection[str],
    on: date,
) -> list[Expectation]:
    """Keep entries that nothing explains, and meet those that a batch explains now."""
    before = {e.item_key: e for e in unexplained}
    after: dict[str, Expectation] = {}
    for entry in entries:
        if entry.key in left:
            after[entry.key] = _unexplained(day, entry, is_held=entry.key in held)
        elif entry.key in before:
            known = before[entry.key]
            after[entry.key] = replace(
                known,
                state=ExpectationState.met,
                met_by="a batch",
                met_date=on,
                # Its journal is held from now on, until a person says yes.
                detail={name: value for name, value in known.detail.items() if name != HELD},
            )
    for key, e in before.items():
        if key not in after and e.since_date == on and e.is_awaited:
            after[key] = replace(e, state=ExpectationState.withdrawn)  # restated away
    return list(after.values())


def _unexplained(day: SettlementDay, entry: BankEntry, *, is_held: bool) -> Expectation:
    detail: dict[str, Any] = {
        "entry_id": entry.entry_id,
        "booking_date": entry.booking_date.isoformat(),
        "reference": entry.reference,
        "text": entry.text,
    }
    return Expectation(
        day.merchant_id,
        ExpectationKind.batch,
        entry.key,
        entry.currency,
        entry.minor,
        entry.stated_on,
        entry.stated_on,
        detail={**detail, **({HELD: True} if is_held else {})},
    )
