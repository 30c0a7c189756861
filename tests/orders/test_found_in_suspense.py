"""A sales order that a restored store had forgotten is found as it stands in SYSPRO."""

import json

import pytest

from include.domain.orders import Order
from include.domain.payments import PaymentStatus
from include.domain.reviews import Decision, DecisionEvent
from include.services.effects.ports import EffectKind, Receipt
from tests.orders.conftest import Kit, make_order
from tests.orders.partners import authorization

AUTH, MOVE = EffectKind.payment_authorization, EffectKind.sales_order_move


def forgotten(kit: Kit, status: str) -> Order:
    """Let SYSPRO hold a sales order of ours that the store does not know of."""
    order = make_order()
    facts = {"sales_order": "000123", "warnings": [], "status": status}
    kit.engine.is_doubted = lambda: True
    place = EffectKind.sales_order, order.purchase_order
    kit.partner.truth.answers[place] = Receipt("000123", facts)
    return order


@pytest.mark.parametrize(("status", "why"), [("S", "found in suspense"), ("1", ""), ("", "")])
def test_one_in_suspense_is_held_until_whoever_did_that_releases_it(
    kit: Kit, status: str, why: str
) -> None:
    order = forgotten(kit, status)
    kit.run(order)
    facts = kit.service.orders.get(order.order_id).facts
    assert facts.sales_order == "000123"
    assert (facts.is_suspended, facts.suspense_reason) == (bool(why), why)
    assert facts.is_customer_known


def test_what_our_own_review_had_suspended_is_released(kit: Kit) -> None:
    """The accept was heard before the order was found, so it would not be suspended now."""
    order = forgotten(kit, "S")
    kit.partner.say(
        AUTH, lambda it: kit.partner.do(it, authorization(it, 7, PaymentStatus.in_review))
    )
    kit.place(order)
    payment = kit.service.orders.get(order.order_id).facts.payment
    assert payment is not None
    accept = DecisionEvent(payment.request_id, Decision.accept, kit.clock.now(), "webhook", "1")
    kit.service.decide(accept)
    kit.service.advance(order.order_id)
    assert not kit.service.orders.get(order.order_id).facts.is_suspended
    moves = [json.loads(it.payload)["move"] for it in kit.partner.truth.done if it.kind is MOVE]
    assert moves == ["release"]
