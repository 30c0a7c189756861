"""Lists for the command line: refunds that wait, reviews that wait, holds about to lapse."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, select

from include.adapters.store.order_tables import orders, refunds
from include.adapters.store.transactions import stream
from include.domain.canonical import from_json
from include.domain.money import Money
from include.domain.order_state import ENDED, OrderFacts, OrderState
from include.domain.standing import is_wholly_captured


@dataclass(frozen=True, slots=True)
class ListedRefund:
    refund_id: str
    order_id: str
    amount: Money
    asked_by: str
    asked_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class ListedHold:
    """An order whose authorisation, or what is left of it, is still to be captured."""

    order_id: str
    shop_id: str
    number: str
    state: str
    amount: Money
    accepted_at: datetime
    expires_at: datetime | None


def refunds_in(engine: Engine, state: str) -> Sequence[ListedRefund]:
    """List refunds in one state, the oldest first."""
    wanted = (
        select(
            refunds.c.refund_id,
            refunds.c.order_id,
            refunds.c.currency,
            refunds.c.amount_minor,
            refunds.c.asked_by,
            refunds.c.asked_at,
            refunds.c.reason,
        )
        .where(refunds.c.state == state)
        .order_by(refunds.c.asked_at, refunds.c.refund_id)
    )
    with engine.begin() as connection:
        return [
            ListedRefund(
                row.refund_id,
                row.order_id,
                Money(row.amount_minor, row.currency),
                row.asked_by,
                row.asked_at,
                row.reason,
            )
            for row in connection.execute(wanted)
        ]


def holds(engine: Engine, states: Sequence[OrderState] = ()) -> list[ListedHold]:
    """List orders that hold an authorisation, those that lapse first first; () is all open."""
    wanted = states or [state for state in OrderState if state not in ENDED]
    found = list(_holds(engine, [state.value for state in wanted]))
    return sorted(found, key=lambda one: (one.expires_at or one.accepted_at, one.order_id))


def _holds(engine: Engine, states: Sequence[str]) -> Iterator[ListedHold]:
    for row in stream(engine, select(orders).where(orders.c.state.in_(states))):
        facts = from_json(OrderFacts, row.facts)
        is_over = facts.is_reversed or is_wholly_captured(facts)
        if facts.payment is not None and not is_over:
            yield ListedHold(
                row.order_id,
                row.shop_id,
                row.number,
                row.state,
                Money(row.amount_minor, row.currency),
                row.accepted_at,
                facts.expires_at,
            )
