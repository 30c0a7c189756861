"""Retiring on SQLite and PostgreSQL: only what certainly never happened, and then for good."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine as Database

from include.adapters.store.dead_letters import SqlDeadLetters
from include.adapters.store.effects import SqlEffectStore
from include.adapters.store.engine import open_store
from include.adapters.store.schema import metadata
from include.domain.errors import Parked, Rejected
from include.services.effects.engine import Engine
from include.services.effects.ports import EffectState
from include.services.effects.retire import retire
from tests.effects import KIND, TIMINGS, ManualClock, ScriptedPartner, effect, time_out


@pytest.fixture
def database(store_url: str) -> Iterator[Database]:
    engine = open_store(store_url)
    metadata.create_all(engine)
    yield engine
    engine.dispose()


class Desk:
    """A store, an engine and a partner told what to say."""

    def __init__(self, database: Database) -> None:
        self.clock, self.partner = ManualClock(), ScriptedPartner()
        self.store = SqlEffectStore(database, lambda _: self.clock.now())
        self.engine = Engine(self.store, {KIND: self.partner}, self.clock, {KIND: TIMINGS})
        self.letters = SqlDeadLetters(database)
        self.is_doubted = False

    def retire(self) -> bool:
        return retire(
            self.store,
            effect(),
            is_doubted=lambda: self.is_doubted,
            who="build",
            why="replaced by version 2",
        )

    def send(self, *answers: Callable[[], object]) -> EffectState:
        self.partner.on_send = list(answers)
        self.engine.intend(effect())
        return self.engine.advance(KIND, effect().key).state


def refuse() -> None:
    raise Rejected("account 9999 does not exist", "SYSPRO A", "Map it to an account.")


def park() -> None:
    raise Parked("period 10/2026 is closed", "SYSPRO A", "Open it.")


@pytest.mark.parametrize(
    ("answer", "state"), [(refuse, EffectState.rejected), (park, EffectState.parked), (None, None)]
)
def test_what_never_happened_is_retired_and_never_sent_again(
    database: Database, answer: Callable[[], object] | None, state: EffectState | None
) -> None:
    desk = Desk(database)
    if answer is not None:
        assert desk.send(answer) is state
    assert desk.retire()
    assert desk.retire()  # again
    assert desk.letters.listing("open") == []
    desk.clock.move(days=30)
    assert desk.engine.sweep() == ()
    assert desk.send() is EffectState.declined  # whoever comes late with it
    with pytest.raises(Rejected, match="not rejected or a dead letter"):
        desk.engine.replay(KIND, effect().key, "ann")
    assert desk.partner.ledger == []


def test_what_happened_or_may_have_is_not_retired(database: Database) -> None:
    desk = Desk(database)
    desk.partner.after_commit = [time_out]
    assert desk.send() is EffectState.in_doubt
    assert not desk.retire()
    desk.clock.move(days=1)
    assert desk.engine.advance(KIND, effect().key).state is EffectState.verified
    assert not desk.retire()
    assert len(desk.partner.ledger) == 1


def test_what_somebody_is_sending_is_not_retired(database: Database) -> None:
    desk = Desk(database)
    desk.engine.intend(effect())
    leased = desk.store.lease(KIND, effect().key, "janitor", TIMINGS.lease)
    assert leased.lease is not None
    assert not desk.retire()
    desk.store.release(leased.lease)
    assert desk.retire()


@pytest.mark.parametrize("is_begun", [True, False])
def test_a_store_that_may_have_forgotten_retires_nothing(
    database: Database, is_begun: bool
) -> None:
    desk = Desk(database)
    if is_begun:
        desk.engine.intend(effect())
    desk.is_doubted = True
    assert not desk.retire()
    desk.is_doubted = False
    assert desk.send() is EffectState.done
