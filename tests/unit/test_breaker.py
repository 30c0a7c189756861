"""A breaker: what opens it and what does not, who may ask while it is open, what is not a try."""

from datetime import timedelta

import pytest

from include.domain.errors import (
    Busy,
    Illegible,
    LeftAlone,
    OutcomeUnknown,
    Rejected,
    Unconfigured,
)
from include.services.effects.ports import EffectState
from include.services.orders.breaker import Breaker
from tests.effects import MINUTE, UNREACHABLE, Desk, ManualClock, answer, time_out
from tests.effects import desk as desk

LOST = OutcomeUnknown("no answer", "shop", "Look first.")
HIDDEN = Unconfigured("Airflow finds no connection 'shop'", "Airflow", "Add it.")
NO = Rejected("it says no", "shop", "Correct it.")
GARBLED = Illegible("an amount '1,0,0'", "SYSPRO read-back", "Read it by hand.")


class Asked:
    """A partner that ends each question as it is told, after some seconds."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.breaker = Breaker("shop_a", self.clock.seconds)
        self.questions = 0

    def ask(self, fault: Exception | None = None, *, takes_s: float = 0) -> None:
        def question() -> None:
            self.questions += 1
            self.clock.move(seconds=takes_s)
            if fault is not None:
                raise fault

        self.breaker.call(question)

    def fails(self, fault: Exception, *, takes_s: float = 0) -> None:
        with pytest.raises(type(fault)) as found:
            self.ask(fault, takes_s=takes_s)
        assert found.value is fault


@pytest.fixture
def shop() -> Asked:
    return Asked()


def test_three_quick_faults_in_a_row_open_it_and_no_fewer(shop: Asked) -> None:
    for _ in range(2):
        shop.fails(LOST)
        shop.fails(LOST)
        assert shop.breaker.lets_through()
        shop.ask()
    for _ in range(3):
        shop.fails(LOST)
    with pytest.raises(LeftAlone, match="left alone"):
        shop.ask()


def test_one_that_hung_opens_it_for_as_long_as_it_took(shop: Asked) -> None:
    shop.fails(LOST, takes_s=20)
    for _ in range(19):
        with pytest.raises(LeftAlone):
            shop.ask()
        shop.clock.move(seconds=1)
    assert shop.questions == 1
    shop.clock.move(seconds=1)
    shop.ask()
    assert shop.questions == 2


def test_it_is_open_for_longer_each_time_the_probe_fails_up_to_five_minutes(shop: Asked) -> None:
    waits = []
    for _ in range(7):
        shop.fails(LOST, takes_s=20)
        began = shop.clock.now()
        while not shop.breaker.lets_through():
            shop.clock.move(seconds=5)
        waits.append((shop.clock.now() - began) / timedelta(seconds=1))
    assert waits == [20, 40, 80, 160, 300, 300, 300]


def test_while_the_probe_is_under_way_nobody_else_asks(shop: Asked) -> None:
    shop.fails(LOST, takes_s=20)
    shop.clock.move(seconds=20)

    def probe() -> None:
        assert not shop.breaker.lets_through()
        with pytest.raises(LeftAlone):
            shop.ask()

    shop.breaker.call(probe)
    shop.ask()
    assert shop.questions == 2


@pytest.mark.parametrize("fault", [HIDDEN, NO, GARBLED, ValueError("a bug of ours")])
def test_what_was_not_asked_or_was_answered_no_opens_nothing(shop: Asked, fault: Exception) -> None:
    for _ in range(5):
        shop.fails(fault, takes_s=30)
    assert shop.breaker.lets_through()


@pytest.mark.parametrize("fault", [HIDDEN, NO, GARBLED])
def test_a_probe_that_said_nothing_lets_the_next_one_ask(shop: Asked, fault: Exception) -> None:
    shop.fails(LOST, takes_s=20)
    shop.clock.move(seconds=20)
    shop.fails(fault)
    shop.ask()


def test_a_slow_question_from_before_closes_no_breaker_that_others_opened(shop: Asked) -> None:
    def slow() -> None:
        shop.fails(LOST, takes_s=20)
        raise NO

    with pytest.raises(Rejected):
        shop.breaker.call(slow)
    assert not shop.breaker.lets_through()


def test_a_server_that_names_a_time_is_left_alone_for_so_long(shop: Asked) -> None:
    shop.fails(Busy("429", "shop", "Wait.", 600.0))
    shop.clock.move(seconds=599)
    with pytest.raises(LeftAlone, match="asked again in 1 s"):
        shop.ask()
    shop.clock.move(seconds=1)
    shop.ask()
    shop.fails(Busy("429", "shop", "Wait."))  # it names none: one fault like any other
    assert shop.breaker.lets_through()


# What the effects engine makes of it ---------------------------------------------------------


UNASKED = answer(LeftAlone("it did not answer a moment ago and is left alone", "shop", "Wait."))


def test_being_left_alone_is_no_look_of_a_doubts_schedule(desk: Desk) -> None:
    desk.partner.after_commit = [time_out]
    desk.post()
    desk.partner.on_look = [answer(UNREACHABLE), answer(UNREACHABLE), UNASKED]
    desk.advance(seconds=301)
    desk.advance(seconds=300)
    waiting = desk.advance(seconds=300)  # the look of a quarter of an hour
    assert waiting.next_at == desk.clock.now() + 5 * MINUTE  # and not in an hour
    assert desk.advance(seconds=300).state is EffectState.verified


def test_what_was_left_alone_is_not_given_up(desk: Desk) -> None:
    desk.partner.on_look = [UNASKED] * 3
    desk.post()
    waiting = desk.advance(days=6)
    assert waiting.state is EffectState.intended
    assert waiting.next_at == desk.clock.now() + 5 * MINUTE
    desk.partner.on_look = [answer(UNREACHABLE)] * 2
    assert desk.advance(minutes=5).state is EffectState.intended  # nobody was silent so far
    assert desk.advance(days=5).state is EffectState.dead_letter
