"""The protocol, step by step, against a partner that does as it is told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from include.domain.errors import OutcomeUnknown, Rejected, Retryable
from include.services.effects.engine import Engine
from include.services.effects.ports import EffectState, Timings
from tests.effects import (
    CLOSED,
    KEY,
    KIND,
    MINUTE,
    START,
    TIMINGS,
    UNREACHABLE,
    Desk,
    ManualClock,
    ScriptedPartner,
    answer,
    effect,
    time_out,
)
from tests.effects import desk as desk
from tests.simulator.memory import MemoryEffectStore


def test_a_clear_yes_is_done_and_verified_once_a_second_copy_would_show(desk: Desk) -> None:
    done = desk.post()
    assert (done.state, done.their_key) == (EffectState.done, "2026/3/1")
    assert done.next_at == START + timedelta(seconds=360)
    assert desk.advance(seconds=359).state is EffectState.done
    assert desk.advance(seconds=1).state is EffectState.verified
    assert len(desk.partner.sends) == 1


def test_advancing_a_finished_effect_calls_nobody(desk: Desk) -> None:
    desk.post()
    desk.advance(seconds=360)
    looks = desk.partner.looks
    assert desk.advance().state is EffectState.verified
    assert (desk.partner.looks, len(desk.partner.sends)) == (looks, 1)


def test_the_same_intent_twice_is_one_effect(desk: Desk) -> None:
    desk.post()
    assert desk.engine.intend(effect()).state is EffectState.done
    desk.engine.advance(KIND, KEY)
    assert len(desk.partner.sends) == 1


def test_the_same_key_with_other_content_stops_and_shows_both(desk: Desk) -> None:
    desk.post()
    other = effect(payload='{"lines":[50000,-50000]}', amount_minor=50000)
    with pytest.raises(Rejected) as stopped:
        desk.engine.intend(other)
    for shown in (effect().digest[:12], other.digest[:12], "40000 USD", "50000 USD"):
        assert shown in str(stopped.value)


def test_a_digest_that_is_not_of_the_payload_is_our_own_bug(desk: Desk) -> None:
    with pytest.raises(ValueError, match="digest"):
        desk.engine.intend(replace(effect(), digest="0" * 64))


def test_what_is_already_there_is_adopted_and_not_sent(desk: Desk) -> None:
    desk.partner.ledger.append((effect().reference, effect().payload))
    assert desk.post().state is EffectState.done
    assert desk.advance(seconds=360).state is EffectState.verified
    assert desk.partner.sends == []


def test_a_timeout_after_the_commit_is_adopted_after_q_and_never_resent(desk: Desk) -> None:
    desk.partner.after_commit = [time_out]
    assert desk.post().state is EffectState.in_doubt
    assert desk.advance(seconds=300).state is EffectState.in_doubt
    assert desk.advance(seconds=1).state is EffectState.done
    assert desk.advance(seconds=59).state is EffectState.verified
    assert len(desk.partner.sends) == 1


def test_a_doubt_is_resent_after_two_absent_looks_a_gap_apart(desk: Desk) -> None:
    desk.partner.on_send = [time_out]
    desk.post()
    assert desk.advance(seconds=301).absent_looks == 1
    assert desk.advance(seconds=59).absent_looks == 1
    sent_again = desk.advance(seconds=1)
    assert (sent_again.state, sent_again.sends) == (EffectState.done, 2)
    assert desk.partner.sends == [effect().reference, effect().reference]


def test_a_look_that_is_refused_says_nothing_of_what_was_written(desk: Desk) -> None:
    refused = answer(Rejected("HTTP 401", "gateway", "Check the key."))
    desk.partner.on_look = [refused]
    first = desk.post()
    assert (first.state, first.sends) == (EffectState.intended, 0)
    desk.partner.after_commit = [time_out]
    assert desk.advance(seconds=120).state is EffectState.in_doubt
    desk.partner.on_look = [refused]
    assert desk.advance(seconds=301).state is EffectState.in_doubt
    assert desk.advance(hours=1).state is EffectState.verified
    assert desk.partner.sends == [effect().reference]
    desk.partner.on_look = [refused]
    with pytest.raises(Retryable, match="HTTP 401"):
        desk.engine.read_back(KIND, effect().key)


def test_nobody_can_hurry_a_doubt(desk: Desk) -> None:
    desk.partner.on_send = [time_out]
    desk.post()
    looks = desk.partner.looks
    for _ in range(50):
        desk.advance(seconds=5)
    assert (desk.partner.looks, len(desk.partner.sends)) == (looks, 1)


def test_a_closed_period_parks_with_its_condition_and_a_time_to_ask_again(desk: Desk) -> None:
    desk.partner.on_send = [answer(CLOSED)]
    parked = desk.post()
    assert (parked.state, parked.sends) == (EffectState.parked, 0)
    assert "period 2026/2 is closed" in parked.reason
    assert parked.next_at == START + timedelta(hours=1)
    assert desk.engine.sweep() == ()
    desk.clock.move(hours=1)
    (swept,) = desk.engine.sweep()
    assert (swept.state, swept.reason) == (EffectState.done, "")


def test_a_person_who_opened_the_period_need_not_wait(desk: Desk) -> None:
    desk.partner.on_send = [answer(CLOSED)]
    desk.post()
    assert desk.advance(seconds=1).state is EffectState.done


def test_what_was_never_sent_is_tried_again_with_growing_patience(desk: Desk) -> None:
    desk.partner.on_send = [answer(UNREACHABLE)] * 3
    first = desk.post()
    assert (first.state, first.sends, first.sent_at) == (EffectState.intended, 0, None)
    assert first.next_at == START + timedelta(seconds=30)
    assert desk.advance(seconds=120).next_at == START + timedelta(seconds=240)
    assert desk.advance(hours=2).next_at == desk.clock.now() + timedelta(minutes=15)
    assert desk.advance(minutes=15).state is EffectState.done


def test_a_read_back_shows_both_sides_and_changes_nothing(desk: Desk) -> None:
    desk.post()
    shown = desk.engine.read_back(KIND, KEY)
    assert [one.their_key for one in shown.found] == ["2026/3/1"]
    assert shown.differences == ()
    assert desk.state() is EffectState.done


def test_an_effect_nobody_intended_is_our_own_bug(desk: Desk) -> None:
    with pytest.raises(ValueError, match="never intended"):
        desk.engine.advance(KIND, "nothing")


def test_an_unknown_outcome_keeps_the_reason_for_the_operator(desk: Desk) -> None:
    desk.partner.on_send = [answer(OutcomeUnknown("HTTP 502", "SYSPRO A", "Look."))]
    assert "HTTP 502" in desk.post().reason


def test_q_must_outlast_the_exchange() -> None:
    with pytest.raises(ValueError, match="Q must exceed"):
        Timings(timedelta(seconds=60), timedelta(seconds=65), MINUTE)


def test_what_is_verified_at_once_is_read_back_by_whoever_performs_it() -> None:
    clock, partner = ManualClock(), ScriptedPartner()
    timings = {KIND: replace(TIMINGS, verify_after=timedelta(0))}
    engine = Engine(MemoryEffectStore(clock), {KIND: partner}, clock, timings)
    assert engine.perform(effect()).state is EffectState.verified
