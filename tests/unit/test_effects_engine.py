"""The protocol, step by step, against a partner that does as it is told."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from include.domain.errors import OutcomeUnknown, Parked, Rejected, Retryable
from include.services.effects.boundaries import Boundary
from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, EffectState, Found, Timings
from tests.effects import KIND, START, TIMINGS, ManualClock, ScriptedPartner, effect, time_out
from tests.simulator.memory import MemoryEffectStore

KEY = effect().key
MINUTE = timedelta(minutes=1)


class Desk:
    """One worker, its store and its partner."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.store = MemoryEffectStore(self.clock)
        self.partner = ScriptedPartner()
        self.on_boundary: Callable[[Boundary], None] = lambda _: None
        self.events: list[str] = []
        self.engine = Engine(
            self.store,
            {KIND: self.partner},
            self.clock,
            {KIND: TIMINGS},
            worker="worker 1",
            boundary=lambda name: self.on_boundary(name),
            log=lambda event, **fields: self.events.append(event),
        )

    def post(self) -> Effect:
        self.engine.intend(effect())
        return self.engine.advance(KIND, KEY)

    def advance(self, **span: float) -> Effect:
        self.clock.move(**span)
        return self.engine.advance(KIND, KEY)

    def state(self) -> EffectState:
        found = self.store.get(KIND, KEY)
        assert found is not None
        return found.state


@pytest.fixture
def desk() -> Desk:
    return Desk()


def answer(error: Exception) -> Callable[[], object]:
    def give() -> None:
        raise error

    return give


UNREACHABLE = Retryable("connection refused", "SYSPRO A", "Check the network.")
CLOSED = Parked("period 2026/2 is closed", "SYSPRO A", "Open it or re-date the journal.")
REFUSED = Rejected("account 9999 does not exist", "SYSPRO A", "Map it to an account.")


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


def test_a_partner_down_for_days_is_a_dead_letter_not_a_loop(desk: Desk) -> None:
    desk.partner.on_send = [answer(UNREACHABLE)]
    desk.post()
    desk.partner.on_look = [answer(UNREACHABLE)]
    assert desk.advance(days=5).state is EffectState.dead_letter
    assert "no answer for 5 days: connection refused" in desk.store.dead_letters()[0].reason


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


def test_what_is_verified_at_once_is_read_back_by_whoever_performs_it() -> None:
    clock, partner = ManualClock(), ScriptedPartner()
    timings = {KIND: replace(TIMINGS, verify_after=timedelta(0))}
    engine = Engine(MemoryEffectStore(clock), {KIND: partner}, clock, timings)
    assert engine.perform(effect()).state is EffectState.verified
