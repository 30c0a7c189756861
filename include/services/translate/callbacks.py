"""The signed events that a shop's own server gets, in the words of the API."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from include.domain.canonical import to_json
from include.domain.erp_orders import Shipment
from include.domain.money import Money
from include.domain.order_state import OrderFacts, OrderState
from include.domain.orders import Order
from include.domain.refunds import RefundState
from include.services.orders.payment_told import PaymentTable, outcome_body, payment_told
from include.services.shop.commands import Callback


class RefundTold(Protocol):
    """What of a refund is told."""

    @property
    def refund_id(self) -> str: ...

    @property
    def amount(self) -> Money: ...

    @property
    def origin(self) -> str: ...

    @property
    def reason(self) -> str: ...


def order_event(
    order: Order, facts: OrderFacts, state: OrderState, at: datetime, table: PaymentTable
) -> Callback:
    """Say that an order has reached a state, or that more of it was captured."""
    payment = payment_told(facts, table)
    taken, returned = (
        Money(minor, order.currency).decimal
        for minor in (facts.captured_minor(), facts.returned_minor)
    )
    data = {
        "state": state.value,
        "amount": order.amount.decimal,
        "currency": order.currency,
        "captured": taken,
        "refunded": returned,
        "sales_order": facts.sales_order,
        "invoice": facts.invoice,
        "reason": facts.stop.told if facts.stop else "",
        "outcome": outcome_body(payment) if payment else None,
    }
    return _event(order, f"order.{state.value}", at, data)


def refund_event(order: Order, refund: RefundTold, state: RefundState, at: datetime) -> Callback:
    """Say that a refund waits for a second person, was refused, or moved."""
    data = {
        "refund_id": refund.refund_id,
        "state": state.value,
        "amount": refund.amount.decimal,
        "currency": refund.amount.currency,
        "origin": refund.origin,
        "reason": refund.reason,
    }
    return _event(order, f"refund.{state.value}", at, data)


def shipped_event(order: Order, shipment: Shipment, at: datetime) -> Callback:
    """Say that goods have left; once a dispatch note, of which an order may have several."""
    data = {
        "sales_order": shipment.sales_order,
        "note": shipment.note,
        "carrier": shipment.carrier,
        "tracking": shipment.tracking,
    }
    return _event(order, "order.shipped", at, data)


def _event(order: Order, name: str, at: datetime, data: Mapping[str, object]) -> Callback:
    about = {"order_id": order.order_id, "number": order.number}
    return Callback(order.shop_id, name, at, to_json({**about, **data}))
