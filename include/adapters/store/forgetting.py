"""Takes the person out of orders and of what was sent for them; each order in one commit."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, and_, delete, or_, select, update

from include.adapters.store import audit
from include.adapters.store.clock import StoreClock, database_now
from include.adapters.store.effect_keys import begins
from include.adapters.store.order_tables import customer_links, customers, orders, refunds
from include.adapters.store.orders import append_events
from include.adapters.store.schema import dead_letters, effects
from include.domain.canonical import from_json, to_json
from include.domain.forgetting import PERSONAL, payload_without_person, without_person
from include.domain.order_state import ENDED, OrderFacts, OrderState
from include.domain.orders import Order
from include.domain.paying import closed
from include.domain.refunds import RefundState
from include.services.effects.chain import Signed
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
            why = self._why_kept(connection, row, now - kept_for)
            if why:
                return why
            self._blank(connection, row, now, event)
            entry = Signed(event.what, event.who, event.via, event.detail)
            audit.append_all(connection, [entry.entry(now, f"order|{order_id}")])
        return ""

    def unlink(self, shop_id: str, shopper_keys: tuple[str, ...]) -> None:
        """Forget which customer of SYSPRO a shopper is."""
        with self.engine.begin() as connection:
            for table in (customers, customer_links):
                theirs = (table.c.shop_id == shop_id) & table.c.shopper_key.in_(shopper_keys)
                connection.execute(delete(table).where(theirs))

    def _why_kept(self, connection: Connection, row: Any, last: datetime) -> str:
        if row.state not in ENDED:
            return f"it is {row.state}"
        if row.accepted_at > last:
            return f"it was accepted on {row.accepted_at:%Y-%m-%d}, so it may still be disputed"
        refund_ids = select(refunds.c.refund_id).where(refunds.c.order_id == row.order_id)
        is_open = refunds.c.state.not_in(_OVER)
        if connection.execute(refund_ids.where(is_open).limit(1)).first() is not None:
            return "a refund of it is under way"
        of_it = [row.order_id, *connection.scalars(refund_ids)]
        unfinished = effects.c.state.in_([state.value for state in UNFINISHED])
        busy = select(effects.c.key).where(or_(*map(begins, of_it)), unfinished).limit(1)
        if connection.execute(busy).first() is not None:
            return "something that was sent for it has no answer yet"
        key = dead_letters.c.key
        told = or_(*(or_(key == one, key.startswith(f"{one}|", autoescape=True)) for one in of_it))
        letter = select(key).where(dead_letters.c.state == "open", told).limit(1)
        return "" if connection.execute(letter).first() is None else "a dead letter of it is open"

    @staticmethod
    def _blank(connection: Connection, row: Any, now: datetime, event: Event) -> None:
        values = {
            "content": to_json(without_person(from_json(Order, row.content))),
            "version": row.version + 1,
        }
        if row.state == OrderState.declined:  # there is nobody left who could pay for it
            values["facts"] = to_json(closed(from_json(OrderFacts, row.facts)))
        connection.execute(update(orders).where(orders.c.order_id == row.order_id).values(values))
        append_events(connection, row.order_id, row.version + 1, now, [event])
        personal = and_(begins(row.order_id), effects.c.kind.in_(PERSONAL))
        sent = select(effects.c.kind, effects.c.key, effects.c.payload).where(personal)
        for one in connection.execute(sent).all():
            this = (effects.c.kind == one.kind) & (effects.c.key == one.key)
            blank = payload_without_person(one.kind, one.payload)
            connection.execute(update(effects).where(this).values(payload=blank))
