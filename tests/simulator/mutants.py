"""Protocols broken on purpose. A simulator that does not catch each of them proves nothing.

The numbers are those of the reliability reference, section 3.2; the letters after them are ours.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from include.domain.errors import IntegrationError, Rejected, Retryable
from include.services.effects.boundaries import BoundaryHook
from include.services.effects.departure import depart, departing
from include.services.effects.engine import Engine
from include.services.effects.ports import (
    Difference,
    Effect,
    EffectKind,
    EffectState,
    Found,
    Receipt,
)
from include.services.effects.rules import Rules
from include.services.effects.store import Change, Decide, EffectStore, Lease, Leased, LeaseLost
from include.services.effects.turn import Turn
from include.services.effects.way_out import WayOut
from include.services.ports import Clock
from tests.simulator.hub import Hub
from tests.simulator.memory import MemoryEffectStore
from tests.simulator.partner import SimulatedPartner
from tests.simulator.world import TIMINGS, MemoryShelf, Shelf, Variant

_WHERE, _DO = "a mutant", "Nothing."


# The engine ------------------------------------------------------------------------------------


class _OwnTime:
    """A store that tells the worker its own time."""

    def __init__(self, store: EffectStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def now(self) -> datetime:
        return self._clock.now()

    def lease(self, *what: Any) -> Leased:
        return replace(self._store.lease(*what), now=self._clock.now())

    def renew(self, lease: Lease, duration: timedelta) -> datetime:
        self._store.renew(lease, duration)
        return self._clock.now()

    def change(self, lease: Lease, decide: Decide, **how: Any) -> Effect:
        return self._store.change(lease, lambda _now: decide(self._clock.now()), **how)


class TrustsItsOwnClock(Engine):
    def __init__(
        self, store: EffectStore, partners: Any, clock: Clock, timings: Any, **more: Any
    ) -> None:
        own: Any = _OwnTime(store, clock)
        super().__init__(own, partners, clock, timings, **more)


class SkipsVerifying(Engine):
    def _verify(self, turn: Turn, effect: Effect) -> Effect:
        after = replace(effect, state=EffectState.verified, next_at=None)
        return self._conclude(turn, lambda _now: Change(effect, after, "not looked"))


class IgnoresLateEvidence(Engine):
    def _weigh(self, turn: Turn, effect: Effect, found: tuple[Found, ...]) -> Effect:
        return effect


class SendsAfterSleeping(Engine):
    class way_out(WayOut):  # noqa: N801  the engine's own name for it
        def may_leave(self, turn: Turn, sent: Effect) -> bool:
            return True


# The rules -------------------------------------------------------------------------------------


def with_rules(rules: type[Rules]) -> type[Engine]:
    return type(f"With{rules.__name__}", (Engine,), {"rules_of": rules})


class NoQuiescence(Rules):
    def is_settled(self, effect: Effect, asked_at: datetime) -> bool:
        return True

    def unknown(self, sent: Effect, error: IntegrationError) -> Change:
        return _at_once(super().unknown(sent, error))

    def abandoned(self, sent: Effect) -> Change:
        return _at_once(super().abandoned(sent))


def _at_once(change: Change) -> Change:
    return replace(change, after=replace(change.after, next_at=None))


class OneAbsentLook(Rules):
    def looks_to_resend(self) -> int:
        return 1


class DropsWhatIsParked(Rules):
    def parked(
        self, unsent: Effect, sent: Effect, error: IntegrationError, now: datetime
    ) -> Change:
        change = super().parked(unsent, sent, error, now)
        return replace(change, after=replace(change.after, state=EffectState.done))


class ForgetsWhatIsParked(Rules):
    def parked(
        self, unsent: Effect, sent: Effect, error: IntegrationError, now: datetime
    ) -> Change:
        change = super().parked(unsent, sent, error, now)
        return replace(change, after=replace(change.after, next_at=now + timedelta(days=36500)))


class TakesTheFirstOfMany(Rules):
    def found(self, effect, found, now):  # type: ignore[no-untyped-def]
        return super().found(effect, found[:1], now)

    def read_back(self, effect, found, differences, now):  # type: ignore[no-untyped-def]
        return super().read_back(effect, found[:1], differences, now)


# The partner -----------------------------------------------------------------------------------


class RecordsAfterSending(SimulatedPartner):
    def send(self, effect: Effect) -> Receipt:
        try:
            with departing(lambda: None):
                return super().send(effect)
        finally:
            depart()


class RecordsBeforePreparing(SimulatedPartner):
    """Q counts from before the turn at the operator, the logon and the period."""

    def send(self, effect: Effect) -> Receipt:
        depart()
        with departing(lambda: None):
            return super().send(effect)


class NewReferencePerRetry(SimulatedPartner):
    def send(self, effect: Effect) -> Receipt:
        return super().send(replace(effect, reference=f"{effect.reference}-{effect.sends}"))


class DuplicateIsFailure(SimulatedPartner):
    def duplicate(self) -> Exception:
        return Rejected("it says duplicate", _WHERE, _DO)


class BadGatewayIsFailure(SimulatedPartner):
    def bad_status(self, status: int) -> Exception:
        return Rejected(f"HTTP {status}", _WHERE, _DO)


class AnyTwoHundredIsSuccess(SimulatedPartner):
    def unreadable(self, body: str) -> Receipt:
        return Receipt("")


class TimeoutIsNotSent(SimulatedPartner):
    def no_answer(self) -> Exception:
        return Retryable("no answer", _WHERE, _DO)


class LostSessionIsNotSent(SimulatedPartner):
    def session_lost(self) -> Exception:
        return Retryable("session lost", _WHERE, _DO)


class UnreadableLookIsAbsent(SimulatedPartner):
    def unreadable_look(self, status: int) -> tuple[Found, ...]:
        return ()


class ExistenceIsEnough(SimulatedPartner):
    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        return ()


# The store -------------------------------------------------------------------------------------


def with_store(store: type[MemoryEffectStore]) -> Callable[[Hub, BoundaryHook], Shelf]:
    return lambda hub, boundary: MemoryShelf(hub, boundary, store)


class SendIsNotCommitted(MemoryEffectStore):
    """The record of the send stays in the worker's open transaction until its conclusion."""

    _uncommitted: Mapping[str, Change] = MappingProxyType({})

    def change(self, lease: Lease, decide: Decide, *, in_passing: bool = False) -> Effect:
        waiting = self._uncommitted.get(lease.name)
        self._forget(lease.name)
        change = decide(self.now())
        if change.after.state is EffectState.sent:
            self._uncommitted = {**self._uncommitted, lease.name: change}
            return replace(change.after, fence=lease.fence)
        if waiting is not None:
            super().change(lease, lambda _now: waiting)
        return super().change(lease, lambda _now: change)

    def acquire(self, name: str, holder: str, duration: timedelta) -> Lease | None:
        lease = super().acquire(name, holder, duration)
        if lease is not None:
            self._forget(name)  # the database rolls back what a dead worker left open
        return lease

    def _forget(self, name: str) -> None:
        rest = {other: one for other, one in self._uncommitted.items() if other != name}
        self._uncommitted = rest


