"""What is sold: a product that SYSPRO does not have, and a kit that has no stock of its own."""

from typing import Any

from include.domain.order_state import OrderState
from include.domain.orders import order_id_of
from tests.integration.play import SHOP, Play


def bought(play: Play, sku: str) -> str:
    """Have one of a product bought, taken in and worked on; return the order's id."""
    token = play.control("transient_token", count=1)["tokens"][0]["jti"]
    order: dict[str, Any] = play.control(
        "shop_place_order",
        shop=SHOP,
        lines=[{"sku": sku, "quantity": 1, "price": "59.00"}],
        payment={"kind": "transient_token", "value": token},
    )["order"]
    play.poll_shop()
    play.sweep()
    return order_id_of(SHOP, str(order["number"]))


def test_an_unknown_product_ends_at_once_and_its_hold_goes_back(play: Play) -> None:
    order_id = bought(play, "NOPE-1")
    saga = play.order(order_id)
    assert (saga.state, saga.facts.sales_order) == (OrderState.cancelled, "")
    assert play.executed(order_id) == {"authorization": 1, "reversal": 1}
    assert play.shop_status(order_id) == "cancelled"
    assert saga.facts.stop is not None
    assert saga.facts.stop.told == "we do not sell this any more: NOPE-1"


def test_a_kit_without_stock_of_its_own_is_sold_by_its_parts(play: Play) -> None:
    order_id = bought(play, "KIT-9001")
    saga = play.order(order_id)
    assert (saga.state, saga.facts.stock) == (OrderState.captured, "enough")
    assert play.executed(order_id) == {"authorization": 1, "capture": 1}
    levels = play.desks.of(SHOP).erp.orders.stock(["KIT-9001"], "MAIN")
    assert levels[0].available_millionths == 0
