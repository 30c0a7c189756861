"""What was begun, never sent, and is not wanted any more: it is not sent by the janitor either."""

import pytest

from include.domain.errors import Retryable
from include.domain.order_state import OrderState
from include.domain.orders import Order
from include.domain.reviews import Decision, DecisionEvent
from include.services.effects.ports import Effect, EffectKind, EffectState, Receipt
from tests.orders.conftest import Kit, make_order


def down(_effect: Effect) -> Receipt:
    raise Retryable("connect failed: nothing left", "gateway", "Wait.")


def unsent(kit: Kit, kind: EffectKind) -> tuple[Order, Effect]:
    """An order whose step was begun while its partner could not be reached."""
    order = make_order()
    for _ in range(3):
        kit.partner.say(kind, down)
    kit.run(order)
    step = kit.service.orders.get(order.order_id).facts.open_step
    effect = kit.engine.find(kind, f"{order.order_id}|{step}")
    assert effect is not None
    assert (effect.state, effect.sends) == (EffectState.intended, 0)
    return order, effect


def decide(kit: Kit, order: Order, *decisions: Decision) -> None:
    payment = kit.service.orders.get(order.order_id).facts.payment
    assert payment is not None
    for one in decisions:
        event = DecisionEvent(payment.request_id, one, kit.clock.now(), "webhook", one.value)
        kit.service.decide(event)


@pytest.mark.parametrize(
    "kind",
    [EffectKind.payment_authorization, EffectKind.sales_order, EffectKind.payment_capture],
)
def test_an_unsent_step_of_a_cancelled_order_is_never_sent(kit: Kit, kind: EffectKind) -> None:
    order, effect = unsent(kit, kind)
    kit.service.cancel(order.order_id, "shopper", "changed my mind")
    found = kit.engine.find(kind, effect.key)
    assert found is not None
    assert found.state is EffectState.withdrawn
    kit.pass_time(hours=3)
    assert kit.partner.truth.count(kind) == 0
    assert kit.service.orders.get(order.order_id).state == OrderState.cancelled


@pytest.mark.parametrize("kind", [EffectKind.sales_order, EffectKind.payment_capture])
def test_a_step_that_was_given_up_unsent_is_never_sent_once_its_order_is_cancelled(
    kit: Kit, kind: EffectKind
) -> None:
    order, effect = unsent(kit, kind)
    kit.partner.script[kind] += [down] * 9_999
    kit.pass_time(days=5, hours=1)
    given_up = kit.engine.find(kind, effect.key)
    assert given_up is not None
    assert given_up.state is EffectState.dead_letter
    kit.service.cancel(order.order_id, "shopper", "waited long enough")
    kit.partner.script.clear()
    kit.pass_time(hours=3)
    found = kit.engine.find(kind, effect.key)
    assert found is not None
    assert found.state is EffectState.withdrawn
    assert kit.partner.truth.count(kind) == 0
    assert kit.service.orders.get(order.order_id).state == OrderState.cancelled


def test_an_unsent_capture_waits_while_two_decisions_contradict(kit: Kit) -> None:
    order, _ = unsent(kit, EffectKind.payment_capture)
    decide(kit, order, Decision.accept, Decision.reject)
    kit.pass_time(hours=1)
    assert kit.partner.truth.count(EffectKind.payment_capture) == 0
    assert kit.service.orders.get(order.order_id).state == OrderState.stuck


def test_a_withdrawn_capture_is_made_once_it_is_wanted_again(kit: Kit) -> None:
    order, effect = unsent(kit, EffectKind.payment_capture)
    decide(kit, order, Decision.accept, Decision.reject)
    kit.service.settle_contradiction(order.order_id, Decision.accept, "ann")
    kit.pass_time(hours=1)
    assert kit.partner.truth.count(EffectKind.payment_capture) == 1
    found = kit.engine.find(effect.kind, effect.key)
    assert found is not None
    assert found.state is EffectState.verified


def test_an_effect_that_another_worker_is_sending_is_not_withdrawn(kit: Kit) -> None:
    order, effect = unsent(kit, EffectKind.payment_capture)

    def cancelled_meanwhile(sent: Effect) -> Receipt:
        kit.service.cancel(order.order_id, "shopper", "changed my mind")
        return kit.partner.do(sent)

    kit.partner.script.clear()
    kit.partner.say(EffectKind.payment_capture, cancelled_meanwhile)
    kit.engine.advance(effect.kind, effect.key)
    kit.pass_time(hours=1)
    kinds = kit.partner.truth.kinds()
    assert kinds.count("payment_capture") == 1
    assert {"payment_void", "payment_refund"} & set(kinds)  # it goes back


@pytest.mark.parametrize("way", ["under its key", "under its reference"])
def test_a_new_intent_takes_the_place_of_a_withdrawn_one(kit: Kit, way: str) -> None:
    _, effect = unsent(kit, EffectKind.payment_capture)
    kit.partner.script.clear()
    kit.engine.withdraw(effect.kind, effect.key, "not wanted")
    key = effect.key if way == "under its key" else "ord_2|capture|1"
    fresh = effect.but(key=key, amount_minor=1, next_at=None)
    assert kit.engine.perform(fresh).state is EffectState.done
    assert kit.partner.truth.done[-1].amount_minor == 1
