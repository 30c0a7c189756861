"""One contract for every effect store: memory, SQLite and PostgreSQL behave alike."""

from dataclasses import replace
from datetime import datetime

import pytest

from include.domain.errors import Rejected
from include.services.effects import chain
from include.services.effects.boundaries import Boundary
from include.services.effects.ports import EffectState
from include.services.effects.states import UNFINISHED
from include.services.effects.store import (
    Change,
    DeadLetterNote,
    Lease,
)
from tests.contract.effect_kit import MINUTE, Kit, Power, begin, mark_sent, write
from tests.contract.effect_kit import kit as kit
from tests.effects import KIND, START, effect


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


def test_a_change_is_decided_by_the_time_of_its_own_transaction(kit: Kit) -> None:
    lease = begin(kit)
    change, told = mark_sent(kit, lease), []
    kit.clock.move(minutes=3)

    def decide(now: datetime) -> Change:
        told.append(now)
        return change

    kit.store.change(lease, decide)
    assert told == [kit.clock.now()]


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
    assert kit.store.counts(UNFINISHED) == {EffectState.in_doubt: 2, EffectState.intended: 1}


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


@pytest.mark.parametrize("state", EffectState)
def test_a_later_effect_that_reads_back_different_was_made_all_the_same(
    kit: Kit, state: EffectState
) -> None:
    """It has changed the order; its own letter says how, and the first one's would say it again."""
    first = replace(effect("ord_1|hold|1"), intended_at=START, state=EffectState.done)
    later = replace(effect("ord_1|release|1"), intended_at=START + MINUTE, state=state)
    for one in (first, later):
        kit.store.insert(one, "test")
    made = {"sent", "in_doubt", "done", "verified", "mismatched"}
    assert kit.store.has_later(first) is (state.value in made)
