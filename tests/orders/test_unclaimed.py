"""Goods that left are charged before the hold lapses, even where nobody asked for the capture."""

from dataclasses import replace
from datetime import date

import pytest

from include.domain.erp_orders import ErpDocument
from include.domain.money import Money
from include.domain.order_rules import CaptureWhen
from include.domain.order_state import OrderState
from include.domain.orders import Order
from include.services.effects.ports import EffectKind
from include.services.orders.sagas import Event
from tests.orders.conftest import Kit, make_order


@pytest.fixture
def unclaimed(kit: Kit) -> Order:
    """An order whose invoice was seen by a reader that died before it asked for the capture."""
    kit.rules = replace(kit.rules, capture_when=CaptureWhen.shipment)
    order = make_order()
    kit.run(order)
    kit.service.orders.amend(
        order.order_id,
        lambda facts: replace(facts, invoices=("I1",)),
        Event("invoiced in SYSPRO"),
    )
    return order


def show(kit: Kit, order: Order, minor: int, currency: str = "USD") -> None:
    kit.erp.documents[order.purchase_order] = [
        ErpDocument("C1", "I1", "I", order.purchase_order, "1", Money(minor, currency),
                    date(2026, 3, 2))
    ]  # fmt: skip


def test_it_is_captured_before_the_hold_lapses_and_once(kit: Kit, unclaimed: Order) -> None:
    show(kit, unclaimed, 10_221)
    kit.pass_time(days=10)
    saga = kit.service.orders.get(unclaimed.order_id)
    assert [(one.cause, one.amount.minor) for one in saga.facts.requested_captures] == [
        ("invoice I1", 10_221)
    ]
    assert (saga.state, saga.facts.captured_minor()) == (OrderState.completed, 10_221)
    # The reader comes again after all, and asks under the same cause.
    kit.service.capture_delivered(unclaimed.order_id, Money(10_221, "USD"), "invoice I1")
    kit.service.advance(unclaimed.order_id)
    assert kit.partner.truth.count(EffectKind.payment_capture) == 1


@pytest.mark.parametrize("currency", ["EUR", ""], ids=["another currency", "none shown"])
def test_what_says_no_amount_of_ours_is_released_as_before(
    kit: Kit, unclaimed: Order, currency: str
) -> None:
    if currency:
        show(kit, unclaimed, 10_221, currency)
    kit.pass_time(days=10)
    facts = kit.service.orders.get(unclaimed.order_id).facts
    assert (facts.captured_minor(), facts.is_reversed) == (0, True)
