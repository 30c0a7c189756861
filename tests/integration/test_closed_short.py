"""A clerk ships a part, and cancels the rest: SYSPRO then calls the order complete."""

import pytest

from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.order_state import OrderState
from tests.integration.play import Play

TEA = Money(1_999, "USD")


def ship_one(play: Play, order_id: str) -> str:
    """Ship and invoice one piece of two, and cancel the other; return the sales order."""
    number = play.order(order_id).facts.sales_order
    play.clerk("ship", sales_order=number, lines={"1": 1})
    play.clerk("invoice", sales_order=number, lines=["99"])  # what the note says, no more
    play.poll_erp()
    play.sweep()
    assert play.clerk("cancel", sales_order=number)["status"] == "9"
    return str(number)


def test_a_person_is_asked_for_what_was_paid_and_is_not_shipped(play: Play) -> None:
    order_id = play.take()
    number = ship_one(play, order_id)
    for _ in range(2):
        play.poll_erp()
        play.sweep()
    ((row, saga),) = play.desks.service.refunds.of_order(order_id)
    assert (row.origin, row.origin_key, saga.state) == ("closed_short", number, "waiting")
    assert row.amount == TEA  # freight went with the first piece
    with pytest.raises(Rejected, match="asked for it"):
        play.desks.service.approve_refund(row.refund_id, "SYSPRO")
    play.desks.service.approve_refund(row.refund_id, "ann")
    play.sweep()
    ((_, saga),) = play.desks.service.refunds.of_order(order_id)
    assert saga.state == "done", saga.reason
    facts = play.order(order_id).facts
    assert play.order(order_id).state == OrderState.completed
    assert facts.returned_minor == TEA.minor
    assert play.executed(order_id)["refund"] + play.executed(order_id)["void"] == 1
    assert play.desks.context.dead_letters.listing() == []
