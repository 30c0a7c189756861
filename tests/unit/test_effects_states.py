"""The transition table and the schedule, as a person would state them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from include.services.effects import schedule
from include.services.effects.ports import EffectState
from include.services.effects.states import (
    FINISHED,
    NEEDS_A_PERSON,
    TRANSITIONS,
    UNFINISHED,
    check_transition,
)
from tests.effects import START, TIMINGS, effect

MINUTE = timedelta(minutes=1)


def test_every_state_is_either_worked_on_or_finished() -> None:
    assert set(UNFINISHED) | set(FINISHED) == set(EffectState)
    assert set(UNFINISHED).isdisjoint(FINISHED)
    assert set(NEEDS_A_PERSON) < set(FINISHED)


def test_nothing_is_sent_again_without_having_been_in_doubt() -> None:
    may_send = {state for state in EffectState if EffectState.sent in TRANSITIONS[state]}
    may_send.remove(EffectState.sent)  # a further call of the very same send
    assert may_send == {EffectState.intended, EffectState.in_doubt, EffectState.parked}


def test_what_is_verified_only_changes_when_evidence_speaks_against_it() -> None:
    assert TRANSITIONS[EffectState.verified] == {EffectState.mismatched}


def test_an_unlisted_transition_is_our_own_bug() -> None:
    with pytest.raises(ValueError, match="from verified to sent"):
        check_transition(EffectState.verified, EffectState.sent)


def test_q_counts_from_the_send_and_is_exceeded_not_met() -> None:
    sent = replace(effect(), sent_at=START, state=EffectState.sent)
    assert schedule.settled_at(sent, TIMINGS) > START + timedelta(seconds=300)
    assert schedule.settled_at(sent, TIMINGS) < START + timedelta(seconds=301)


def test_a_parked_effect_never_gives_up() -> None:
    parked = replace(effect(), intended_at=START, state=EffectState.parked)
    years_later = START + timedelta(days=1000)
    assert schedule.next_try(parked, years_later, TIMINGS) == years_later + timedelta(hours=1)


def test_q_longer_than_the_fixed_looks_comes_first() -> None:
    slow = replace(TIMINGS, quiescence=timedelta(minutes=20))
    doubt = replace(effect(), sent_at=START, state=EffectState.in_doubt)
    first = schedule.next_try(doubt, START + MINUTE, slow)
    assert first is not None
    assert timedelta(minutes=20) < first - START < timedelta(minutes=21)
