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
_MARKS = re.compile(r"[%+#@]")  # of the name of a funding
_TELLING = 5  # characters from which on an id in free text is no accident


@dataclass(frozen=True, slots=True)
class BankEntry:
    """One entry of a bank statement; positive is a credit of our account."""

    key: str  # "<account>|<entry id>|<booking date>": banks use an id again on another day
    entry_id: str
    stated_on: date  # the day whose statement has it
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
    """What an entry pays at one rate: SYSPRO's cash book converts a deposit by a single one."""

    entry: BankEntry
    batch_ids: tuple[str, ...]
    rate_millionths: int
    minor: int  # of the entry's currency; the fundings of an entry sum to it
    base_minor: int  # what funds in transit hold for it; a deposit's own conversion may differ
    is_whole: bool  # no other rate pays a part of the entry
    is_late: bool  # the entry is of another day than the run: one of its own may have its id

    @property
    def is_exchange(self) -> bool:
        """Say whether no money moves: it takes from transit what is left in base alone."""
        return not self.entry.entry_id

    @property
    def name(self) -> str:
        """Name the funding: two entries may pay one batch on one day, and one at two rates.

        Ids that hold a mark of the name are written with its code, so that no two share a name.
        """
        whole = f"{'+'.join(map(_marked, self.batch_ids))}#{_marked(self.entry.entry_id)}"
        whole += f"#{self.entry.booking_date}" if self.is_late else ""
        return whole if self.is_whole else f"{whole}@{self.rate_millionths}"


def _marked(name: str) -> str:
    return _MARKS.sub(lambda found: f"%{ord(found[0]):02X}", name)


Part = tuple[Expectation, int]  # a batch, and how many minor units of an entry are its


class Funds:
    """What is awaited, and what came lately, while entries take their part of it."""

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
                fundings += self._take(entry, named)
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
                fundings += self._take(entry, [(fitting[0], entry.minor)])
            else:
                left.append(entry)
        return [*fundings, *self._level()], left

    def _level(self) -> list[Funding]:
        """Take from transit what batches without money to come hold in base currency alone.

        A restatement leaves it, which moves a batch between two rates or lowers it to what came,
        and so do parts of a month-end split that cancel each other.
        """
        found: dict[tuple[str, str], Funding] = {}
        for key, batch in self.known.items():
            if batch.amount_minor or not batch.is_awaited:
                continue
            detail: dict[str, Any] = {**batch.detail}
            base = detail["full_base"] - sum(detail["parts_base"].values())
            if base:
                for name, amount in (("parts", 0), ("parts_base", base)):
                    was = detail[name].get(self.on, 0)
                    detail[name] = {**detail[name], self.on: was + amount}
                one = _exchange(batch, base, date.fromisoformat(self.on))
                same = found.setdefault((one.name, batch.currency), replace(one, base_minor=0))
                found[one.name, batch.currency] = replace(same, base_minor=same.base_minor + base)
            is_met = bool(detail["parts"])
            self.known[key] = replace(
                batch,
                detail=detail,
                state=ExpectationState.met if is_met else ExpectationState.withdrawn,
                met_date=date.fromisoformat(max(detail["parts"])) if is_met else None,
            )
        return list(found.values())

    def _open(self, currency: str) -> list[Expectation]:
        return [
            e
            for e in self.known.values()
            if e.currency == currency and e.amount_minor and e.is_awaited
        ]

    def _named(self, entry: BankEntry) -> list[Part]:
        """Return the batches an entry names: one, or several that it pays to the cent."""
        waiting = self._open(entry.currency)
        found = [e for e in waiting if entry.names(e.detail["batch_id"])]
        exact = [e for e in found if e.amount_minor == entry.minor]
        if len(exact) == 1:
            return [(exact[0], entry.minor)]
        explained = _to_the_cent(entry, found, [(e, e.amount_minor) for e in waiting])
        if explained := explained or self._taken_back(entry):
            return explained
        if len({e.detail["batch_id"] for e in found}) != 1:
            return []
        # An id that is used again: the day whose amount is nearest, the oldest of equals.
        one = min(found, key=lambda e: (abs(e.amount_minor - entry.minor), e.since_date))
        return [(one, entry.minor)]

    def _taken_back(self, entry: BankEntry) -> list[Part]:
        """Return the batches whose payment an entry takes back; they wait for it again.

        It names them, has the other sign, and is no more than what came. Of an id that is used
        again it is the day that was paid exactly so much, the last of equals.
        """
        paid = {key: sum(e.parts.values()) for key, e in self.known.items()}
        came = [e for k, e in self.known.items() if e.currency == entry.currency and paid[k]]
        named = [e for e in came if entry.names(e.detail["batch_id"])]
        found = [e for e in named if paid[e.item_key] * entry.minor < 0]
        exact = [e for e in found if paid[e.item_key] == -entry.minor]
        several = _to_the_cent(entry, found, [(e, -paid[e.item_key]) for e in came])
        if several and not exact:
            return several
        enough = [e for e in found if abs(paid[e.item_key]) >= abs(entry.minor)]
        if not enough or len({e.detail["batch_id"] for e in found}) != 1:
            return []
        one = max(exact or enough, key=lambda e: (max(e.parts), e.since_date))
        return [(one, entry.minor)]

    def _take(self, entry: BankEntry, parts: Sequence[Part]) -> list[Funding]:
        found: dict[int, list[tuple[str, int, int]]] = {}
        for batch, whole in parts:
            for rate, minor, base in self._pay(batch, whole, entry):
                found.setdefault(rate, []).append((str(batch.detail["batch_id"]), minor, base))
        return [
            Funding(
                entry,
                tuple(sorted({batch_id for batch_id, _, _ in shares})),
                rate,
                sum(minor for _, minor, _ in shares),
                sum(base for _, _, base in shares),
                is_whole=len(found) == 1,
                is_late=entry.booking_date.isoformat() != self.on,
            )
            for rate, shares in sorted(found.items())
        ]

    def _pay(self, batch: Expectation, minor: int, entry: BankEntry) -> list[tuple[int, int, int]]:
        """Pay a batch; return rate, minor and base minor units of each rate it was booked at.

        The last payment takes what is left in the base currency, so that funds in transit return
        to zero in both.
        """
        detail: dict[str, Any] = {**batch.detail}
        left = batch.amount_minor - minor
        shares = [
            (rate, part, Money(part, batch.currency).convert(rate, self.base_currency).minor)
            for rate, part in _shares(detail["rates"], sum(detail["parts"].values()), minor)
        ]
        if left == 0 and shares:
            rate, part, own = shares[-1]
            done = sum(detail["parts_base"].values()) + sum(base for _, _, base in shares)
            shares[-1] = (rate, part, own + detail["full_base"] - done)
        base = sum(base for _, _, base in shares)
        for name, amount in (("parts", minor), ("parts_base", base)):
            detail[name] = {**detail[name], self.on: detail[name].get(self.on, 0) + amount}
        self.known[batch.item_key] = replace(
            batch,
            amount_minor=left,
            detail=detail,
            state=ExpectationState.open if left else ExpectationState.met,
            met_by="" if left else entry.key,
            # The last day that paid: its run, and those before it, must find the batch again.
            met_date=None if left else date.fromisoformat(max(detail["parts"])),
        )
        return shares


