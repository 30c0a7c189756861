"""What a cancellation may still do once SYSPRO has invoiced, in every state that it may meet."""

from dataclasses import replace
from datetime import date

import pytest

from include.domain.canonical import from_json
from include.domain.erp_orders import ErpDocument
from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.order_rules import CaptureWhen
from include.domain.order_state import OrderFacts, OrderState, Stop
from include.domain.orders import Order
from include.domain.payments import Capture
from include.services.effects.ports import Effect, EffectKind, Receipt
from include.services.orders.numbering import free_number
from include.services.orders.sagas import Event
from tests.orders.conftest import Kit, make_order
from tests.orders.partners import make_rules

MOVE, CAPTURE = EffectKind.sales_order_move, EffectKind.payment_capture


def refuse(_effect: Effect) -> Receipt:
    raise Rejected("no", "the partner", "Mend it; then replay.")


def invoiced(kit: Kit, order: Order) -> None:
    """Hear of SYSPRO's invoice, as the poller does."""

    def note(facts: OrderFacts) -> OrderFacts:
        return replace(facts, invoices=("I1",))

    kit.service.orders.amend(order.order_id, note, Event("invoiced in SYSPRO", {}, "SYSPRO"))


def late(kit: Kit, order: Order) -> None:
    """Cancel; SYSPRO, which has invoiced it, refuses; then we hear of the invoice."""
    kit.partner.say(MOVE, refuse)
    kit.service.cancel(order.order_id, "shop", "changed her mind")
    assert kit.service.advance(order.order_id).state == OrderState.stuck
    invoiced(kit, order)


def test_nothing_goes_back_before_syspro_has_called_the_order_off(kit: Kit) -> None:
    order = make_order()
    kit.run(order)
    late(kit, order)
    kit.pass_time(hours=2)
    saga = kit.service.orders.get(order.order_id)
    assert saga.state == OrderState.completed, saga.reason
    assert kit.service.refunds.of_order(order.order_id) == []
    assert kit.partner.truth.count(CAPTURE) == 1
    assert "too late to cancel" in kit.timeline(order)


def test_a_capture_that_was_refused_and_left_behind_is_made_anew(kit: Kit) -> None:
    order = make_order()
    kit.partner.say(CAPTURE, refuse)
    assert kit.run(order).state == OrderState.stuck
    late(kit, order)
    saga = kit.service.advance(order.order_id)
    assert saga.facts.left_behind == ("capture|1", "cancel_order|1")
    assert [(one.number, one.amount) for one in saga.facts.captures] == [(2, order.amount)]
    assert saga.state == OrderState.completed, saga.reason


def test_what_is_made_anew_is_captured_before_the_last(kit: Kit) -> None:
    """The last gives back what it leaves of the hold: nothing would be left for the other."""
    kit.rules = replace(kit.rules, capture_when=CaptureWhen.shipment)
    order, first = make_order(), Money(4_000, "USD")
    kit.run(order)
    kit.partner.say(CAPTURE, refuse)
    kit.service.capture_delivered(order.order_id, first, "invoice I1")
    assert kit.service.advance(order.order_id).state == OrderState.stuck
    late(kit, order)
    rest = order.amount - first
    kit.service.capture_delivered(order.order_id, rest, "invoice I2")
    kit.service.advance(order.order_id)
    made = [one for one in kit.partner.truth.done if one.kind is CAPTURE]
    asked = [from_json(Capture, one.payload) for one in made]
    assert [(one.amount, one.is_final) for one in asked] == [(first, False), (rest, True)]


def test_goods_that_left_while_it_was_cancelled_are_captured(kit: Kit) -> None:
    kit.rules = replace(kit.rules, capture_when=CaptureWhen.shipment)
    order = make_order()
    assert kit.run(order).state == OrderState.booked
    late(kit, order)
    kit.service.capture_delivered(order.order_id, order.amount, "invoice I1")
    with pytest.raises(Rejected, match="no authorisation to capture"):  # a client's is refused
        kit.service.capture(order.order_id, order.amount, "shop", "I want it")
    saga = kit.service.advance(order.order_id)
    assert (saga.state, saga.facts.captured_minor()) == (OrderState.completed, order.amount.minor)


def test_an_invoice_that_is_known_refuses_a_cancellation_until_it_is_stuck(kit: Kit) -> None:
    kit.rules = replace(kit.rules, capture_when=CaptureWhen.shipment)
    order = make_order()
    kit.run(order)
    invoiced(kit, order)
    with pytest.raises(Rejected, match="not stuck beside an invoice"):
        kit.service.give_up(order.order_id, "ann", "no patience")
    with pytest.raises(Rejected, match=r"invoiced as I1.*Credit the invoice"):
        kit.service.cancel(order.order_id, "shop", "changed her mind")
    kit.partner.say(CAPTURE, refuse)
    kit.service.capture_delivered(order.order_id, order.amount, "invoice I1")
    assert kit.service.advance(order.order_id).state == OrderState.stuck
    with pytest.raises(Rejected, match="invoiced as I1"):  # that is no client's to decide
        kit.service.cancel(order.order_id, "shop", "changed her mind")
    kit.service.give_up(order.order_id, "ann", "paid by cheque")
    saga = kit.service.advance(order.order_id)
    assert (saga.state, saga.reason) == (OrderState.cancelled, "paid by cheque")
    assert kit.partner.truth.count(MOVE) == 0  # SYSPRO keeps order and invoice
    assert kit.partner.truth.count(EffectKind.payment_reversal) == 1
    assert "given up" in kit.timeline(order)


