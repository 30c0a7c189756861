"""Opens and closes the dead letters that an order's own facts stand behind."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select

from include.adapters.store.dead_letters import close_letter, open_letter
from include.adapters.store.order_tables import orders
from include.adapters.store.schema import effects
from include.domain.order_state import OrderFacts
from include.domain.order_steps import name_of
from include.services.orders.own_letters import own_letters
from include.services.orders.sagas import Event, Saga
from include.services.orders.steps import STEPS

_EFFECT = (
    select(effects.c.currency, effects.c.amount_minor)
    .where(effects.c.kind == bindparam("of_kind"))
    .where(effects.c.key == bindparam("of_key"))
)
_ORDER = select(orders.c.currency, orders.c.amount_minor, orders.c.merchant_id).where(
    orders.c.order_id == bindparam("of_key")
)


def note_letters(
    connection: Connection,
    now: datetime,
    saga: Saga[OrderFacts],
    events: Sequence[Event],
    owner_of: Callable[[str], str],
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
        order = connection.execute(_ORDER, {"of_key": saga.key}).one()
        stake = _effect(connection, saga.key, letter.step) or order
        open_letter(
            connection,
            now=now,
            kind=kind,
            key=saga.key,
            currency=stake.currency,
            amount_minor=stake.amount_minor if letter.minor is None else letter.minor,
            reason=letter.note.reason,
            next_action=letter.note.next_action,
            owner=owner_of(order.merchant_id),
        )


def _effect(connection: Connection, order_id: str, step: str) -> Any:
    """Read currency and amount of a step's effect; ``None`` where there is none."""
    if not step:
        return None
    wanted = {"of_kind": STEPS[name_of(step)].kind.value, "of_key": f"{order_id}|{step}"}
    return connection.execute(_EFFECT, wanted).one_or_none()
