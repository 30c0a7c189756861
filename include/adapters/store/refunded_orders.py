"""What an order's row knows of its refunds: what it took, what is promised, what has gone back."""

from collections import Counter
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from include.adapters.store.order_letters import note_letters
from include.adapters.store.order_tables import orders, refunds
from include.adapters.store.orders import append_events
from include.domain.canonical import from_json, to_json
from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.order_state import OrderFacts
from include.domain.refunds import RefundFacts, with_refused, with_returned, with_voids
from include.services.orders.sagas import Event, Saga

# Built once: a statement costs more to put together than to run.
_MONEY = select(
    orders.c.facts, orders.c.captured_minor, orders.c.refunding_minor, orders.c.currency
).where(orders.c.order_id == bindparam("of_order"))
_GIVEN = select(refunds.c.origin, refunds.c.facts).where(
    refunds.c.order_id == bindparam("of_order")
)
_KNOW = update(orders).where(orders.c.order_id == bindparam("of_order"))
_NEXT_VERSION = (
    update(orders)
    .where(orders.c.order_id == bindparam("of_order"))
    .values(version=orders.c.version + 1)
)
_TELL = _NEXT_VERSION.values(updated_at=bindparam("now"))  # its answer shows what is promised back
_VERSION = select(orders.c.version).where(orders.c.order_id == bindparam("of_order"))


def money_of(connection: Connection, order_id: str) -> Any:
    """Read what an order took, and what of it is promised back."""
    found = connection.execute(_MONEY, {"of_order": order_id}).one_or_none()
    if found is None:
        raise Rejected(f"there is no order {order_id!r}", "refunds", "Check the id.")
    return found


def tell_order(connection: Connection, order_id: str, now: datetime, event: Event) -> None:
    """Add to the order's timeline. The order's row is locked, so numbers cannot collide."""
    connection.execute(_TELL, {"of_order": order_id, "now": now})
    version = connection.execute(_VERSION, {"of_order": order_id}).scalar()
    append_events(connection, order_id, int(version or 0), now, [event])


def note_refused(
    connection: Connection, order_id: str, now: datetime, minor: int, told: Event
) -> None:
    """Free what a refused refund had reserved of its order.

    One that is being unwound gives back what this would have: it is driven again.
    """
    tell_order(connection, order_id, now, told)  # which locks the order's row
    order = money_of(connection, order_id)
    facts = with_refused(from_json(OrderFacts, order.facts))
    free = {"facts": to_json(facts), "refunding_minor": order.refunding_minor - minor}
    connection.execute(_KNOW, {"of_order": order_id, "next_at": now, **free})


def note_returned(
    connection: Connection, order_id: str, now: datetime, saga: Saga[RefundFacts], owner: str
) -> None:
    """Let the order know what has moved, in the commit that knows it, and be driven again.

    ``owner`` is whose its letters are: goods of it may still leave.
    """
    connection.execute(_NEXT_VERSION, {"of_order": order_id})  # which locks the order's row
    order = money_of(connection, order_id)
    before = facts = from_json(OrderFacts, order.facts)
    moved = _moved(connection, order_id)
    returned = moved.total()
    if returned == facts.returned_minor:
        return
    facts = with_returned(facts, returned, moved["credit_note"])
    facts = replace(facts, captures=with_voids(facts.captures, saga.facts.parts))
    known = {"of_order": order_id, "facts": to_json(facts), "next_at": now, "updated_at": now}
    connection.execute(_KNOW, known)
    amount = Money(sum(part.amount.minor for part in saga.facts.parts), order.currency)
    told = Event("given back", {"amount": str(amount), "refund": saga.key})
    tell_order(connection, order_id, now, told)
    known_now = Saga(order_id, "", facts, 0, stored=before)
    note_letters(connection, now, known_now, [told], lambda _merchant: owner)


def _moved(connection: Connection, order_id: str) -> Counter[str]:
    """Sum, by origin, what has moved."""
    sums: Counter[str] = Counter()
    for origin, text in connection.execute(_GIVEN, {"of_order": order_id}):
        parts = from_json(RefundFacts, text).parts
        sums[origin] += sum(part.amount.minor for part in parts if part.request_id)
    return sums
