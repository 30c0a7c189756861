"""The trade of one merchant: the generated world by day, and live trade beside it."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache

from include.sandbox.world import dates
from include.sandbox.world.after_sale import AfterSale
from include.sandbox.world.live import LiveTrade
from include.sandbox.world.model import (
    Conversion,
    Dispute,
    Funding,
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
    request_id,
)
from include.sandbox.world.settlement import (
    RESERVE_TERM,
    Adjustment,
    SettlementDay,
    charge_lines,
    charge_rows,
)

_KEPT_DAYS = 400  # per merchant and cache; one day of orders is about 40 KB
_RESERVE_BPS = 300  # of the gross of acme_jp, held for RESERVE_TERM
_DRIFT_PER_CENT = 35
_MYSTERY_DAYS = 12
_SHORT_FUNDING = 25  # one batch in so many


class Trade:
    """The trade of one merchant, cached by day."""

    def __init__(self, setting: Setting, start: date, live: LiveTrade) -> None:
        self.setting = setting
        self.facts = setting.facts
        self.start = start
        self.live = live
        self._with_live: dict[date, tuple[tuple[int, int], SettlementDay]] = {}
        self._book = OrderBook(setting)
        self._after = AfterSale(setting, start, self.orders)
        self._orders = lru_cache(_KEPT_DAYS)(self._book.orders)
        self._refunds = lru_cache(_KEPT_DAYS)(self._after.refunds)
        self._settled = lru_cache(_KEPT_DAYS)(self._settle)
        self._generated_net = lru_cache(None)(self._net_of_generated)

    def orders(self, day: date) -> tuple[Order, ...]:
        return self._orders(day) if day >= self.start else ()

    def refunds(self, day: date) -> tuple[Refund, ...]:
        return self._refunds(day) if day >= self.start else ()

    def settled(self, day: date) -> SettlementDay:
        """Return a settlement day, live trade included."""
        versions = self._live_versions(day)
        if not any(versions):
            return self._settled(day)
        kept = self._with_live.get(day)
        if kept is None or kept[0] != versions:
            kept = versions, self._settle_live(self._settled(day))
            self._with_live[day] = kept
        return kept[1]

    def _live_versions(self, day: date) -> tuple[int, int]:
        """Return what a day depends on: its own live trade, and that whose reserve it releases."""
        name = self.facts.organization_id
        is_reserved = self.facts.fee_kind == "acquirer"
        held_on = day - RESERVE_TERM
        return self.live.version(name, day), is_reserved * self.live.version(name, held_on)

    def _settle_live(self, base: SettlementDay) -> SettlementDay:
        """Add a day's live lines, at the prices of any other line; planted faults stay put."""
        lines = self.live.lines(self.facts.organization_id, base.day)
        sales = tuple(t for t in lines if t.kind != "refund")
        drifted = self._drifted(base.day, base.captures)
        held, released = self._reserve(base.day, (*base.captures, *sales))
        whole = replace(
            base,
            live=lines,
            closed_at=max([base.closed_at, *(t.at for t in lines)]),
            reserve_held_minor=held,
            reserve_released_minor=released,
        )
        if self.facts.fee_kind == "summary":
            return replace(whole, fee_rows=charge_rows(self.facts, base.day, whole.lines, drifted))
        return replace(whole, fee_lines=(*base.fee_lines, *charge_lines(lines, None)))

    def retrievals(self, day: date) -> tuple[Dispute, ...]:
        return self._after.retrievals(day)

    def notices(self, day: date) -> tuple[Dispute, ...]:
        return self._after.notices(day)

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
        before = day - RESERVE_TERM
        if before < self.start:
            return held, 0
        sold = self._captured_minor(before)
        return held, sold * _RESERVE_BPS // 10_000

    def _captured_minor(self, day: date) -> int:
        days = (day - timedelta(days=back) for back in range(LOOK_BACK_DAYS + 1))
        generated = sum(
            t.amount_minor
            for placed in days
            for order in self.orders(placed)
            for t in order.transactions
            if t.settlement_date == day
        )
        live = self.live.lines(self.facts.organization_id, day)
        return generated + sum(t.amount_minor for t in live if t.kind != "refund")

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

    def net_of(self, day: date, currency: str) -> tuple[int, int]:
        """Return the net of a batch as reported and as the bank receives it."""
        extra = self.live_net(day, currency)
        net, received = self._generated_net(day, currency)
        return net + extra, received + extra

    def live_net(self, day: date, currency: str) -> int:
        """Return by how much live trade changes the net of a batch."""
        if not any(self._live_versions(day)):
            return 0
        return self.settled(day).net(currency) - self._settled(day).net(currency)

    def _net_of_generated(self, day: date, currency: str) -> tuple[int, int]:
        settled = self._settled(day)
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
        found += self.live.conversions(self.facts.organization_id, day)
        return tuple(sorted(found, key=lambda c: c.at))

    def transactions(self, day: date) -> Iterator[Transaction]:
        """Yield every request made on a local day."""
        for back in range(LOOK_BACK_DAYS + 1):
            for order in self.orders(day - timedelta(days=back)):
                for transaction in order.transactions:
                    if dates.local_date(transaction.at, self.facts.zone) == day:
                        yield transaction
        yield from (refund.transaction for refund in self.refunds(day))
