"""Effects in the database. "Once" is a constraint; every change checks the fencing token.

The token is checked in the statement that makes the change, together with the row being as it was
read, so a worker that slept through its lease writes nothing.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from operator import attrgetter

from sqlalchemy import (
    Connection,
    Engine,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)

from include.adapters.store import audit
from include.adapters.store.clock import StoreClock, database_now, light_now
from include.adapters.store.dead_letters import close_letter, open_letter
from include.adapters.store.effect_keys import begins
from include.adapters.store.effect_rows import effect_of, row_of, select_effects
from include.adapters.store.leases import SqlLeases, demand_held, give_back, insert_once, take_lease
from include.adapters.store.schema import effects, leases
from include.adapters.store.transactions import OpenTransactions, reading
from include.adapters.store.wake import wake_saga
from include.services.effects.boundaries import Boundary, BoundaryHook, pass_by
from include.services.effects.chain import AuditEntry
from include.services.effects.ports import Effect, EffectKind, EffectState
from include.services.effects.states import MADE, NEEDS_A_PERSON, UNFINISHED
from include.services.effects.store import EVERY_STATE, Change, Decide, Lease, Leased, LeaseLost
from include.services.effects.wording import effect_detail, reference_taken, subject_of

# The others are what was meant; they stay as they were inserted, and so do their indexes.
_CHANGING = (
    "sends", "absent_looks", "sent_at", "next_at", "silent_since", "their_key", "evidence",
    "reason", "fence",
)  # fmt: skip
_changing_of = attrgetter(*_CHANGING)
_UNFINISHED = [state.value for state in UNFINISHED]
_Instants = effects.c.next_at.type

# Built once: a statement costs more to put together than to run.
_HOLDER = select_effects().where(
    effects.c.target == bindparam("of_target"), effects.c.reference == bindparam("of_reference")
)
_READ = select_effects().where(
    effects.c.kind == bindparam("of_kind"), effects.c.key == bindparam("of_key")
)
_AS_READ = (  # the row is still the one we read: every change moves at least one of these
    (effects.c.kind == bindparam("of_kind"))
    & (effects.c.key == bindparam("of_key"))
    & (effects.c.state == bindparam("was_state"))
    & (effects.c.sends == bindparam("was_sends"))
    & (effects.c.absent_looks == bindparam("was_looks"))
    & (effects.c.fence == bindparam("was_fence"))
)
_LEASE_HOLDS = exists().where(
    leases.c.name == bindparam("lease"), leases.c.fence == bindparam("lease_fence")
)
_CHANGE = update(effects).where(_AS_READ, _LEASE_HOLDS)
_DUE = (
    select(effects.c.kind, effects.c.key)
    .where(
        effects.c.state.in_(_UNFINISHED),
        or_(effects.c.next_at.is_(None), effects.c.next_at <= bindparam("now", type_=_Instants)),
    )
    .order_by(func.coalesce(effects.c.next_at, effects.c.intended_at), effects.c.key)
    .limit(bindparam("most"))
)
_MAKE_WAY = delete(effects).where(
    effects.c.state == EffectState.withdrawn.value,
    or_(
        (effects.c.kind == bindparam("of_kind")) & (effects.c.key == bindparam("of_key")),
        (effects.c.target == bindparam("of_target"))
        & (effects.c.reference == bindparam("of_reference")),
    ),
)


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
        with reading(self._engine) as connection:
            return self._clock(connection)

    def acquire(self, name: str, holder: str, duration: timedelta) -> Lease | None:
        return self._leases.acquire(name, holder, duration)

    def renew(self, lease: Lease, duration: timedelta) -> datetime:
        return self._leases.renew(lease, duration)

    def release(self, lease: Lease) -> None:
        self._leases.release(lease)

    def insert(self, effect: Effect, who: str, *, under: Lease | None = None) -> Effect:
        """Insert once: the primary key decides which of two workers was first."""
        with self._engine.begin() as connection:
            if under is not None:
                demand_held(connection, under)
            if _is_inserted(connection, effect):
                self._boundary(Boundary.inside_intent)
                entry = _entry(
                    self._clock(connection), who, "effect intended", effect, effect.digest
                )
                audit.append_all(connection, [entry])
                return effect
            stored = self._read(connection, effect.kind, effect.key)
            if stored is not None:
                return stored
            taken = (effects.c.target == effect.target) & (effects.c.reference == effect.reference)
            other = connection.scalar(select(effects.c.key).where(taken))
        raise reference_taken(effect, str(other))

    def begin(
        self,
        effect: Effect,
        mark: Callable[[Effect], Change],
        who: str,
        duration: timedelta,
        *,
        under: Lease | None = None,
    ) -> tuple[Effect, Lease | None]:
        """Commit intent, lease and change in one transaction: the primary key decides who does."""
        with self._engine.begin() as connection:
            if under is not None:
                demand_held(connection, under)
            now = self._clock(connection)
            lease = take_lease(connection, now, subject_of(effect), who, duration)
            fresh = effect.but(intended_at=now)
            if lease is not None:
                change = mark(fresh)
                begun = change.after.but(fence=lease.fence)
                if _is_inserted(connection, begun):
                    self._boundary(Boundary.inside_intent)
                    self._letters(connection, change, begun, who, now)
                    intended = _entry(now, who, "effect intended", fresh, effect.digest)
                    what = f"effect intended -> {begun.state.value}"
                    began = _entry(now, who, what, begun, change.cause)
                    audit.append_all(connection, [intended, began])
                    return begun, lease
                give_back(connection, now, lease)
        return self.insert(fresh, who, under=under), None

    def get(self, kind: EffectKind, key: str) -> Effect | None:
        with reading(self._engine) as connection:
            return self._read(connection, kind, key)

    def holder(self, target: str, reference: str) -> Effect | None:
        of = {"of_target": target, "of_reference": reference}
        with reading(self._engine) as connection:
            row = connection.execute(_HOLDER, of).one_or_none()
        return None if row is None else effect_of(row)

    def has_later(self, effect: Effect) -> bool:
        saga = effect.key.partition("|")[0]
        wanted = select(effects.c.key).where(
            effects.c.kind == effect.kind.value,
            begins(saga),
            effects.c.state.in_([state.value for state in MADE]),
            effects.c.intended_at > effect.intended_at,
        )
        with reading(self._engine) as connection:
            return connection.execute(wanted.limit(1)).first() is not None

    def lease(self, kind: EffectKind, key: str, holder: str, duration: timedelta) -> Leased:
        """Take the lease, then read: in this order, so that no other worker changes the row."""
        with self._engine.begin() as connection:
            now = self._clock(connection)
            lease = take_lease(connection, now, f"{kind}|{key}", holder, duration)
            return Leased(self._read(connection, kind, key), lease, now)

    def change(self, lease: Lease, decide: Decide, *, in_passing: bool = False) -> Effect:
        """Write the row, its dead letter and its audit entry in one transaction.

        An answer that is written in passing reaches the disk with the next commit, which is the
        saga's. Lost with the machine, it leaves the record of the send: a doubt.

        Raises:
            LeaseLost: the fencing token is old, or the row has changed. Nothing was written.
        """
        with self._engine.begin() as connection:
            now = light_now(connection, self._clock) if in_passing else self._clock(connection)
            change = decide(now)
            after = change.after.but(fence=lease.fence)
            values = {**_changed(after), **_as_read(change.before), **self._holds(lease)}
            if not connection.execute(_CHANGE, values).rowcount:
                raise LeaseLost(lease.name)
            self._boundary(Boundary.inside_change)
            who = change.who or lease.holder
            self._letters(connection, change, after, who, now)
            if change.gives_back:
                give_back(connection, now, lease)
            what = f"effect {change.before.state.value} -> {after.state.value}"
            audit.append_all(connection, [_entry(now, who, what, after, change.cause)])
        return after

    def due(
        self, limit: int, targets: Sequence[str] | None = None
    ) -> Sequence[tuple[EffectKind, str]]:
        with self._engine.begin() as connection:
            wanted = _DUE if targets is None else _DUE.where(effects.c.target.in_(list(targets)))
            rows = connection.execute(wanted, {"now": self._clock(connection), "most": limit})
            return [(EffectKind(row.kind), row.key) for row in rows]

    def listing(self, states: Sequence[EffectState], limit: int = 1000) -> Sequence[Effect]:
        wanted = select_effects().where(effects.c.state.in_([state.value for state in states]))
        order = (effects.c.intended_at, effects.c.kind, effects.c.key)
        with self._engine.begin() as connection:
            return [
                effect_of(row) for row in connection.execute(wanted.order_by(*order).limit(limit))
            ]

    def counts(self, states: Sequence[EffectState] = EVERY_STATE) -> dict[EffectState, int]:
        wanted = (
            select(effects.c.state, func.count().label("n"))
            .where(effects.c.state.in_([state.value for state in states]))
            .group_by(effects.c.state)
        )
        with self._engine.begin() as connection:
            rows = connection.execute(wanted)
            return {EffectState(row.state): row.n for row in rows}

    def is_in_transaction(self) -> bool:
        return self._transactions.is_open()

    def _holds(self, lease: Lease) -> dict[str, object]:
        return {"lease": lease.name, "lease_fence": lease.fence}

    def _read(self, connection: Connection, kind: EffectKind, key: str) -> Effect | None:
        row = connection.execute(_READ, {"of_kind": kind.value, "of_key": key}).one_or_none()
        return None if row is None else effect_of(row)

    @staticmethod
    def _letters(
        connection: Connection, change: Change, after: Effect, who: str, now: datetime
    ) -> None:
        if change.resolution:
            close_letter(connection, now, after.kind.value, after.key, who, change.resolution)
            if after.state not in NEEDS_A_PERSON:
                wake_saga(connection, after.key, now)
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


def _entry(now: datetime, who: str, what: str, effect: Effect, cause: str) -> AuditEntry:
    return AuditEntry(now, who, what, subject_of(effect), effect_detail(effect, cause))


def _is_inserted(connection: Connection, effect: Effect) -> bool:
    """Insert once; what was withdrawn, under its key or with its reference, makes way."""
    wanted, row = insert_once(connection.dialect.name, effects), row_of(effect)
    if connection.execute(wanted, row).rowcount:
        return True
    in_the_way = {name: row[name] for name in ("kind", "key", "target", "reference")}
    if not connection.execute(_MAKE_WAY, {f"of_{k}": v for k, v in in_the_way.items()}).rowcount:
        return False
    return bool(connection.execute(wanted, row).rowcount)


def _as_read(before: Effect) -> dict[str, object]:
    return {
        "of_kind": before.kind.value,
        "of_key": before.key,
        "was_state": before.state.value,
        "was_sends": before.sends,
        "was_looks": before.absent_looks,
        "was_fence": before.fence,
    }


def _changed(effect: Effect) -> dict[str, object]:
    row = dict(zip(_CHANGING, _changing_of(effect), strict=True))
    row["state"] = effect.state.value
    return row
