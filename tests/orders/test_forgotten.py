"""A store that was put back looks for what it has forgotten of an order before it unwinds it."""

from dataclasses import replace

import pytest

from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.order_rules import CaptureWhen, OnExpiry
from include.domain.order_state import OrderFacts, OrderState
from include.domain.orders import Order, PaymentMethod, PaymentSource, reference_of
from include.domain.payments import Moved, PaymentStatus
from include.services.effects.ports import Effect, EffectKind, Receipt
from include.services.orders.sagas import Event
from tests.orders.conftest import Kit, make_order
from tests.orders.partners import as_evidence, authorization, make_rules

CAPTURE, ORDER = EffectKind.payment_capture, EffectKind.sales_order
AUTH, REVERSAL = EffectKind.payment_authorization, EffectKind.payment_reversal
ON_FILE = PaymentSource(
    PaymentMethod.stored_token, customer_token="C" * 32, instrument_token="I" * 32
)


def facts_of(kit: Kit, order: Order) -> OrderFacts:
    return kit.service.orders.get(order.order_id).facts


def forgotten(kit: Kit, order: Order, step: str, minor: int) -> None:
    """Let the gateway hold a capture that the store, put back since, does not know of."""
    amount = Money(minor, "USD")
    reference = reference_of(f"{order.order_id}|{step}")
    answer = Receipt("9" * 22, as_evidence(Moved("9" * 22, "PENDING", amount)))
    kit.partner.truth.answers[CAPTURE, reference] = answer
    kit.engine.is_doubted = lambda: True


def test_a_capture_is_found_by_the_number_that_was_next_when_it_was_made(kit: Kit) -> None:
    """After the last that was taken or refused, not after how many there were."""
    kit.rules = make_rules(capture_when=CaptureWhen.shipment)
    order = make_order()
    kit.run(order)
    kit.service.capture(order.order_id, Money(2_000, "USD"), "shop", "dispatch 1")
    kit.service.advance(order.order_id)
    refused = Event("capture refused")
    left = replace(facts_of(kit, order), left_behind=("capture|2",))
    kit.service.orders.amend(order.order_id, lambda _facts: left, refused)
    forgotten(kit, order, "capture|3", 3_000)

    kit.service.cancel(order.order_id, "shopper", "changed my mind")
    kit.service.advance(order.order_id)
    taken = [(one.number, one.amount.minor) for one in facts_of(kit, order).captures]
    assert taken == [(1, 2_000), (3, 3_000)]


def refuse(_effect: Effect) -> Receipt:
    raise Rejected("warehouse 'FG' is unknown", "SYSPRO", "Map the warehouse.")


@pytest.mark.parametrize("is_made", [False, True])
def test_an_order_whose_sales_order_was_refused_is_unwound_to_its_end(
    kit: Kit, is_made: bool
) -> None:
    """Whether or not a person had it tried again since: that would be forgotten."""
    order = make_order()
    kit.partner.say(ORDER, refuse)
    kit.run(order)
    kit.engine.is_doubted = lambda: True
    if is_made:
        facts = {"sales_order": "000123", "warnings": []}
        kit.partner.truth.answers[ORDER, order.purchase_order] = Receipt("000123", facts)
    kit.service.cancel(order.order_id, "shopper", "changed my mind")
    saga = kit.service.advance(order.order_id)
    assert saga.state == OrderState.cancelled, saga.reason
    assert saga.facts.sales_order == ("000123" if is_made else "")
    assert kit.partner.truth.count(EffectKind.sales_order_move) == int(is_made)
    assert saga.facts.is_reversed


def test_a_capture_that_was_refused_and_made_after_all_is_given_back(kit: Kit) -> None:
    order = make_order()
    kit.partner.say(CAPTURE, refuse)
    kit.run(order)
    forgotten(kit, order, "capture|1", order.amount.minor)
    kit.service.cancel(order.order_id, "shopper", "changed my mind")
    saga = kit.service.advance(order.order_id)
    assert [one.number for one in saga.facts.captures] == [1]
    assert saga.state == OrderState.cancelling, saga.reason
    ((row, _),) = kit.service.refunds.of_order(order.order_id)
    assert row.amount == order.amount


@pytest.fixture
def renewed(kit: Kit) -> Order:
    """An order whose authorisation was made anew, and its old hold given back: both forgotten."""
    kit.rules = make_rules(capture_when=CaptureWhen.shipment, on_expiry=OnExpiry.renew)
    order = make_order(payment=ON_FILE)
    kit.run(order)
    (first,) = (one for one in kit.partner.truth.done if one.kind is AUTH)
    kit.clock.move(days=6, hours=1)
    reference = reference_of(f"{order.order_id}|authorize|2")
    kit.partner.truth.answers[AUTH, reference] = authorization(first, 77)
    gone = Receipt("8" * 22, as_evidence(Moved("8" * 22, "REVERSED", order.amount)))
    reverse_old = reference_of(f"{order.order_id}|reverse_old|2")
    kit.partner.truth.answers[REVERSAL, reverse_old] = gone
    kit.engine.is_doubted = lambda: True
    return order


