"""Orders that cannot go on by themselves: each has a way on, and none waits for ever unseen."""

from dataclasses import replace

import pytest

from include.domain.errors import Rejected
from include.domain.order_rules import CaptureWhen
from include.domain.order_state import OrderState
from include.domain.orders import Order, PaymentMethod, PaymentSource
from include.domain.payments import Authorized, Moved, PaymentStatus
from include.services.effects.ports import EffectKind, Receipt
from tests.orders.conftest import Kit, make_order
from tests.orders.partners import as_evidence


def show(kit: Kit, order: Order) -> None:
    """Let the gateway show the payment that an order names."""
    name = order.payment.request_id
    found = Authorized(name, PaymentStatus.authorized, "AUTHORIZED", authorized=order.amount)
    kit.gateway.known[name] = found


def refuse_reversals(kit: Kit) -> None:
    answer = as_evidence(Moved("", "INVALID_REQUEST", reason="EXPIRED"))
    kit.partner.say(EffectKind.payment_reversal, lambda _effect: Receipt("", answer, is_no=True))


def test_a_hold_that_cannot_be_reversed_any_more_has_lapsed(kit: Kit) -> None:
    kit.rules = replace(kit.rules, capture_when=CaptureWhen.shipment)
    order = make_order()
    kit.run(order)
    kit.clock.move(days=8)  # we were down when it should have been released
    refuse_reversals(kit)
    kit.service.cancel(order.order_id, "ann", "too late")
    saga = kit.service.advance(order.order_id)
    assert saga.state == OrderState.cancelled, saga.reason
    assert "authorisation had lapsed" in kit.timeline(order)


def test_a_person_may_say_that_a_hold_is_gone(kit: Kit) -> None:
    kit.rules = replace(kit.rules, capture_when=CaptureWhen.shipment)
    order = make_order()
    kit.run(order)
    with pytest.raises(Rejected, match="not stuck in a reversal"):
        kit.service.hold_is_gone(order.order_id, "ann", "who knows")
    refuse_reversals(kit)
    kit.service.cancel(order.order_id, "ann", "changed her mind")
    assert kit.service.advance(order.order_id).state == OrderState.stuck
    kit.service.hold_is_gone(order.order_id, "ann", "says the bank")
    assert kit.service.advance(order.order_id).state == OrderState.cancelled
    assert kit.partner.truth.count(EffectKind.payment_reversal) == 0


def test_a_question_that_was_refused_is_asked_again_once_it_was_mended(kit: Kit) -> None:
    order = make_order()
    kit.erp.fault = Rejected("the table cannot be read", "SYSPRO", "Allow it.")
    saga = kit.run(order)
    assert (saga.state, saga.reason[:24]) == (OrderState.stuck, "the table cannot be read")
    kit.pass_time(hours=2)
    assert kit.service.orders.get(order.order_id).state == OrderState.stuck
    kit.erp.fault = None
    kit.pass_time(minutes=30)
    assert kit.service.orders.get(order.order_id).state == OrderState.captured


def test_a_payment_that_the_gateway_never_shows_is_told_to_a_person(kit: Kit) -> None:
    request_id = "8" * 22
    payment = PaymentSource(PaymentMethod.authorized, request_id=request_id)
    order = make_order(payment=payment)
    saga = kit.run(order)
    assert saga.state == OrderState.accepted
    assert "has not shown request" in saga.reason
    kit.pass_time(hours=3)
    assert kit.service.orders.get(order.order_id).state == OrderState.stuck
    show(kit, order)
    kit.pass_time(hours=1)
    assert kit.service.orders.get(order.order_id).state == OrderState.captured


@pytest.mark.parametrize("is_shown", [True, False])
def test_a_hold_that_the_shop_made_goes_although_nobody_had_looked_it_up(
    kit: Kit, is_shown: bool
) -> None:
    order = make_order(payment=PaymentSource(PaymentMethod.authorized, request_id="7" * 22))
    kit.run(order)
    kit.service.cancel(order.order_id, "shopper", "at once")
    if is_shown:
        show(kit, order)
    kit.pass_time(hours=4)
    saga = kit.service.orders.get(order.order_id)
    assert saga.state == OrderState.cancelled, saga.reason
    assert kit.partner.truth.count(EffectKind.payment_reversal) == int(is_shown)


def test_one_authorisation_pays_for_one_order(kit: Kit) -> None:
    request_id = "6" * 22
    payment = PaymentSource(PaymentMethod.authorized, request_id=request_id)
    order = make_order(payment=payment)
    show(kit, order)
    kit.run(order)
    copied = make_order(payment=payment)  # as a plugin does that renews an order with all its meta
    with pytest.raises(Rejected, match=f"pays for order {order.order_id} already"):
        kit.place(copied)
    assert kit.service.orders.find("acme_us", copied.purchase_order) is None
    assert kit.place(order).state == OrderState.captured  # the same order again is no other one
