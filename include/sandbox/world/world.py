"""The sandbox's world: months of trade, decided by a seed, made when somebody asks.

A day never depends on what was made before it. Two things change: which version of a report is
current (:meth:`World.restate`), and what callers trade on the live date (:attr:`World.live`).
"""

import threading
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from include.sandbox.world import bank, dates, erp, files, labels, reports
from include.sandbox.world.facts import MERCHANTS, MerchantFacts
from include.sandbox.world.live import LiveTrade
from include.sandbox.world.model import BankEntry, Funding, Label, Order, Transaction
from include.sandbox.world.orders import Setting, day_of_reference, instant_of
from include.sandbox.world.settlement import SettlementDay
from include.sandbox.world.trade import Trade


class World:
    """Months of trade of three merchants.

    Args:
        seed: the same seed gives the same bytes, whatever was asked before.
        start: first local day of trade.
        days: how many days reports, statements and documents exist for.
        volume: sales on an average day and merchant, 1 to 5000 (order numbers have four digits).
        fault_rate: 1.0 plants every fault class many times a quarter, 0 none into orders, fees,
            funding and files.
        live_date: the business date of what callers do; the last day unless one is given.

    Raises:
        ValueError: an impossible volume, or a live date outside the world's days.
    """

    def __init__(
        self,
        seed: int = 7,
        start: date = date(2026, 3, 1),
        days: int = 275,
        volume: int = 50,
        fault_rate: float = 1.0,
        live_date: date | None = None,
    ) -> None:
        if not 1 <= volume <= 5_000:
            raise ValueError(f"volume {volume} is not between 1 and 5000")
        self.seed, self.start, self.days = seed, start, days
        self.volume, self.fault_rate = volume, fault_rate
        self.merchants: Mapping[str, MerchantFacts] = MERCHANTS
        self.has_live_date = self._began_with_live_date = live_date is not None
        self.live = LiveTrade(self._known(live_date or self.last))
        self._trades = {
            name: Trade(Setting(seed, facts, volume, fault_rate), start, self.live)
            for name, facts in MERCHANTS.items()
        }
        self._versions: dict[tuple[str, str, date], int] = {}
        self._lock = threading.Lock()
        self._statements = bank.Statements(self)

    @property
    def last(self) -> date:
        """The last local day that exists."""
        return self.start + timedelta(days=self.days - 1)

    @property
    def live_date(self) -> date:
        """The business date that live trade belongs to, in every system."""
        return self.live.day

    def move_live_date(self, day: date) -> None:
        """Let live trade belong to another business date from now on."""
        self.live.move_to(self._known(day))
        self.has_live_date = True

    def _known(self, day: date) -> date:
        if not self.has(day):
            raise ValueError(f"live date {day} is not between {self.start} and {self.last}")
        return day

    def has(self, day: date) -> bool:
        return self.start <= day <= self.last

    def trade(self, merchant: str) -> Trade:
        """Return one merchant's trade; ``KeyError`` where there is no such merchant."""
        return self._trades[merchant]

    def orders(self, merchant: str, day: date) -> tuple[Order, ...]:
        """Return the orders placed on a local day."""
        return self.trade(merchant).orders(day)

    def settled(self, merchant: str, day: date) -> SettlementDay:
        """Return one settlement day as it truly was."""
        return self.trade(merchant).settled(day)

    def fundings(self, merchant: str, day: date) -> list[Funding]:
        """Return the fundings that arrive on a bank day, of whatever settlement days."""
        trade = self.trade(merchant)
        return [trade.funding(sold, currency) for sold, currency in trade.funded_on(day)]

    def report(
        self, organization_id: str, report_name: str, settlement_date: date, version: int = 0
    ) -> reports.Content:
        """Return what a report says; version 0 is the current one.

        Raises:
            KeyError: no such organization or report.
        """
        number = version or self.version(organization_id, report_name, settlement_date)
        return reports.content(self, organization_id, report_name, settlement_date, number)

    def has_rows(self, organization_id: str, report_name: str, settlement_date: date) -> bool:
        """Say whether a report has any row; cheaper than making it."""
        return reports.has_rows(self, organization_id, report_name, settlement_date)

    def version(self, organization_id: str, report_name: str, settlement_date: date) -> int:
        return self._versions.get((organization_id, report_name, settlement_date), 1)

    def restate(
        self, organization_id: str, report_name: str, settlement_date: date
    ) -> dict[str, object]:
        """Make the next version of a report current; return it and what it changes.

        Raises:
            KeyError: no such organization or report.
        """
        with self._lock:
            facts = reports.facts_of(organization_id, report_name)
            key = (organization_id, facts.name, settlement_date)
            self._versions[key] = self._versions.get(key, 1) + 1
            number = self._versions[key]
        changes = reports.changes(self, organization_id, facts.name, settlement_date, number)
        return {"version": number, "changes": changes}

    def restated(self) -> list[tuple[str, str, date, int]]:
        """Return every report whose current version is not the first."""
        return [(*key, number) for key, number in sorted(self._versions.items()) if number > 1]

    def reset(self) -> None:
        """Return to first versions; live trade never was."""
        with self._lock:
            self._versions.clear()
        self.live.reset()
        self.has_live_date = self._began_with_live_date

    def bank(self, account: str, day: date) -> bank.Statement | None:
        """Return one account's statement of a day, or ``None`` outside the world's days."""
        return self._statements.statement(account, day) if self.has(day) else None

    def bank_entries(self, account: str, day: date) -> list[BankEntry]:
        return self._statements.entries(account, day)

    def file_fault(self, merchant: str, day: date) -> tuple[str, str] | None:
        """Return (report name, duplicate_file or truncated_file) of a day, if one is planted."""
        return files.fault(self, merchant, day)

    def labels(self, merchant: str, day: date) -> list[Label]:
        """Return the truth about a day's planted faults."""
        return labels.labels(self, merchant, day)

    def transaction(self, request: str) -> tuple[str, Transaction] | None:
        """Find one request by id, with its merchant."""
        at = instant_of(request)
        for name, trade in self._trades.items() if at else ():
            day = dates.local_date(at, trade.facts.zone) if at else self.start
            if str(trade.facts.number) != request[12] or not self.start <= day <= self.last:
                continue
            for transaction in trade.transactions(day):
                if transaction.request_id == request:
                    return name, transaction
        return None

    def transactions_of(self, merchant: str, reference: str) -> list[Transaction]:
        """Return every request that carries an order number."""
        day = day_of_reference(reference)
        if day is None or not self.has(day):
            return []
        trade = self.trade(merchant)
        found = [
            t for order in trade.orders(day) for t in order.transactions if t.reference == reference
        ]
        for later in range(1, 16):
            refunds = trade.refunds(day + timedelta(days=later))
            found += [r.transaction for r in refunds if r.transaction.reference == reference]
        return found

    def erp_tables(self, company: str) -> Iterator[tuple[str, dict[str, object]]]:
        """Yield what SYSPRO holds of a company: masters first, then documents day by day."""
        yield from erp.masters(company)
        for number in range(self.days):
            yield from self.erp_day(company, self.start + timedelta(days=number))

    def erp_day(self, company: str, day: date) -> Iterator[tuple[str, dict[str, object]]]:
        """Yield ArInvoice rows with this InvoiceDate and SorMaster rows with this OrderDate."""
        if self.has(day):
            yield from erp.documents(self, company, day)

    def erp_days(self, column: str, value: str) -> list[date] | None:
        """Return the days whose ERP rows can hold a value, or ``None`` where any day can."""
        return erp.days_of(column, value)
