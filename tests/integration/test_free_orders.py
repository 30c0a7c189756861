"""An order of the shop that costs nothing, over HTTP: booked, shipped, told, and paid by nobody."""

from woocommerce import API

from include.domain.order_state import OrderState
from include.domain.orders import order_id_of
from include.services.effects.ports import EffectKind
from tests.integration.play import BEGIN, SHOP, SKU, UK_SHOP, Play
from tests.sandbox.shopping import KEY, SECRET
from tieout.desks.order_feeds import hear_erp, shop_sync


def gets_free(play: Play, **more: object) -> str:
    lines = [{"sku": SKU, "quantity": 1}]
    placed = play.control("shop_place_order", shop=SHOP, lines=lines, discount="19.99", **more)
    return str(placed["order"]["number"])


def taken_free(play: Play) -> str:
    order_id = order_id_of(SHOP, gets_free(play))
    play.poll_shop()
    play.sweep()
    return order_id


def letters_of(play: Play, order_id: str) -> list[tuple[str, str]]:
    number = order_id if order_id.isdecimal() else play.order(order_id).facts.sales_order
    listed = play.desks.context.dead_letters.listing()
    return [(one.kind, one.reason) for one in listed if number in one.key or order_id in one.key]


def test_it_is_sold_shipped_and_invoiced_and_nobody_pays(play: Play) -> None:
    number = gets_free(play, coupon="ALLOFIT")
    found = API(play.sandbox.urls()["shop"], KEY, SECRET).get(f"orders/{number}").json()
    shown = {name: found[name] for name in ("status", "payment_method", "total")}
    assert shown == {"status": "processing", "payment_method": "", "total": "0.00"}
    play.poll_shop()
    order_id = order_id_of(SHOP, number)
    assert play.order(order_id).state == OrderState.authorized
    play.sweep()
    saga = play.order(order_id)
    assert (saga.state, play.shop_status(order_id)) == (OrderState.booked, "processing")
    sales_order = saga.facts.sales_order
    play.clerk("ship", sales_order=sales_order, carrier="UPS Ground 1Z999AA10123456784")
    play.poll_erp()
    play.clerk("invoice", sales_order=sales_order)
    play.poll_erp()
    play.sweep()
    saga = play.order(order_id)
    assert (saga.state, play.shop_status(order_id)) == (OrderState.completed, "completed")
    assert [one.tracking for one in saga.facts.shipments] == ["1Z999AA10123456784"]
    assert play.owed(order_id).minor == 0
    assert play.executed(order_id) == {}
    assert letters_of(play, order_id) == []


def test_its_sales_order_reads_back_as_it_was_sent(play: Play) -> None:
    order_id = taken_free(play)
    engine = play.desks.service.engine_of(SHOP)
    shown = engine.read_back(EffectKind.sales_order, f"{order_id}|sales_order|1")
    assert (len(shown.found), shown.differences) == (1, ())


def test_the_shop_calls_it_off(play: Play) -> None:
    order_id = taken_free(play)
    number = play.desks.service.orders.content(order_id).number
    api = API(play.sandbox.urls()["shop"], KEY, SECRET)
    assert api.put(f"orders/{number}", {"status": "cancelled"}).ok
    play.poll_shop()
    play.sweep()
    assert play.order(order_id).state == OrderState.cancelled
    play.poll_erp()
    assert letters_of(play, order_id) == []


def test_a_clerk_calls_it_off(play: Play) -> None:
    order_id = taken_free(play)
    play.clerk("cancel", sales_order=play.order(order_id).facts.sales_order)
    play.poll_erp()
    play.sweep()
    assert play.order(order_id).state == OrderState.cancelled
    assert play.shop_status(order_id) == "cancelled"
    assert play.executed(order_id) == {}


def test_one_of_the_other_shop_in_pounds_is_complete_with_its_invoice(play: Play) -> None:
    """Its merchant captures at shipment: of a free order there is nothing to."""
    lines = [{"sku": SKU, "quantity": 1, "price": "14.99"}]
    placed = play.control("shop_place_order", shop=UK_SHOP, lines=lines, discount="14.99")
    order_id = order_id_of(UK_SHOP, str(placed["order"]["no"]))
    shop_sync(play.desks, UK_SHOP).poll(BEGIN)
    play.sweep()
    saga = play.order(order_id)
    assert (saga.state, saga.facts.is_free) == (OrderState.booked, True), saga.reason
    play.control("clerk", action="invoice", company="B", sales_order=saga.facts.sales_order)
    hear_erp(play.desks, play.desks.of(UK_SHOP), "2026-10-28")
    play.sweep()
    assert play.order(order_id).state == OrderState.completed
    assert play.owed(order_id, UK_SHOP).minor == 0
    assert play.executed(order_id) == {}


def test_one_that_names_a_payment_all_the_same_is_refused(play: Play) -> None:
    token = play.control("transient_token", count=1)["tokens"][0]["jti"]
    number = gets_free(play, payment={"kind": "transient_token", "value": token})
    play.poll_shop()
    ((kind, reason),) = letters_of(play, number)
    assert kind == "shop_order"
    assert reason.startswith("it costs nothing, and names a payment (transient_id)")
    for one in play.desks.context.dead_letters.listing():
        play.desks.context.dead_letters.resolve(one.dead_letter_id, "ann", "placed anew")
