"""The orders placed on one local day: amounts, times, captures, invoices and planted faults.

Everything of a day follows from (seed, merchant, day); captures that come later are decided here,
so that a settlement day asks the few days before it and nothing else.
"""

import math
import random
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from include.sandbox.world import dates
from include.sandbox.world.facts import PRICES, MerchantFacts
from include.sandbox.world.model import Document, Order, Transaction

LOOK_BACK_DAYS = 3  # no capture comes later than this after its order
CLOSING_HOUR = 22  # local; the batch of the day closes within the hour

# Orders of a day with faults that carry each one, in a thousand; about every second day is calm.
_RATES = {
    "missing_in_erp": 9,
    "missing_in_settlement": 8,
    "wrong_amount": 9,
    "wrong_currency": 6,
    "duplicate_line": 7,
    "late": 16,
    "partial_capture": 16,
}
_IDENTICAL_DAYS = 6  # one day in so many has a group of identical amounts
_WEEKDAY_LOAD = (90, 95, 100, 105, 120, 130, 80)  # per cent, Monday first
_KIND_DIGIT = {
    "authorization": 0,
    "sale": 1,
    "capture": 2,
    "refund": 4,
    "funding": 5,
    "other": 6,
    "live": 7,
}
CUSTOMERS = 40


@dataclass(frozen=True, slots=True)
class Setting:
    """What shapes the trade of one merchant."""

    seed: int
    facts: MerchantFacts
    volume: int  # sales on an average day
    fault_rate: float  # 1.0 as described above; 0 plants nothing into orders


def request_id(at: datetime, facts: MerchantFacts, kind: str, index: int) -> str:
    """Return 22 digits that tell their instant, merchant and kind, so that a look-up is quick."""
    milliseconds = str(int(at.timestamp() * 1000))[1:13]
    head = f"{milliseconds}{facts.number}{_KIND_DIGIT[kind]}{index:05d}"
    return f"{head}{int(head) % 997:03d}"


def instant_of(request: str) -> datetime | None:
    """Return when a request of ours was made, or ``None`` where the id cannot be ours."""
    if len(request) != 22 or not (request.isascii() and request.isdigit()):
        return None
    if int(request[:19]) % 997 != int(request[19:]):
        return None
    return datetime.fromtimestamp(int("1" + request[:12]) / 1000, tz=UTC)


def reference_of(facts: MerchantFacts, day: date, index: int) -> str:
    return f"{facts.order_prefix}-{dates.day_number(day):04d}{index:04d}"


def day_of_reference(reference: str) -> date | None:
    """Return the day an order number was given out, or ``None`` if it is not one of ours."""
    digits = reference[3:]
    if len(reference) != 11 or not (digits.isascii() and digits.isdigit()):
        return None
    return dates.day_of_number(int(digits[:4]))


def batch_id(facts: MerchantFacts, currency: str, day: date) -> str:
    """Return the 11 digits of the one batch of a merchant, currency and settlement day."""
    head = f"2{facts.number}{facts.currencies.index(currency)}{dates.day_number(day):05d}"
    return f"{head}{int(head) * 7919 % 1000:03d}"


def closing_at(seed: int, facts: MerchantFacts, day: date) -> datetime:
    """Return when the day's batch closes: between 22:00 and 22:44 local."""
    minute = dates.chance(seed, facts.organization_id, day, "closing").randrange(45)
    return dates.local_instant(day, CLOSING_HOUR, minute, facts.zone)


