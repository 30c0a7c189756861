"""The sandbox's world: months of trade, decided by a seed, made when somebody asks.

A day never depends on what was made before it. The one thing that changes is which version of a
report is current (:meth:`World.restate`).
"""

import random
import threading
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import lru_cache

from include.sandbox.world import bank, dates, erp, files, labels, reports
from include.sandbox.world.after_sale import AfterSale
from include.sandbox.world.facts import MERCHANTS, MerchantFacts
from include.sandbox.world.model import (
    BankEntry,
    Conversion,
    Dispute,
    Funding,
    Label,
    Mystery,
    Order,
    Refund,
    Transaction,
)
from include.sandbox.world.orders import (
    LOOK_BACK_DAYS,
    OrderBook,
    Setting,
    closing_at,
    day_of_reference,
    instant_of,
    request_id,
)
from include.sandbox.world.settlement import (
    Adjustment,
    SettlementDay,
    charge_lines,
    charge_rows,
)

_KEPT_DAYS = 400  # per merchant and cache; one day of orders is about 40 KB
_RESERVE_BPS = 300  # of the gross of acme_jp, held for
_RESERVE_DAYS = 30
_DRIFT_PER_CENT = 35
_MYSTERY_DAYS = 12
_SHORT_FUNDING = 25  # one batch in so many


class _Trade:
    """The trade of one merchant, cached by day."""

    def __init__(self, setting: Setting, start: date) -> None:
        self.setting = setting
        self.facts = setting.facts
        self.start = start
        self._book = OrderBook(setting)
        self._after = AfterSale(setting, start, self.orders)
        self._orders = lru_cache(_KEPT_DAYS)(self._book.orders)
        self._refunds = lru_cache(_KEPT_DAYS)(self._after.refunds)
        self._settled = lru_cache(_KEPT_DAYS)(self._settle)
        self.net_of = lru_cache(None)(self._net_of)

    def orders(self, day: date) -> tuple[Order, ...]:
        return self._orders(day) if day >= self.start else ()

    def refunds(self, day: date) -> tuple[Refund, ...]:
        return self._refunds(day) if day >= self.start else ()

    def settled(self, day: date) -> SettlementDay:
        return self._settled(day)

    def retrievals(self, day: date) -> tuple[Dispute, ...]:
        return self._after.retrievals(day)

    def _chance(self, day: date, stream: str) -> random.Random:
        return dates.chance(self.setting.seed, self.facts.organization_id, day, stream)

    def _settle(self, day: date) -> SettlementDay:
        captures: list[tuple[Transaction, Order]] = []
        for back in range(LOOK_BACK_DAYS + 1):
            for order in self.orders(day - timedelta(days=back)):
                captures += [(t, order) for t in order.transactions if t.settlement_date == day]
        captures.sort(key=lambda pair: (pair[0].at, pair[0].request_id))
        refunds = self.refunds(day)
        sales = tuple(t for t, _ in captures)
        lines = (*sales, *(r.transaction for r in refunds))
        drifted = self._drifted(day, sales)
        is_summary = self.facts.fee_kind == "summary"
        held, released = self._reserve(day, sales)
        return SettlementDay(
            facts=self.facts,
            day=day,
            closed_at=closing_at(self.setting.seed, self.facts, day),
            captures=sales,
            orders={t.request_id: order for t, order in captures},
            refunds=refunds,
            disputes=self._after.disputes(day),
            fee_lines=() if is_summary else charge_lines(lines, drifted),
            fee_rows=charge_rows(self.facts, day, lines, drifted) if is_summary else (),
            mysteries=self._mysteries(day, sales),
            reserve_held_minor=held,
            reserve_released_minor=released,
            adjustments=self._adjustments(day),
            hidden_chargeback_minor=self._after.hidden_chargeback(day),
        )

    def _drifted(self, day: date, sales: tuple[Transaction, ...]) -> str | None:
        """Choose the line that is charged off schedule; a large one, or rounding hides it."""
        rng = self._chance(day, "drift")
        is_drifting = rng.randrange(100) < _DRIFT_PER_CENT * self.setting.fault_rate
        large = [t for t in sales if t.amount_minor >= 2_000]
        return rng.choice(large).request_id if is_drifting and large else None

    def _reserve(self, day: date, sales: tuple[Transaction, ...]) -> tuple[int, int]:
        if self.facts.fee_kind != "acquirer":
            return 0, 0
        held = sum(t.amount_minor for t in sales) * _RESERVE_BPS // 10_000
        before = day - timedelta(days=_RESERVE_DAYS)
        if before < self.start:
            return held, 0
        sold = self._captured_minor(before)
        return held, sold * _RESERVE_BPS // 10_000

    def _captured_minor(self, day: date) -> int:
        days = (day - timedelta(days=back) for back in range(LOOK_BACK_DAYS + 1))
        return sum(
            t.amount_minor
            for placed in days
            for order in self.orders(placed)
            for t in order.transactions
            if t.settlement_date == day
        )

    def _adjustments(self, day: date) -> tuple[Adjustment, ...]:
        rng = self._chance(day, "adjustments")
        if self.facts.fee_kind != "acquirer" or rng.randrange(10):
            return ()
        return (Adjustment("CORRECTION", rng.choice((-1, 1)) * rng.randrange(50, 900)),)

    def _mysteries(self, day: date, sales: tuple[Transaction, ...]) -> tuple[Mystery, ...]:
        rng = self._chance(day, "mysteries")
        if rng.randrange(_MYSTERY_DAYS) or not self.setting.fault_rate or not sales:
            return ()
        near = rng.choice(sales)
        own_id = request_id(near.at, self.facts, "other", rng.randrange(9_000))
        reference = f"{self.facts.order_prefix}-{dates.day_number(day):04d}8888"
        amount = rng.randrange(100, 5_000)
        return (Mystery(own_id, reference, near.at, near.currency, amount),)

    def _net_of(self, day: date, currency: str) -> tuple[int, int]:
        """Return the net of a batch as reported and as the bank receives it."""
        settled = self.settled(day)
        net = settled.net(currency)
        rng = self._chance(day, f"funding {currency}")
        is_short = rng.randrange(_SHORT_FUNDING) == 0 and self.setting.fault_rate > 0
        short = rng.randrange(50, 2_000) if is_short else 0
        return net, net - short - settled.hidden_chargeback_minor

    def funding(self, day: date, currency: str) -> Funding:
        net, received = self.net_of(day, currency)
        funded_on = dates.add_business_days(day, self.facts.funding_lag_days)
        noon = dates.local_instant(funded_on, 12, 0, self.facts.zone)
        index = dates.day_number(day) * 10 + self.facts.currencies.index(currency)
        return Funding(
            self.facts.organization_id,
            self.settled(day).batch(currency),
            day,
            funded_on,
            currency,
            net,
            received,
            request_id(noon, self.facts, "funding", index),
        )

    def funded_on(self, day: date) -> list[tuple[date, str]]:
        """Return the settlement days and currencies whose money moves on a business day."""
        found = []
        for back in range(8, 0, -1):
            sold = day - timedelta(days=back)
            if sold < self.start:
                continue
            if dates.add_business_days(sold, self.facts.funding_lag_days) == day:
                found += [(sold, currency) for currency in self.facts.currencies]
        return found

    def conversions(self, day: date) -> tuple[Conversion, ...]:
        """Return the review decisions of a local day; about four days in five have some."""
        rng = self._chance(day, "conversions")
        plain = [o for o in self.orders(day) if not o.fault]
        chosen = rng.sample(plain, min(len(plain), rng.randrange(4)))
        found = []
        for order in chosen:
            sale = order.captured
            at = sale.at - timedelta(seconds=rng.randrange(30, 250))
            reviewer = f"reviewer_{rng.randrange(1, 4)}"
            found.append(
                Conversion(
                    sale.request_id, order.reference, at, "ACCEPT", reviewer, "address confirmed"
                )
            )
        return tuple(sorted(found, key=lambda c: c.at))

    def transactions(self, day: date) -> Iterator[Transaction]:
        """Yield every request made on a local day."""
        for back in range(LOOK_BACK_DAYS + 1):
            for order in self.orders(day - timedelta(days=back)):
                for transaction in order.transactions:
                    if dates.local_date(transaction.at, self.facts.zone) == day:
                        yield transaction
        yield from (refund.transaction for refund in self.refunds(day))


