"""An authorisation that lapses while a clerk of SYSPRO holds the order: nobody is charged by it."""

import pytest

from include.domain.erp_orders import CustomerCredit, ErpOrder
from include.domain.errors import Retryable
from include.domain.money import Money
from include.domain.order_rules import CaptureWhen, OnExpiry
from include.domain.order_state import OrderState
from include.domain.orders import Order, PaymentMethod, PaymentSource
from include.domain.payments import PaymentStatus
from include.services.effects.ports import EffectKind
from tests.orders.conftest import Kit, make_order
from tests.orders.partners import authorization, make_rules

AUTH, CAPTURE = EffectKind.payment_authorization, EffectKind.payment_capture
RECEIPT, REVERSAL = EffectKind.ar_receipt, EffectKind.payment_reversal
KEPT = PaymentSource(PaymentMethod.transient_token, transient_id="f" * 64, keep=True)


def put_on_hold(kit: Kit, order: Order) -> None:
    customer = "W" + order.number.zfill(6)
    kit.erp.credits[customer] = CustomerCredit(customer, True, True, None, None)


def show(kit: Kit, order: Order, status: str) -> None:
    saga = kit.service.orders.get(order.order_id)
    kit.erp.orders[order.purchase_order] = ErpOrder(
        saga.facts.sales_order, saga.facts.customer, order.purchase_order, status, False, ""
    )


@pytest.mark.parametrize("when", list(CaptureWhen))
def test_it_is_renewed_where_the_card_is_on_file_and_captured_once_it_is_released(
    kit: Kit, when: CaptureWhen
) -> None:
    kit.rules = make_rules(on_expiry=OnExpiry.capture, capture_when=when)
    order = make_order(payment=KEPT)
    put_on_hold(kit, order)
    assert "held in SYSPRO: credit on_hold" in kit.run(order).reason
    kit.pass_time(days=6, hours=1)
    saga = kit.service.orders.get(order.order_id)
    assert (saga.state, saga.facts.attempt, saga.facts.captures) == (OrderState.booked, 2, ())
    show(kit, order, "1")
    kit.pass_time(hours=1)
    is_at_once = when is CaptureWhen.at_once
    assert kit.partner.truth.count(CAPTURE) == int(is_at_once)
    kit.pass_time(days=6)  # what no clerk holds any more, the rule charges
    assert kit.partner.truth.count(CAPTURE) == 1


def test_one_that_could_not_be_renewed_is_captured_as_soon_as_it_is_released(kit: Kit) -> None:
    """Not at its end: by then the bank holds nothing any more."""
    kit.rules = make_rules(on_expiry=OnExpiry.capture, capture_when=CaptureWhen.shipment)
    order = make_order(payment=KEPT)
    put_on_hold(kit, order)
    kit.run(order)
    no = PaymentStatus.declined
    kit.partner.say(AUTH, lambda it: kit.partner.do(it, authorization(it, 77, no, None, "why")))
    kit.pass_time(days=6, hours=1)
    facts = kit.service.orders.get(order.order_id).facts
    assert (facts.unrenewed, facts.captures) == ("DECLINED why", ())
    show(kit, order, "1")
    kit.pass_time(hours=1)
    assert facts.expires_at is not None
    assert kit.clock.now() < facts.expires_at
    assert kit.partner.truth.count(CAPTURE) == 1


@pytest.mark.parametrize("is_asked", [False, True], ids=["nobody asks", "the shop asks"])
def test_it_is_released_where_there_is_no_card(kit: Kit, is_asked: bool) -> None:
    kit.rules = make_rules(on_expiry=OnExpiry.capture)
    order = make_order()
    put_on_hold(kit, order)
    kit.run(order)
    if is_asked:
        kit.service.capture(order.order_id, Money(5_000, "USD"), "shop", "api")
    kit.pass_time(days=6, hours=1)
    saga = kit.service.orders.get(order.order_id)
    assert (saga.state, saga.facts.is_reversed) == (OrderState.cancelled, True)
    assert "SYSPRO still holds it" in saga.reason
    assert kit.partner.truth.count(CAPTURE) == 0


def test_what_was_charged_before_the_hold_was_known_is_booked_and_told(kit: Kit) -> None:
    kit.rules = make_rules(on_expiry=OnExpiry.capture)
    order = make_order()
    put_on_hold(kit, order)
    kit.place(order)
    kit.erp.fault = Retryable("connection refused", "SYSPRO", "Ask again.")
    kit.pass_time(days=6, hours=2)
    assert kit.partner.truth.count(CAPTURE) == 1  # SYSPRO had not been asked
    kit.erp.fault = None
    kit.pass_time(hours=1)
    saga = kit.service.orders.get(order.order_id)
    assert (saga.state, saga.facts.is_suspended, saga.facts.shop_told_state) == (
        "captured",
        True,
        "captured",
    )
    assert saga.reason.startswith("held in SYSPRO")
    assert kit.partner.truth.count(RECEIPT) == 1


def test_one_that_a_clerk_has_suspended_since_is_not_charged(kit: Kit) -> None:
    """SYSPRO is asked first: of what a clerk did meanwhile nobody else tells."""
    kit.rules = make_rules(on_expiry=OnExpiry.capture, capture_when=CaptureWhen.shipment)
    order = make_order(payment=KEPT)
    assert kit.run(order).reason == "captured at shipment"
    show(kit, order, "S")
    kit.pass_time(days=6, hours=1)
    saga = kit.service.orders.get(order.order_id)
    assert (saga.facts.attempt, saga.reason) == (2, "held in SYSPRO")
    show(kit, order, "1")
    kit.pass_time(days=6, hours=1)
    assert kit.partner.truth.count(CAPTURE) == 1


def test_the_rule_stands_where_syspro_does_not_answer_in_time(kit: Kit) -> None:
    kit.rules = make_rules(on_expiry=OnExpiry.capture, capture_when=CaptureWhen.shipment)
    order = make_order()
    kit.run(order)
    kit.erp.fault = Retryable("connection refused", "SYSPRO", "Ask again.")
    kit.pass_time(days=6, hours=11)
    assert kit.partner.truth.count(CAPTURE) == 0
    kit.pass_time(hours=2)
    assert kit.partner.truth.count(CAPTURE) == 1  # twelve of the last 24 hours have passed
