"""Leases in the database: one row per name, a fencing token that only grows.

A released lease keeps its row, because the token must never start again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, Table, Update, update
from sqlalchemy.dialects import postgresql, sqlite

from include.adapters.store.clock import StoreClock, database_now
from include.adapters.store.schema import leases
from include.services.effects.store import Lease, LeaseLost


def once_insert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return the dialect's INSERT, which knows ON CONFLICT."""
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    return make(table)


def take_lease(
    connection: Connection, now: datetime, name: str, holder: str, duration: timedelta
) -> Lease | None:
    """Take a lease within the caller's transaction; ``None``: somebody holds it."""
    wanted = once_insert(connection, leases).values(
        name=name, holder=holder, fence=1, expires_at=now + duration
    )
    taken = wanted.on_conflict_do_update(
        index_elements=[leases.c.name],
        set_={"holder": holder, "fence": leases.c.fence + 1, "expires_at": now + duration},
        where=leases.c.expires_at <= now,
    ).returning(leases.c.fence)
    fence = connection.scalar(taken)
    return None if fence is None else Lease(name, holder, fence, now + duration)


def give_back(connection: Connection, now: datetime, lease: Lease) -> None:
    """Give a lease back within the caller's transaction; one already lost is left alone."""
    connection.execute(_ours(lease).values(expires_at=now))


@dataclass(frozen=True, slots=True)
class SqlLeases:
    """Leases by name, e.g. ``syspro-operator|syspro_a``: single flight across processes."""

    engine: Engine
    clock: StoreClock = database_now

    def acquire(self, name: str, holder: str, duration: timedelta) -> Lease | None:
        """Take a free or expired lease in one statement; ``None``: somebody holds it."""
        with self.engine.begin() as connection:
            return take_lease(connection, self.clock(connection), name, holder, duration)

    def renew(self, lease: Lease, duration: timedelta) -> datetime:
        """Extend a lease that is still ours, and return the store's time.

        Raises:
            LeaseLost: somebody took it over.
        """
        with self.engine.begin() as connection:
            now = self.clock(connection)
            changed = connection.execute(_ours(lease).values(expires_at=now + duration)).rowcount
        if not changed:
            raise LeaseLost(lease.name)
        return now

    def release(self, lease: Lease) -> None:
        """Give it back at once; a lease already lost is left alone."""
        with self.engine.begin() as connection:
            give_back(connection, self.clock(connection), lease)


def _ours(lease: Lease) -> Update:
    same = (leases.c.name == lease.name) & (leases.c.fence == lease.fence)
    return update(leases).where(same & (leases.c.holder == lease.holder))
