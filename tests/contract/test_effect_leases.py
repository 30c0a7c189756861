"""One contract for every effect store: who holds the lease may write, and nobody else."""

from dataclasses import replace

import pytest

from include.services.effects.boundaries import Boundary
from include.services.effects.ports import Effect, EffectState
from include.services.effects.store import (
    Change,
    Lease,
    LeaseLost,
)
from tests.contract.effect_kit import MINUTE, NAME, Kit, Power, begin, mark_sent, write
from tests.contract.effect_kit import kit as kit
from tests.effects import KIND, START, effect


def test_a_lease_is_held_by_one_worker_at_a_time(kit: Kit) -> None:
    first = kit.store.acquire("a", "worker 1", MINUTE)
    assert first is not None
    assert kit.store.acquire("a", "worker 2", MINUTE) is None
    assert kit.store.acquire("b", "worker 2", MINUTE) is not None


def test_an_expired_lease_is_taken_over_with_a_higher_fence(kit: Kit) -> None:
    first = kit.store.acquire("a", "worker 1", MINUTE)
    kit.clock.move(minutes=1)
    second = kit.store.acquire("a", "worker 2", MINUTE)
    assert first is not None
    assert second is not None
    assert second.fence == first.fence + 1
    with pytest.raises(LeaseLost):
        kit.store.renew(first, MINUTE)


def test_a_renewed_lease_lives_on_and_says_the_time(kit: Kit) -> None:
    lease = kit.store.acquire("a", "worker 1", MINUTE)
    assert lease is not None
    kit.clock.move(seconds=50)
    assert kit.store.renew(lease, MINUTE) == kit.clock.now()
    kit.clock.move(seconds=50)
    assert kit.store.acquire("a", "worker 2", MINUTE) is None


def test_the_fence_keeps_growing_over_a_release(kit: Kit) -> None:
    fences = []
    for _ in range(3):
        lease = kit.store.acquire("a", "worker", MINUTE)
        assert lease is not None
        fences.append(lease.fence)
        kit.store.release(lease)
    assert fences == [1, 2, 3]


def test_releasing_a_lost_lease_does_not_free_the_new_one(kit: Kit) -> None:
    first = kit.store.acquire("a", "worker 1", MINUTE)
    assert first is not None
    kit.clock.move(minutes=2)
    assert kit.store.acquire("a", "worker 2", MINUTE) is not None
    kit.store.release(first)
    assert kit.store.acquire("a", "worker 3", MINUTE) is None


def test_a_change_carries_the_fence_of_its_lease(kit: Kit) -> None:
    lease = begin(kit)
    written = write(kit, lease, mark_sent(kit, lease))
    assert (written.state, written.fence) == (EffectState.sent, lease.fence)
    assert kit.store.get(KIND, effect().key) == written


def test_what_is_taken_is_read_under_its_lease(kit: Kit) -> None:
    first = begin(kit)
    held = kit.store.lease(KIND, effect().key, "worker 2", MINUTE)
    assert (held.effect, held.lease) == (kit.store.get(KIND, effect().key), None)
    write(kit, first, mark_sent(kit, first))
    kit.clock.move(minutes=2)
    leased = kit.store.lease(KIND, effect().key, "worker 2", MINUTE)
    assert leased.lease == Lease(NAME, "worker 2", first.fence + 1, kit.clock.now() + MINUTE)
    assert leased.effect == kit.store.get(KIND, effect().key)
    assert leased.now == kit.clock.now()
    assert kit.store.lease(KIND, "never intended", "worker 2", MINUTE).effect is None


def test_a_change_that_ends_the_turn_gives_the_lease_back_or_writes_nothing(kit: Kit) -> None:
    lease = begin(kit)
    last = replace(mark_sent(kit, lease), gives_back=True)

    def cut(_: Boundary) -> None:
        raise Power

    kit.on_boundary = cut
    with pytest.raises(Power):
        write(kit, lease, last)
    kit.on_boundary = lambda _: None
    assert kit.store.lease(KIND, effect().key, "worker 2", MINUTE).lease is None
    write(kit, lease, last)
    assert kit.store.lease(KIND, effect().key, "worker 2", MINUTE).lease is not None


def test_an_old_fence_writes_nothing(kit: Kit) -> None:
    old = begin(kit)
    change = mark_sent(kit, old)
    kit.clock.move(minutes=2)
    assert kit.store.acquire(NAME, "worker 2", MINUTE) is not None
    with pytest.raises(LeaseLost):
        write(kit, old, change)
    assert kit.store.get(KIND, effect().key) == change.before
    assert len(kit.chain()) == 1


def test_a_stale_reading_writes_nothing(kit: Kit) -> None:
    lease = begin(kit)
    change = mark_sent(kit, lease)
    write(kit, lease, change)
    with pytest.raises(LeaseLost):
        write(kit, lease, change)


def _mark(intended: Effect) -> Change:
    sent = replace(intended, state=EffectState.sent, sends=1, sent_at=intended.intended_at)
    return Change(intended, sent, "send 1")


def test_a_new_effect_can_begin_as_sent_under_its_lease(kit: Kit) -> None:
    sent, lease = kit.store.begin(effect(), _mark, "api", MINUTE)
    assert lease is not None
    assert sent.state is EffectState.sent
    assert sent.sent_at == START
    assert kit.store.get(KIND, sent.key) == sent
    assert kit.store.acquire(NAME, "janitor", MINUTE) is None
    done = replace(sent, state=EffectState.done)
    write(kit, lease, Change(sent, done, "answered yes", gives_back=True))
    assert kit.store.acquire(NAME, "janitor", MINUTE) is not None
    assert [link.entry.what for link in kit.chain()] == [
        "effect intended",
        "effect intended -> sent",
        "effect sent -> done",
    ]


def test_a_known_effect_does_not_begin_again(kit: Kit) -> None:
    known = kit.store.insert(effect(intended_at=START), "task")
    found, lease = kit.store.begin(effect(), _mark, "api", MINUTE)
    assert (found, lease) == (known, None)
    assert kit.store.acquire(NAME, "janitor", MINUTE) is not None


def test_nothing_begins_under_a_lease_that_somebody_took_over(kit: Kit) -> None:
    mine = kit.store.acquire("saga|A", "sleeper", MINUTE)
    assert mine is not None
    kit.clock.move(seconds=61)
    first, _ = kit.store.begin(effect(), _mark, "sleeper", MINUTE, under=mine)
    assert first.state is EffectState.sent  # it ran out, but nobody has taken it
    assert kit.store.acquire("saga|A", "another", MINUTE) is not None
    late = effect("late", reference="LATE")
    with pytest.raises(LeaseLost):
        kit.store.begin(late, _mark, "sleeper", MINUTE, under=mine)
    with pytest.raises(LeaseLost):
        kit.store.insert(replace(late, intended_at=START), "sleeper", under=mine)
    assert kit.store.get(KIND, "late") is None
    assert kit.store.acquire(f"{KIND.value}|late", "janitor", MINUTE) is not None


def test_an_effect_whose_lease_is_held_does_not_begin(kit: Kit) -> None:
    assert kit.store.acquire(NAME, "janitor", MINUTE) is not None
    found, lease = kit.store.begin(effect(), _mark, "api", MINUTE)
    assert lease is None
    assert found.state is EffectState.intended
