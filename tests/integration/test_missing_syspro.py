"""SYSPRO's connection is missing: an order that waits for it is told of, as of any other one."""

import pytest

from include.domain.order_state import OrderState
from include.domain.orders import order_id_of
from include.services.orders.sagas import Event
from tests.integration.play import SHOP, Play
from tests.integration.play import play as play
from tieout.desks.order_desk import Desks


def test_an_order_to_be_booked_gets_its_one_letter_and_goes_on_by_itself(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = play.shopper_orders()
    play.poll_shop()
    order_id, context = order_id_of(SHOP, number), play.desks.context

    def turn() -> Desks:
        """A process of its own drives what is due."""
        context.orders.amend(order_id, lambda facts: facts, Event("its time has come"))
        return Desks(context)

    with monkeypatch.context() as hidden:
        hidden.delenv("AIRFLOW_CONN_SYSPRO_A")
        for tries in (1, 2, 3):
            assert context.dead_letters.listing() == [], tries
            desks = turn()
            with pytest.raises(ExceptionGroup):
                desks.sweep(100)
        assert desks.breakers.of("syspro_a").lets_through()  # it was not asked, so it is not down
        (letter,) = context.dead_letters.listing()
        assert (letter.kind, letter.key) == ("order", order_id)
        assert "Airflow finds no connection 'syspro_a'" in letter.reason
        assert play.order(order_id).state == OrderState.stuck
    turn().sweep(100)
    assert play.order(order_id).state == OrderState.captured
    assert context.dead_letters.listing() == []
