"""Orders that somebody throws away in the shop: into the trash, or for good."""

import pytest
from woocommerce import API

from include.domain.errors import Rejected
from include.domain.order_state import OrderState
from tests.integration.play import SHOP, Play
from tests.sandbox.shopping import KEY, SECRET
from tieout.desks.order_feeds import shop_sync


def number_of(play: Play, order_id: str) -> str:
    return play.desks.service.orders.content(order_id).number


def throw_away(play: Play, order_id: str, *, for_good: bool = False) -> str:
    """Delete an order as the shop's clerk does; return its number."""
    number, api = number_of(play, order_id), API(play.sandbox.urls()["shop"], KEY, SECRET)
    assert api.delete(f"orders/{number}", params={"force": str(for_good).lower()}).ok
    return number


def test_an_order_in_the_trash_is_unwound_although_no_webhook_tells(play: Play) -> None:
    order_id = play.take()
    assert play.order(order_id).state == OrderState.captured
    throw_away(play, order_id)
    play.poll_shop()
    play.sweep()
    saga = play.order(order_id)
    assert saga.state == OrderState.cancelled, saga.reason
    assert saga.facts.is_order_cancelled  # in SYSPRO: nobody ships it
    assert play.executed(order_id)["void"] + play.executed(order_id)["refund"] == 1
    # The shop brings back what is refunded in full, by itself.
    assert play.shop_status(order_id) == "cancelled"
    assert play.desks.context.dead_letters.listing() == []


def test_an_order_whose_money_was_only_held_stays_in_the_trash(play: Play) -> None:
    order_id = play.take("review")
    throw_away(play, order_id)
    play.poll_shop()
    play.sweep()
    assert play.order(order_id).state == OrderState.cancelled
    assert play.executed(order_id) == {"authorization": 1, "reversal": 1}
    assert play.shop_status(order_id) == "trash"  # where its clerk has put it
    play.poll_shop()  # our note has changed it, so it is read again
    assert play.desks.context.dead_letters.listing() == []


def test_a_completed_order_in_the_trash_was_only_tidied_away(play: Play) -> None:
    order_id = play.take()
    play.clerk("invoice", sales_order=play.order(order_id).facts.sales_order)
    play.poll_erp()
    play.sweep()
    throw_away(play, order_id)
    play.poll_shop()
    play.sweep()
    assert play.order(order_id).state == OrderState.completed
    assert play.executed(order_id) == {"authorization": 1, "capture": 1}
    assert play.desks.context.dead_letters.listing() == []


def test_an_order_deleted_for_good_needs_a_person_only_while_it_goes_on(play: Play) -> None:
    open_id, ended_id = play.take(), play.take("declined")
    assert play.order(ended_id).state == OrderState.declined
    sync = shop_sync(play.desks, SHOP)
    assert sync.import_one(throw_away(play, ended_id, for_good=True)).not_ours == 1
    number = throw_away(play, open_id, for_good=True)
    with pytest.raises(Rejected, match=f"no order '{number}' any more, and here it is captured"):
        sync.import_one(number)
    assert sync.import_one("4711").not_ours == 1
