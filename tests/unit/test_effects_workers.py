"""Workers that die, sleep, race or fail: nothing is sent twice for it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from include.services.effects.boundaries import Boundary
from include.services.effects.engine import Engine
from include.services.effects.janitor import Had
from include.services.effects.ports import EffectState
from tests.effects import (
    KEY,
    KIND,
    MINUTE,
    START,
    TIMINGS,
    Desk,
    ManualClock,
    ScriptedPartner,
    answer,
    effect,
)
from tests.effects import desk as desk
from tests.simulator.memory import MemoryEffectStore


def test_a_crash_during_the_send_leaves_a_doubt_for_the_janitor(desk: Desk) -> None:
    desk.partner.after_commit = [answer(KeyboardInterrupt())]
    with pytest.raises(KeyboardInterrupt):
        desk.post()
    assert desk.state() is EffectState.sent
    desk.clock.move(seconds=361)
    (swept,) = desk.engine.sweep()
    assert swept.state is EffectState.verified
    assert len(desk.partner.sends) == 1


def test_an_unforeseen_error_of_a_partner_is_a_doubt_too(desk: Desk) -> None:
    desk.partner.after_commit = [answer(KeyError("Journal"))]
    with pytest.raises(KeyError):
        desk.post()
    assert desk.state() is EffectState.sent


def test_a_worker_that_slept_after_recording_the_send_does_not_send(desk: Desk) -> None:
    """Q counts from the record; a request that leaves late could commit after Q."""
    naps = [40]

    def nap(name: Boundary) -> None:
        if name is Boundary.marked_sent and naps:
            desk.clock.move(seconds=naps.pop())

    desk.on_boundary = nap
    done = desk.post()
    assert done.sent_at == START + timedelta(seconds=40)
    assert (done.sends, len(desk.partner.sends)) == (1, 1)


def test_a_lease_is_given_back_only_where_somebody_could_use_it_before_its_end(desk: Desk) -> None:
    name, minute = f"{KIND.value}|{KEY}", timedelta(minutes=1)
    desk.post()  # done, and read back in six minutes: the lease lasts two
    assert desk.store.acquire(name, "another", minute) is None
    assert desk.advance(seconds=360).state is EffectState.verified
    assert desk.store.acquire(name, "a person", minute) is not None


def test_a_worker_that_lost_its_lease_sends_nothing(desk: Desk) -> None:
    def sleep(name: Boundary) -> None:
        if name is Boundary.marked_sent:
            desk.clock.move(seconds=500)
            assert desk.store.acquire(f"{KIND.value}|{KEY}", "worker 2", MINUTE)

    desk.on_boundary = sleep
    assert desk.post().state is EffectState.sent
    assert desk.partner.sends == []
    assert "effect_taken_over" in desk.events


def test_the_loser_of_a_race_returns_what_is_there(desk: Desk) -> None:
    desk.engine.intend(effect())
    assert desk.store.acquire(f"{KIND.value}|{KEY}", "worker 2", MINUTE)
    assert desk.engine.advance(KIND, KEY).state is EffectState.intended
    assert desk.partner.looks == 0


def test_what_stays_due_has_one_turn_in_a_run_and_keeps_nothing_else_from_its_own(
    desk: Desk,
) -> None:
    for key in ("1 held", "2 held", "3", "4"):
        desk.engine.intend(effect(key))
    for key in ("1 held", "2 held"):
        assert desk.store.acquire(f"{KIND.value}|{key}", "worker 2", MINUTE)
    had: Had = set()
    turns = [[one.key for one in desk.engine.sweep(2, had=had)] for _ in range(3)]
    assert turns == [["1 held", "2 held"], ["3", "4"], []]
    assert len(desk.partner.sends) == 2


def test_no_partner_is_called_inside_a_transaction(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(desk.store, "is_in_transaction", lambda: True)
    with pytest.raises(RuntimeError, match="transaction is open"):
        desk.post()
    assert desk.partner.looks == 0


def test_one_poisoned_effect_does_not_stop_the_sweep(desk: Desk) -> None:
    desk.engine.intend(effect())
    desk.engine.intend(effect("another"))
    desk.partner.on_look = [answer(KeyError("poison"))]
    with pytest.raises(ExceptionGroup):
        desk.engine.sweep()
    assert len(desk.partner.sends) == 1


def test_one_that_made_way_for_another_while_the_sweep_went_on_is_passed_over(desk: Desk) -> None:
    first, second = desk.engine.intend(effect()), desk.engine.intend(effect("another"))
    heir = replace(effect("heir"), reference=second.reference)

    def make_way() -> None:
        desk.engine.withdraw(KIND, second.key, "nobody wants it any more")
        desk.engine.intend(heir)

    desk.partner.on_look = [make_way]
    swept = desk.engine.sweep()
    assert [one.key for one in swept] == [first.key]
    assert desk.engine.find(KIND, second.key) is None


@pytest.mark.parametrize("is_performed", [True, False], ids=["perform", "intend and advance"])
def test_a_frozen_host_sends_nothing_twice(is_performed: bool) -> None:
    """Its own clock stands still while the janitor takes over: only the store's time has moved."""
    stores, mine, others = ManualClock(), ManualClock(), ManualClock()
    store, partner, left = MemoryEffectStore(stores), ScriptedPartner(), [Boundary.marked_sent]
    timings = {KIND: replace(TIMINGS, looks_first=False)}
    janitor = Engine(store, {KIND: partner}, others, timings, worker="janitor")

    def freeze(at: Boundary) -> None:
        if at in left:
            left.clear()
            for _ in range(12):
                stores.move(minutes=2)
                others.move(minutes=2)
                janitor.sweep()

    worker = Engine(store, {KIND: partner}, mine, timings, worker="frozen", boundary=freeze)
    if is_performed:
        worker.perform(effect())
    else:
        worker.intend(effect())
        worker.advance(KIND, KEY)
    assert len(partner.sends) == 1
    found = store.get(KIND, KEY)
    assert found is not None
    assert found.state is EffectState.verified
