"""What the engine sets aside: why, with whose advice, and what brings it back."""

import pytest

from include.domain.errors import Rejected
from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, EffectState, Found
from tests.effects import (
    KEY,
    KIND,
    REFUSED,
    START,
    TIMINGS,
    UNREACHABLE,
    Desk,
    answer,
    effect,
    time_out,
)
from tests.effects import desk as desk


def test_three_sends_never_found_are_a_dead_letter_with_an_owner_and_an_action(desk: Desk) -> None:
    desk.partner.on_send = [time_out, time_out, time_out]
    desk.post()
    for _ in range(3):
        desk.advance(seconds=301)
        desk.advance(seconds=61)
    assert desk.state() is EffectState.dead_letter
    assert len(desk.partner.sends) == 3
    (letter,) = desk.store.dead_letters()
    assert letter.reason == "sent 3 times and never found"
    assert (letter.owner, letter.amount_minor) == ("payments", 40000)
    assert "replay" in letter.next_action


def test_in_doubt_asks_at_q_2q_15_min_1_h_6_h_and_daily_then_gives_up(desk: Desk) -> None:
    desk.partner.after_commit = [time_out]
    desk.post()
    desk.partner.on_look = [answer(UNREACHABLE)] * 10
    asked = []
    while desk.state() is EffectState.in_doubt:
        waiting = desk.store.get(KIND, KEY)
        assert waiting is not None
        assert waiting.next_at is not None
        asked.append(round((waiting.next_at - START).total_seconds()))
        desk.clock.move(seconds=(waiting.next_at - desk.clock.now()).total_seconds())
        desk.engine.sweep()
    day = 86_400
    assert asked == [300, 600, 900, 3600, 21600, day, 2 * day, 3 * day, 4 * day, 5 * day]
    assert desk.state() is EffectState.dead_letter


def test_late_evidence_moves_a_dead_letter_to_verified_and_closes_it(desk: Desk) -> None:
    desk.partner.on_send = [time_out, time_out, time_out]
    desk.post()
    for _ in range(6):
        desk.advance(seconds=301)
    desk.partner.ledger.append((effect().reference, effect().payload))
    assert desk.engine.recheck(KIND, KEY).state is EffectState.verified
    assert desk.store.dead_letters() == []
    assert "late evidence" in desk.store.dead_letters("resolved")[0].resolution


def test_evidence_from_elsewhere_counts_like_a_look(desk: Desk) -> None:
    desk.partner.on_send = [answer(REFUSED)]
    assert desk.post().state is EffectState.rejected
    desk.partner.ledger.append((effect().reference, effect().payload))
    seen = Found("2026/3/1", {"payload": effect().payload})
    assert desk.engine.late_evidence(KIND, KEY, (seen,)).their_key == "2026/3/1"


def test_evidence_cannot_hurry_an_effect_that_is_still_in_doubt(desk: Desk) -> None:
    desk.partner.on_send = [time_out]
    desk.post()
    assert desk.engine.late_evidence(KIND, KEY, ()).state is EffectState.in_doubt


def test_two_found_keep_the_first_and_name_the_surplus(desk: Desk) -> None:
    desk.post()
    desk.partner.ledger.append((effect().reference, effect().payload))
    found = desk.advance(seconds=360)
    assert (found.state, found.their_key) == (EffectState.mismatched, "2026/3/1")
    (letter,) = desk.store.dead_letters()
    assert "reverse 2026/3/2" in letter.next_action


def test_a_second_copy_that_comes_after_verifying_is_late_evidence(desk: Desk) -> None:
    desk.post()
    desk.advance(seconds=360)
    assert desk.engine.recheck(KIND, KEY).state is EffectState.verified
    desk.partner.ledger.append((effect().reference, effect().payload))
    assert desk.engine.recheck(KIND, KEY).state is EffectState.mismatched
    del desk.partner.ledger[1]
    assert desk.engine.recheck(KIND, KEY).state is EffectState.verified
    assert desk.store.dead_letters() == []


def test_what_reads_back_differently_is_shown_with_both_sides(desk: Desk) -> None:
    desk.post()
    desk.partner.ledger[0] = (effect().reference, '{"lines":[1,-1]}')
    assert desk.advance(seconds=360).state is EffectState.mismatched
    (letter,) = desk.store.dead_letters()
    assert 'ours {"lines":[40000,-40000]}, theirs {"lines":[1,-1]}' in letter.reason


def test_a_yes_that_cannot_be_found_again_is_never_resent(desk: Desk) -> None:
    desk.post()
    desk.partner.ledger.clear()
    assert desk.advance(seconds=360).state is EffectState.done
    assert desk.advance(seconds=60).state is EffectState.dead_letter
    assert len(desk.partner.sends) == 1