def test_a_hold_that_lapses_beside_an_invoice_is_released_and_the_invoice_stays(kit: Kit) -> None:
    kit.rules = replace(kit.rules, capture_when=CaptureWhen.shipment)
    order = make_order()
    kit.run(order)
    invoiced(kit, order)
    kit.pass_time(days=8)
    saga = kit.service.orders.get(order.order_id)
    assert saga.state == OrderState.cancelled
    assert kit.partner.truth.count(MOVE) == 0
    assert kit.partner.truth.count(EffectKind.payment_reversal) == 1


def test_a_capture_is_never_numbered_as_one_that_was_there() -> None:
    assert free_number(OrderFacts()) == 1
    assert free_number(OrderFacts(left_behind=("hold|1", "capture|1"))) == 2
    assert free_number(OrderFacts(left_behind=("capture|7",))) == 8


def test_a_capture_has_the_same_number_whether_or_not_the_one_before_is_made(kit: Kit) -> None:
    """A store that forgot it asks again, both at once, and finds each by its number."""
    kit.rules = make_rules(capture_when=CaptureWhen.shipment)
    numbers = []
    for drive_between in (True, False):
        order = make_order()
        kit.run(order)
        for cause in ("invoice I1", "invoice I2"):
            kit.service.capture(order.order_id, Money(3_000, "USD"), "SYSPRO", cause)
            if drive_between:
                kit.service.advance(order.order_id)
        wanted = kit.service.orders.get(order.order_id).facts.requested_captures
        numbers.append([one.number for one in wanted])
    assert numbers == [[1, 2], [1, 2]]


def delivered(kit: Kit, order: Order, minor: int, currency: str = "USD") -> None:
    """A part was invoiced; then a clerk calls the rest off."""
    kit.erp.documents[order.purchase_order] = [
        ErpDocument(
            "W1", "I1", "I", order.purchase_order, "S1", Money(minor, currency), date(2026, 11, 3)
        )
    ]
    stop = Stop("clerk", "the sales order was cancelled")

    def off(facts: OrderFacts) -> OrderFacts:
        return replace(facts, is_order_cancelled=True, stop=stop)

    kit.service.orders.amend(order.order_id, off, Event("cancelled in SYSPRO", {}, "clerk"))


def test_what_was_delivered_before_the_rest_was_called_off_stays_paid(kit: Kit) -> None:
    order = make_order(10_000)
    kit.run(order)
    delivered(kit, order, 4_000)
    kit.pass_time(hours=2)
    saga = kit.service.orders.get(order.order_id)
    assert (saga.state, saga.facts.returned_minor) == (OrderState.completed, 6_000)
    gave = [row.amount.minor for row, _ in kit.service.refunds.of_order(order.order_id)]
    assert gave == [6_000]


def test_what_was_delivered_and_not_charged_yet_is_charged(kit: Kit) -> None:
    kit.rules = replace(kit.rules, capture_when=CaptureWhen.shipment)
    order = make_order(10_000)
    kit.run(order)
    delivered(kit, order, 4_000)
    kit.pass_time(hours=2)
    saga = kit.service.orders.get(order.order_id)
    assert (saga.state, saga.facts.captured_minor()) == (OrderState.completed, 4_000)
    assert kit.service.refunds.of_order(order.order_id) == []


def test_an_invoice_that_is_read_again_is_not_charged_again(kit: Kit) -> None:
    kit.rules = replace(kit.rules, capture_when=CaptureWhen.shipment)
    order = make_order(10_000)
    kit.run(order)
    delivered(kit, order, 4_000)
    kit.service.advance(order.order_id)
    part = Money(4_000, "USD")
    kit.service.capture_delivered(order.order_id, part, "invoice I1")
    kit.pass_time(hours=1)
    assert kit.service.orders.get(order.order_id).facts.captured_minor() == 4_000
    assert kit.partner.truth.count(CAPTURE) == 1


def test_an_invoice_in_another_currency_is_not_taken_for_none(kit: Kit) -> None:
    order = make_order(10_000)
    kit.run(order)
    delivered(kit, order, 4_000, "EUR")
    kit.pass_time(hours=2)
    saga = kit.service.orders.get(order.order_id)
    assert saga.state == OrderState.stuck
    assert "I1 of an order in USD is over 40.00 EUR" in saga.reason
    assert kit.service.refunds.of_order(order.order_id) == []
    invoiced(kit, order)
    kit.service.give_up(order.order_id, "ann", "settled by hand")
    assert kit.service.advance(order.order_id).state == OrderState.completed
    assert kit.service.refunds.of_order(order.order_id) == []
