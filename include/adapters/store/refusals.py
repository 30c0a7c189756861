"""The dead letter of what the gateway refused an order: open exactly as long as it stands so."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from include.adapters.store.dead_letters import close_letter, open_letter
from include.adapters.store.schema import effects
from include.domain.order_state import OrderFacts
from include.services.orders.driver import Event, Saga
from include.services.orders.refused import refusal_of

_EFFECT = select(effects.c.currency, effects.c.amount_minor, effects.c.owner).where(
    effects.c.key == bindparam("of_key")
)


def note_refusal(
    connection: Connection, now: datetime, saga: Saga[OrderFacts], events: Sequence[Event]
) -> None:
    """Open or close it in the commit that changes the order: nothing else stands behind a no.

    ``saga.stored`` are the facts as they were read. A person's own event names who closed it.
    """
    before = refusal_of(saga.stored) if saga.stored else None
    after = refusal_of(saga.facts)
    if before == after:
        return
    if before is not None and (after is None or after.kind != before.kind):
        event = next((one for one in events if one.via), Event("it goes on", who="tieout"))
        close_letter(connection, now, before.kind, saga.key, event.who, event.what)
    if after is None:
        return
    found = connection.execute(_EFFECT, {"of_key": f"{saga.key}|{after.step}"}).one_or_none()
    open_letter(
        connection,
        now=now,
        kind=after.kind,
        key=saga.key,
        currency=found.currency if found else "",
        amount_minor=found.amount_minor if found else None,
        reason=after.note.reason,
        next_action=after.note.next_action,
        owner=found.owner if found else "",
    )
