"""Prove the accounts that must come to zero: journals against what is awaited and disputed.

Two sources are held against each other. The ledger side is what our journals have posted by a day,
by their posting dates. The other side is what is still awaited of each batch, and left of each
dispute. Between them may lie only journals that are not posted yet, or in another month.

Card clearing is not here: its debits are the receipts of SYSPRO's own clerks, too.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from include.domain.balances import Balance, BalanceItem
from include.domain.dispute_cases import Dispute, DisputeEvent, disputes_of
from include.domain.expectations import Expectation, ExpectationKind
from include.domain.journal import Journal, JournalKind
from include.domain.money import Money
from include.domain.settlement import LineClass
from include.services.books.journal_lines import NET
from include.services.journal_book import IN_LEDGER, JournalState

TRANSIT, DISPUTES = "funds in transit", "disputes receivable"
_LISTED = timedelta(days=31)  # one by one; older ones are summed
_DISPUTED = (LineClass.chargeback.value, LineClass.chargeback_reversal.value)


@dataclass(frozen=True, slots=True)
class _Apart:
    """A journal that one side counts and the other does not."""

    journal: Journal
    state: JournalState
    minor: int  # as the items count it

    @property
    def since(self) -> date:
        return self.journal.settlement_date

    @property
    def where(self) -> str:
        is_posted = self.state in IN_LEDGER
        return f"posted on {self.journal.posting_date}" if is_posted else self.state.value


class StandingJournals(Protocol):
    """The journal book, across days."""

    def standing(self, merchant_id: str, until: date) -> Sequence[tuple[Journal, JournalState]]:
        """Return a merchant's journals that are not void, settled or posted up to a day."""
        ...


class Awaited(Protocol):
    """Where what is awaited is kept."""

    def load(
        self, merchant_id: str, kind: ExpectationKind, *, since_until: date, met_from: date
    ) -> Sequence[Expectation]:
        """Return those that arose up to ``since_until`` and were not met before ``met_from``."""
        ...


class DisputeEvents(Protocol):
    """Where what was said of disputes is kept."""

    def until(self, merchant_id: str, day: date) -> Sequence[DisputeEvent]:
        """Return every event of a merchant's cases up to a settlement date."""
        ...


@dataclass(frozen=True, slots=True)
class Balances:
    """What the accounts of a merchant hold at the end of a day."""

    journals: StandingJournals
    awaited: Awaited
    disputes: DisputeEvents

    def of(self, merchant_id: str, on: date) -> tuple[Balance, ...]:
        """Return a balance for each account and currency that anything was ever booked in.

        Args:
            merchant_id: whose.
            on: a day of the merchant's calendar; what is posted on it is in the ledger.
        """
        journals = self.journals.standing(merchant_id, on)
        return (
            *_balances(TRANSIT, (NET,), journals, self._batches(merchant_id, on), on),
            *_balances(DISPUTES, _DISPUTED, journals, self._cases(merchant_id, journals, on), on),
        )

    def _batches(self, merchant_id: str, on: date) -> list[BalanceItem]:
        awaited = self.awaited.load(
            merchant_id, ExpectationKind.funding, since_until=on, met_from=on + timedelta(days=1)
        )
        return [
            BalanceItem(
                f"batch {one.detail.get('batch_id') or one.item_key}",
                one.since_date,
                Money(one.full_minor - _came(one, on), one.currency),
                one.due_date,
            )
            for one in awaited
        ]

    def _cases(
        self, merchant_id: str, journals: Sequence[tuple[Journal, JournalState]], on: date
    ) -> list[BalanceItem]:
        written_off: dict[tuple[str, str, date], int] = defaultdict(int)
        for journal, state in journals:
            if journal.kind is JournalKind.dispute_lost and _is_posted(journal, state, on):
                key = (journal.batch_id, journal.currency, journal.settlement_date)
                written_off[key] -= _sum(journal, _DISPUTED)
        events = self.disputes.until(merchant_id, on)
        cases = disputes_of(events)
        found = [*_given_back_of_unknown(events, cases)]
        for one in cases:
            gone = written_off.pop((one.case_key, one.currency, one.settlement_date), 0)
            left = Money(one.left_minor - gone, one.currency)
            due = None if one.answered_on else one.answer_by
            found.append(BalanceItem(f"dispute {one.case_key}", one.settlement_date, left, due))
        for (case, currency, since), minor in sorted(written_off.items()):
            what = f"written off of dispute {case}, which was restated away; to be taken back"
            found.append(BalanceItem(what, since, Money(-minor, currency)))
        return found