def test_a_renewal_is_found_and_reversed_with_its_order(kit: Kit, renewed: Order) -> None:
    kit.service.cancel(renewed.order_id, "shopper", "changed my mind")
    saga = kit.service.advance(renewed.order_id)
    assert (saga.state, saga.facts.attempt) == (OrderState.cancelled, 2), saga.reason
    (reversal,) = (one for one in kit.partner.truth.done if one.kind is REVERSAL)
    assert f"{77:022}" in reversal.payload  # of the first one nothing is held any more


def test_what_is_captured_before_it_lapses_is_captured_of_the_renewal(
    kit: Kit, renewed: Order
) -> None:
    """It was renewed while a clerk kept it: what the rule captures may have been made anew, too."""
    kit.rules = make_rules(capture_when=CaptureWhen.shipment, on_expiry=OnExpiry.capture)
    assert kit.service.advance(renewed.order_id).facts.attempt == 2
    kit.pass_time(days=7)
    (capture,) = (one for one in kit.partner.truth.done if one.kind is CAPTURE)
    assert f"{77:022}" in capture.payload


def test_goods_that_have_left_are_charged_to_the_renewal(kit: Kit, renewed: Order) -> None:
    """The hold that it replaced was given back: a capture of that one would be refused."""

    def seen(facts: OrderFacts) -> OrderFacts:
        return replace(facts, invoices=("I7",))

    kit.service.orders.amend(renewed.order_id, seen, Event("invoiced in SYSPRO"))
    kit.service.capture_delivered(renewed.order_id, renewed.amount, "invoice I7")
    kit.service.advance(renewed.order_id)
    (capture,) = (one for one in kit.partner.truth.done if one.kind is CAPTURE)
    assert f"{77:022}" in capture.payload
    assert kit.partner.truth.count(REVERSAL) == 0


@pytest.mark.parametrize(
    ("status", "approved", "is_back"),
    [
        (PaymentStatus.declined, None, False),
        (PaymentStatus.risk_declined, 10_221, True),
        (PaymentStatus.risk_declined, 10_221, False),  # made anew by this store
    ],
)
def test_a_declined_order_that_was_paid_anew_is_not_told_as_declined(
    kit: Kit, status: PaymentStatus, approved: int | None, is_back: bool
) -> None:
    """What the first payment holds goes back once, whoever gave it back."""
    kit.partner.say(AUTH, lambda it: kit.partner.do(it, authorization(it, 7, status, approved)))
    order = make_order()
    kit.place(order)
    (first,) = (one for one in kit.partner.truth.done if one.kind is AUTH)
    for attempt, said in ((2, PaymentStatus.declined), (3, PaymentStatus.authorized)):
        reference = reference_of(f"{order.order_id}|authorize|{attempt}")
        minor = 10_221 if said is PaymentStatus.authorized else None
        kit.partner.truth.answers[AUTH, reference] = authorization(first, 70 + attempt, said, minor)
    if is_back:
        gone = Receipt("8" * 22, as_evidence(Moved("8" * 22, "REVERSED", order.amount)))
        kit.partner.truth.answers[REVERSAL, reference_of(f"{order.order_id}|reverse|1")] = gone
    kit.engine.is_doubted = lambda: True
    saga = kit.service.advance(order.order_id)
    assert saga.state == OrderState.captured, saga.reason
    assert (saga.facts.attempt, saga.facts.first_attempt) == (3, 3)
    given_back = [one.payload for one in kit.partner.truth.done if one.kind is REVERSAL]
    assert len(given_back) == int(approved is not None and not is_back)
    assert all(f"{7:022}" in payload for payload in given_back)
    told = [one.key for one in kit.partner.truth.done if one.kind is EffectKind.shop_order_update]
    assert told == [f"{order.order_id}|tell|captured.attempt3"]
    assert kit.partner.truth.count(AUTH) == 1


def test_a_declined_order_that_nobody_paid_anew_is_told_as_ever(kit: Kit) -> None:
    kit.partner.say(
        AUTH, lambda it: kit.partner.do(it, authorization(it, 7, PaymentStatus.declined, None))
    )
    kit.engine.is_doubted = lambda: True
    order = make_order()
    assert kit.run(order).state == OrderState.declined
