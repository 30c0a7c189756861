"""What a store may have forgotten is asked for, taken in where it is there, and never sent."""

import pytest

from include.domain.errors import Retryable
from include.services.effects.boundaries import Boundary
from include.services.effects.ports import EffectState
from include.services.effects.seek import seek
from tests.effects import KEY, KIND, REFUSED, UNREACHABLE, Desk, answer, effect
from tests.effects import desk as desk

MADE = (effect().reference, effect().payload)


def test_what_is_there_is_taken_in_and_read_back_like_any_other(desk: Desk) -> None:
    desk.partner.ledger = [MADE]
    found = seek(desk.engine, effect())
    assert found is not None
    assert (found.state, found.their_key, found.sends) == (EffectState.done, "2026/3/1", 0)
    assert desk.advance(hours=1).state is EffectState.verified
    assert seek(desk.engine, effect()) == desk.store.get(KIND, KEY)
    assert desk.partner.sends == []


def test_what_is_not_there_leaves_nothing_behind(desk: Desk) -> None:
    assert seek(desk.engine, effect()) is None
    assert desk.store.get(KIND, KEY) is None


def test_whoever_cannot_ask_says_so(desk: Desk) -> None:
    desk.partner.on_look = [answer(UNREACHABLE)]
    with pytest.raises(Retryable):
        seek(desk.engine, effect())
    assert desk.store.get(KIND, KEY) is None


@pytest.mark.parametrize("boundary", list(Boundary))
def test_a_crash_leaves_no_intent_that_the_janitor_would_send(
    desk: Desk, boundary: Boundary
) -> None:
    """It was found once; asked again, the other side may not show it for a while."""
    desk.partner.ledger = [MADE]

    def die(name: Boundary) -> None:
        if name is boundary:
            raise KeyboardInterrupt

    desk.on_boundary = die
    try:
        seek(desk.engine, effect())
    except KeyboardInterrupt:
        desk.partner.ledger = []
    desk.on_boundary = lambda _: None
    desk.clock.move(hours=1)
    desk.engine.sweep()
    assert desk.partner.sends == []


def test_two_of_one_reference_are_told_at_once(desk: Desk) -> None:
    desk.partner.ledger = [MADE, MADE]
    found = seek(desk.engine, effect())
    assert found is not None
    assert found.state is EffectState.mismatched
    assert [one.key for one in desk.store.dead_letters()] == [KEY]


def test_one_that_was_refused_is_asked_for_a_replay_of_it_may_be_forgotten(desk: Desk) -> None:
    desk.partner.on_send = [answer(REFUSED)]
    assert desk.post().state is EffectState.rejected
    refused = seek(desk.engine, effect())
    assert refused is not None
    assert refused.state is EffectState.rejected
    desk.partner.ledger = [MADE]
    found = seek(desk.engine, effect())
    assert found is not None
    assert found.state is EffectState.done
    assert len(desk.partner.sends) == 1
