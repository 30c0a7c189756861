"""A saga that waits for a person is driven again as soon as its effect moves on.

Sagas that are stuck need not ask every few minutes: the commit that closes the dead letter of an
effect makes the saga due which has begun it.
"""

from datetime import datetime

from sqlalchemy import Connection, bindparam, update

from include.adapters.store.order_tables import orders, refunds

_WAKE = [
    update(table).where(key == bindparam("of_saga")).values(version=table.c.version + 1)
    for table, key in ((orders, orders.c.order_id), (refunds, refunds.c.refund_id))
]


def wake_saga(connection: Connection, effect_key: str, now: datetime) -> None:
    """Make due whose effect this is, if it is a saga's; in the caller's transaction.

    The version grows, so that who has just read the effect as it was cannot put the saga to rest.
    """
    of_saga = effect_key.partition("|")[0]
    for statement in _WAKE:
        connection.execute(statement, {"of_saga": of_saga, "next_at": now})
