"""The record of a send is made when its first byte leaves, whatever took minutes before that."""

from datetime import timedelta

import pytest

from include.domain.errors import OutcomeUnknown, Retryable
from include.services.effects.departure import depart
from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, EffectState, Receipt
from include.services.orders.breaker import Breaker, GuardedPartner
from tests.effects import (
    CLOSED,
    KEY,
    KIND,
    REFUSED,
    START,
    TIMINGS,
    UNREACHABLE,
    Desk,
    ScriptedPartner,
    answer,
    effect,
    time_out,
)
from tests.effects import desk as desk


@pytest.mark.parametrize("is_waited_for", [True, False])
def test_q_counts_from_the_first_byte_however_long_the_way_to_it(
    desk: Desk, is_waited_for: bool
) -> None:
    desk.partner.before_leaving = [lambda: desk.clock.move(seconds=250)]  # Q is 300 s
    desk.partner.on_send = [time_out]
    sent = desk.engine.perform(effect()) if is_waited_for else desk.post()
    left_at = START + timedelta(seconds=250)
    assert (sent.state, sent.sent_at) == (EffectState.in_doubt, left_at)
    assert sent.next_at is not None
    assert sent.next_at > left_at + TIMINGS.quiescence


@pytest.mark.parametrize("is_waited_for", [True, False])
@pytest.mark.parametrize(
    ("fault", "state"),
    [
        (UNREACHABLE, EffectState.intended),
        (OutcomeUnknown("no answer", "a question", "Look."), EffectState.intended),
        (CLOSED, EffectState.parked),
        (REFUSED, EffectState.rejected),
    ],
)
def test_what_fails_before_the_first_byte_is_no_send(
    desk: Desk, fault: Exception, state: EffectState, is_waited_for: bool
) -> None:
    desk.partner.before_leaving = [answer(fault)]
    held = desk.engine.perform(effect()) if is_waited_for else desk.post()
    assert (held.state, held.sends, held.sent_at) == (state, 0, None)
    assert desk.partner.ledger == []
    if state is not EffectState.rejected:
        assert desk.advance(hours=2).state is EffectState.done
        assert len(desk.partner.ledger) == 1


def test_a_crash_on_the_way_to_the_first_byte_leaves_no_doubt(desk: Desk) -> None:
    desk.partner.before_leaving = [answer(KeyboardInterrupt())]
    with pytest.raises(KeyboardInterrupt):
        desk.post()
    assert desk.state() is EffectState.intended
    desk.clock.move(seconds=1)
    (swept,) = desk.engine.sweep()  # at once: there is no Q to wait out
    assert swept.state is EffectState.done


def test_of_two_who_prepare_the_same_write_one_sends(desk: Desk) -> None:
    """Neither holds a lease yet; the record decides."""
    other = Engine(desk.store, {KIND: desk.partner}, desk.clock, {KIND: TIMINGS}, worker="two")
    desk.partner.before_leaving = [lambda: other.perform(effect()), lambda: None]
    assert desk.engine.perform(effect()).state is EffectState.done
    assert desk.partner.sends == [effect().reference]


def test_who_was_overtaken_while_preparing_sends_nothing(desk: Desk) -> None:
    other = Engine(desk.store, {KIND: desk.partner}, desk.clock, {KIND: TIMINGS}, worker="two")

    def be_overtaken() -> None:
        desk.clock.move(hours=1)
        other.sweep()

    desk.partner.before_leaving = [be_overtaken]
    assert desk.post().state is EffectState.done
    assert len(desk.partner.sends) == 1


@pytest.mark.parametrize("fault", [UNREACHABLE, CLOSED, REFUSED])
@pytest.mark.parametrize("is_answered", [True, False])
def test_what_stops_a_preparation_says_nothing_of_what_another_has_sent(
    desk: Desk, fault: Exception, is_answered: bool
) -> None:
    """A doubt must not end as refused, nor a success as our own bug."""
    other = Engine(desk.store, {KIND: desk.partner}, desk.clock, {KIND: TIMINGS}, worker="two")
    theirs: list[Effect] = []

    def be_overtaken() -> None:
        desk.partner.after_commit = [] if is_answered else [time_out]
        other.perform(effect())
        desk.clock.move(minutes=3)  # longer than a lease, shorter than Q
        theirs.extend(other.sweep() or [desk.engine.advance(KIND, KEY)])
        answer(fault)()

    desk.partner.before_leaving = [be_overtaken]
    assert desk.engine.perform(effect()) == theirs[0]
    assert theirs[0].state is (EffectState.done if is_answered else EffectState.in_doubt)
    desk.clock.move(hours=1)
    desk.engine.sweep()
    assert (desk.state(), len(desk.partner.sends)) == (EffectState.verified, 1)


class TwoCalls(ScriptedPartner):
    """A note, then a status: one send of two writes, minutes apart."""

    def send(self, effect: Effect) -> Receipt:
        depart()
        for wait in self.on_send:
            wait()
        return super().send(effect)


def test_each_further_write_of_a_send_is_recorded_anew(desk: Desk) -> None:
    partner = TwoCalls()
    engine = Engine(desk.store, {KIND: partner}, desk.clock, {KIND: TIMINGS})
    partner.on_send = [lambda: desk.clock.move(seconds=90)]
    partner.after_commit = [time_out]
    for sent in (engine.perform(effect()), engine.advance(KIND, KEY)):
        assert (sent.state, sent.sends) == (EffectState.in_doubt, 1)
        assert sent.sent_at == START + timedelta(seconds=90)


def test_what_needed_no_write_is_done_without_a_send(desk: Desk) -> None:
    class SoAlready(ScriptedPartner):
        def send(self, effect: Effect) -> Receipt:
            return Receipt("as wished")

    engine = Engine(desk.store, {KIND: SoAlready()}, desk.clock, {KIND: TIMINGS})
    done = engine.perform(effect())
    assert (done.state, done.sends, done.their_key) == (EffectState.done, 0, "as wished")


def test_a_write_that_no_engine_sends_does_not_leave() -> None:
    with pytest.raises(RuntimeError, match="without the effects engine"):
        depart()


def test_a_worker_that_slept_after_the_record_says_that_nothing_left(desk: Desk) -> None:
    """The client hears it as any other reason why nothing was sent."""
    heard: list[Exception] = []

    class Hears(ScriptedPartner):
        def send(self, effect: Effect) -> Receipt:
            try:
                return super().send(effect)
            except Retryable as fault:
                heard.append(fault)
                raise

    partner, naps, breaker = Hears(), [40], Breaker("SYSPRO", desk.clock.seconds)

    def nap(_boundary: object) -> None:
        if desk.store.get(KIND, KEY) is not None and naps:
            desk.clock.move(seconds=naps.pop())

    guarded = GuardedPartner(partner, breaker)
    engine = Engine(desk.store, {KIND: guarded}, desk.clock, {KIND: TIMINGS}, boundary=nap)
    paused = engine.perform(effect())
    assert (paused.state, paused.sends) == (EffectState.intended, 0)
    assert "paused between recording" in str(heard[0])
    assert breaker.lets_through()  # the other side was not asked, so it was not silent
    assert partner.ledger == []
