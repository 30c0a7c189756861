"""Bank entries against what the bank should receive: which batch does each pay?"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from include.domain.expectations import Expectation, ExpectationState
from include.domain.money import Money
from include.services.books.sums import is_nameless

_TOKENS = re.compile(r"[A-Za-z0-9_-]+")
_TELLING = 5  # characters from which on an id in free text is no accident


@dataclass(frozen=True, slots=True)
class BankEntry:
    """One entry of a bank statement; positive is a credit of our account."""

    key: str  # "<account>|<entry id>"
    entry_id: str
    booking_date: date
    currency: str
    minor: int
    reference: str
    text: str

    @property
    def money(self) -> Money:
        return Money(self.minor, self.currency)

    def names(self, batch_id: str) -> bool:
        """Say whether the entry names a batch; in free text a short id is any number."""
        if batch_id in {self.reference, *_TOKENS.findall(self.reference)}:
            return True
        return len(batch_id) >= _TELLING and batch_id in _TOKENS.findall(self.text)


@dataclass(frozen=True, slots=True)
class Funding:
    """An entry and the batches it pays: minor and base minor units per funding key."""

    entry: BankEntry
    parts: Mapping[str, tuple[int, int]]
    batch_ids: tuple[str, ...]
    rate_millionths: int


class Funds:
    """What is awaited, while entries take their part of it."""

    def __init__(self, expectations: Iterable[Expectation], on: date, base_currency: str) -> None:
        self.on = on.isoformat()
        self.base_currency = base_currency
        self.known = {e.item_key: _without(e, self.on) for e in expectations}

    def explain(self, entries: Sequence[BankEntry]) -> tuple[list[Funding], list[BankEntry]]:
        """Return which entries pay which batches, and those that explain themselves no further.

        An entry that names its batch goes first; one that names none is taken only where its
        amount is awaited once and offered once.
        """
        fundings: list[Funding] = []
        silent: list[BankEntry] = []
        for entry in entries:
            named = self._named(entry)
            if named:
                fundings.append(self._take(entry, named))
            else:
                silent.append(entry)
        left: list[BankEntry] = []
        for entry in silent:
            rivals = [e for e in silent if (e.minor, e.currency) == (entry.minor, entry.currency)]
            fitting = [
                e
                for e in self._open(entry.currency)
                if e.amount_minor == entry.minor and e.since_date <= entry.booking_date
            ]
            if len(fitting) == 1 and len(rivals) == 1:
                fundings.append(self._take(entry, fitting))
            else:
                left.append(entry)
        return fundings, left

    def _open(self, currency: str) -> list[Expectation]:
        return [
            e
            for e in self.known.values()
            if e.currency == currency
            and e.amount_minor
            and e.state in (ExpectationState.open, ExpectationState.missing)
        ]

    def _named(self, entry: BankEntry) -> list[Expectation]:
        """Return the batches an entry names: one, or several that it pays to the cent.

        What a day nets without a batch (fees, disputes) has no name that a bank could show: it is
        paid with the batches of its day, or with later ones, where that makes the cent.
        """
        waiting = self._open(entry.currency)
        found = [e for e in waiting if entry.names(e.detail["batch_id"])]
        exact = [e for e in found if e.amount_minor == entry.minor]
        if len(exact) == 1:
            return exact
        days = {e.since_date for e in found}
        nameless = [e for e in waiting if found and is_nameless(e.detail["batch_id"])]
        same_day = [e for e in nameless if e.since_date in days]
        earlier = [e for e in nameless if e.since_date <= max(days)]
        for extra in ([], same_day, earlier):
            if sum(e.amount_minor for e in (*found, *extra)) == entry.minor:
                return [*found, *extra]
        batches = {e.detail["batch_id"] for e in found}
        if len(batches) != 1:
            return []
        # An id that is used again: the day whose amount is nearest, the oldest of equals.
        return sorted(found, key=lambda e: (abs(e.amount_minor - entry.minor), e.since_date))[:1]

    def _take(self, entry: BankEntry, batches: Sequence[Expectation]) -> Funding:
        parts: dict[str, tuple[int, int]] = {}
        for batch in batches:
            whole = entry.minor if len(batches) == 1 else batch.amount_minor
            parts[batch.item_key] = self._pay(batch, whole, entry)
        return Funding(
            entry,
            parts,
            tuple(sorted({str(b.detail["batch_id"]) for b in batches})),
            int(batches[0].detail["rate_millionths"]),
        )

    def _pay(self, batch: Expectation, minor: int, entry: BankEntry) -> tuple[int, int]:
        """Book one funding on a batch; the last one takes what is left in the base currency."""
        detail: dict[str, Any] = {**batch.detail}
        left = batch.amount_minor - minor
        base = (
            Money(minor, batch.currency)
            .convert(detail["rate_millionths"], self.base_currency)
            .minor
        )
        if left == 0:  # so that the account of funds in transit returns to zero in both
            base = detail["full_base"] - sum(detail["parts_base"].values())
        for name, amount in (("parts", minor), ("parts_base", base)):
            detail[name] = {**detail[name], self.on: detail[name].get(self.on, 0) + amount}
        self.known[batch.item_key] = replace(
            batch,
            amount_minor=left,
            detail=detail,
            state=ExpectationState.open if left else ExpectationState.met,
            met_by="" if left else entry.key,
            met_date=None if left else date.fromisoformat(self.on),
        )
        return minor, base


def _without(expectation: Expectation, on: str) -> Expectation:
    """Take back what an earlier run of the same day had paid."""
    if on not in expectation.parts:
        return expectation
    detail = {**expectation.detail}
    for name in ("parts", "parts_base"):
        detail[name] = {when: minor for when, minor in detail[name].items() if when != on}
    return replace(
        expectation,
        amount_minor=int(detail["full"]) - sum(detail["parts"].values()),
        state=ExpectationState.open,
        met_by="",
        met_date=None,
        detail=detail,
    )
