"""Effects in the database. "Once" is a constraint; every change checks the fencing token.

The token is checked in the statement that makes the change, together with the row being as it was
read, so a worker that slept through its lease writes nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    exists,
    func,
    or_,
    select,
    true,
    update,
)

from include.adapters.store import audit
from include.adapters.store.clock import StoreClock, database_now
from include.adapters.store.dead_letters import close_letter, open_letter
from include.adapters.store.leases import SqlLeases, give_back, once_insert, take_lease
from include.adapters.store.schema import effects, leases
from include.adapters.store.transactions import OpenTransactions
from include.services.effects.boundaries import Boundary, BoundaryHook, pass_by
from include.services.effects.ports import Effect, EffectKind, EffectState
from include.services.effects.states import UNFINISHED
from include.services.effects.store import Change, Lease, LeaseLost
from include.services.effects.wording import effect_detail, reference_taken, subject_of


class SqlEffectStore:
    """The effect store on SQLite or PostgreSQL; one transaction per call, none left open."""

    def __init__(
        self, engine: Engine, clock: StoreClock = database_now, boundary: BoundaryHook = pass_by
    ) -> None:
        """Join the parts.

        Args:
            engine: from ``open_store``, with the tables of ``schema``.
            clock: the database's own; tests put a virtual one here.
            boundary: called inside the transactions; tests die there.
        """
        self._engine = engine
        self._clock = clock
        self._boundary = boundary
        self._leases = SqlLeases(engine, clock)
        self._transactions = OpenTransactions.of(engine)

    def now(self) -> datetime:
        with self._engine.begin() as connection:
            return self._clock(connection)

    def acquire(self, name: str, holder: str, duration: timedelta) -> Lease | None:
        return self._leases.acquire(name, holder, duration)

    def renew(self, lease: Lease, duration: timedelta) -> datetime:
        return self._leases.renew(lease, duration)

    def release(self, lease: Lease) -> None:
        self._leases.release(lease)

    def insert(self, effect: Effect, who: str) -> Effect:
        """Insert once: the primary key decides which of two workers was first."""
        with self._engine.begin() as connection:
            wanted = once_insert(connection, effects).values(**_row_of(effect))
            if connection.execute(wanted.on_conflict_do_nothing()).rowcount:
                self._boundary(Boundary.inside_intent)
                self._append(connection, who, "effect intended", effect, effect.digest)
                return effect
            stored = self._read(connection, effect.kind, effect.key)
            if stored is not None:
                return stored
            taken = (effects.c.target == effect.target) & (effects.c.reference == effect.reference)
            other = connection.scalar(select(effects.c.key).where(taken))
        raise reference_taken(effect, str(other))

    def begin(
        self, effect: Effect, mark: Callable[[Effect], Change], who: str, duration: timedelta
    ) -> tuple[Effect, Lease | None]:
        """Commit intent, lease and send in one transaction: the primary key decides who does."""
        with self._engine.begin() as connection:
            now = self._clock(connection)
            lease = take_lease(connection, now, subject_of(effect), who, duration)
            fresh = replace(effect, intended_at=now)
            if lease is not None:
                sent = replace(mark(fresh).after, fence=lease.fence)
                wanted = once_insert(connection, effects).values(**_row_of(sent))
                if connection.execute(wanted.on_conflict_do_nothing()).rowcount:
                    self._boundary(Boundary.inside_intent)
                    self._append(connection, who, "effect intended", fresh, effect.digest)
                    cause = mark(fresh).cause
                    self._append(connection, who, "effect intended -> sent", sent, cause)
                    return sent, lease
                give_back(connection, now, lease)
        return self.insert(fresh, who), None

    def get(self, kind: EffectKind, key: str) -> Effect | None:
        with self._engine.begin() as connection:
            return self._read(connection, kind, key)

    def change(self, lease: Lease, change: Change, *, releases: bool = False) -> Effect:
        """Write the row, its dead letter and its audit entry in one transaction.

        Raises:
            LeaseLost: the fencing token is old, or the row has changed. Nothing was written.
        """
        after = replace(change.after, fence=lease.fence)
        with self._engine.begin() as connection:
            written = (
                update(effects)
                .where(_as_read(change.before), self._holds(lease))
                .values(**_row_of(after))
            )
            if not connection.execute(written).rowcount:
                raise LeaseLost(lease.name)
            self._boundary(Boundary.inside_change)
            who = change.who or lease.holder
            self._letters(connection, change, after, who)
            if releases:
                give_back(connection, self._clock(connection), lease)
            what = f"effect {change.before.state.value} -> {after.state.value}"
            self._append(connection, who, what, after, change.cause)
        return after

    def due(
        self, limit: int, targets: Sequence[str] | None = None
    ) -> Sequence[tuple[EffectKind, str]]:
        with self._engine.begin() as connection:
            now = self._clock(connection)
            rows = connection.execute(
                select(effects.c.kind, effects.c.key)
                .where(
                    effects.c.state.in_([state.value for state in UNFINISHED]),
                    or_(effects.c.next_at.is_(None), effects.c.next_at <= now),
                    true() if targets is None else effects.c.target.in_(list(targets)),
                )
                .order_by(func.coalesce(effects.c.next_at, effects.c.intended_at), effects.c.key)
                .limit(limit)
            )
            return [(EffectKind(row.kind), row.key) for row in rows]

    def listing(self, states: Sequence[EffectState], limit: int = 1000) -> Sequence[Effect]:
        wanted = select(effects).where(effects.c.state.in_([state.value for state in states]))
        order = (effects.c.intended_at, effects.c.kind, effects.c.key)
        with self._engine.begin() as connection:
            return [
                _effect(row) for row in connection.execute(wanted.order_by(*order).limit(limit))
            ]

    def counts(self) -> dict[EffectState, int]:
        with self._engine.begin() as connection:
            rows = connection.execute(
                select(effects.c.state, func.count().label("n")).group_by(effects.c.state)
            )
            return {EffectState(row.state): row.n for row in rows}

    def is_in_transaction(self) -> bool:
        return self._transactions.is_open()

    def _holds(self, lease: Lease) -> ColumnElement[bool]:
        ours = (leases.c.name == lease.name) & (leases.c.fence == lease.fence)
        return exists().where(ours)

    def _read(self, connection: Connection, kind: EffectKind, key: str) -> Effect | None:
        wanted = select(effects).where(effects.c.kind == kind.value, effects.c.key == key)
        row = connection.execute(wanted).one_or_none()
        return None if row is None else _effect(row)

    def _letters(self, connection: Connection, change: Change, after: Effect, who: str) -> None:
        now = self._clock(connection)
        if change.resolution:
            close_letter(connection, now, after.kind.value, after.key, who, change.resolution)
        if change.dead_letter is not None:
            open_letter(
                connection,
                now=now,
                kind=after.kind.value,
                key=after.key,
                currency=after.currency,
                amount_minor=after.amount_minor,
                reason=change.dead_letter.reason,
                next_action=change.dead_letter.next_action,
                owner=after.owner,
            )

    def _append(
        self, connection: Connection, who: str, what: str, effect: Effect, cause: str
    ) -> None:
        now, detail = self._clock(connection), effect_detail(effect, cause)
        audit.append(connection, now, who, what, subject_of(effect), detail)


def _as_read(before: Effect) -> ColumnElement[bool]:
    """The row is still the one we read: every change moves at least one of these."""
    columns = effects.c
    return (
        (columns.kind == before.kind.value)
        & (columns.key == before.key)
        & (columns.state == before.state.value)
        & (columns.sends == before.sends)
        & (columns.absent_looks == before.absent_looks)
        & (columns.fence == before.fence)
    )


def _row_of(effect: Effect) -> dict[str, object]:
    return {**asdict(effect), "kind": effect.kind.value, "state": effect.state.value}


def _effect(row: Row) -> Effect:  # type: ignore[type-arg]
    found = dict(row._mapping)
    return Effect(
        **{**found, "kind": EffectKind(found["kind"]), "state": EffectState(found["state"])}
    )
