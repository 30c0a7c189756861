"""Giving up counts from when the other side fell silent; a server may name when to come back."""

from datetime import timedelta

import pytest

from include.domain.errors import Busy, OutcomeUnknown
from include.services.effects.ports import EffectState
from tests.effects import (
    CLOSED,
    KEY,
    KIND,
    REFUSED,
    UNREACHABLE,
    Desk,
    answer,
    effect,
    time_out,
)
from tests.effects import desk as desk

IN_DOUBT = EffectState.in_doubt


def test_a_period_that_opens_after_a_week_outlives_one_refused_connection(desk: Desk) -> None:
    desk.partner.on_send = [answer(CLOSED), answer(UNREACHABLE)]
    assert desk.post().state is EffectState.parked
    assert desk.advance(days=6).state is EffectState.parked
    assert desk.advance(hours=1).state is EffectState.done


def test_a_replay_after_a_week_outlives_one_refused_connection(desk: Desk) -> None:
    desk.partner.on_send = [answer(REFUSED), answer(UNREACHABLE)]
    assert desk.post().state is EffectState.rejected
    desk.clock.move(days=6)
    again = desk.engine.replay(KIND, KEY, "ann")
    assert (again.state, again.next_at) == (
        EffectState.intended,
        desk.clock.now() + timedelta(seconds=30),
    )
    assert desk.advance(seconds=30).state is EffectState.done


def test_a_doubt_replayed_after_a_week_is_asked_again_after_q(desk: Desk) -> None:
    desk.partner.on_send = [time_out]
    desk.post()
    desk.partner.on_look = [answer(UNREACHABLE)] * 2
    desk.advance(seconds=301)
    assert desk.advance(days=6).state is EffectState.dead_letter
    desk.partner.on_look = [answer(UNREACHABLE)]
    again = desk.engine.replay(KIND, KEY, "ann")
    assert again.state is IN_DOUBT
    assert again.next_at is not None
    assert again.next_at - desk.clock.now() <= timedelta(seconds=301)


def test_what_nobody_tried_for_a_week_is_not_given_up_at_its_first_try(desk: Desk) -> None:
    """Airflow was away."""
    desk.engine.intend(effect())
    desk.partner.on_send = [answer(UNREACHABLE)]
    assert desk.advance(days=6).state is EffectState.intended


def test_an_answer_in_between_ends_the_silence(desk: Desk) -> None:
    desk.partner.on_send = [answer(UNREACHABLE), answer(CLOSED), answer(UNREACHABLE)]
    silent = desk.post()
    assert silent.silent_since == desk.clock.now()
    parked = desk.advance(days=4)
    assert (parked.state, parked.silent_since) == (EffectState.parked, None)


def test_what_waits_for_its_period_ends_after_five_days_of_silence_like_any_other(
    desk: Desk,
) -> None:
    """A closed period is an answer; that nobody can be asked whether it is open is none."""
    desk.partner.on_send = [answer(CLOSED)]
    desk.post()
    desk.partner.on_look = [answer(UNREACHABLE)] * 60
    desk.partner.on_send = [answer(UNREACHABLE)] * 200
    for _ in range(5 * 24):
        assert desk.advance(hours=1).state is EffectState.parked
    assert desk.advance(hours=1).state is EffectState.dead_letter


def test_five_days_of_silence_are_a_persons_matter(desk: Desk) -> None:
    desk.partner.on_send = [answer(UNREACHABLE)] * 2000
    desk.post()
    for _ in range(5 * 24 - 1):
        assert desk.advance(hours=1).state is EffectState.intended
    assert desk.advance(hours=1).state is EffectState.dead_letter
    assert "no answer for 5 days" in desk.store.dead_letters()[0].reason


@pytest.mark.parametrize(("named_s", "wait_s"), [(600.0, 600), (5.0, 30), (None, 30)])
def test_who_is_asked_to_come_back_later_does(
    desk: Desk, named_s: float | None, wait_s: float
) -> None:
    desk.partner.on_send = [answer(Busy("429", "the gateway", "Wait.", named_s))]
    waiting = desk.post()
    assert waiting.next_at == desk.clock.now() + timedelta(seconds=wait_s)


def test_a_doubt_is_not_asked_about_before_the_time_that_the_server_named(desk: Desk) -> None:
    desk.partner.after_commit = [answer(OutcomeUnknown("no answer", "SYSPRO A", "Look."))]
    desk.post()
    desk.partner.on_look = [answer(Busy("429", "SYSPRO A", "Wait.", 900.0))]
    waiting = desk.advance(seconds=301)
    assert waiting.next_at == desk.clock.now() + timedelta(seconds=900)