class ChecksThenInserts(MemoryEffectStore):
    def insert(self, effect: Effect, who: str, *, under: Lease | None = None) -> Effect:
        stored = self.get(effect.kind, effect.key)
        if stored is not None:
            return stored
        hub = self._clock
        assert isinstance(hub, Hub)
        hub.sleep(0.2)
        self._effects.pop((effect.kind, effect.key), None)
        self._references.pop((effect.target, effect.reference), None)
        return super().insert(effect, who, under=under)


class NoFencing(MemoryEffectStore):
    def _require(self, lease: Lease) -> None:
        return None

    def change(self, lease: Lease, decide: Decide, *, in_passing: bool = False) -> Effect:
        return self._unchecked(lease, decide)

    def _unchecked(self, lease: Lease, decide: Decide) -> Effect:
        change = decide(self.now())
        after = self._write(lease, change)
        if change.gives_back:
            self.release(lease)
        return after


class Hearsay:
    """A store whose effects are taken as they were when the due ones were listed."""

    _hearsay: Mapping[tuple[EffectKind, str], Effect | None] = MappingProxyType({})

    def due(
        self: Any, limit: int, targets: Sequence[str] | None = None
    ) -> Sequence[tuple[EffectKind, str]]:
        places = super().due(limit, targets)
        self._hearsay = {place: self.get(*place) for place in places}
        return places  # type: ignore[no-any-return]

    def lease(self: Any, kind: EffectKind, key: str, holder: str, duration: timedelta) -> Leased:
        leased = super().lease(kind, key, holder, duration)
        known = self._hearsay.get((kind, key))
        self._hearsay = {place: one for place, one in self._hearsay.items() if place != (kind, key)}
        return replace(leased, effect=known or leased.effect)