def _given_back_of_unknown(
    events: Sequence[DisputeEvent], cases: Iterable[Dispute]
) -> Iterator[BalanceItem]:
    """Yield what was given back of cases beyond what we know was taken: it was, before our time."""
    net, since = defaultdict[tuple[str, str], int](int), dict[tuple[str, str], date]()
    for event in events:
        key = event.case_key, event.currency
        net[key] -= event.amount_minor
        since[key] = event.settlement_date
    for one in cases:
        net[one.case_key, one.currency] -= one.left_minor
    for (case, currency), minor in sorted(net.items()):
        what = f"given back of dispute {case}, which was taken before the first day here"
        yield BalanceItem(what, since[case, currency], Money(minor, currency))


def _balances(
    account: str,
    sources: Collection[str],
    journals: Iterable[tuple[Journal, JournalState]],
    items: Iterable[BalanceItem],
    on: date,
) -> list[Balance]:
    """Return the balance of each currency: its journals' lines of the sources, and its items."""
    ledger: dict[str, int] = defaultdict(int)
    base: dict[str, Money] = {}
    places: dict[str, set[str]] = defaultdict(set)
    apart: dict[str, list[_Apart]] = defaultdict(list)
    for journal, state in journals:
        minor = _sum(journal, sources)
        lines = [line for line in journal.lines if line.source in sources]
        if not lines:
            continue
        currency = journal.currency
        nothing = Money(0, journal.base_currency)
        is_posted = _is_posted(journal, state, on)
        if is_posted:
            ledger[currency] += minor
            converted = Money(sum(line.base.minor for line in lines), journal.base_currency)
            base[currency] = base.get(currency, nothing) + converted
            places[currency] |= {line.gl_account for line in lines}
        base.setdefault(currency, nothing)
        # A write-off bears its chargeback's date, however late it is; the items count it as posted.
        is_write_off = journal.kind is JournalKind.dispute_lost
        is_counted = is_posted if is_write_off else journal.settlement_date <= on
        if is_posted != is_counted and minor:
            apart[currency].append(_Apart(journal, state, minor if is_counted else -minor))
    by_currency: dict[str, list[BalanceItem]] = defaultdict(list)
    for item in items:
        if item.money.minor:
            by_currency[item.money.currency].append(item)
    return [
        Balance(
            account,
            tuple(sorted(places[currency])),
            Money(ledger[currency], currency),
            base.get(currency, Money(0, currency)),
            tuple(sorted(by_currency[currency], key=lambda it: (it.since, it.what))),
            tuple(_told(apart[currency], currency, on)),
        )
        for currency in sorted({*base, *by_currency})
    ]


def _is_posted(journal: Journal, state: JournalState, on: date) -> bool:
    return state in IN_LEDGER and journal.posting_date <= on


def _told(apart: Iterable[_Apart], currency: str, on: date) -> Iterator[BalanceItem]:
    """Yield what lies between the two sides: journals one by one, those of long ago as a sum.

    A merchant that was in the shadow has journals which nobody will ever post.
    """
    older: dict[str, list[_Apart]] = defaultdict(list)
    ordered = sorted(apart, key=lambda one: (one.since, one.journal.key))
    for one in ordered:
        if one.since < on - _LISTED:
            older[one.state.value].append(one)
    for state, some in sorted(older.items()):
        what = f"{len(some)} journals of days up to {some[-1].since}, {state}"
        money = Money(sum(one.minor for one in some), currency)
        yield BalanceItem(what, some[0].since, money)
    for one in ordered:
        if one.since >= on - _LISTED:
            what = f"journal {one.journal.key}, {one.where}"
            yield BalanceItem(what, one.since, Money(one.minor, currency))


def _sum(journal: Journal, sources: Collection[str]) -> int:
    return sum(line.amount.minor for line in journal.lines if line.source in sources)


def _came(awaited: Expectation, on: date) -> int:
    last = on.isoformat()
    return sum(minor for day, minor in awaited.parts.items() if day <= last)
