"""What a shopper of WooCommerce reads of an order, and what only the shop's people read."""

import pytest
from woocommerce import API

from include.domain.order_state import OrderState
from tests.integration.play import BEGIN, SHOP, Play
from tests.sandbox.shopping import KEY, SECRET
from tieout.desks.order_feeds import decision_poll

CHECKED = "Thank you. We are checking your order and will write to you soon."


def notes(play: Play, order_id: str, kind: str) -> list[str]:
    """Return an order's notes without our references, oldest first."""
    number = play.desks.service.orders.content(order_id).number
    api = API(play.sandbox.urls()["shop"], KEY, SECRET)
    rows = api.get(f"orders/{number}/notes", params={"type": kind}).json()
    return [row["note"].rpartition(" [")[0] for row in reversed(rows)]


def test_a_shopper_reads_that_it_is_on_its_way_and_the_clerks_read_the_rest(play: Play) -> None:
    order_id = play.take()
    order, sales_order = play.order(order_id), play.order(order_id).facts.sales_order
    assert order.state == OrderState.captured
    play.clerk("ship", sales_order=sales_order, carrier="UPS Ground 1Z999AA10123456784")
    play.poll_erp()
    play.sweep()
    shipped = "Shipped with UPS Ground, tracking 1Z999AA10123456784."
    assert notes(play, order_id, "customer") == [shipped]
    private = notes(play, order_id, "internal")
    assert [note for note in private if "captured" in note]
    assert shipped not in private


def test_a_shopper_reads_that_an_order_is_checked_and_why_it_ended(play: Play) -> None:
    order_id = play.take("review")
    assert notes(play, order_id, "customer") == [CHECKED]
    play.control("decide", code=play.purchase_order(order_id), decision="REJECT", reviewer="ann")
    waiting = play.desks.context.orders.under_review("acme_us")
    decision_poll(play.desks, play.desks.of(SHOP)).poll(BEGIN, waiting)
    play.sweep()
    assert play.order(order_id).state == OrderState.cancelled
    ended = "The order is cancelled: the seller has ended it."
    _, told = notes(play, order_id, "customer")
    assert told.startswith(ended)
    assert not [note for note in notes(play, order_id, "internal") if note.startswith(ended)]


@pytest.mark.parametrize("outcome", ["declined", "risk_declined"])
def test_a_shopper_reads_that_a_payment_was_not_accepted(play: Play, outcome: str) -> None:
    order_id = play.take(outcome)
    (told,) = notes(play, order_id, "customer")
    assert told.startswith("The payment was not accepted. ")
