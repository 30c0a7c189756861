"""The effect stores that keep one contract, with the means to look behind each."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from include.adapters.store import audit
from include.adapters.store.dead_letters import SqlDeadLetters
from include.adapters.store.effects import SqlEffectStore
from include.adapters.store.engine import open_store
from include.adapters.store.schema import metadata
from include.services.effects import chain
from include.services.effects.boundaries import Boundary
from include.services.effects.dead_letters import DeadLetter
from include.services.effects.ports import Effect, EffectState
from include.services.effects.store import (
    Change,
    EffectStore,
    Lease,
)
from tests.effects import KIND, ManualClock, effect
from tests.simulator.memory import MemoryEffectStore

MINUTE = timedelta(minutes=1)
NAME = f"{KIND.value}|{effect().key}"


class Power(Exception):
    """The lights go out."""


class Kit:
    """A store under test with the means to look behind it."""

    def __init__(self, store: EffectStore, clock: ManualClock) -> None:
        self.store = store
        self.clock = clock
        self.letters: Callable[[str], list[DeadLetter]]
        self.chain: Callable[[], list[chain.Link]]
        self.on_boundary: Callable[[Boundary], None] = lambda _: None


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def kit(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kit]:
    clock = ManualClock()
    if request.param == "memory":
        memory = MemoryEffectStore(clock, boundary=lambda name: kit.on_boundary(name))
        kit = Kit(memory, clock)
        kit.letters = lambda state: list(memory.dead_letters(state))
        kit.chain = lambda: list(memory.links())
        yield kit
        return
    url = f"sqlite:///{tmp_path / 'tieout.db'}"
    if request.param == "postgres":
        url = str(request.getfixturevalue("postgres_url"))
    engine = open_store(url)
    metadata.create_all(engine)
    sql = SqlEffectStore(engine, lambda _: clock.now(), boundary=lambda name: kit.on_boundary(name))
    kit = Kit(sql, clock)
    kit.letters = lambda state: list(SqlDeadLetters(engine).listing(state))
    kit.chain = lambda: list(audit.links(engine))
    yield kit
    engine.dispose()


def begin(kit: Kit) -> Lease:
    kit.store.insert(replace(effect(), intended_at=kit.clock.now()), "test")
    lease = kit.store.acquire(NAME, "worker 1", MINUTE)
    assert lease is not None
    return lease


def mark_sent(kit: Kit, lease: Lease) -> Change:
    before = kit.store.get(KIND, effect().key)
    assert before is not None
    after = replace(before, state=EffectState.sent, sends=1, sent_at=kit.clock.now())
    return Change(before, after, "send 1")


def write(kit: Kit, lease: Lease, change: Change) -> Effect:
    return kit.store.change(lease, lambda _now: change)