def test_a_refusal_stops_at_once_with_the_partner_s_advice(desk: Desk) -> None:
    desk.partner.on_send = [answer(REFUSED)]
    assert desk.post().state is EffectState.rejected
    (letter,) = desk.store.dead_letters()
    assert (letter.reason, letter.next_action) == (str(REFUSED), "Map it to an account.")


def test_a_person_may_replay_a_refusal_once_its_cause_is_gone(desk: Desk) -> None:
    desk.partner.on_send = [answer(REFUSED)]
    desk.post()
    replayed = desk.engine.replay(KIND, KEY, "ann")
    assert replayed.state is EffectState.done
    assert desk.store.dead_letters("resolved")[0].resolved_by == "ann"


def test_a_replay_of_a_sent_effect_still_needs_two_absent_looks(desk: Desk) -> None:
    desk.partner.on_send = [time_out, time_out, time_out]
    desk.post()
    for _ in range(6):
        desk.advance(seconds=301)
    replayed = desk.engine.replay(KIND, KEY, "ann")
    assert (replayed.state, replayed.absent_looks) == (EffectState.in_doubt, 1)
    assert desk.advance(seconds=60).state is EffectState.done
    assert len(desk.partner.sends) == 4


def test_what_is_posted_cannot_be_replayed(desk: Desk) -> None:
    desk.post()
    with pytest.raises(Rejected, match="is done"):
        desk.engine.replay(KIND, KEY, "ann")


def test_a_partner_down_for_days_is_a_dead_letter_not_a_loop(desk: Desk) -> None:
    desk.partner.on_send = [answer(UNREACHABLE)]
    desk.post()
    desk.partner.on_look = [answer(UNREACHABLE)]
    assert desk.advance(days=5).state is EffectState.dead_letter
    assert "no answer for 5 days: connection refused" in desk.store.dead_letters()[0].reason


def _given_up(desk: Desk) -> Effect:
    """Return what could not be sent for five days; the other side could be asked all the time."""
    desk.partner.on_send = [answer(UNREACHABLE)] * 2
    desk.post()
    return desk.advance(days=6)


def test_what_never_left_is_given_up_as_never_sent_and_may_be_withdrawn(desk: Desk) -> None:
    dead = _given_up(desk)
    assert (dead.state, dead.sends, dead.sent_at) == (EffectState.dead_letter, 0, None)
    assert desk.engine.withdraw(KIND, KEY, "not wanted").state is EffectState.withdrawn
    assert desk.store.dead_letters() == []
    with pytest.raises(Rejected, match="withdrawn, not rejected or a dead letter"):
        desk.engine.replay(KIND, KEY, "ann")


def test_what_never_left_is_sent_at_once_when_it_is_replayed(desk: Desk) -> None:
    _given_up(desk)
    assert desk.engine.replay(KIND, KEY, "ann").state is EffectState.done


def test_a_dead_letter_that_may_have_left_is_not_withdrawn(desk: Desk) -> None:
    desk.partner.on_send = [time_out, *[answer(UNREACHABLE)] * 9]
    desk.post()
    for _ in range(9):
        desk.advance(days=1)
    assert desk.state() is EffectState.dead_letter
    assert desk.engine.withdraw(KIND, KEY, "not wanted").state is EffectState.dead_letter


def test_what_was_found_there_and_vanished_is_not_withdrawn(desk: Desk) -> None:
    desk.partner.ledger.append((effect().reference, effect().payload))
    assert desk.post().state is EffectState.done  # adopted: never sent by us
    desk.partner.ledger.clear()
    for _ in range(2):
        desk.advance(seconds=361)
    assert desk.state() is EffectState.dead_letter
    assert desk.engine.withdraw(KIND, KEY, "not wanted").state is EffectState.dead_letter


@pytest.mark.parametrize("is_refused", [True, False])
def test_a_store_that_may_have_forgotten_withdraws_nothing_it_cannot_look_for(
    desk: Desk, is_refused: bool
) -> None:
    if is_refused:
        desk.partner.on_send = [answer(REFUSED)]
        desk.post()
        desk.clock.move(days=6)
    else:
        _given_up(desk)
    partners, timings = {KIND: desk.partner}, {KIND: TIMINGS}
    engine = Engine(desk.store, partners, desk.clock, timings, looks_first=lambda: True)
    desk.partner.on_look = [answer(UNREACHABLE)]
    before = desk.state()
    assert engine.withdraw(KIND, KEY, "not wanted").state is before
    assert engine.withdraw(KIND, KEY, "not wanted").state is EffectState.withdrawn
