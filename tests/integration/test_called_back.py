"""The shop's own server hears, by signed events over HTTP, of captures, shipments and refunds."""

import json
from typing import Any

from include.domain.money import Money
from include.domain.order_state import Shipped
from include.domain.orders import order_id_of
from tests.integration.play import BEGIN, SHOP, SKU, UK_SHOP, Play
from tieout.api.events import OrderEvent, RefundEvent, ShippedEvent
from tieout.desks.order_feeds import shop_sync

CAPTURED = "order.captured"
_MODELS = {"refund": RefundEvent, "order.shipped": ShippedEvent}


def events(play: Play, number: str, shop: str = SHOP) -> list[dict[str, Any]]:
    """Return what the server took of one order, each as the OpenAPI document has it."""
    found = [json.loads(one["body"]) for one in play.control("callbacks", shop=shop)["deliveries"]]
    mine = [one for one in found if one["data"]["number"] == number]
    for one in mine:
        kind = one["type"] if one["type"] in _MODELS else one["type"].partition(".")[0]
        _MODELS.get(kind, OrderEvent).model_validate(one)
    return mine


def test_a_shipment_and_a_clerks_credit_note_call_the_shops_server_back(play: Play) -> None:
    order_id = play.take()
    sales_order = play.order(order_id).facts.sales_order
    number = play.desks.service.orders.content(order_id).number
    shipped = play.clerk("ship", sales_order=sales_order, carrier="UPS Ground 1Z999AA10123456784")
    invoice = play.clerk("invoice", sales_order=sales_order)["invoices"][0]
    play.poll_erp()
    play.sweep()
    play.clerk("credit", invoice=invoice, amount="5.00", reason="BROKEN")
    play.poll_erp()
    play.poll_erp()  # both are seen again, and told once
    play.sweep()
    heard = events(play, number)
    (parcel,) = [one["data"] for one in heard if one["type"] == "order.shipped"]
    (note,) = play.order(order_id).facts.shipments
    assert note == Shipped(parcel["note"], "UPS Ground", "1Z999AA10123456784")
    assert (parcel["carrier"], parcel["tracking"]) == (note.carrier, note.tracking)
    assert shipped["dispatch_note"].lstrip("0") == note.note.lstrip("0")
    (back,) = [one["data"] for one in heard if one["type"].startswith("refund.")]
    assert (back["state"], back["amount"], back["origin"]) == ("moved", "5.00", "credit_note")


def test_each_capture_is_told_with_what_was_taken_so_far(play: Play) -> None:
    token = play.control("transient_token", count=1)["tokens"][0]["jti"]
    placed = play.control(
        "shop_place_order",
        shop=UK_SHOP,
        lines=[{"sku": SKU, "quantity": 2, "price": "14.99"}],
        payment={"kind": "transient_token", "value": token},
    )
    shop_sync(play.desks, UK_SHOP).poll(BEGIN)
    play.sweep()
    number = str(placed["order"]["no"])
    order_id, service = order_id_of(UK_SHOP, number), play.desks.service
    for minor in (1_000, 500):  # captured at shipment; the rest is still held
        amount = Money(minor, "GBP")
        service.capture(order_id, amount, "clerk", f"parcel over {amount}")
        play.sweep()
    total = service.orders.content(order_id).amount
    told = play.control("shop_orders", shop=UK_SHOP)["orders"]
    (remarks,) = (one["remarks"] for one in told if one["no"] == number)
    notes = [one["text"].partition(" [")[0] for one in remarks]
    assert [one for one in notes if "captured" in one] == [
        "10.00 GBP captured.",
        "15.00 GBP captured.",
    ]
    heard = [one["data"] for one in events(play, number, UK_SHOP) if one["type"] == CAPTURED]
    assert [(one["captured"], one["refunded"], one["amount"]) for one in heard] == [
        ("10.00", "0.00", total.decimal),
        ("15.00", "0.00", total.decimal),
    ]