class OrderBook:
    """Makes the orders of one merchant, day by day."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.facts = setting.facts

    def orders(self, day: date) -> tuple[Order, ...]:
        """Return the orders of a local day by index."""
        rng = dates.chance(self.setting.seed, self.facts.organization_id, day, "orders")
        load = self.setting.volume * _WEEKDAY_LOAD[day.weekday()] * rng.randrange(75, 126)
        count = max(len(self.facts.currencies) + 1, load // 10_000)
        after_closing = max(2, count // 12) if dates.is_last_of_month(day) else 0
        faults = self._faults(rng, count)
        times = self._times(rng, day, count, after_closing)
        plain = [
            self._plain(rng, day, index, times[index], is_next_batch=index >= count - after_closing)
            for index in range(count)
        ]
        for index in sorted(faults):
            if index < count - after_closing:
                plain[index] = self._spoil(rng, plain[index], faults[index])
        self._make_identical(rng, plain, count - after_closing)
        return tuple(plain)

    def _faults(self, rng: random.Random, count: int) -> dict[int, str]:
        is_calm = rng.random() < 0.5
        scale = 0.0 if is_calm else self.setting.fault_rate
        found: dict[int, str] = {}
        for word, per_thousand in _RATES.items():
            for index in range(count):
                if rng.random() * 1000 < per_thousand * scale:
                    found.setdefault(index, word)
        return found

    def _times(self, rng: random.Random, day: date, count: int, after: int) -> list[datetime]:
        start, end = dates.local_window(day, self.facts.zone)
        closing = closing_at(self.setting.seed, self.facts, day)
        before = sorted(_between(rng, start, closing) for _ in range(count - after))
        return before + sorted(_between(rng, closing, end) for _ in range(after))

    def _plain(
        self, rng: random.Random, day: date, index: int, at: datetime, *, is_next_batch: bool
    ) -> Order:
        facts = self.facts
        currency = facts.currencies[index % len(facts.currencies)]
        if index >= len(facts.currencies):
            currency = rng.choice(facts.currencies)
        amount = _amount(rng, currency)
        reference = reference_of(facts, day, index)
        own_id = request_id(at, facts, "sale", index)
        sale = Transaction(
            own_id,
            own_id,
            "sale",
            at,
            reference,
            currency,
            amount,
            amount,
            rng.choice(tuple(PRICES[currency].interchange_bps)),
            f"{rng.randrange(10**7, 10**8)}",
            day + dates.DAY if is_next_batch else day,
        )
        invoice = self._invoice(rng, day, index, reference, currency, amount)
        fault = "month_end_across_batch" if is_next_batch else ""
        return Order(
            facts.organization_id,
            index,
            reference,
            day,
            invoice.customer,
            (sale,),
            (invoice,),
            fault,
        )

    def _invoice(
        self,
        rng: random.Random,
        day: date,
        index: int,
        reference: str | None,
        currency: str,
        amount: int,
    ) -> Document:
        number = f"{dates.day_number(day):04d}{index:04d}"
        return Document(
            self.facts.company,
            f"C{rng.randrange(1, CUSTOMERS + 1):05d}",
            f"1{number}".zfill(15),
            "I",
            day,
            reference,
            currency,
            amount,
            f"5{number}".zfill(15),
        )

    def _spoil(self, rng: random.Random, order: Order, fault: str) -> Order:
        (sale,), (invoice,) = order.transactions, order.documents
        if fault == "missing_in_erp":
            return replace(order, fault=fault, documents=())
        if fault == "duplicate_line":
            return replace(order, fault=fault)
        if fault == "wrong_amount":
            wrong = _mistyped(rng, invoice.amount_minor)
            return replace(order, fault=fault, documents=(replace(invoice, amount_minor=wrong),))
        if fault == "wrong_currency":
            return replace(order, fault=fault, documents=(self._mislabeled(invoice),))
        held = self._authorization(order, sale)
        if fault == "missing_in_settlement":
            return replace(order, fault=fault, transactions=(held,))
        if fault == "late":
            later = self._capture(rng, order, held, sale.amount_minor, rng.randrange(1, 4), 0)
            return replace(order, fault=fault, transactions=(held, later))
        return self._in_parts(rng, order, held)

    def _mislabeled(self, invoice: Document) -> Document:
        """Return the invoice in another currency with the same digits: 100.00 stays 100.00."""
        wrong = self.facts.wrong_currency
        scale = 100 if invoice.currency == "JPY" else 1
        return replace(invoice, currency=wrong, amount_minor=invoice.amount_minor * scale)

    def _authorization(self, order: Order, sale: Transaction) -> Transaction:
        own_id = request_id(sale.at, self.facts, "authorization", order.index)
        return replace(
            sale, request_id=own_id, root_id=own_id, kind="authorization", settlement_date=None
        )

    def _capture(
        self,
        rng: random.Random,
        order: Order,
        held: Transaction,
        amount: int,
        after_days: int,
        part: int,
    ) -> Transaction:
        day = order.placed + timedelta(days=after_days)
        start = dates.local_window(day, self.facts.zone)[0] if after_days else held.at
        at = _between(rng, start, closing_at(self.setting.seed, self.facts, day))
        own_id = request_id(at, self.facts, "capture", order.index * 2 + part)
        return replace(
            held,
            request_id=own_id,
            kind="capture",
            at=at,
            amount_minor=amount,
            processor_reference=f"{rng.randrange(10**7, 10**8)}",
            settlement_date=day,
        )

    def _in_parts(self, rng: random.Random, order: Order, held: Transaction) -> Order:
        first = max(1, held.amount_minor * rng.randrange(30, 81) // 100)
        now = self._capture(rng, order, held, first, 0, 0)
        parts = [held, now]
        if rng.random() < 0.6 and held.amount_minor > first:
            rest = held.amount_minor - first
            parts.append(self._capture(rng, order, held, rest, rng.randrange(1, 4), 1))
        return replace(order, fault="partial_capture", transactions=tuple(parts))

    def _make_identical(self, rng: random.Random, orders: list[Order], before_closing: int) -> None:
        """Turn a few plain orders into equals without any reference, on both sides."""
        if rng.randrange(_IDENTICAL_DAYS) or not self.setting.fault_rate:
            return
        size = rng.randrange(3, 6)
        first = next((o for o in orders[:before_closing] if not o.fault), None)
        if first is None:
            return
        currency, amount = first.captured.currency, first.captured.amount_minor
        alike = [
            o for o in orders[:before_closing] if not o.fault and o.captured.currency == currency
        ][:size]
        if len(alike) < 2:
            return
        for order in alike:
            orders[order.index] = _anonymous(order, amount, [o.index for o in alike])


def _anonymous(order: Order, amount: int, group: list[int]) -> Order:
    (sale,), (invoice,) = order.transactions, order.documents
    return replace(
        order,
        fault="identical_amounts",
        transactions=(replace(sale, reference=None, amount_minor=amount, authorized_minor=amount),),
        documents=(replace(invoice, reference=None, amount_minor=amount),),
        facts={"group": group},
    )


def _between(rng: random.Random, start: datetime, end: datetime) -> datetime:
    """Return a whole second well inside the interval; shops are busier around its middle."""
    seconds = int((end - start).total_seconds())
    place = (rng.random() + rng.random()) / 2 if rng.random() < 0.7 else rng.random()
    return start + timedelta(seconds=1 + int(place * max(1, seconds - 2)))


def _amount(rng: random.Random, currency: str) -> int:
    if currency == "JPY":
        return min(150_000, max(300, int(math.exp(rng.gauss(8.3, 0.7)))))
    return min(95_000, max(500, int(math.exp(rng.gauss(8.5, 0.7)))))


def _mistyped(rng: random.Random, amount: int) -> int:
    """Return what a clerk types instead: two digits swapped, or a plain slip."""
    text = str(amount)
    at = rng.randrange(1, len(text) - 1)
    swapped = int(text[:at] + text[at + 1] + text[at] + text[at + 2 :])
    return swapped if swapped != amount else amount + 100 * rng.randrange(1, 10)
