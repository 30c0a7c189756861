"""A shop that cancels late, after the refund by which it was called off was refused, is heard."""

from include.domain.order_state import OrderState
from tests.integration.play import Play
from tests.integration.test_in_the_shop import number_of, refund_there, shop


def letters_about(play: Play, order_id: str) -> list[tuple[int, str]]:
    order = play.desks.service.orders.content(order_id)
    keys = (order_id, f"{order.shop_id}|{order.number}")
    listed = play.desks.context.dead_letters.listing()
    return [(one.dead_letter_id, one.kind) for one in listed if one.key in keys]


def test_a_late_cancel_after_a_refund_that_was_refused_before_the_invoice_is_told_once(
    play: Play,
) -> None:
    order_id = play.take(freight="1200.00")
    play.clerk("invoice", sales_order=play.order(order_id).facts.sales_order)  # not heard of yet
    refund_there(play, order_id, play.amount(order_id).decimal)
    play.poll_shop()
    play.sweep()
    ((row, refund),) = play.desks.service.refunds.of_order(order_id)
    assert refund.state == "waiting"
    play.desks.service.refuse_refund(row.refund_id, "cli:ann", "she keeps it")
    play.poll_erp()
    play.sweep()
    assert play.order(order_id).state == OrderState.completed
    ((letter_id, kind),) = letters_about(play, order_id)
    assert kind == "late_cancellation"
    play.desks.context.dead_letters.resolve(letter_id, "cli:ann", "told that it stands")
    assert shop(play).put(f"orders/{number_of(play, order_id)}", {"status": "cancelled"}).ok
    play.poll_shop()
    play.poll_shop()
    assert [kind for _, kind in letters_about(play, order_id)] == ["shop_order"]