class DoesNotReadAgainUnderLock(Hearsay, NoFencing):
    """Trusts what it read before it had the lease; checks the token, but not the row."""

    def change(self, lease: Lease, decide: Decide, *, in_passing: bool = False) -> Effect:
        if not self._is_current(lease):
            raise LeaseLost(lease.name)
        return self._unchecked(lease, decide)


MUTANTS = (
    Variant("m1 intent recorded after the send", partner=RecordsAfterSending),
    Variant("m1b recorded before the way to the first byte", partner=RecordsBeforePreparing),
    Variant("m2 record of the send not committed", shelf=with_store(SendIsNotCommitted)),
    Variant("m3 new reference per retry", partner=NewReferencePerRetry),
    Variant("m4 no Q", engine=with_rules(NoQuiescence)),
    Variant("m5 Q by the worker's clock", engine=TrustsItsOwnClock),
    Variant(
        "m6 Q ignores the index lag",
        engine=with_rules(OneAbsentLook),
        timings=replace(TIMINGS, quiescence=timedelta(seconds=241)),
    ),
    Variant("m6b one absent look is enough", engine=with_rules(OneAbsentLook)),
    Variant("m8 duplicate answer taken as failure", partner=DuplicateIsFailure),
    Variant("m9 502 taken as failure", partner=BadGatewayIsFailure),
    Variant("m9b time-out taken as not sent", partner=TimeoutIsNotSent),
    Variant("m9c lost session taken as not sent", partner=LostSessionIsNotSent),
    Variant("m10 any 200 taken as success", partner=AnyTwoHundredIsSuccess),
    Variant("m10b unreadable look taken as absent", partner=UnreadableLookIsAbsent),
    Variant("m13 check, then insert", shelf=with_store(ChecksThenInserts)),
    Variant("m14 lease without fencing", shelf=with_store(NoFencing)),
    Variant("m14b sends after sleeping through its lease", engine=SendsAfterSleeping),
    Variant(
        "m16 janitor does not read again under the lock",
        shelf=with_store(DoesNotReadAgainUnderLock),
    ),
    Variant("m19 finished states ignore late evidence", engine=IgnoresLateEvidence),
    Variant("m20 closed period drops the journal", engine=with_rules(DropsWhatIsParked)),
    Variant("m20b closed period is never asked again", engine=with_rules(ForgetsWhatIsParked)),
    Variant("m21 verifying skipped", engine=SkipsVerifying),
    Variant("m22 existence is enough to verify", partner=ExistenceIsEnough),
    Variant("m23 takes the first of many", engine=with_rules(TakesTheFirstOfMany)),
    Variant("m24 sends without limit", timings=replace(TIMINGS, max_sends=99)),
)
