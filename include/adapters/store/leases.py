"""Leases in the database: one row per name, a fencing token that only grows.

A released lease keeps its row, because the token must not start again: what guards an effect or a
saga compares the token alone, so whoever slept under token 1 would pass once a row began anew. Only
after ``KEPT_FOR`` it is dropped: no process sleeps so long, and a send that does may not leave.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import (
    Connection,
    Engine,
    Executable,
    Table,
    bindparam,
    delete,
    false,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from include.adapters.store.clock import StoreClock, database_now, light_now
from include.adapters.store.schema import leases
from include.services.effects.store import Lease, LeaseLost

KEPT_FOR = timedelta(days=90)
_PART = 10_000  # rows of one transaction


def once_insert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return the dialect's INSERT, which knows ON CONFLICT."""
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    return make(table)


@cache
def insert_once(dialect: str, table: Table) -> Executable:
    """Return a statement, built once, that inserts a row unless one of its keys is there."""
    make = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return make(table).on_conflict_do_nothing()


@cache
def _grant(dialect: str, *, is_ours_again: bool = False) -> Executable:
    make = sqlite.insert if dialect == "sqlite" else postgresql.insert
    wanted = make(leases).values(
        name=bindparam("lease"),
        holder=bindparam("taker"),
        fence=1,
        expires_at=bindparam("until", type_=leases.c.expires_at.type),
    )
    return wanted.on_conflict_do_update(
        index_elements=[leases.c.name],
        set_={
            "holder": wanted.excluded.holder,
            "fence": leases.c.fence + 1,
            "expires_at": wanted.excluded.expires_at,
        },
        where=(leases.c.expires_at <= bindparam("now", type_=leases.c.expires_at.type))
        | (leases.c.holder == bindparam("taker") if is_ours_again else false()),
    ).returning(leases.c.fence)


_IS_OURS = (
    (leases.c.name == bindparam("lease"))
    & (leases.c.fence == bindparam("known_fence"))
    & (leases.c.holder == bindparam("known_holder"))
)
_EXTEND = (
    update(leases)
    .where(_IS_OURS)
    .values(expires_at=bindparam("until", type_=leases.c.expires_at.type))
)
# Locked, so that nobody takes it before the caller's transaction ends; SQLite has one writer.
_HELD = select(leases.c.fence).where(_IS_OURS).with_for_update(read=True)


def take_lease(
    connection: Connection,
    now: datetime,
    name: str,
    holder: str,
    duration: timedelta,
    *,
    is_ours_again: bool = False,
) -> Lease | None:
    """Take a lease within the caller's transaction; ``None``: somebody holds it.

    ``is_ours_again``: of this holder it is no somebody, but goes on.
    """
    values = {"lease": name, "taker": holder, "until": now + duration, "now": now}
    grant = _grant(connection.dialect.name, is_ours_again=is_ours_again)
    fence = connection.execute(grant, values).scalar()
    return None if fence is None else Lease(name, holder, fence, now + duration)


def give_back(connection: Connection, now: datetime, lease: Lease) -> None:
    """Give a lease back within the caller's transaction; one already lost is left alone."""
    connection.execute(_EXTEND, _ours(lease, now))


def demand_held(connection: Connection, lease: Lease) -> None:
    """Let the caller's transaction go on only while nobody has taken a lease over.

    Raises:
        LeaseLost: somebody has.
    """
    if connection.execute(_HELD, _known(lease)).scalar() is None:
        raise LeaseLost(lease.name)


@dataclass(frozen=True, slots=True)
class SqlLeases:
    """Leases by name, ``syspro-operator|<server>|<operator>``: single flight across processes."""

    engine: Engine
    clock: StoreClock = database_now

    def acquire(self, name: str, holder: str, duration: timedelta) -> Lease | None:
        """Take a free or expired lease in one statement; ``None``: somebody holds it."""
        with self.engine.begin() as connection:
            return take_lease(connection, self.clock(connection), name, holder, duration)

    def renew(self, lease: Lease, duration: timedelta) -> datetime:
        """Extend a lease that is still ours, and return the store's time.

        An extension that is lost with the machine ends the turn early, and the fence shows that.

        Raises:
            LeaseLost: somebody took it over.
        """
        with self.engine.begin() as connection:
            now = light_now(connection, self.clock)
            changed = connection.execute(_EXTEND, _ours(lease, now + duration)).rowcount
        if not changed:
            raise LeaseLost(lease.name)
        return now

    def release(self, lease: Lease) -> None:
        """Give it back at once; a lease already lost is left alone."""
        with self.engine.begin() as connection:
            give_back(connection, self.clock(connection), lease)

    def purge(self, lapsed_for: timedelta = KEPT_FOR) -> int:
        """Drop the leases that nobody has held for so long; return how many.

        By name, part by part: an index of when they lapse would cost each taking of a lease.
        """
        gone, after = 0, ""
        last: str | None = after
        while last is not None:
            names = select(leases.c.name).where(leases.c.name > after).order_by(leases.c.name)
            with self.engine.begin() as connection:
                until = self.clock(connection) - lapsed_for
                last = connection.scalar(names.offset(_PART - 1).limit(1))
                lapsed = delete(leases).where(leases.c.name > after, leases.c.expires_at <= until)
                part = lapsed if last is None else lapsed.where(leases.c.name <= last)
                gone += connection.execute(part).rowcount
            after = last or ""
        return gone


def _known(lease: Lease) -> dict[str, object]:
    return {"lease": lease.name, "known_fence": lease.fence, "known_holder": lease.holder}


def _ours(lease: Lease, until: datetime) -> dict[str, object]:
    return _known(lease) | {"until": until}