def _to_the_cent(
    entry: BankEntry, named: Sequence[Expectation], among: Sequence[Part]
) -> list[Part]:
    """Return the named batches where their amounts make up the entry, or none.

    What a day nets without a batch (fees, disputes) has no name that a bank could show: it goes
    with the batches of its day, or with later ones, where that makes the cent.
    """
    if not named:
        return []
    keys, days = {e.item_key for e in named}, {e.since_date for e in named}
    own = [part for part in among if part[0].item_key in keys]
    nameless = [part for part in among if is_nameless(part[0].detail["batch_id"])]
    same_day = [part for part in nameless if part[0].since_date in days]
    earlier = [part for part in nameless if part[0].since_date <= max(days)]
    for extra in ([], same_day, earlier):
        if sum(minor for _, minor in (*own, *extra)) == entry.minor:
            return [*own, *extra]
    return []


def _exchange(batch: Expectation, base: int, on: date) -> Funding:
    """Return what takes ``base`` minor units from transit, which no bank entry does."""
    name = str(batch.detail["batch_id"])
    entry = BankEntry(f"{batch.item_key}|base", "", on, on, batch.currency, 0, name, "")
    rate = int(max(batch.detail["rates"]))
    return Funding(entry, (name,), rate, 0, base, is_whole=True, is_late=False)


def _shares(rates: Mapping[str, int], paid: int, minor: int) -> list[tuple[int, int]]:
    """Divide a payment by the rates at which its batch was booked: a month-end split has two.

    Where the two parts of a batch have opposite signs, or a payment turns its sign, no part of
    it is of either: all goes at the rate of the greater part.

    Args:
        rates: net in minor units by rate in millionths.
        paid: minor units that came before.
        minor: the payment.
    """
    nets = sorted((int(rate), net) for rate, net in rates.items())
    sign = 1 if minor > 0 else -1
    if len(nets) == 1 or paid * sign < 0 or any(net * sign < 0 for _, net in nets):
        return [(max(nets, key=lambda each: abs(each[1]))[0], minor)] if minor else []
    found, start, first, last = [], 0, paid * sign, (paid + minor) * sign
    for place, (rate, net) in enumerate(nets, start=1):
        end = max(start + net * sign, last if place == len(nets) else 0)
        part = min(end, last) - max(start, first)
        if part > 0:
            found.append((rate, sign * part))
        start = end
    return found


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
