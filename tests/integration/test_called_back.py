"""The shop's own server hears by signed events what became of shipment and refund, over HTTP."""

import json
from typing import Any

from include.domain.order_state import Shipped
from tests.integration.play import SHOP, Play
from tieout.api.events import OrderEvent, RefundEvent, ShippedEvent

_MODELS = {"refund": RefundEvent, "order.shipped": ShippedEvent}


def events(play: Play, number: str) -> list[dict[str, Any]]:
    """Return what the server took of one order, each as the OpenAPI document has it."""
    found = [json.loads(one["body"]) for one in play.control("callbacks", shop=SHOP)["deliveries"]]
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
