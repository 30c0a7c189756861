"""What follows a sale: refunds within three weeks, chargebacks after ten days, their reversals.

A day picks the sales it is about: for a lag of k days, the sale of that day whose slot belongs to
k. Two days can never pick the same sale, and neither needs to know what the other picked.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from include.sandbox.world import dates
from include.sandbox.world.facts import PRICES
from include.sandbox.world.model import Dispute, Document, Order, Refund, Transaction
from include.sandbox.world.orders import (
    Setting,
    closing_at,
    reference_of,
    request_id,
)

REFUND_LAGS = range(1, 16)
CHARGEBACK_LAGS = range(10, 61)
REVERSAL_LAGS = range(7, 31)
REASONS = {"Visa": ("10.4", "13.1", "13.3"), "MasterCard": ("4837", "4853")}
ANSWER_DAYS = 20  # a chargeback may be contested until so many days after its settlement
_UNDATED = 12  # one chargeback in so many comes without that date
_UNKNOWN_DAYS = 9  # one day in so many has a chargeback about a capture nobody made
_UNKNOWN_INDEX = 99_000  # no order has this index

OrdersOf = Callable[[date], tuple[Order, ...]]


@dataclass(frozen=True, slots=True)
class _Plan:
    """A chargeback as its day decides it, before the sale is looked up."""

    lag: int
    hour_share: float
    reason_share: float
    is_partial: bool
    reversed_after: int | None

    @property
    def is_undated(self) -> bool:
        return int(self.hour_share * 1000) % _UNDATED == 0


class AfterSale:
    """Refunds and disputes of one merchant, by settlement day."""

    def __init__(self, setting: Setting, start: date, orders: OrdersOf) -> None:
        self.setting = setting
        self.facts = setting.facts
        self.start = start
        self.orders = orders

    def refunds(self, day: date) -> tuple[Refund, ...]:
        """Return the refunds batched on a settlement day; each has its credit note."""
        rng = self._chance(day, "refunds")
        wanted = max(1, self.setting.volume * rng.randrange(3, 10) // 100)
        lags = rng.sample(REFUND_LAGS, len(REFUND_LAGS))
        found: list[Refund] = []
        for lag in lags:
            for order in self._slot(day - timedelta(days=lag), lag - 1, 0, len(REFUND_LAGS)):
                if len(found) < wanted:
                    found.append(self._refund(rng, day, order, len(found)))
        return tuple(found)

    def disputes(self, day: date) -> tuple[Dispute, ...]:
        """Return the chargebacks and reversals that a settlement day nets."""
        if not self.facts.has_disputes:
            return ()
        found = [*self._chargebacks(day), *self._unknown(day), *self._reversals(day)]
        return tuple(sorted(found, key=lambda d: (d.at, d.case_number)))

    def hidden_chargeback(self, day: date) -> int:
        """Return what issuers took back on a day where no source of the merchant says so."""
        rng = self._chance(day, "hidden")
        if self.facts.has_disputes or rng.randrange(12) or not self.setting.fault_rate:
            return 0
        return rng.randrange(800, 9000)

    def retrievals(self, day: date) -> tuple[Dispute, ...]:
        """Return the issuers' questions of a day: about a sale of ten days ago, no money moves."""
        return self._without_money(day, "retrieval", 90)

    def notices(self, day: date) -> tuple[Dispute, ...]:
        """Return the chargebacks that are announced and take nothing, of a sale of ten days ago."""
        return self._without_money(day, "notice", 80)

    def _without_money(self, day: date, kind: str, index: int) -> tuple[Dispute, ...]:
        rng = self._chance(day, f"{kind}s")
        sold_on = day - timedelta(days=CHARGEBACK_LAGS.start)
        if not self.facts.has_disputes or rng.randrange(4) or sold_on < self.start:
            return ()
        plain = [o for o in self.orders(sold_on) if not o.fault]
        asked = [o for o in plain if o.captured.card_type in REASONS]
        plan = _Plan(0, rng.random(), rng.random(), is_partial=False, reversed_after=None)
        return tuple(
            replace(self._chargeback(day, index, plan, order), kind=kind, fee_minor=0)
            for order in asked[-1:]
        )

    def _chance(self, day: date, stream: str) -> random.Random:
        return dates.chance(self.setting.seed, self.facts.organization_id, day, stream)

    def _slot(self, sold_on: date, slot: int, half: int, slots: int) -> list[Order]:
        """Return the plain sales of a day that belong to one lag.

        Even ones may be refunded, odd ones disputed, so that no sale is both.
        """
        if sold_on < self.start:
            return []
        plain = [o for o in self.orders(sold_on) if not o.fault][half::2]
        turn = dates.day_number(sold_on) * 7
        return [order for j, order in enumerate(plain) if (j + turn) % slots == slot]

    def _refund(self, rng: random.Random, day: date, order: Order, index: int) -> Refund:
        sale = order.captured
        fate = rng.random()
        fault, amount = "", sale.amount_minor
        if fate < 0.25:
            fault, amount = "partial_refund", max(1, amount * rng.randrange(20, 80) // 100)
        elif fate < 0.40 and self.setting.fault_rate:
            fault = "refund_without_reference"
        start = dates.local_window(day, self.facts.zone)[0]
        closing = closing_at(self.setting.seed, self.facts, day)
        at = start + timedelta(seconds=int((closing - start).total_seconds() * rng.random()))
        number = f"{dates.day_number(day):04d}{index:04d}"
        line = Transaction(
            request_id(at, self.facts, "refund", index),
            sale.root_id,
            "refund",
            at,
            None if fault == "refund_without_reference" else order.reference,
            sale.currency,
            amount,
            None,
            sale.card_type,
            f"{rng.randrange(10**7, 10**8)}",
            day,
        )
        note = Document(
            self.facts.company,
            order.customer,
            f"8{number}".zfill(15),
            "C",
            day,
            order.reference,
            sale.currency,
            -amount,
            order.documents[0].sales_order,
        )
        return Refund(line, note, order, fault)

    def _plans(self, day: date) -> list[_Plan]:
        """Decide a day's chargebacks without a look at any sale: cheap, and asked often."""
        rng = self._chance(day, "chargebacks")
        rate = self.setting.volume / 50 * 0.9
        count = int(rate) + (rng.random() < rate % 1)
        return [
            _Plan(
                rng.choice(CHARGEBACK_LAGS),
                rng.random(),
                rng.random(),
                rng.random() < 0.15,
                rng.choice(REVERSAL_LAGS) if rng.random() < 0.4 else None,
            )
            for _ in range(count)
        ]

    def _chargebacks(self, day: date) -> list[Dispute]:
        return [d for _, d in self._planned(day)]

    def _planned(self, day: date) -> list[tuple[_Plan, Dispute]]:
        if day < self.start:
            return []
        found = []
        used: set[int] = set()
        for index, plan in enumerate(self._plans(day)):
            first, size = CHARGEBACK_LAGS.start, len(CHARGEBACK_LAGS)
            for step in range(size):  # the next lag that has a sale, so that few plans are void
                lag = first + (plan.lag - first + step) % size
                sold = self._slot(day - timedelta(days=lag), lag - first, 1, size)
                slot = [order for order in sold if order.captured.card_type in REASONS]
                if lag not in used and slot:
                    used.add(lag)
                    found.append((plan, self._chargeback(day, index, plan, slot[0])))
                    break
                if day - timedelta(days=first) < self.start:
                    break
        return found

    def _chargeback(self, day: date, index: int, plan: _Plan, order: Order) -> Dispute:
        sale = order.captured
        amount = sale.amount_minor
        return Dispute(
            f"CB{dates.day_number(day):04d}{self.facts.number}{index:02d}",
            "chargeback",
            self._instant(day, plan.hour_share),
            day,
            sale.request_id,
            order.reference,
            sale.processor_reference,
            sale.card_type,
            sale.at,
            sale.currency,
            max(1, amount // 2) if plan.is_partial else amount,
            PRICES[sale.currency].chargeback_minor,
            _reason(sale.card_type, plan.reason_share),
            answer_by=self._answer_by(day, plan),
            answered_at=self._answered_at(day, plan),
        )

    def _answer_by(self, day: date, plan: _Plan) -> date | None:
        is_undated = plan.is_undated and self.setting.fault_rate
        return None if is_undated else day + timedelta(days=ANSWER_DAYS)

    def _answered_at(self, day: date, plan: _Plan) -> datetime | None:
        """Say when it was contested: half of what is won was at once, by the acquirer's own robot.

        Only the JSON service has a field for it, so merchants with the report never hear of it.
        """
        is_told = all(report.content != "disputes" for report in self.facts.reports)
        if not is_told or plan.reversed_after is None or plan.reason_share >= 0.5:
            return None
        return self._instant(day, plan.hour_share) + timedelta(minutes=40)

    def _instant(self, day: date, hour_share: float) -> datetime:
        start, end = dates.local_window(day, self.facts.zone)
        return start + timedelta(seconds=int((end - start).total_seconds() * hour_share))

    def _unknown(self, day: date) -> list[Dispute]:
        rng = self._chance(day, "unknown")
        if rng.randrange(_UNKNOWN_DAYS) or not self.setting.fault_rate:
            return []
        currency = rng.choice(self.facts.currencies)
        sold_at = self._instant(day - timedelta(days=rng.randrange(20, 90)), rng.random())
        nobody_index = 9_000 + dates.day_number(day) % 900  # no order has such an index
        nobody = request_id(sold_at, self.facts, "other", _UNKNOWN_INDEX)
        reference = reference_of(
            self.facts, dates.local_date(sold_at, self.facts.zone), nobody_index
        )
        return [
            Dispute(
                f"CB{dates.day_number(day):04d}{self.facts.number}99",
                "chargeback",
                self._instant(day, rng.random()),
                day,
                nobody,
                reference,
                f"{rng.randrange(10**7, 10**8)}",
                "Visa",
                sold_at,
                currency,
                rng.randrange(1_000, 12_000),
                PRICES[currency].chargeback_minor,
                _reason("Visa", rng.random()),
                is_unknown=True,
                answer_by=day + timedelta(days=ANSWER_DAYS),
            )
        ]

    def _reversals(self, day: date) -> list[Dispute]:
        found = []
        for lag in REVERSAL_LAGS:
            disputed_on = day - timedelta(days=lag)
            if not any(plan.reversed_after == lag for plan in self._plans(disputed_on)):
                continue
            for plan, first in self._planned(disputed_on):
                if plan.reversed_after == lag:
                    found.append(_reversal(first, day, self._instant(day, plan.hour_share)))
        return found


def _reason(card_type: str, share: float) -> str:
    """Pick a reason code of the card's network."""
    codes = REASONS[card_type]
    return codes[int(share * len(codes))]


def _reversal(first: Dispute, day: date, at: datetime) -> Dispute:
    return Dispute(
        first.case_number,
        "reversal",
        at,
        day,
        first.request_id,
        first.reference,
        first.processor_reference,
        first.card_type,
        first.sold_at,
        first.currency,
        first.amount_minor,
        0,  # the fee is not returned
        first.reason_code,
    )
