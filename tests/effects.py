"""What the tests of the effects engine share: a clock set by hand, a scripted partner, a desk.

The partner is a fake that satisfies the port; its ``ledger`` is the truth the engine cannot see.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from include.domain.errors import OutcomeUnknown, Parked, Rejected, Retryable
from include.services.effects.boundaries import Boundary
from include.services.effects.departure import depart
from include.services.effects.engine import Engine
from include.services.effects.ports import (
    Difference,
    Effect,
    EffectKind,
    EffectState,
    Found,
    Receipt,
    Timings,
)
from tests.simulator.memory import MemoryEffectStore

MINUTE = timedelta(minutes=1)
START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
KIND = EffectKind.gl_journal
TIMINGS = Timings(
    deadline=timedelta(seconds=60),
    quiescence=timedelta(seconds=300),
    look_gap=timedelta(seconds=60),
)


class ManualClock:
    """Stands still until it is told to move on."""

    def __init__(self) -> None:
        self._now = START

    def now(self) -> datetime:
        return self._now

    def seconds(self) -> float:
        """Return it as one that nobody sets counts on."""
        return (self._now - START).total_seconds()

    def move(self, **span: float) -> None:
        self._now += timedelta(**span)


def effect(key: str = "acme_us|2026-03-01|B1|USD|settlement|1", **changes: object) -> Effect:
    """A journal of 400.00 USD, ready to intend."""
    payload = str(changes.pop("payload", '{"lines":[40000,-40000]}'))
    made = Effect(
        kind=KIND,
        key=key,
        reference="TO" + hashlib.sha256(key.encode()).hexdigest()[:18].upper(),
        payload=payload,
        digest=hashlib.sha256(payload.encode()).hexdigest(),
        target="A",
        currency="USD",
        amount_minor=40000,
        owner="payments",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


KEY = effect().key


def time_out() -> None:
    """A send whose answer never came."""
    raise OutcomeUnknown("no answer within 60 s", "SYSPRO A", "Look before sending again.")


@dataclass
class ScriptedPartner:
    """Does what it is told per call, then behaves: commits, answers, finds."""

    ledger: list[tuple[str, str]] = field(default_factory=list)  # (reference, payload)
    sends: list[str] = field(default_factory=list)  # the reference of each call
    looks: int = 0
    before_leaving: list[Callable[[], object]] = field(default_factory=list)  # of a send
    on_send: list[Callable[[], object]] = field(default_factory=list)  # before committing
    after_commit: list[Callable[[], object]] = field(default_factory=list)
    on_look: list[Callable[[], object]] = field(default_factory=list)

    def look(self, effect: Effect) -> tuple[Found, ...]:
        self.looks += 1
        if self.on_look:
            self.on_look.pop(0)()
        return tuple(
            Found(f"2026/3/{number}", {"payload": payload})
            for number, (reference, payload) in enumerate(self.ledger, start=1)
            if reference == effect.reference
        )

    def send(self, effect: Effect) -> Receipt:
        if self.before_leaving:
            self.before_leaving.pop(0)()
        depart()
        self.sends.append(effect.reference)
        if self.on_send:
            self.on_send.pop(0)()
        self.ledger.append((effect.reference, effect.payload))
        if self.after_commit:
            self.after_commit.pop(0)()
        return Receipt(f"2026/3/{len(self.ledger)}")

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        theirs = str(found.facts["payload"])
        if theirs == effect.payload:
            return ()
        return (Difference("payload", effect.payload, theirs),)


class Desk:
    """One worker, its store and its partner."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.store = MemoryEffectStore(self.clock)
        self.partner = ScriptedPartner()
        self.on_boundary: Callable[[Boundary], None] = lambda _: None
        self.events: list[str] = []
        self.engine = Engine(
            self.store,
            {KIND: self.partner},
            self.clock,
            {KIND: TIMINGS},
            worker="worker 1",
            boundary=lambda name: self.on_boundary(name),
            log=lambda event, **fields: self.events.append(event),
        )

    def post(self) -> Effect:
        self.engine.intend(effect())
        return self.engine.advance(KIND, KEY)

    def advance(self, **span: float) -> Effect:
        self.clock.move(**span)
        return self.engine.advance(KIND, KEY)

    def state(self) -> EffectState:
        found = self.store.get(KIND, KEY)
        assert found is not None
        return found.state


@pytest.fixture
def desk() -> Desk:
    return Desk()


def answer(error: Exception) -> Callable[[], object]:
    def give() -> None:
        raise error

    return give


UNREACHABLE = Retryable("connection refused", "SYSPRO A", "Check the network.")
CLOSED = Parked("period 2026/2 is closed", "SYSPRO A", "Open it or re-date the journal.")
REFUSED = Rejected("account 9999 does not exist", "SYSPRO A", "Map it to an account.")
