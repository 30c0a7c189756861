"""Takes the person out of orders and of what was sent for them; each order in one commit."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, and_, delete, or_, select, update

from include.adapters.store import audit
from include.adapters.store.clock import StoreClock, database_now
from include.adapters.store.effect_keys import begins
from include.adapters.store.order_tables import (
    customer_links,
    customers,
    orders,
    payment_requests,
    refunds,
)
from include.adapters.store.orders import append_events
from include.adapters.store.schema import dead_letters, effects
from include.domain.canonical import from_json, to_json
from include.domain.forgetting import (
    PERSONAL,
    facts_without_person,
    payload_without_person,
    without_person,
)
from include.domain.order_state import ENDED, OrderFacts, OrderState
from include.domain.orders import Order
from include.domain.paying import closed
from include.domain.refunds import RefundState
from include.services.effects.chain import Signed, detail_of
from include.services.effects.states import UNFINISHED
from include.services.orders.sagas import Event

_OVER = (RefundState.done.value, RefundState.refused.value)


@dataclass(frozen=True, slots=True)
class SqlPersons:
    """Satisfies ``profiles.forget_orders.Persons`` on SQLite and PostgreSQL."""

    engine: Engine
    clock: StoreClock = database_now

    def forget(self, order_id: str, kept_for: timedelta, event: Event) -> str:
        """Take the person out of an order that has ended; '' once done, else why it is kept."""
        with self.engine.begin() as connection:
            now = self.clock(connection)
            row = connection.execute(
                select(orders).where(orders.c.order_id == order_id).with_for_update()
            ).one()
            why = self._why_kept(connection, row, now, kept_for)
            if why:
                return why
            self._blank(connection, row, now, event)
            entry = Signed(event.what, event.who, event.via, event.detail)
            audit.append_all(connection, [entry.entry(now, f"order|{order_id}")])
        return ""

    def unlink(self, shop_id: str, shopper_keys: Collection[str], who: str) -> int:
        """Forget which customer of SYSPRO a shopper is; return how many links are gone."""
        with self.engine.begin() as connection:
            now = self.clock(connection)
            of_shopper = customer_links.c.shopper_key.in_(shopper_keys)
            gone = connection.execute(
                delete(customer_links)
                .where(customer_links.c.shop_id == shop_id, of_shopper)
                .returning(customer_links.c.currency, customer_links.c.customer)
            ).all()
            is_theirs = customers.c.shopper_key.in_(shopper_keys)
            connection.execute(delete(customers).where(customers.c.shop_id == shop_id, is_theirs))
            for row in gone:
                subject, detail = f"customer|{row.customer}", detail_of(currency=row.currency)
                audit.append(connection, now, who, "customer unlinked", subject, detail)
        return len(gone)

    def _why_kept(
        self, connection: Connection, row: Any, now: datetime, kept_for: timedelta
    ) -> str:
        """Say why an order is still needed whole; '' where it is not."""
        if row.state not in ENDED:
            return f"it is {row.state}"
        captures = from_json(OrderFacts, row.facts).captures
        captured = max((one.captured_date for one in captures), default=None)
        if kept_for and captured is not None and captured > (now - kept_for).date():
            return f"it was captured on {captured}, so it may still be disputed"
        refund_ids = select(refunds.c.refund_id).where(refunds.c.order_id == row.order_id)
        is_open = refunds.c.state.not_in(_OVER)
        if connection.execute(refund_ids.where(is_open).limit(1)).first() is not None:
            return "a refund of it is under way"
        of_it = [row.order_id, *connection.scalars(refund_ids)]
        unfinished = effects.c.state.in_([state.value for state in UNFINISHED])
        busy = select(effects.c.key).where(or_(*map(begins, of_it)), unfinished).limit(1)
        if connection.execute(busy).first() is not None:
            return "something that was sent for it is not proved yet"
        return "a dead letter of it is open" if _is_told(connection, row, of_it) else ""

    @staticmethod
    def _blank(connection: Connection, row: Any, now: datetime, event: Event) -> None:
        facts = facts_without_person(from_json(OrderFacts, row.facts))
        if row.state == OrderState.declined:  # there is nobody left who could pay for it
            facts = closed(facts)
        values = {
            "content": to_json(without_person(from_json(Order, row.content))),
            "facts": to_json(facts),
            "version": row.version + 1,
        }
        connection.execute(update(orders).where(orders.c.order_id == row.order_id).values(values))
        append_events(connection, row.order_id, row.version + 1, now, [event])
        personal = and_(begins(row.order_id), effects.c.kind.in_(PERSONAL))
        sent = select(effects.c.kind, effects.c.key, effects.c.payload).where(personal)
        for one in connection.execute(sent).all():
            this = (effects.c.kind == one.kind) & (effects.c.key == one.key)
            blank = payload_without_person(one.kind, one.payload)
            connection.execute(update(effects).where(this).values(payload=blank))


def _is_told(connection: Connection, row: Any, of_it: Sequence[str]) -> bool:
    """Say whether a person is still asked about an order, its refunds or requests."""
    requests = select(payment_requests.c.request_id).where(
        payment_requests.c.order_id == row.order_id
    )
    key = dead_letters.c.key
    names = [*of_it, *connection.scalars(requests)]
    about = [key.contains(one, autoescape=True) for one in names]
    about.append(key == f"{row.shop_id}|{row.number}")
    if row.sales_order:
        about.append(key.endswith(f"|{row.sales_order}", autoescape=True))
    wanted = select(key).where(dead_letters.c.state == "open", or_(*about)).limit(1)
    return connection.execute(wanted).first() is not None