class World:
    """Months of trade of three merchants.

    Args:
        seed: the same seed gives the same bytes, whatever was asked before.
        start: first local day of trade.
        days: how many days reports, statements and documents exist for.
        volume: sales on an average day and merchant, 1 to 5000 (order numbers have four digits).
        fault_rate: 1.0 plants every fault class many times a quarter, 0 none into orders, fees,
            funding and files.
    """

    def __init__(
        self,
        seed: int = 7,
        start: date = date(2026, 3, 1),
        days: int = 275,
        volume: int = 50,
        fault_rate: float = 1.0,
    ) -> None:
        if not 1 <= volume <= 5_000:
            raise ValueError(f"volume {volume} is not between 1 and 5000")
        self.seed, self.start, self.days = seed, start, days
        self.volume, self.fault_rate = volume, fault_rate
        self.merchants: Mapping[str, MerchantFacts] = MERCHANTS
        self._trades = {
            name: _Trade(Setting(seed, facts, volume, fault_rate), start)
            for name, facts in MERCHANTS.items()
        }
        self._versions: dict[tuple[str, str, date], int] = {}
        self._lock = threading.Lock()
        self._statements = bank.Statements(self)

    @property
    def last(self) -> date:
        """The last local day that exists."""
        return self.start + timedelta(days=self.days - 1)

    def has(self, day: date) -> bool:
        return self.start <= day <= self.last

    def trade(self, merchant: str) -> _Trade:
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
        """Return to first versions."""
        with self._lock:
            self._versions.clear()

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
