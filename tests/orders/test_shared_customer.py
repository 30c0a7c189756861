"""Several orders of one new shopper: one customer in SYSPRO, and no order waits for ever."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from include.domain.erp_orders import AddCustomer
from include.domain.errors import OutcomeUnknown, Parked, Rejected, Retryable
from include.domain.order_state import OrderState
from include.domain.orders import Order
from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, EffectKind, EffectState, Receipt
from include.services.orders.order_service import OrderService
from tests.orders.conftest import TIMINGS, Kit, make_order
from tests.orders.partners import Answer, PlainTranslator

CODE = "W000777"


class OneShopper(PlainTranslator):
    """All orders are of one shopper, each with an address of its own."""

    def customer_code(self, order: Order) -> str:
        return CODE

    def add_customer(self, order: Order, customer: str) -> AddCustomer:
        return replace(super().add_customer(order, customer), name=f"Ann Lee {order.number}")


@pytest.fixture
def service(kit: Kit) -> OrderService:
    """Of the kit, which from then on sweeps with it too."""
    of = kit.service.desk_of
    kit.service = replace(
        kit.service, desk_of=lambda shop: replace(of(shop), translator=OneShopper())
    )
    return kit.service


def two_orders(kit: Kit, first_answer: Answer) -> tuple[Order, Order]:
    kit.partner.say(EffectKind.customer, first_answer)
    one, two = make_order(), make_order()
    for order in (one, two):
        kit.run(order)
    return one, two


def states(kit: Kit, *orders: Order) -> list[str]:
    return [kit.service.orders.get(order.order_id).state for order in orders]


def lost(kit: Kit) -> Answer:
    def commit_and_drop(effect: Effect) -> Receipt:
        kit.partner.do(effect)
        raise OutcomeUnknown("no answer within 60 s", "SYSPRO", "Look.")

    return commit_and_drop


def say(fault: Exception) -> Callable[[Effect], Receipt]:
    def answer(_effect: Effect) -> Receipt:
        raise fault

    return answer


def test_a_second_order_waits_for_the_customer_of_the_first(
    kit: Kit, service: OrderService
) -> None:
    orders = two_orders(kit, lost(kit))
    assert states(kit, *orders) == [OrderState.authorized] * 2
    kit.pass_time(hours=1)
    assert states(kit, *orders) == [OrderState.captured] * 2
    assert kit.partner.truth.count(EffectKind.customer) == 1


def test_a_second_order_waits_while_the_customer_is_parked(kit: Kit, service: OrderService) -> None:
    orders = two_orders(kit, say(Parked("month end", "SYSPRO", "Wait.")))
    kit.pass_time(hours=3)
    assert states(kit, *orders) == [OrderState.captured] * 2
    assert kit.partner.truth.count(EffectKind.customer) == 1


def test_a_customer_refused_for_one_order_is_made_for_the_next(
    kit: Kit, service: OrderService
) -> None:
    """The refusal was about the first one's address; its dead letter stays until it is mended."""
    one, two = two_orders(kit, say(Rejected("no such state", "SYSPRO", "Correct the address.")))
    assert states(kit, one, two) == [OrderState.stuck, OrderState.captured]
    key = f"{one.order_id}|customer|1"
    assert kit.engine.replay(EffectKind.customer, key, "ann").state is EffectState.done
    kit.pass_time(hours=1)
    assert states(kit, one, two) == [OrderState.captured] * 2


def test_a_cancelled_order_leaves_the_customer_of_the_other_alone(
    kit: Kit, service: OrderService
) -> None:
    one, two = two_orders(kit, lost(kit))
    service.cancel(two.order_id, "shopper", "changed my mind")
    kit.pass_time(hours=1)
    assert states(kit, one, two) == [OrderState.captured, OrderState.cancelled]


def test_a_given_up_customer_shows_in_both_orders_and_frees_both(
    kit: Kit, service: OrderService
) -> None:
    orders = two_orders(kit, lost(kit))
    kit.partner.truth.answers.clear()  # SYSPRO says yes to no look, and refuses each new try
    for _ in range(9):
        kit.partner.say(EffectKind.customer, say(OutcomeUnknown("HTTP 500", "SYSPRO", "Look.")))
    kit.pass_time(hours=9)
    assert states(kit, *orders) == [OrderState.stuck] * 2
    kit.partner.script.clear()
    kit.engine.replay(EffectKind.customer, f"{orders[0].order_id}|customer|1", "ann")
    kit.pass_time(hours=2)
    assert states(kit, *orders) == [OrderState.captured] * 2


def test_an_order_that_waits_for_another_says_for_which(kit: Kit, service: OrderService) -> None:
    one, two = two_orders(kit, lost(kit))
    reason = kit.service.orders.get(two.order_id).reason
    key = f"{one.order_id}|customer|1"
    words = f"customer|1: waits for customer {CODE} of {one.order_id} (effect {key}): "
    assert reason.startswith(words)
    assert "waits for" not in kit.service.orders.get(one.order_id).reason
    for _ in range(9):
        kit.partner.say(EffectKind.customer, say(OutcomeUnknown("HTTP 500", "SYSPRO", "Look.")))
    kit.partner.truth.answers.clear()
    kit.pass_time(hours=9)
    assert kit.service.orders.get(two.order_id).facts.problem.startswith(words)
    (failed,) = [
        entry
        for entry in kit.service.orders.timeline(two.order_id)
        if entry.what == "customer|1 failed"
    ]
    assert key in failed.detail


class Interrupted(Engine):
    """Of a process that is paused once, right before a step, while ``meanwhile`` happens."""

    meanwhile: Callable[[], None] | None = None

    def advance(self, kind: EffectKind, key: str) -> Effect:
        other, self.meanwhile = self.meanwhile, None
        if other is not None:
            other()
        return super().advance(kind, key)


def test_who_slept_finds_the_customer_of_the_order_that_took_the_place(
    kit: Kit, service: OrderService
) -> None:
    first, second = make_order(), make_order()
    kit.partner.say(EffectKind.customer, say(Retryable("down", "SYSPRO", "Wait.")))
    kit.run(first)
    kit.clock.move(hours=1)
    partners = dict.fromkeys(EffectKind, kit.partner)
    timings = dict.fromkeys(EffectKind, TIMINGS)
    paused = Interrupted(service.leases, partners, kit.clock, timings, worker="paused")

    def meanwhile() -> None:
        key = f"{first.order_id}|customer|1"
        kit.engine.withdraw(EffectKind.customer, key, "cancelled, and asked for again")
        kit.run(second)

    paused.meanwhile = meanwhile
    replace(service, engine_of=lambda _shop: paused, worker="paused").advance(first.order_id)
    kit.pass_time(hours=1)
    assert states(kit, first, second) == [OrderState.captured] * 2
    assert kit.partner.truth.count(EffectKind.customer) == 1
