"""A worker's life, which ends at a crash, and its own handle on the shared store.

A crashed life is a process that no longer exists: from that instant on it can write nothing.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from include.services.effects.ports import Effect, EffectKind, EffectState
from include.services.effects.store import EVERY_STATE, Change, Decide, EffectStore, Lease, Leased

if TYPE_CHECKING:
    from tests.simulator.world import World


class Crash(BaseException):
    """The process is gone. Not an ``Exception``: no code of ours may survive it."""


class DatabaseGone(Exception):
    """The connection broke around a COMMIT; whether it took place is unknown."""


class Life:
    """One process from its start to its end."""

    def __init__(self, world: "World", name: str, skew: float) -> None:
        self.name = name
        self.is_dead = False
        self._world = world
        self._skew = timedelta(seconds=skew)

    def now(self) -> datetime:
        """This worker's own clock, right or wrong."""
        return self._world.hub.now() + self._skew

    def stand_still(self, seconds: float) -> None:
        """Let this worker's clock have missed the time, as a paused host's does."""
        self._skew -= timedelta(seconds=seconds)

    def die(self) -> None:
        self.is_dead = True
        raise Crash(self.name)


class Handle:
    """The store as one life sees it: it may be interrupted before any call, and cut off."""

    def __init__(self, world: "World", life: Life, store: EffectStore) -> None:
        self._world = world
        self._life = life
        self._store = store

    def now(self) -> datetime:
        return self._store.now()

    def acquire(self, name: str, holder: str, duration: timedelta) -> Lease | None:
        self._begin()
        lease = self._store.acquire(name, holder, duration)
        self._world.observe_lease(name, lease)
        return lease

    def renew(self, lease: Lease, duration: timedelta) -> datetime:
        self._begin()
        return self._store.renew(lease, duration)

    def release(self, lease: Lease) -> None:
        if not self._life.is_dead:
            self._store.release(lease)

    def insert(self, effect: Effect, who: str, *, under: Lease | None = None) -> Effect:
        self._begin()
        self._lose_commit("intent")
        stored = self._store.insert(effect, who, under=under)
        self._world.observe_intent(stored)
        self._break_after_commit("intent")
        return stored

    def begin(
        self,
        effect: Effect,
        mark: Callable[[Effect], Change],
        who: str,
        duration: timedelta,
        *,
        under: Lease | None = None,
    ) -> tuple[Effect, Lease | None]:
        self._begin()
        self._lose_commit("intent")
        stored, lease = self._store.begin(effect, mark, who, duration, under=under)
        if lease is None:
            self._world.observe_intent(stored)
        else:
            intended = effect.but(intended_at=stored.intended_at)
            self._world.observe_lease(lease.name, lease)
            self._world.observe_intent(intended)
            self._world.observe_change(lease, mark(intended).but(after=stored), stored)
        self._break_after_commit("intent")
        return stored, lease

    def get(self, kind: EffectKind, key: str) -> Effect | None:
        self._begin()
        return self._store.get(kind, key)

    def lease(self, kind: EffectKind, key: str, holder: str, duration: timedelta) -> Leased:
        self._begin()
        leased = self._store.lease(kind, key, holder, duration)
        self._world.observe_lease(f"{kind.value}|{key}", leased.lease)
        return leased

    def change(self, lease: Lease, decide: Decide, *, in_passing: bool = False) -> Effect:
        self._begin()
        self._lose_commit("change")
        made: list[Change] = []

        def heard(now: datetime) -> Change:
            made[:] = [decide(now)]
            return made[0]

        after = self._store.change(lease, heard, in_passing=in_passing)
        self._world.observe_change(lease, made[0], after)
        self._break_after_commit("change")
        return after

    def due(
        self, limit: int, targets: Sequence[str] | None = None
    ) -> Sequence[tuple[EffectKind, str]]:
        self._begin()
        return self._store.due(limit, targets)

    def listing(self, states: Sequence[EffectState], limit: int = 1000) -> Sequence[Effect]:
        self._begin()
        return self._store.listing(states, limit)

    def counts(self, states: Sequence[EffectState] = EVERY_STATE) -> dict[EffectState, int]:
        return self._store.counts(states)

    def is_in_transaction(self) -> bool:
        return self._store.is_in_transaction()

    def _begin(self) -> None:
        if self._life.is_dead:
            raise Crash(self._life.name)
        self._world.interleave()

    def _lose_commit(self, what: str) -> None:
        if self._world.strikes_commit():
            self._world.coverage["commit lost", what] += 1
            raise DatabaseGone(what)

    def _break_after_commit(self, what: str) -> None:
        if self._world.strikes_commit():
            self._world.coverage["commit answered with an error", what] += 1
            raise DatabaseGone(what)
