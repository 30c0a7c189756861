"""A no that a second copy of the same call would be told as well: it counts once nothing is there.

The partner refuses what it holds already, and what is wrong, in the same words.
"""

from collections.abc import Callable

import pytest

from include.domain.errors import OutcomeUnknown
from include.services.effects.departure import depart
from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, EffectState, Receipt
from tests.effects import KEY, KIND, TIMINGS, Desk, ScriptedPartner, effect, time_out
from tests.effects import desk as desk

NO = Receipt("no 1", {"why": "INVALID"}, is_no=True, may_be_repeat=True)


class Refusing(ScriptedPartner):
    """Answers no; ``first`` happens before."""

    first: Callable[[Effect], object] = staticmethod(lambda _effect: None)

    def send(self, effect: Effect) -> Receipt:
        depart()
        self.sends.append(effect.reference)
        self.first(effect)
        return NO


@pytest.fixture
def refused(desk: Desk) -> Desk:
    desk.partner = Refusing()
    desk.engine = engine_of(desk)
    return desk


def engine_of(desk: Desk, *, is_doubted: bool = False) -> Engine:
    partners, timings = {KIND: desk.partner}, {KIND: TIMINGS}
    return Engine(desk.store, partners, desk.clock, timings, looks_first=lambda: is_doubted)


def test_it_is_a_no_after_two_absent_looks_and_is_not_sent_again(refused: Desk) -> None:
    doubt = refused.post()
    assert (doubt.state, doubt.their_key) == (EffectState.in_doubt, "no 1")
    assert refused.advance(seconds=301).state is EffectState.in_doubt
    ended = refused.advance(seconds=60)
    assert (ended.state, ended.their_key) == (EffectState.declined, "no 1")
    assert (ended.evidence, ended.sends) == ('{"why":"INVALID"}', 1)


def test_what_a_first_copy_has_done_is_found_and_stands(refused: Desk) -> None:
    def first_copy(it: Effect) -> None:
        refused.partner.ledger.append((it.reference, it.payload))

    refused.partner.first = first_copy  # type: ignore[attr-defined]
    assert refused.post().state is EffectState.in_doubt
    found = refused.advance(seconds=301)
    assert (found.state, found.their_key) == (EffectState.done, "2026/3/1")
    assert "INVALID" not in found.evidence


def test_after_an_earlier_send_it_proves_nothing(refused: Desk) -> None:
    def lost(_effect: Effect) -> None:
        if len(refused.partner.sends) == 1:
            time_out()

    refused.partner.first = lost  # type: ignore[attr-defined]
    refused.post()
    for _ in range(3):  # looks twice, sends again, is refused, and so once more
        refused.advance(seconds=301)
        again = refused.advance(seconds=60)
        assert (again.state, again.evidence) in {
            (EffectState.in_doubt, ""), (EffectState.dead_letter, "")
        }  # fmt: skip
    assert (again.state, again.sends) == (EffectState.dead_letter, 3)


def test_a_person_who_has_it_replayed_after_a_doubt_gets_no_no(refused: Desk) -> None:
    refused.partner.first = lambda _effect: time_out()  # type: ignore[attr-defined]
    refused.post()
    for _ in range(6):
        refused.advance(seconds=361)
    assert refused.state() is EffectState.dead_letter
    refused.partner.first = lambda _effect: None  # type: ignore[attr-defined]
    refused.engine.replay(KIND, KEY, "ada")
    sent = refused.advance(seconds=361)
    assert (sent.state, sent.sends, sent.evidence) == (EffectState.in_doubt, 1, "")


def test_a_store_that_may_have_forgotten_a_send_takes_no_no(refused: Desk) -> None:
    engine = engine_of(refused, is_doubted=True)
    engine.intend(effect())
    engine.advance(KIND, KEY)
    for seconds in (301, 60):
        refused.clock.move(seconds=seconds)
        sent = engine.advance(KIND, KEY)
    assert (sent.state, sent.sends, sent.evidence) == (EffectState.in_doubt, 2, "")


def test_a_no_that_is_waiting_is_forgotten_where_the_send_is_repeated(refused: Desk) -> None:
    """A store is doubted for a while; then an answer never comes: the old no is not the answer."""
    refused.post()

    def lost(_effect: Effect) -> None:
        raise OutcomeUnknown("no answer", "the other side", "Look.")

    refused.partner.first = lost  # type: ignore[attr-defined]
    engine = engine_of(refused, is_doubted=True)
    for seconds in (301, 60):
        refused.clock.move(seconds=seconds)
        sent = engine.advance(KIND, KEY)
    assert (sent.sends, sent.evidence, sent.their_key) == (2, "", "")
    for seconds in (301, 60):
        again = refused.advance(seconds=seconds)
    assert (again.state, again.sends) == (EffectState.in_doubt, 3)
