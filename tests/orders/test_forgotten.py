"""A store that was put back looks for what it has forgotten of an order before it unwinds it."""

from dataclasses import replace

from include.domain.money import Money
from include.domain.order_rules import CaptureWhen
from include.domain.order_state import OrderFacts
from include.domain.orders import Order, reference_of
from include.domain.payments import Moved
from include.services.effects.ports import EffectKind, Receipt
from include.services.orders.driver import Event
from tests.orders.conftest import Kit, make_order
from tests.orders.partners import as_evidence, make_rules

CAPTURE = EffectKind.payment_capture


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
    taken = [(one.number, one.amount.minor) for one in facts_of(kit, order).taken]
    assert taken == [(1, 2_000), (3, 3_000)]
