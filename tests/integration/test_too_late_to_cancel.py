"""Cancellations that come after SYSPRO's invoice: the goods have left."""

from dataclasses import replace

import pytest

from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.order_state import OrderState
from include.services.effects.ports import EffectKind
from include.services.next_actions import suggest
from include.services.orders.sagas import Event
from tests.integration.play import Play


def open_letters(play: Play) -> list[tuple[str, str]]:
    found = play.desks.context.dead_letters.listing()
    return [(one.kind, one.key) for one in found]


def invoice(play: Play, order_id: str) -> str:
    number = play.order(order_id).facts.sales_order
    return str(play.clerk("invoice", sales_order=number)["invoices"][0])


def test_a_cancellation_that_meets_an_invoice_we_did_not_know_lets_the_order_go_on(
    play: Play,
) -> None:
    order_id = play.take()
    number = invoice(play, order_id)  # and nobody has told us
    play.desks.service.cancel(order_id, "shop", "changed her mind")
    play.sweep()
    stuck = play.order(order_id)
    assert stuck.state == OrderState.stuck
    assert "cancel_order|1" in stuck.reason
    (letter,) = play.desks.context.dead_letters.listing()
    assert letter.kind == EffectKind.sales_order_move
    assert "credit it there" in suggest(letter)
    play.poll_erp()
    play.sweep()
    saga = play.order(order_id)
    assert saga.state == OrderState.completed, saga.reason
    assert play.executed(order_id) == {"authorization": 1, "capture": 1}
    assert play.shop_status(order_id) == "completed"
    said = [entry.what for entry in play.desks.context.orders.timeline(order_id)]
    assert "too late to cancel" in said
    # Who asked believes that it is cancelled: a person is told, and only of that.
    (letter,) = play.desks.context.dead_letters.listing()
    assert (letter.kind, letter.key) == ("late_cancellation", order_id)
    assert letter.reason.partition(" (at")[0].endswith(number)
    assert "Credit the invoice in SYSPRO" in letter.next_action
    assert letter.amount_minor == play.amount(order_id).minor
    play.desks.context.dead_letters.resolve(letter.dead_letter_id, "cli:ann", "credited")
    # The way that it names: a credit note gives the money back.
    play.clerk("credit", invoice=number, amount=play.amount(order_id).decimal, reason="LATE")
    play.poll_erp()
    play.sweep()
    back = [row.amount for row, _ in play.desks.service.refunds.of_order(order_id)]
    assert back == [play.amount(order_id)]


def test_an_invoice_that_is_known_refuses_the_cancellation(play: Play) -> None:
    order_id = play.take()
    invoice(play, order_id)
    play.poll_erp()
    with pytest.raises(Rejected, match=r"it is delivered and invoiced.*Refund it instead"):
        play.desks.service.cancel(order_id, "shop", "changed her mind")
    play.sweep()
    assert play.order(order_id).state == OrderState.completed
    assert open_letters(play) == []


def test_one_that_is_stuck_with_its_invoice_is_given_up_by_a_person(play: Play) -> None:
    """The capture stays, SYSPRO's invoice stays, the one pays the other, and the order rests."""
    order_id = play.take()
    invoice(play, order_id)
    play.poll_erp()
    orders = play.desks.service.orders
    seen = Event("seen", {}, "ann")
    orders.amend(order_id, lambda facts: replace(facts, problem="a person must look"), seen)
    play.sweep()
    assert play.order(order_id).state == OrderState.stuck
    play.desks.service.give_up(order_id, "ann", "settled by cheque")
    play.sweep()
    saga = play.order(order_id)
    assert (saga.state, saga.reason) == (OrderState.completed, "settled by cheque")
    assert play.executed(order_id) == {"authorization": 1, "capture": 1}
    assert play.owed(order_id) == Money(0, "USD")  # what was captured has paid the invoice
    assert open_letters(play) == []


def test_a_cancel_in_the_shop_that_comes_too_late_is_one_letter_however_often_it_is_read(
    play: Play,
) -> None:
    order_id = play.take()
    number = play.desks.service.orders.content(order_id).number
    invoice(play, order_id)
    play.control("shop_cancel_order", shop="acme_us_web", order=number)
    play.poll_shop()
    play.sweep()
    play.poll_erp()
    play.sweep()
    assert play.order(order_id).state == OrderState.completed
    play.poll_shop()  # it is still cancelled there
    assert open_letters(play) == [("late_cancellation", order_id)]
