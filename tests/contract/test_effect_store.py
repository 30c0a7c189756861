"""One contract for every effect store: memory, SQLite and PostgreSQL behave alike."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from include.adapters.store import audit
from include.adapters.store.dead_letters import SqlDeadLetters
from include.adapters.store.effects import SqlEffectStore
from include.adapters.store.engine import open_store
from include.adapters.store.schema import metadata
from include.domain.errors import Rejected
from include.services.effects import chain
from include.services.effects.boundaries import Boundary
from include.services.effects.dead_letters import DeadLetter
from include.services.effects.ports import Effect, EffectState
from include.services.effects.store import (
    Change,
    DeadLetterNote,
    EffectStore,
    Lease,
    LeaseLost,
)
from tests.effects import KIND, START, ManualClock, effect
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


def test_what_was_inserted_is_read_back_whole(kit: Kit) -> None:
    wanted = replace(effect(), intended_at=START, amount_minor=-9_007_199_254_740_993)
    assert kit.store.insert(wanted, "test") == wanted
    assert kit.store.get(KIND, wanted.key) == wanted


def test_the_second_insert_of_a_key_returns_the_first(kit: Kit) -> None:
    first = kit.store.insert(replace(effect(), intended_at=START), "one")
    second = kit.store.insert(replace(effect(payload="{}"), intended_at=START), "two")
    assert second == first


def test_a_reference_belongs_to_one_key(kit: Kit) -> None:
    begin(kit)
    thief = replace(effect("another key"), reference=effect().reference, intended_at=START)
    with pytest.raises(Rejected, match="already belongs to 'acme_us"):
        kit.store.insert(thief, "test")


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


def test_a_change_is_decided_by_the_time_of_its_own_transaction(kit: Kit) -> None:
    lease = begin(kit)
    change, told = mark_sent(kit, lease), []
    kit.clock.move(minutes=3)

    def decide(now: datetime) -> Change:
        told.append(now)
        return change

    kit.store.change(lease, decide)
    assert told == [kit.clock.now()]


def test_what_is_taken_is_read_under_its_lease(kit: Kit) -> None:
    first = begin(kit)
    held = kit.store.take(KIND, effect().key, "worker 2", MINUTE)
    assert (held.effect, held.lease) == (kit.store.get(KIND, effect().key), None)
    write(kit, first, mark_sent(kit, first))
    kit.clock.move(minutes=2)
    taken = kit.store.take(KIND, effect().key, "worker 2", MINUTE)
    assert taken.lease == Lease(NAME, "worker 2", first.fence + 1, kit.clock.now() + MINUTE)
    assert taken.effect == kit.store.get(KIND, effect().key)
    assert taken.now == kit.clock.now()
    assert kit.store.take(KIND, "never intended", "worker 2", MINUTE).effect is None


def test_a_change_that_ends_the_turn_gives_the_lease_back_or_writes_nothing(kit: Kit) -> None:
    lease = begin(kit)
    last = replace(mark_sent(kit, lease), gives_back=True)

    def cut(_: Boundary) -> None:
        raise Power

    kit.on_boundary = cut
    with pytest.raises(Power):
        write(kit, lease, last)
    kit.on_boundary = lambda _: None
    assert kit.store.take(KIND, effect().key, "worker 2", MINUTE).lease is None
    write(kit, lease, last)
    assert kit.store.take(KIND, effect().key, "worker 2", MINUTE).lease is not None


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


def test_power_lost_inside_the_intent_leaves_no_trace(kit: Kit) -> None:
    def cut(_: Boundary) -> None:
        raise Power

    kit.on_boundary = cut
    with pytest.raises(Power):
        begin(kit)
    assert kit.store.get(KIND, effect().key) is None
    assert kit.chain() == []


def test_power_lost_inside_a_change_leaves_the_row_as_it_was(kit: Kit) -> None:
    lease = begin(kit)
    change = mark_sent(kit, lease)

    def cut(_: Boundary) -> None:
        raise Power

    kit.on_boundary = cut
    with pytest.raises(Power):
        write(kit, lease, change)
    assert kit.store.get(KIND, effect().key) == change.before
    assert not kit.store.is_in_transaction()


def set_aside(kit: Kit, lease: Lease, reason: str) -> None:
    before = kit.store.get(KIND, effect().key)
    assert before is not None
    looks = before.absent_looks + 1
    after = replace(before, state=EffectState.dead_letter, absent_looks=looks)
    write(kit, lease, Change(before, after, "c", DeadLetterNote(reason, "Ask them.")))


def test_one_dead_letter_is_open_per_effect_and_keeps_its_age(kit: Kit) -> None:
    lease = begin(kit)
    set_aside(kit, lease, "first reason")
    kit.clock.move(hours=3)
    set_aside(kit, lease, "second reason")
    (letter,) = kit.letters("open")
    assert (letter.reason, letter.opened_at) == ("second reason", START)
    assert (letter.amount_minor, letter.currency, letter.owner) == (40000, "USD", "payments")


def test_a_resolution_closes_the_open_dead_letter(kit: Kit) -> None:
    lease = begin(kit)
    set_aside(kit, lease, "reason")
    before = kit.store.get(KIND, effect().key)
    assert before is not None
    after = replace(before, state=EffectState.done)
    write(kit, lease, Change(before, after, "c", resolution="it was there", who="ann"))
    (letter,) = kit.letters("resolved")
    assert (letter.resolution, letter.resolved_by) == ("it was there", "ann")
    assert kit.letters("open") == []


def test_due_lists_what_is_unfinished_and_whose_time_has_come(kit: Kit) -> None:
    now = START
    for key, state, next_at in (
        ("later", EffectState.in_doubt, now + MINUTE),
        ("now", EffectState.in_doubt, now - MINUTE),
        ("always", EffectState.intended, None),
        ("finished", EffectState.verified, None),
    ):
        kit.store.insert(replace(effect(key), state=state, next_at=next_at, intended_at=now), "t")
    assert list(kit.store.due(10)) == [(KIND, "now"), (KIND, "always")]
    assert list(kit.store.due(1)) == [(KIND, "now")]
    assert [one.key for one in kit.store.listing([EffectState.in_doubt])] == ["later", "now"]
    assert kit.store.counts()[EffectState.in_doubt] == 2


def test_every_change_is_one_link_of_an_unbroken_chain(kit: Kit) -> None:
    lease = begin(kit)
    write(kit, lease, mark_sent(kit, lease))
    links = kit.chain()
    assert [link.entry.what for link in links] == ["effect intended", "effect intended -> sent"]
    assert links[1].entry.who == "worker 1"
    assert chain.verify(links) == chain.ChainVerdict(2, links[-1].hash)
    forged = replace(links[0], entry=replace(links[0].entry, who="nobody"))
    assert chain.verify([forged, links[1]]).broken_at == 1
    assert chain.verify(links[:1], expected_head=links[1].hash).broken_at == 2


def test_no_transaction_stays_open_between_calls(kit: Kit) -> None:
    lease = begin(kit)
    write(kit, lease, mark_sent(kit, lease))
    kit.store.listing([EffectState.sent])
    kit.store.due(1)
    assert not kit.store.is_in_transaction()


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


def test_a_reference_leads_to_its_effect(kit: Kit) -> None:
    begin(kit)
    found = kit.store.holder(effect().target, effect().reference)
    assert found is not None
    assert found.key == effect().key
    assert kit.store.holder("another company", effect().reference) is None


def withdraw(kit: Kit, lease: Lease) -> None:
    before = kit.store.get(KIND, effect().key)
    assert before is not None
    write(kit, lease, Change(before, replace(before, state=EffectState.withdrawn), "not wanted"))
    kit.store.release(lease)


@pytest.mark.parametrize("key", [effect().key, "another key"])
@pytest.mark.parametrize("is_begun", [False, True], ids=["inserted", "begun"])
def test_a_withdrawn_effect_makes_way_for_a_new_intent(kit: Kit, key: str, is_begun: bool) -> None:
    withdraw(kit, begin(kit))
    fresh = replace(
        effect(key, payload="{}"), reference=effect().reference, intended_at=kit.clock.now()
    )
    if is_begun:
        kit.store.begin(fresh, lambda it: Change(it, it, "send 1"), "worker 2", MINUTE)
    else:
        kit.store.insert(fresh, "worker 2")
    assert kit.store.due(10) == [(KIND, key)]
    found = kit.store.get(KIND, key)
    assert found is not None
    assert found.payload == "{}"


def test_a_later_effect_of_the_same_saga_is_known(kit: Kit) -> None:
    first, later, other = (
        replace(effect(key), intended_at=START + minutes * MINUTE, state=state)
        for key, minutes, state in (
            ("ord_1|hold|1", 0, EffectState.done),
            ("ord_1|release|1", 1, EffectState.intended),
            ("ord_10|hold|1", 2, EffectState.done),
        )
    )
    for one in (first, later, other):
        kit.store.insert(one, "test")
    assert not kit.store.has_later(first)  # it was not made yet
    lease = kit.store.acquire(f"{KIND.value}|{later.key}", "worker 1", MINUTE)
    assert lease is not None
    made = replace(later, state=EffectState.done)
    kit.store.change(lease, lambda _now: Change(later, made, "yes"))
    assert kit.store.has_later(first)
    assert not kit.store.has_later(later)
