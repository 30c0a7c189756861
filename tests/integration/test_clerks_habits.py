"""What clerks do in SYSPRO without a thought for us: look into orders, credit, book by hand."""

from include.domain.order_state import OrderState
from tests.integration.play import Play


def test_a_clerk_who_looks_into_a_suspended_order_releases_nothing(play: Play) -> None:
    customer = play.order(play.take()).facts.customer
    play.clerk("credit_limit", customer=customer, limit="1")
    order_id = play.take()
    order = play.order(order_id).facts.sales_order
    assert play.order(order_id).facts.is_held
    play.clerk("open_order", sales_order=order)
    play.poll_erp()
    play.sweep()
    assert play.executed(order_id)["capture"] == 0
    play.clerk("close_order", sales_order=order)
    play.poll_erp()
    play.sweep()
    assert play.order(order_id).facts.is_held
    play.clerk("open_order", sales_order=order)
    play.clerk("close_order", sales_order=order, status="1")
    play.poll_erp()
    play.sweep()
    assert play.order(order_id).state == OrderState.captured
    assert play.executed(order_id)["capture"] == 1
    play.clerk("credit_limit", customer=customer, limit="100000")
