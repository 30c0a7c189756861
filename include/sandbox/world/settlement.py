"""What one settlement day of one merchant amounts to: lines, fees, disputes, reserve, nets."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from include.sandbox.world.facts import DRIFT_BPS, PRICES, MerchantFacts, share
from include.sandbox.world.model import (
    Dispute,
    FeeLine,
    FeeRow,
    Mystery,
    Order,
    Refund,
    Transaction,
)
from include.sandbox.world.orders import batch_id

RESERVE_TERM = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A correction of the acquirer, signed from the merchant."""

    reason: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class SettlementDay:
    """One merchant's settlement day. Each sum below is by currency, signed from the merchant."""

    facts: MerchantFacts
    day: date
    closed_at: datetime
    captures: tuple[Transaction, ...]  # sales and captures in order of time
    orders: Mapping[str, Order]  # by the request id of each capture
    refunds: tuple[Refund, ...]
    disputes: tuple[Dispute, ...]
    fee_lines: tuple[FeeLine, ...]  # empty where only a summary exists
    fee_rows: tuple[FeeRow, ...]  # empty where lines exist
    mysteries: tuple[Mystery, ...]
    reserve_held_minor: int
    reserve_released_minor: int
    adjustments: tuple[Adjustment, ...]
    hidden_chargeback_minor: int  # taken by issuers, reported by no source
    live: tuple[Transaction, ...] = ()  # what callers captured and refunded on this day

    @property
    def lines(self) -> tuple[Transaction, ...]:
        """Captures and refunds by time, each once; live ones among them."""
        both = [*self.captures, *(refund.transaction for refund in self.refunds), *self.live]
        return tuple(sorted(both, key=lambda t: (t.at, t.request_id)))

    @property
    def duplicated(self) -> frozenset[str]:
        """Request ids that the sales file shows twice."""
        return frozenset(k for k, order in self.orders.items() if order.fault == "duplicate_line")

    def batch(self, currency: str) -> str:
        return batch_id(self.facts, currency, self.day)

    def gross(self, currency: str) -> int:
        live = (t for t in self.live if t.kind != "refund")
        return sum(t.amount_minor for t in (*self.captures, *live) if t.currency == currency)

    def refunded(self, currency: str) -> int:
        live = (t for t in self.live if t.kind == "refund")
        lines = (*(r.transaction for r in self.refunds), *live)
        return -sum(t.amount_minor for t in lines if t.currency == currency)

    def fees(self, currency: str) -> int:
        """Fees of lines or rows; chargeback fees are in :meth:`chargeback_fees`."""
        lines = sum(f.total_minor for f in self.fee_lines if f.transaction.currency == currency)
        return -lines - sum(r.total_minor for r in self.fee_rows if r.currency == currency)

    def chargeback_fees(self, currency: str) -> int:
        return -sum(d.fee_minor for d in self.disputes if d.currency == currency)

    def disputed(self, currency: str) -> int:
        return sum(d.signed_minor for d in self.disputes if d.currency == currency)

    def other(self, currency: str) -> int:
        """Reserve and adjustments, of merchants with one currency."""
        if currency != self.facts.currencies[0]:
            return 0
        moved = self.reserve_released_minor - self.reserve_held_minor
        return moved + sum(a.amount_minor for a in self.adjustments)

    def net(self, currency: str) -> int:
        """What the sources report as owed for the batch."""
        return (
            self.gross(currency)
            + self.refunded(currency)
            + self.fees(currency)
            + self.chargeback_fees(currency)
            + self.disputed(currency)
            + self.other(currency)
        )


def statement_id(facts: MerchantFacts, day: date, currency: str) -> str:
    """Return the acquirer's number of a day's bill, one per currency."""
    return f"ACQ{facts.number}-{day:%Y%m%d}-{currency}"


def charge_lines(lines: tuple[Transaction, ...], drifted: str | None) -> tuple[FeeLine, ...]:
    """Return what each line costs; the request ``drifted`` is charged off schedule."""
    found = []
    for line in lines:
        prices = PRICES[line.currency]
        is_sale = line.kind != "refund"
        is_drifted = line.request_id == drifted
        points = prices.interchange_bps[line.card_type] if is_sale else 0
        points += DRIFT_BPS if is_drifted else 0
        found.append(
            FeeLine(
                line,
                points,
                share(line.amount_minor, points),
                share(line.amount_minor, prices.assessment_bps) if is_sale else 0,
                prices.per_item_minor,
                is_drifted,
            )
        )
    return tuple(found)


def charge_rows(
    facts: MerchantFacts, day: date, lines: tuple[Transaction, ...], drifted: str | None
) -> tuple[FeeRow, ...]:
    """Return a day's fee summary; the row of the request ``drifted`` is off schedule."""
    groups: dict[tuple[str, str], list[Transaction]] = {}
    for line in lines:
        groups.setdefault((line.currency, line.card_type), []).append(line)
    found: list[FeeRow] = []
    for (currency, card), members in sorted(groups.items()):
        prices = PRICES[currency]
        sales = [m for m in members if m.kind != "refund"]
        base = sum(m.amount_minor for m in sales)
        number = statement_id(facts, day, currency)
        is_drifted = any(m.request_id == drifted for m in sales)
        points = prices.interchange_bps[card] + (DRIFT_BPS if is_drifted else 0)
        for fee_type, rate in (("INTERCHANGE", points), ("ASSESSMENT", prices.assessment_bps)):
            if sales:
                cost = share(base, rate)
                drift = is_drifted and fee_type == "INTERCHANGE"
                found.append(
                    FeeRow(fee_type, card, currency, len(sales), base, rate, 0, cost, number, drift)
                )
        per_item = prices.per_item_minor
        everything = sum(m.amount_minor for m in members)
        cost = per_item * len(members)
        found.append(
            FeeRow("PER_ITEM", card, currency, len(members), everything, 0, per_item, cost, number)
        )
    return tuple(found)


def expected_row_minor(row: FeeRow) -> int:
    """Return what a summary row should cost by the schedule."""
    prices = PRICES[row.currency]
    if row.fee_type == "PER_ITEM":
        return prices.per_item_minor * row.count
    if row.fee_type == "ASSESSMENT":
        return share(row.base_minor, prices.assessment_bps)
    return share(row.base_minor, prices.interchange_bps[row.card_type])
