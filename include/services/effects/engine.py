"""The one protocol for every write to the outside: intend, look, send once, conclude, verify.

No I/O, sleeping or retry loop: ``advance`` drives one effect until it must wait, and the janitor
(``sweep``) comes back when its time has come. Rules: ``rules.py``; transitions: ``states.py``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from include.domain.errors import Retryable
from include.services.effects.boundaries import Boundary, BoundaryHook, pass_by
from include.services.effects.calls import Calls, Heard
from include.services.effects.demands import (
    NotThereError,
    RulesByKind,
    check_digest,
    demand_replayable,
    demand_same,
    instant_of,
)
from include.services.effects.events import EventLog, log_event
from include.services.effects.janitor import Had, advance_due
from include.services.effects.ports import (
    Effect,
    EffectKind,
    EffectState,
    Found,
    Partner,
    ReadBack,
    Timings,
)
from include.services.effects.rules import Rules
from include.services.effects.schedule import is_due, is_unsent, may_be_withdrawn
from include.services.effects.states import FINISHED, check_transition
from include.services.effects.store import Change, Decide, EffectStore, Lease, LeaseLost
from include.services.effects.turn import Turn, ended
from include.services.effects.way_out import NotNewError, WayOut
from include.services.ports import Clock

_Work = Callable[[Turn, Effect], Effect]


class Engine:
    """Drives effects. One instance per worker; any number of workers share one store."""

    rules_of = Rules
    way_out = WayOut

    def __init__(
        self,
        store: EffectStore,
        partners: Mapping[EffectKind, Partner],
        clock: Clock,
        timings: Mapping[EffectKind, Timings],
        *,
        worker: str = "engine",
        boundary: BoundaryHook = pass_by,
        log: EventLog = log_event,
        looks_first: Callable[[], bool] = lambda: False,
    ) -> None:
        """Join the parts; nothing is opened or called.

        Args:
            store: keeps effects and leases; *its* clock decides Q and leases.
            partners: by kind.
            clock: this worker's, for the seconds in the log only.
            timings: by kind.
            worker: who holds the leases and signs the audit entries, e.g. host and process.
            boundary: called at the points of ``Boundary``; tests die there.
            log: takes the events.
            looks_first: says whether the store may have forgotten sends: all is looked for first.
        """
        self._store = store
        self._calls = Calls(store, partners, clock, log, looks_first)
        self._rules = RulesByKind(lambda kind: self.rules_of(timings[kind]))
        self._worker = worker
        self._boundary = boundary
        self._log = log
        self.is_doubted = looks_first

    # Use cases -------------------------------------------------------------------------------

    def intend(self, effect: Effect, *, under: Lease | None = None) -> Effect:
        """Commit the intent. Same key and digest: it is the same effect, in its present state.

        ``under``: a lease of the caller's, e.g. of its saga. Who slept until somebody took it over
        begins nothing: what was decided under it may not be wanted any more.

        Raises:
            Rejected: the key or the reference is already used for other content.
            LeaseLost: somebody has taken ``under`` over; nothing was begun.
        """
        check_digest(effect)
        fresh = replace(
            effect, state=EffectState.intended, intended_at=self._store.now(), next_at=None
        )
        stored = self._store.insert(fresh, self._worker, under=under)
        self._boundary(Boundary.intended)
        demand_same(stored, effect)
        return stored

    def perform(self, effect: Effect, *, under: Lease | None = None) -> Effect:
        """Intend and record the send in one commit, then write the answer: for who waits.

        The same promises as ``intend`` and ``advance``, which take over wherever the effect is
        not new, something is already there, or the partner could not be asked. The intent is kept
        when something is about to leave, or could not.

        Raises:
            Rejected: the key or the reference is already used for other content.
            LeaseLost: somebody has taken ``under`` over; nothing was begun.
        """
        check_digest(effect)
        rules = self._rules[effect.kind]
        looks_first = rules.timings.looks_first or self.is_doubted()
        if looks_first and not self._calls.is_surely_absent(effect):
            return self.advance(effect.kind, self.intend(effect, under=under).key)
        fresh = effect.but(state=EffectState.intended, next_at=None)
        way = self._way_out(fresh, None, under=under)
        try:
            heard = self._calls.send(way)
        except NotNewError:
            return self.advance(effect.kind, self.intend(effect, under=under).key)
        except LeaseLost:
            if way.turn is None:
                raise
            return self._required(effect.kind, effect.key)
        if way.turn is None:
            return self._conclude_unsent(self.intend(effect, under=under), heard)
        concluded = self._conclude_first(way.turn, heard)
        if concluded.state is EffectState.done and not rules.timings.until_verify:
            return self.advance(effect.kind, effect.key)  # read back before anybody changes it
        return concluded

    def _conclude_first(self, turn: Turn, heard: Heard) -> Effect:
        last = ended(self._decided(heard), turn.lease)
        try:
            concluded = self._store.change(turn.lease, lambda _now: last, in_passing=True)
        except LeaseLost:
            return self._required(last.after.kind, last.after.key)
        self._boundary(Boundary.concluded)
        self._boundary(Boundary.before_ack)
        return concluded

    def _conclude_unsent(self, intended: Effect, heard: Heard) -> Effect:
        """Write what became of one of which nothing left."""

        def conclude(turn: Turn, effect: Effect) -> Effect:
            if not is_unsent(effect):
                return effect  # who was faster has sent it: we heard nothing of that
            conclusion = self._decided(heard, effect)
            return self._conclude(turn, lambda _now: conclusion)

        return self._under_lease(intended.kind, intended.key, conclude)

    def adopt(self, effect: Effect) -> Effect | None:
        """Take in what is there, and unknown here; ``None``: it is not there. Nothing is sent.

        In one commit: what is intended alone would be sent by the janitor.

        Raises ``Retryable``: could not ask.
        """
        check_digest(effect)
        rules, found = self._rules[effect.kind], self._calls.look(effect)
        if not found:
            return None
        there, lease = self._store.begin(
            effect.but(state=EffectState.intended, next_at=None),
            lambda it: rules.found(it, found, instant_of(it)),
            self._worker,
            rules.timings.lease,
        )
        self._boundary(Boundary.concluded)
        if lease is not None:
            self._store.release(lease)
        return there

    def find(self, kind: EffectKind, key: str) -> Effect | None:
        """Read one effect; ``None``: never intended."""
        return self._store.get(kind, key)

    def holder(self, effect: Effect) -> Effect | None:
        """Read the effect that plants the same reference at the same target, under another key."""
        return self._store.holder(effect.target, effect.reference)

    def advance(self, kind: EffectKind, key: str) -> Effect:
        """Drive one effect until it must wait or is finished; another worker's effect is left.

        A fault of the partner is not an error here: it becomes a state with a next instant.
        """
        return self._under_lease(kind, key, self._run)

    def sweep(
        self, limit: int = 100, targets: Sequence[str] | None = None, had: Had | None = None
    ) -> tuple[Effect, ...]:
        """Advance up to ``limit`` effects whose time has come: the janitor.

        ``targets`` names the partner systems this engine can reach, ``None`` is all; ``had`` what
        has had its turn in this run. Raises an ``ExceptionGroup`` at the end if some could not be
        worked on; the others were.
        """
        seen: Had = set() if had is None else had
        return advance_due(self._store, self.advance, self._log, limit, targets, seen)

    def recheck(self, kind: EffectKind, key: str) -> Effect:
        """Look again at a finished effect; late evidence changes what we believe.

        Raises ``Retryable``: could not ask.
        """
        return self._under_lease(kind, key, self._recheck)

    def late_evidence(self, kind: EffectKind, key: str, found: tuple[Found, ...]) -> Effect:
        """Take what a report or a person found at the other side, as a look would have."""
        return self._under_lease(kind, key, lambda turn, it: self._weigh(turn, it, found))

    def replay(self, kind: EffectKind, key: str, who: str) -> Effect:
        """Try a rejected or dead effect again because ``who`` says so; it is looked for first.

        Raises:
            Rejected: the effect is not one that may be tried again.
        """

        def start_over(turn: Turn, effect: Effect) -> Effect:
            demand_replayable(effect)
            fresh = self._rules[kind].replay(effect, who)
            return self._run(turn, self._change(turn, lambda _now: fresh))

        demand_replayable(self._required(kind, key))  # said at once, whoever holds the lease
        return self._under_lease(kind, key, start_over)

    def leave(self, kind: EffectKind, key: str, why: str) -> Effect:
        """Close the dead letter of a rejected effect that nobody wants any more."""

        def close(turn: Turn, effect: Effect) -> Effect:
            if effect.state is not EffectState.rejected:
                return effect
            return self._conclude(turn, lambda _now: Change(effect, effect, why, resolution=why))

        return self._under_lease(kind, key, close)

    def withdraw(self, kind: EffectKind, key: str, why: str) -> Effect:
        """End what nobody wants any more; what may have left, or is held elsewhere, stays."""

        def end(turn: Turn, effect: Effect) -> Effect:
            if not may_be_withdrawn(effect):
                return effect
            rules = self._rules[kind]
            try:  # a store that may have forgotten does not prove that nothing was sent
                found = self._look(turn, effect)[0] if self.is_doubted() else ()
            except Retryable as error:
                if effect.state in FINISHED:
                    return effect  # a person is told already
                return self._conclude(turn, partial(rules.unreachable, effect, error))
            if found:
                return self._conclude(turn, lambda now: rules.found(effect, found, now))
            return self._conclude(turn, lambda _now: rules.withdrawn(effect, why))

        return self._under_lease(kind, key, end)

    def read_back(self, kind: EffectKind, key: str) -> ReadBack:
        """Show what the other side holds now, for the tie-out; nothing is changed.

        Raises:
            Retryable: the other side could not be asked.
        """
        effect = self._required(kind, key)
        found = self._calls.look(effect)
        return ReadBack(found, self._calls.compare(effect, found[:1]))

    # The protocol ----------------------------------------------------------------------------

    def _run(self, turn: Turn, effect: Effect) -> Effect:
        """Step until the effect rests. A caller may hurry what was not sent, never a doubt."""
        may_hurry = True
        while not turn.is_over and is_due(effect, turn.now, may_hurry=may_hurry):
            effect, may_hurry = self._step(turn, effect), False
        return effect

    def _step(self, turn: Turn, effect: Effect) -> Effect:
        if effect.state is EffectState.sent:
            return self._conclude(turn, lambda _now: self._rules[effect.kind].abandoned(effect))
        if effect.state is EffectState.done:
            return self._verify(turn, effect)
        return self._look_then_send(turn, effect)

    def _look_then_send(self, turn: Turn, effect: Effect) -> Effect:
        rules = self._rules[effect.kind]
        try:
            found, asked_at = self._look(turn, effect)
        except Retryable as error:
            return self._conclude(turn, partial(rules.unreachable, effect, error))
        if found:
            return self._conclude(turn, lambda now: rules.found(effect, found, now))
        if not self.is_doubted() and rules.is_no_at_last(effect, asked_at):
            return self._conclude(turn, lambda _now: rules.no_at_last(effect))
        if not rules.may_send(effect, asked_at):
            return self._conclude(turn, lambda now: rules.absent(effect, asked_at, now))
        return self._send_once(turn, effect)

    def _send_once(self, turn: Turn, unsent: Effect) -> Effect:
        """Send, and write the answer. A crash after the record leaves ``sent``: a doubt."""
        turn.has_called = True
        conclusion = self._decided(self._calls.send(self._way_out(unsent, turn)))
        concluded = self._conclude(turn, lambda _now: conclusion)
        self._boundary(Boundary.concluded)
        return concluded

    def _way_out(self, unsent: Effect, turn: Turn | None, under: Lease | None = None) -> WayOut:
        parts = self._store, self._rules[unsent.kind], self._boundary
        return self.way_out(*parts, unsent, turn, worker=self._worker, under=under)

    def _decided(self, heard: Heard, unsent: Effect | None = None) -> Change:
        """Say what an answer means; ``unsent``: the effect, where it was not kept before."""
        unsent = unsent or heard.way.unsent
        change = heard.change(self._rules[unsent.kind], unsent, self._store.now)
        check_transition(change.before.state, change.after.state)
        self._calls.tell("effect_sent", unsent, change.cause, heard.began, change.after)
        self._boundary(Boundary.answered)
        return change

    def _verify(self, turn: Turn, effect: Effect) -> Effect:
        """Read back and compare totals, dates and accounts, not mere existence."""
        rules = self._rules[effect.kind]
        try:
            found, _ = self._look(turn, effect)
        except Retryable as error:
            return self._conclude(turn, partial(rules.unreachable, effect, error))
        differences = self._calls.compare(effect, found)
        return self._conclude(turn, lambda now: rules.read_back(effect, found, differences, now))

    def _recheck(self, turn: Turn, effect: Effect) -> Effect:
        if effect.state not in FINISHED:
            return self._run(turn, effect)
        return self._weigh(turn, effect, self._look(turn, effect)[0])

    def _weigh(self, turn: Turn, effect: Effect, found: tuple[Found, ...]) -> Effect:
        if effect.state not in FINISHED:
            return self._run(turn, effect)  # the protocol asks by itself, under its own rules
        differences = self._calls.compare(effect, found)
        change = self._rules[effect.kind].late_evidence(
            effect, found, differences, self._store.now()
        )
        if change is None:
            return effect
        return self._run(turn, self._conclude(turn, lambda _now: change))

    # Parts -----------------------------------------------------------------------------------

    def _look(self, turn: Turn, effect: Effect) -> tuple[tuple[Found, ...], datetime]:
        """Ask, and say when: no later than the question left."""
        if turn.has_called:  # a lease that was just taken outlives one exchange
            self._renew(turn)
        asked_at, turn.has_called = turn.now, True
        return self._calls.look(effect), asked_at

    def _renew(self, turn: Turn) -> datetime:
        return turn.renew(self._store, self._rules[turn.kind].timings.lease)

    def _change(self, turn: Turn, decide: Decide) -> Effect:
        """Write what is decided, and keep the lease."""
        return turn.write(self._store, decide, lambda _after, _now: False)

    def _conclude(self, turn: Turn, decide: Decide) -> Effect:
        """Write what is decided; where the effect rests then, that commit ends the turn."""
        return turn.write(self._store, decide, lambda after, now: not is_due(after, now))

    def _under_lease(self, kind: EffectKind, key: str, work: _Work) -> Effect:
        """Take the lease and read the effect, work, give the lease back."""
        leased = self._store.lease(kind, key, self._worker, self._rules[kind].timings.lease)
        effect = leased.effect
        if leased.lease is None:
            self._log("effect_held_elsewhere", kind=kind.value, key=key)
            return effect or self._required(kind, key)
        turn = Turn(kind, leased.lease, leased.now)
        try:
            self._boundary(Boundary.read)
            effect = work(turn, effect or self._required(kind, key))
        except LeaseLost:
            self._log("effect_taken_over", kind=kind.value, key=key, fence=turn.lease.fence)
            effect = self._required(kind, key)
        finally:
            if not turn.is_over:
                self._store.release(turn.lease)
        self._boundary(Boundary.before_ack)
        return effect

    def _required(self, kind: EffectKind, key: str) -> Effect:
        effect = self._store.get(kind, key)
        if effect is None:
            raise NotThereError(f"effect {kind.value} {key!r} was never intended")
        return effect
