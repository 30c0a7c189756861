"""One seed: a remote, a wire, a store and workers, from the first intent to the last dead letter.

Three acts. In the storm, tasks and janitors work while faults strike. In the calm, faults stop and
the janitors must finish everything (liveness). Then a person works through the dead letters.
"""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from include.services.effects.boundaries import Boundary, BoundaryHook
from include.services.effects.chain import Link
from include.services.effects.dead_letters import DeadLetter
from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, EffectKind, EffectState, Timings
from include.services.effects.states import NEEDS_A_PERSON, UNFINISHED
from include.services.effects.store import Change, EffectStore, Lease
from tests.simulator import checker
from tests.simulator.faults import INSIDE, Coverage, draw_swarm
from tests.simulator.hub import EPOCH, Hub
from tests.simulator.memory import MemoryEffectStore
from tests.simulator.network import Wire
from tests.simulator.partner import SimulatedPartner
from tests.simulator.remote import Remote
from tests.simulator.worker import Crash, DatabaseGone, Handle, Life

TIMINGS = Timings(
    deadline=timedelta(seconds=60),
    quiescence=timedelta(seconds=300),
    look_gap=timedelta(seconds=60),
)
EFFECTS_PER_SEED = 20
# One of them has a guard at the other side; whole orders are played in tests/prove.
LEDGER_KINDS = (EffectKind.gl_journal, EffectKind.ap_invoice, EffectKind.cash_book_entry)
STORM = 2 * 3600.0
LONG_OUTAGE = 6 * 86_400.0
CALLS_PER_SEED = 20_000  # an ordinary seed makes some 150
PATIENCE = 9 * 86_400.0  # after the storm: more than the whole in-doubt schedule


class Shelf(Protocol):
    """An effect store that also shows its audit chain and dead letters."""

    store: EffectStore

    def links(self) -> list[Link]: ...

    def letters(self, state: str) -> list[DeadLetter]: ...


class MemoryShelf:
    """The memory store with its own books."""

    def __init__(self, hub: Hub, boundary: BoundaryHook, make: type[MemoryEffectStore]) -> None:
        self._memory = make(hub, boundary)
        self.store: EffectStore = self._memory

    def links(self) -> list[Link]:
        return list(self._memory.links())

    def letters(self, state: str) -> list[DeadLetter]:
        return list(self._memory.dead_letters(state))


def memory_shelf(hub: Hub, boundary: BoundaryHook) -> Shelf:
    return MemoryShelf(hub, boundary, MemoryEffectStore)


@dataclass(frozen=True)
class Variant:
    """What is simulated: the product, or a protocol broken on purpose."""

    name: str = "the product"
    engine: type[Engine] = Engine
    partner: type[SimulatedPartner] = SimulatedPartner
    shelf: Callable[[Hub, BoundaryHook], Shelf] = memory_shelf
    timings: Timings = TIMINGS


