"""Orders that are captured as their goods leave, in parts or before the hold lapses."""

from datetime import date

import pytest

from include.domain.canonical import from_json
from include.domain.erp_orders import ErpDocument
from include.domain.errors import Rejected
from include.domain.money import Money, total
from include.domain.order_rules import CaptureWhen, OnExpiry
from include.domain.order_state import OrderState
from include.domain.orders import PaymentMethod, PaymentSource
from include.domain.payments import Capture
from include.services.effects.ports import EffectKind
from tests.orders.conftest import Kit, make_order
from tests.orders.partners import make_rules


@pytest.fixture
def booked(kit: Kit) -> tuple[Kit, str]:
    kit.rules = make_rules(capture_when=CaptureWhen.shipment)
    order = make_order()
    assert kit.run(order).state == OrderState.booked
    return kit, order.order_id


def test_two_partial_captures_book_two_receipts(booked: tuple[Kit, str]) -> None:
    kit, order_id = booked
    kit.service.capture(order_id, Money(4_000, "USD"), "clerk", "dispatch 1")
    kit.service.capture(order_id, Money(4_000, "USD"), "clerk", "dispatch 1")  # heard twice
    kit.service.advance(order_id)
    kit.service.capture(order_id, None, "clerk", "dispatch 2")
    saga = kit.service.advance(order_id)
    assert [one.amount.minor for one in saga.facts.captures] == [4_000, 6_221]
    assert kit.partner.truth.count(EffectKind.ar_receipt) == 2
    sent = [one for one in kit.partner.truth.done if one.kind is EffectKind.payment_capture]
    for effect in sent:  # the gateway keeps no lines: each capture carries its own
        lines = from_json(Capture, effect.payload).lines
        assert total((one.gross for one in lines), "USD").minor == effect.amount_minor


def test_an_invoice_of_a_part_does_not_complete_the_order(booked: tuple[Kit, str]) -> None:
    kit, order_id = booked
    order = kit.service.orders.content(order_id)
    day = date(2026, 11, 3)
    kit.erp.documents[order.purchase_order] = [
        ErpDocument("W1", "I1", "I", order.purchase_order, "3", Money(4_000, "USD"), day)
    ]
    kit.service.capture(order_id, Money(4_000, "USD"), "clerk", "invoice I1")
    kit.service.advance(order_id)
    kit.pass_time(hours=7)
    assert kit.service.orders.get(order_id).state == OrderState.captured
    kit.service.capture(order_id, None, "clerk", "invoice I2")
    kit.pass_time(minutes=10)
    assert kit.service.orders.get(order_id).state == OrderState.completed


def test_more_than_is_left_is_refused(booked: tuple[Kit, str]) -> None:
    kit, order_id = booked
    kit.service.capture(order_id, Money(10_000, "USD"), "clerk", "dispatch 1")
    with pytest.raises(Rejected, match=r"2\.21 USD is left"):
        kit.service.capture(order_id, Money(222, "USD"), "clerk", "dispatch 2")
    kit.service.capture(order_id, None, "clerk", "dispatch 2")
    with pytest.raises(Rejected, match="nothing of it is left to capture"):
        kit.service.capture(order_id, None, "clerk", "dispatch 3")


def test_an_expiring_authorisation_is_captured_where_the_rule_says_so(
    booked: tuple[Kit, str],
) -> None:
    kit, order_id = booked
    kit.rules = make_rules(capture_when=CaptureWhen.shipment, on_expiry=OnExpiry.capture)
    kit.pass_time(days=6, hours=1)
    saga = kit.service.orders.get(order_id)
    assert saga.state == OrderState.captured


def test_an_expiring_authorisation_is_renewed_with_the_kept_card(kit: Kit) -> None:
    kit.rules = make_rules(capture_when=CaptureWhen.shipment, on_expiry=OnExpiry.renew)
    payment = PaymentSource(PaymentMethod.transient_token, transient_id="f" * 64, keep=True)
    order = make_order(payment=payment)
    kit.run(order)
    kit.pass_time(days=6, hours=1)
    saga = kit.service.orders.get(order.order_id)
    assert saga.facts.attempt == 2
    assert kit.partner.truth.count(EffectKind.payment_authorization) == 2
    assert kit.partner.truth.count(EffectKind.payment_reversal) == 1
    assert saga.state == OrderState.booked


def test_each_capture_is_told_once_and_under_a_name_of_its_own(kit: Kit) -> None:
    kit.rules = make_rules(capture_when=CaptureWhen.shipment)
    kit.callback_target = "web|callback"
    order = make_order()
    kit.run(order)
    for number in (1, 2, 3):
        kit.service.capture(order.order_id, Money(1_000, "USD"), "clerk", f"dispatch {number}")
        kit.pass_time(minutes=20)
    done = [one.key.partition("|")[2] for one in kit.partner.truth.done]
    told = [key for key in done if "captured" in key]
    names = ("captured", "captured.2", "captured.3")
    assert told == [f"{how}|{name}" for name in names for how in ("tell", "callback")]
