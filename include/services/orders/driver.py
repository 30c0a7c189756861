"""Drives one saga: decide, remember the step, perform it through the effects engine, fold, repeat.

The decision is pure (a ``Play``); what is decided next is saved *before* it is begun, so a crash at
any point is taken up again: the step that is open is looked at first, and its effect knows whether
anything was sent. Sagas never undo in silence: a step that needs a person leaves them stuck.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from include.domain.errors import IntegrationError, Rejected, Unconfigured
from include.services.effects.demands import NotThereError
from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, EffectKind, EffectState
from include.services.effects.schedule import is_due, is_unsent, may_be_withdrawn
from include.services.effects.states import NEEDS_A_PERSON, SETTLED
from include.services.effects.store import Lease, LeaseLost, Leases
from include.services.orders.closed_periods import MOVED
from include.services.orders.commands import Command, of_another
from include.services.orders.sagas import Event, Saga, SagaStore, Stale
from include.services.orders.setting_back import Letter, Stake, is_set_back
from include.services.orders.undrivable import SAGA_LEASE, let_wait

F = TypeVar("F")
_DID_NOTHING = (EffectState.rejected, EffectState.withdrawn)
_MOST_MOVES = 60  # of one run; a saga that wants more is broken
_RECHECK = timedelta(minutes=15)  # of a question that a partner refused to answer
_NET = timedelta(hours=6)  # of a saga that an effect has stuck: it is woken by the effect's store
_AGAIN = timedelta(seconds=30)  # after a partner could not be asked
NOT_WANTED = "never sent, and not wanted any more"


@dataclass(frozen=True, slots=True)
class Perform:
    """Begin a step, e.g. ``capture|1``."""

    step: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Read something, e.g. ``stock``; may be repeated at will."""

    question: str


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do until then, or until something happens."""

    state: str
    reason: str = ""
    until: datetime | None = None


Move = Perform | Ask | Rest


class Play(Protocol[F]):
    """What is particular to one kind of saga; pure but for ``answer``."""

    def state_of(self, facts: F) -> str:
        """Name the state while moves are made."""
        ...

    def next_move(self, facts: F, now: datetime) -> Move:
        """Decide."""
        ...

    def kind_of(self, step: str) -> EffectKind:
        """Name the effect behind a step."""
        ...

    def command(self, facts: F, step: str) -> Command:
        """Build what the step writes. Called once per step: the effect then keeps it."""
        ...

    def moved(self, effect: Effect) -> Command | None:
        """Build anew what waits for a closed period and need not; ``None``: it stays as it is."""
        ...

    def fold(self, facts: F, step: str, effect: Effect, now: datetime) -> tuple[F, Event]:
        """Take a finished effect (done, verified or declined) into the facts."""
        ...

    def answer(self, facts: F, question: str, now: datetime) -> tuple[F, Event | None]:
        """Ask a partner and take the answer in.

        Raises:
            Retryable: could not ask. Rejected: a person must act.
        """
        ...

    def is_wanted(self, facts: F, step: str) -> bool:
        """Say whether a step that was decided, and not begun, is still to be made."""
        ...

    def is_detached(self, step: str) -> bool:
        """Say whether the saga goes on once the step is begun; the janitor ends it by itself."""
        ...

    def may_abandon(self, facts: F, effect: Effect) -> bool:
        """Say whether a step that certainly did nothing may be left behind, e.g. on a cancel."""
        ...

    def leave(self, facts: F, step: str) -> F:
        """Note that nobody waits for a step any more."""
        ...

    def begin(self, facts: F, step: str) -> F:
        """Note that a step is open; ``''`` closes it."""
        ...

    def fail(self, facts: F, problem: str) -> F:
        """Note why a person is needed; ``''`` takes it back."""
        ...

    def at_stake(self) -> Stake:
        """Say what a dead letter of the saga is about."""
        ...

    def open_step(self, facts: F) -> str: ...

    def problem(self, facts: F) -> str: ...


class Driver(Generic[F]):
    """Runs sagas of one kind. ``engine`` reaches the partners that their steps need."""

    def __init__(self, store: SagaStore[F], leases: Leases, engine: Engine, worker: str) -> None:
        self._store = store
        self._leases = leases
        self._engine = engine
        self._worker = worker

    def advance(
        self, key: str, play: Play[F], *, until: Callable[[F], bool] = lambda _facts: False
    ) -> Saga[F]:
        """Drive one saga until it rests, or until its facts are enough. Safe to repeat.

        Another worker's saga is left alone and returned as it is.
        """
        saga, lease = self._store.lease(key, self._worker, SAGA_LEASE)
        if lease is None:
            return saga
        try:
            return self._run(lease, saga, play, until)
        except BaseException:
            with suppress(LeaseLost):
                self._leases.release(lease)
            raise

    def _run(
        self, lease: Lease, saga: Saga[F], play: Play[F], until: Callable[[F], bool]
    ) -> Saga[F]:
        """Move until it rests; the write that lets it rest gives the lease back as well."""
        events: list[Event] = []
        opened = ""  # the step that we opened ourselves just now: its effect cannot be there yet
        for _ in range(_MOST_MOVES):
            try:
                saga, resting, events = self._move(lease, saga, play, events, until, opened)
                if resting is not None:
                    letter, saga = _closed(saga, play), _resting(saga, resting)
                    return self._store.save(saga, events, releases=lease, letter=letter)
                opened = play.open_step(saga.facts)
            except (Stale, NotThereError):  # we slept: its effect may be gone with its saga's turn
                saga, events, opened = self._store.get(saga.key), [], ""
            except LeaseLost:  # we slept, and what we had decided may not be wanted any more
                return self._store.get(saga.key)
            except Exception as fault:
                waiting = self._set_back(lease, saga, play, events, fault)
                if waiting is None or not isinstance(fault, Rejected):
                    raise
                return waiting
        endless = RuntimeError(f"{saga.key} made {_MOST_MOVES} moves and does not rest")
        self._set_back(lease, saga, play, events, endless)
        raise endless

    def _set_back(
        self, lease: Lease, saga: Saga[F], play: Play[F], events: list[Event], fault: Exception
    ) -> Saga[F] | None:
        stuck = play.state_of(play.fail(saga.facts, "it cannot be driven"))
        return let_wait(self._store, lease, saga, events, fault, play.at_stake(), stuck)

    def _move(
        self,
        lease: Lease,
        saga: Saga[F],
        play: Play[F],
        events: list[Event],
        until: Callable[[F], bool],
        opened: str,
    ) -> tuple[Saga[F], Rest | None, list[Event]]:
        """Make one move. A saga that rests now is not written yet: how, says the second value."""
        step = play.open_step(saga.facts)
        is_new = step == opened
        effect = self._worked_on(lease, saga, play, step, is_new=is_new) if step else None
        if step and effect is None:  # nothing was begun, and it is not wanted any more
            saga = _with(saga, play.begin(play.fail(saga.facts, ""), ""))
        now = self._store.now()
        if effect is not None:
            saga, resting, event = self._finish_step(saga, play, step, effect, now)
            events = [*events, event] if event else events
            if resting is not None:
                return saga, resting, events
        if until(saga.facts):
            return saga, Rest(play.state_of(saga.facts), "", now), events
        move = play.next_move(saga.facts, now)
        if isinstance(move, Rest):
            return saga, move, events
        if isinstance(move, Ask):
            return self._ask(saga, play, move, events, now)
        begun = _with(saga, play.begin(saga.facts, move.step))
        # A saga that goes on is due again: should we die now, somebody must take it up.
        going_on = Rest(play.state_of(begun.facts), "", now + SAGA_LEASE)
        letter, begun = _closed(saga, play), _resting(begun, going_on)
        # The effect's own commit, before its first send, takes this one to the disk.
        return self._store.save(begun, events, goes_on=True, letter=letter), None, []

    def _ask(
        self, saga: Saga[F], play: Play[F], move: Ask, events: list[Event], now: datetime
    ) -> tuple[Saga[F], Rest | None, list[Event]]:
        try:
            facts, event = play.answer(saga.facts, move.question, now)
        except Rejected as fault:  # a person must act, and does so there: nobody tells us when
            stuck = play.state_of(play.fail(saga.facts, str(fault)))
            return saga, Rest(stuck, str(fault), now + _RECHECK), events
        except Unconfigured:
            raise  # no partner is down, and no alert tells of it
        except IntegrationError as fault:
            return saga, Rest(play.state_of(saga.facts), str(fault), now + _AGAIN), events
        return _with(saga, facts), None, [*events, event] if event else events

    def _worked_on(
        self, lease: Lease, saga: Saga[F], play: Play[F], step: str, *, is_new: bool
    ) -> Effect | None:
        """Bring the open step's effect as far as it goes; ``None``: it is not wanted any more.

        Should a new one be there all the same (who slept through the saga's lease), it is found
        by its key, and gone on with.
        """
        kind, key = play.kind_of(step), f"{saga.key}|{step}"
        effect = None if is_new else self._engine.find(kind, key)
        if effect is not None and _never_left(effect) and not play.is_wanted(saga.facts, step):
            effect = self._engine.withdraw(kind, key, NOT_WANTED)
            if _never_left(effect):
                return effect  # another worker has it: we come back
        if effect is not None and (anew := self._moved(lease, play, effect)):
            return anew
        if effect is None or effect.state is EffectState.withdrawn:
            if not play.is_wanted(saga.facts, step):
                return None
            effect = self._begun(lease, play.command(saga.facts, step), key)
            return self._moved(lease, play, effect) or effect  # nobody comes back to a detached one
        if play.is_detached(step) or effect.state in (*SETTLED, *NEEDS_A_PERSON):
            return effect  # a detached one was begun before: the saga does not wait for it
        if not is_due(effect, self._store.now(), may_hurry=True):
            return effect
        return self._engine.advance(kind, key)

    def _moved(self, lease: Lease, play: Play[F], effect: Effect) -> Effect | None:
        """Begin anew what waits for a closed period and need not; ``None``: it stays as it is."""
        kind, key, moved = effect.kind, effect.key, play.moved(effect)
        is_gone = moved and self._engine.withdraw(kind, key, MOVED).state is EffectState.withdrawn
        return self._begun(lease, moved, key) if moved and is_gone else None

    def _begun(self, lease: Lease, command: Command, key: str) -> Effect:
        """Begin an effect. Where another driver was first, what it meant stands, e.g. its date.

        What may be shared is another saga's then, and waited for, unless it was refused: that was
        about its content, and ours may do.
        """
        wanted = command.effect(key)
        other = self._holder(command, wanted)  # asked first: waiting costs the partner nothing
        if other is not None:
            return other
        try:
            return self._engine.perform(wanted, under=lease)
        except Rejected:
            found = self._engine.find(wanted.kind, wanted.key) or self._holder(command, wanted)
            if found is not None:
                return found
            if not command.is_shared:  # the reference is another effect's
                raise
        return self._engine.perform(replace(command, reference="").effect(key), under=lease)

    def _holder(self, command: Command, wanted: Effect) -> Effect | None:
        """Return the effect of another saga that does what is wanted, or may have done it."""
        other = self._engine.holder(wanted) if command.is_shared else None
        return None if other is None or other.state in _DID_NOTHING else other

    def _finish_step(
        self, saga: Saga[F], play: Play[F], step: str, effect: Effect, now: datetime
    ) -> tuple[Saga[F], Rest | None, Event | None]:
        """Fold the effect in once it is finished; else rest until it may go on."""
        if effect.state in SETTLED or play.is_detached(step):
            facts, told = play.fold(play.fail(saga.facts, ""), step, effect, now)
            return _with(saga, play.begin(facts, "")), None, told
        if effect.state is EffectState.rejected and play.may_abandon(saga.facts, effect):
            facts = play.leave(play.fail(saga.facts, ""), step)
            self._engine.leave(effect.kind, effect.key, f"left behind: {saga.key} is unwound")
            return _with(saga, facts), None, Event(f"{step} left behind", {"reason": effect.reason})
        whose = of_another(f"{saga.key}|{step}", effect)
        if effect.state in NEEDS_A_PERSON:
            problem = f"{step}: {whose}{effect.reason}"
            event = None if play.problem(saga.facts) == problem else Event(f"{step} failed", {
                "state": effect.state.value, "reason": problem.partition(": ")[2]})  # fmt: skip
            facts = play.fail(saga.facts, problem)
            until = now + (_RECHECK if whose else _NET)  # nobody wakes us when another's moves on
            return _with(saga, facts), Rest(play.state_of(facts), problem, until), event
        state, until = play.state_of(saga.facts), effect.next_at or now + _AGAIN
        if is_unsent(effect) and not play.is_wanted(saga.facts, step):
            until = now + _AGAIN  # to be withdrawn, once nobody else has it
        words = f"{step}: {whose}{effect.reason or effect.state.value}"
        return saga, Rest(state, words, until), None


def _never_left(effect: Effect) -> bool:
    """Say whether it waits, or was given up, unsent; what was refused is left behind instead."""
    return may_be_withdrawn(effect) and effect.state is not EffectState.rejected


def _closed(saga: Saga[F], play: Play[F]) -> Letter | None:
    """Close its letter in the commit that lets it go on: a crash would leave it open for good."""
    return Letter(play.at_stake()) if is_set_back(saga.reason) else None


def _resting(saga: Saga[F], rest: Rest) -> Saga[F]:
    return Saga(
        saga.key, rest.state, saga.facts, saga.version, rest.until, rest.reason, saga.stored
    )


def _with(saga: Saga[F], facts: F) -> Saga[F]:
    return Saga(saga.key, saga.state, facts, saga.version, saga.next_at, saga.reason, saga.stored)