class World:
    """Everything of one seed. ``run`` plays it; ``violations`` says what went wrong."""

    def __init__(self, seed: int, variant: Variant) -> None:
        self.seed = seed
        self.dice = random.Random(seed)  # noqa: S311  reproducible on purpose
        self.hub = Hub()
        self.swarm = draw_swarm(self.dice)
        self.coverage: Coverage = Coverage()
        self.calls = 0
        self.faulted = 0
        self.is_calm = False
        self.violations: list[checker.Violation] = []
        self.latest: dict[tuple[EffectKind, str], Effect] = {}  # each row as last committed
        self.wanted = [self._effect(number) for number in range(EFFECTS_PER_SEED)]
        self.remote = Remote()
        self.wire = Wire(self, self.dice)
        self.variant = variant
        self.shelf = variant.shelf(self.hub, self.pass_boundary)
        self._fences: dict[str, int] = {}
        self._lives = 0
        self._storm = STORM
        self._plan_conditions()

    # The play --------------------------------------------------------------------------------

    def run(self) -> None:
        """Play all three acts, then judge."""
        for effect in self.wanted:
            at = self.dice.uniform(0, 1200)
            self._start_task(effect, at)
            if self.dice.random() < self.swarm.race:
                self._start_task(effect, at + self.dice.choice((0.05, 0.5, 3.0)))
        self._start_janitor()
        self._start_janitor()
        self.hub.call_at(self._storm, self._calm_down)
        self._play()
        if not self.violations:
            self.violations += checker.check_rest(self)
        if not self.violations:
            self._start("controller", self.hub.seconds, self._work_off_dead_letters)
            self._play()
        if not self.violations:
            self.violations += checker.check_end(self)

    def fingerprint(self) -> str:
        """Digest of the final state: the rows, the audit chain and the truth."""
        links = self.shelf.links()
        rows = sorted(repr(effect) for effect in self.latest.values())
        parts = [*rows, links[-1].hash if links else "", repr(self.remote.ledger)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _play(self) -> None:
        self.hub.run(self._goes_on)

    def _goes_on(self) -> bool:
        if self.calls > CALLS_PER_SEED:
            self.violations.append(checker.Violation("I31 nothing runs for ever", "a livelock"))
        return not self.violations

    def _calm_down(self) -> None:
        self.is_calm = True

    def _plan_conditions(self) -> None:
        if self.swarm.closes:
            begin = self.dice.uniform(-600, 1200)
            self.remote.closed = (begin, begin + self.dice.uniform(300, 5000))
        if self.swarm.outage:
            begin = self.dice.uniform(300, 1200)
            self.remote.outage = (begin, begin + LONG_OUTAGE)
            self._storm = begin + LONG_OUTAGE

    def _effect(self, number: int) -> Effect:
        kind = self.dice.choice(LEDGER_KINDS)
        key = f"acme_us|2026-03-01|B{number}|USD|{kind.value}|1"
        payload = f"seed {self.seed} journal {number}"
        return Effect(
            kind=kind,
            key=key,
            reference=f"TO{number:04}",
            payload=payload,
            digest=hashlib.sha256(payload.encode()).hexdigest(),
            target="A",
            currency="USD",
            amount_minor=100 * number,
            owner="payments",
        )

    # Lives -----------------------------------------------------------------------------------

    def _engine(self, life: Life) -> Engine:
        store = Handle(self, life, self.shelf.store)
        partner = self.variant.partner(self)
        return self.variant.engine(
            store,
            dict.fromkeys(EffectKind, partner),
            life,
            dict.fromkeys(EffectKind, self.variant.timings),
            worker=life.name,
            boundary=self.pass_boundary,
            log=self._hear,
        )

    def _start(self, name: str, at: float, work: Callable[[Engine], None]) -> None:
        """Start a process; it ends when its work does, or when it crashes."""
        self._lives += 1
        skew = self.dice.uniform(-600, 600) if self.swarm.skew else 0.0
        if skew:
            self.coverage["clock skew", "worker"] += 1
        life = Life(self, f"{name} {self._lives}", skew)

        def live() -> None:
            try:
                work(self._engine(life))
            except (Crash, DatabaseGone):
                self._restart(name, work)
            except ExceptionGroup as group:  # of a sweep
                if group.split(DatabaseGone)[1] is not None:
                    self._unexpected(group)
                self._restart(name, work)
            except Exception as error:  # noqa: BLE001  anything else is a finding
                self._unexpected(error)

        self.hub.start(at, life, live)

    def _restart(self, name: str, work: Callable[[Engine], None]) -> None:
        self._start(name, self.hub.seconds + self.dice.uniform(60, 300), work)

    def _unexpected(self, error: BaseException) -> None:
        self.violations.append(checker.Violation("no error leaks", f"{error!r}"))

    def _start_task(self, effect: Effect, at: float) -> None:
        """A task of a DAG, or a shopper's request; started again until it ends well."""
        is_waited_for = self.dice.random() < 0.5

        def work(engine: Engine) -> None:
            if is_waited_for:
                engine.perform(effect)
                return
            engine.intend(effect)
            engine.advance(effect.kind, effect.key)

        self._start("task", at, work)

    def _start_janitor(self) -> None:
        def work(engine: Engine) -> None:
            while not self._is_finished():
                if self.hub.seconds > self._storm + PATIENCE:
                    return  # the checker will find what is stuck
                engine.sweep()
                self.hub.sleep(self._until_next_sweep())

        self._start("janitor", self.dice.uniform(0, 60), work)

    def _is_finished(self) -> bool:
        everything = len(self.latest) == len(self.wanted)
        return everything and all(one.state not in UNFINISHED for one in self.latest.values())

    def _until_next_sweep(self) -> float:
        """As soon as something is due, at most once a period; idle rounds are skipped."""
        soonest = min(
            (one.next_at or EPOCH for one in self.latest.values() if one.state in UNFINISHED),
            default=EPOCH,
        )
        wait = (soonest - EPOCH).total_seconds() - self.hub.seconds
        if self.hub.seconds < STORM:
            wait = min(wait, 600)
        is_held = wait <= 0  # due, yet not finished: another worker, or a dead one, has its lease
        return 30.0 if is_held else max(self.swarm.janitor_period, wait)

    def _work_off_dead_letters(self, engine: Engine) -> None:
        """A person looks again at each, and replays what is certainly not there."""
        for place in sorted(self.latest):
            if self.latest[place].state in NEEDS_A_PERSON:
                engine.recheck(*place)
        self.violations += checker.check_late_evidence(self)
        for place in sorted(self.latest):
            if self.latest[place].state in (EffectState.rejected, EffectState.dead_letter):
                engine.replay(*place, "controller")
        while not self._is_finished() and self.hub.seconds < self._storm + 2 * PATIENCE:
            self.hub.sleep(60)
            engine.sweep()

    # What strikes a life ---------------------------------------------------------------------

    def pass_boundary(self, boundary: Boundary) -> None:
        """Crash or pause the life that passes by, as the seed has drawn."""
        life = self.hub.current
        if self.is_calm or not isinstance(life, Life):
            return
        if self.dice.random() < self.swarm.crash:
            self.coverage["crash", boundary.value] += 1
            life.die()
        if boundary not in INSIDE and self.dice.random() < self.swarm.pause:
            self.coverage["pause", boundary.value] += 1
            # Half a request lies in a socket: it arrives within the remote's own limits.
            longest = 180 if boundary is Boundary.half_sent else 900
            self.hub.sleep(self.dice.uniform(1, longest))

    def interleave(self) -> None:
        """Let another life run before this database call, now and then."""
        if not self.is_calm and self.dice.random() < 0.1:
            self.hub.sleep(self.dice.uniform(0, 2))

    def strikes_commit(self) -> bool:
        return not self.is_calm and self.dice.random() < self.swarm.commit

    def is_altered(self, digest: str) -> bool:
        """Say whether this write has already been executed or may be: alter only a first copy."""
        return bool(self.remote.executed(digest) or self.remote.pending[digest])

    # What the checker is shown ---------------------------------------------------------------

    def observe_intent(self, stored: Effect) -> None:
        self.latest.setdefault((stored.kind, stored.key), stored)

    def observe_lease(self, name: str, lease: Lease | None) -> None:
        if lease is None:
            self.coverage["two workers", "lease held elsewhere"] += 1
            return
        self.violations += checker.check_lease(self._fences.get(name, 0), lease)
        self._fences[name] = lease.fence

    def observe_change(self, lease: Lease, change: Change, after: Effect) -> None:
        place = (after.kind, after.key)
        before = self.latest.get(place, change.before)
        self.violations += checker.check_change(
            self, before, after, lease, self._fences[lease.name]
        )
        self.latest[place] = after

    def observe_call(self, _effect: Effect) -> None:
        self.violations += checker.check_transaction(self)

    def observe_send(self, effect: Effect) -> None:
        self.violations += checker.check_transaction(self)
        self.violations += checker.check_send(self, effect)

    def now(self) -> datetime:
        return self.hub.now()

    def _hear(self, event: str, **_fields: object) -> None:
        if event == "effect_taken_over":
            self.coverage["lease expired", "taken over"] += 1
