"""Who wrote a refund down in the shop has asked for it: they do not approve it elsewhere."""

import pytest

from include.domain.errors import Rejected
from include.domain.refunds import RefundRow
from tests.integration.play import SHOP, Play


def refunded(play: Play, reason: str) -> RefundRow:
    """Have an order paid, and alice write down a refund above the limit of 1,000.00 USD."""
    order_id = play.take(freight="1200.00")
    number = play.desks.service.orders.content(order_id).number
    facts = {"order": number, "amount": "1100.00", "by": "alice", "reason": reason}
    play.control("shop_refund", shop=SHOP, **facts)
    play.poll_shop()
    ((row, _),) = play.desks.service.refunds.of_order(order_id)
    return row


def test_who_refunds_in_the_shop_cannot_approve_it(play: Play) -> None:
    row = refunded(play, "broken cup")
    assert (row.asked_by, row.reason) == ("shop poller (alice)", "refunded in the shop: broken cup")
    for name in ("alice", " Alice", "ann (alice)"):
        with pytest.raises(Rejected, match="asked for it"):
            play.desks.service.approve_refund(row.refund_id, name)
    play.desks.service.approve_refund(row.refund_id, "bob")


def test_the_reason_is_one_line_without_a_card_number(play: Play) -> None:
    row = refunded(play, "card 4111 1111 1111 1111\n(called us)")
    assert row.reason == "refunded in the shop: card * called us"
