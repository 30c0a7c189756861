"""Opens and closes the dead letters that an order's own facts stand behind."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select

from include.adapters.store.dead_letters import close_letter, open_letter
from include.adapters.store.order_tables import orders
from include.adapters.store.schema import effects
from include.domain.order_state import OrderFacts
from include.services.orders.driver import Event, Saga
from include.services.orders.own_letters import OwnLetter, own_letters

_EFFECT = select(effects.c.currency, effects.c.amount_minor, effects.c.owner).where(
    effects.c.key == bindparam("of_key")
)
_ORDER = select(orders.c.currency, orders.c.amount_minor, orders.c.owner).where(
    orders.c.order_id == bindparam("of_key")
)


def note_letters(
    connection: Connection, now: datetime, saga: Saga[OrderFacts], events: Sequence[Event]
) -> None:
    """Open or close them in the commit that changes the order.

    ``saga.stored`` are the facts as they were read. A person's own event names who closed one.
    """
    before = own_letters(saga.stored) if saga.stored else {}
    after = own_letters(saga.facts)
    for kind in before.keys() - after.keys():
        event = next((one for one in events if one.via), Event("it goes on", who="tieout"))
        close_letter(connection, now, kind, saga.key, event.who, event.what)
    for kind, letter in after.items():
        if before.get(kind) == letter:
            continue
        stake = _at_stake(connection, saga.key, letter)
        open_letter(
            connection,
            now=now,
            kind=kind,
            key=saga.key,
            currency=stake.currency,
            amount_minor=stake.amount_minor,
            reason=letter.note.reason,
            next_action=letter.note.next_action,
            owner=stake.owner,
        )


def _at_stake(connection: Connection, order_id: str, letter: OwnLetter) -> Any:
    """Read currency, amount and owner of the letter's effect, or else of the order."""
    key = f"{order_id}|{letter.step}" if letter.step else order_id
    wanted = _EFFECT if letter.step else _ORDER
    return connection.execute(wanted, {"of_key": key}).one_or_none()
