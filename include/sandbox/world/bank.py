"""Bank statements: one per account and calendar day, opening where the last one closed."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from include.sandbox.world import dates, reports
from include.sandbox.world.facts import ACCOUNT_OWNERS
from include.sandbox.world.model import BankEntry
from include.sandbox.world.settlement import RESERVE_TERM

if TYPE_CHECKING:
    from include.sandbox.world.world import World

_FIRST_BALANCE_MINOR = 25_000_000


@dataclass(frozen=True, slots=True)
class Statement:
    """One account on one booking date."""

    account: str
    day: date
    currency: str
    opening_minor: int
    entries: tuple[BankEntry, ...]

    @property
    def closing_minor(self) -> int:
        return self.opening_minor + sum(e.amount_minor for e in self.entries)


class Statements:
    """Keeps each account's balance by day; a balance needs every day before it, once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._closing: dict[str, list[int]] = {}  # without corrections of restatements
        self._lock = threading.Lock()

    def statement(self, account: str, day: date) -> Statement:
        """Return a statement; ``KeyError`` where there is no such account."""
        _, currency = ACCOUNT_OWNERS[account]
        corrected = sum(minor for when, _, minor in self._corrections(account) if when < day)
        corrected += sum(minor for when, minor in self._live(account) if when < day)
        opening = self._balance_before(account, day) + corrected
        return Statement(account, day, currency, opening, tuple(self.entries(account, day)))

    def entries(self, account: str, day: date) -> list[BankEntry]:
        """Return the entries booked on a day, corrections of restated batches last."""
        found = self._regular(account, day)
        _, currency = ACCOUNT_OWNERS[account]
        for when, batch, minor in self._corrections(account):
            if when == day and minor:
                number = len(found) + 1
                found.append(
                    BankEntry(
                        _entry_id(account, day, number),
                        day,
                        currency,
                        minor,
                        batch,
                        f"CORRECTION OF BATCH {batch}",
                    )
                )
        return found

    def _regular(self, account: str, day: date) -> list[BankEntry]:
        facts, currency = ACCOUNT_OWNERS[account]
        found: list[BankEntry] = []
        for funding in self._world.fundings(facts.organization_id, day):
            if funding.currency == currency and funding.bank_minor:
                number = len(found) + 1
                found.append(
                    BankEntry(
                        _entry_id(account, day, number),
                        day,
                        currency,
                        funding.bank_minor,
                        funding.batch_id,
                        f"ACQUIRER SETTLEMENT {facts.organization_id} {funding.settlement_date}",
                    )
                )
        return found

    def _live(self, account: str) -> list[tuple[date, int]]:
        """Return what live trade adds to fundings, by booking date."""
        facts, currency = ACCOUNT_OWNERS[account]
        trade = self._world.trade(facts.organization_id)
        live = self._world.live.days(facts.organization_id)
        if facts.fee_kind == "acquirer":  # a reserve comes back weeks later
            live = sorted({*live, *(day + RESERVE_TERM for day in live)})
        found = []
        for day in (d for d in live if self._world.has(d)):
            funding = trade.funding(day, currency)
            found.append((funding.funding_date, trade.live_net(day, currency)))
        return found

    def _corrections(self, account: str) -> list[tuple[date, str, int]]:
        """Return what restatements add: a business day after the funding they correct."""
        facts, currency = ACCOUNT_OWNERS[account]
        days = {d for owner, _, d, _ in self._world.restated() if owner == facts.organization_id}
        found = []
        for day in sorted(days):
            minor = reports.restated_minor(self._world, facts.organization_id, day, currency)
            when = dates.add_business_days(day, facts.funding_lag_days + 1)
            batch = self._world.settled(facts.organization_id, day).batch(currency)
            found.append((when, batch, minor))
        return found

    def _generated(self, account: str, day: date) -> int:
        """Return what a day's fundings would come to without live trade."""
        facts, currency = ACCOUNT_OWNERS[account]
        trade = self._world.trade(facts.organization_id)
        fundings = self._world.fundings(facts.organization_id, day)
        return sum(
            f.bank_minor - trade.live_net(f.settlement_date, currency)
            for f in fundings
            if f.currency == currency
        )

    def _balance_before(self, account: str, day: date) -> int:
        count = (day - self._world.start).days
        with self._lock:
            known = self._closing.setdefault(account, [])
            while len(known) < count:
                before = known[-1] if known else _FIRST_BALANCE_MINOR
                day = self._world.start + dates.DAY * len(known)
                known.append(before + self._generated(account, day))
            return known[count - 1] if count else _FIRST_BALANCE_MINOR


def _entry_id(account: str, day: date, number: int) -> str:
    return f"{account.replace('-', '')}{day:%Y%m%d}{number:03d}"
