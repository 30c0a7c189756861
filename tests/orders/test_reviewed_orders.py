"""Orders that Decision Manager holds: what its decisions do, and what waits for them."""

from dataclasses import replace

import pytest

from include.domain.erp_orders import CustomerCredit
from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.order_rules import CaptureWhen
from include.domain.order_state import OrderState
from include.domain.payments import PaymentStatus
from include.domain.reviews import Decision, DecisionEvent, Merged
from include.services.effects.ports import Effect, EffectKind, Receipt
from tests.orders.conftest import Kit, make_order
from tests.orders.partners import authorization, make_rules

AUTH = EffectKind.payment_authorization


def decided(kit: Kit, request_id: str, decision: Decision, key: str) -> DecisionEvent:
    return DecisionEvent(request_id, decision, kit.clock.now(), "webhook", key, "analyst")


class TestReview:
    """Decision Manager holds the order."""

    @pytest.fixture
    def held(self, kit: Kit) -> tuple[Kit, str, str]:
        kit.partner.say(
            AUTH, lambda it: kit.partner.do(it, authorization(it, 7, PaymentStatus.in_review))
        )
        order = make_order()
        saga = kit.run(order)
        assert saga.state == OrderState.in_review
        assert saga.facts.is_suspended
        assert kit.partner.truth.count(EffectKind.payment_capture) == 0
        return kit, order.order_id, f"{7:022}"

    def test_accepted_is_released_and_captured(self, held: tuple[Kit, str, str]) -> None:
        kit, order_id, request_id = held
        event = decided(kit, request_id, Decision.accept, "e1")
        assert kit.service.decide(event) is Merged.news
        saga = kit.service.advance(order_id)
        assert saga.state == OrderState.captured
        assert kit.partner.truth.count(EffectKind.sales_order_move) == 1

    def test_accepted_while_the_sales_order_is_on_its_way_is_released(self, kit: Kit) -> None:
        kit.partner.say(
            AUTH, lambda it: kit.partner.do(it, authorization(it, 7, PaymentStatus.in_review))
        )
        order = make_order()

        def accept_meanwhile(effect: Effect) -> Receipt:
            answer = kit.partner.do(effect)
            kit.service.decide(decided(kit, f"{7:022}", Decision.accept, "e1"))
            return answer

        kit.partner.say(EffectKind.sales_order, accept_meanwhile)
        kit.run(order)
        kit.pass_time(minutes=10)
        assert kit.service.orders.get(order.order_id).state == OrderState.captured
        assert kit.partner.truth.count(EffectKind.sales_order_move) == 1  # it was sent suspended

    def test_rejected_is_cancelled_and_reversed(self, held: tuple[Kit, str, str]) -> None:
        kit, order_id, request_id = held
        kit.service.decide(decided(kit, request_id, Decision.reject, "e1"))
        saga = kit.service.advance(order_id)
        assert saga.state == OrderState.cancelled
        assert saga.facts.is_order_cancelled
        assert saga.facts.is_reversed
        assert kit.partner.truth.count(EffectKind.payment_capture) == 0

    def test_an_event_heard_twice_changes_nothing(self, held: tuple[Kit, str, str]) -> None:
        kit, order_id, request_id = held
        event = decided(kit, request_id, Decision.accept, "e1")
        kit.service.decide(event)
        kit.service.advance(order_id)
        assert kit.service.decide(event) is Merged.known
        assert kit.service.advance(order_id).state == OrderState.captured
        assert kit.partner.truth.count(EffectKind.payment_capture) == 1

    def test_contradicting_decisions_block_the_capture(self, held: tuple[Kit, str, str]) -> None:
        kit, order_id, request_id = held
        kit.service.decide(decided(kit, request_id, Decision.accept, "e1"))
        kit.service.decide(decided(kit, request_id, Decision.reject, "e2"))
        assert kit.service.advance(order_id).state == OrderState.stuck
        assert kit.partner.truth.count(EffectKind.payment_capture) == 0
        kit.service.settle_contradiction(order_id, Decision.reject, "chief")
        assert kit.service.advance(order_id).state == OrderState.cancelled

    def test_goods_that_have_left_are_captured_once_two_decisions_are_settled(
        self, held: tuple[Kit, str, str]
    ) -> None:
        kit, order_id, request_id = held
        kit.rules = make_rules(capture_when=CaptureWhen.shipment)
        kit.service.decide(decided(kit, request_id, Decision.accept, "e1"))
        kit.service.decide(decided(kit, request_id, Decision.reject, "e2"))
        with pytest.raises(Rejected, match="a fraud decision holds it"):
            kit.service.capture(order_id, None, "shop", "a call of the API")
        for _ in range(2):  # a feed reads its last rows again
            kit.service.capture_delivered(order_id, Money(5_000, "USD"), "invoice I1")
        assert kit.service.advance(order_id).state == OrderState.stuck
        assert kit.partner.truth.count(EffectKind.payment_capture) == 0
        kit.service.settle_contradiction(order_id, Decision.accept, "chief")
        saga = kit.service.advance(order_id)
        assert [one.amount for one in saga.facts.captures] == [Money(5_000, "USD")]
        assert kit.partner.truth.count(EffectKind.payment_capture) == 1

    def test_goods_that_have_left_move_no_money_of_a_rejected_order(
        self, held: tuple[Kit, str, str]
    ) -> None:
        kit, order_id, request_id = held
        kit.rules = make_rules(capture_when=CaptureWhen.shipment)
        kit.service.capture_delivered(order_id, Money(5_000, "USD"), "invoice I1")
        kit.service.decide(decided(kit, request_id, Decision.reject, "e1"))
        assert kit.service.advance(order_id).state == OrderState.cancelled
        assert kit.partner.truth.count(EffectKind.payment_capture) == 0

    def test_a_review_that_outlives_the_authorisation_is_released(
        self, held: tuple[Kit, str, str]
    ) -> None:
        kit, order_id, _ = held
        kit.pass_time(days=6, hours=1)
        saga = kit.service.orders.get(order_id)
        assert saga.state == OrderState.cancelled
        assert saga.facts.is_reversed

    def test_goods_are_not_left_to_wait_where_nothing_would_hold_the_money_back(
        self, kit: Kit
    ) -> None:
        kit.rules = make_rules(capture_when=CaptureWhen.shipment)
        order = make_order()
        kit.run(order)
        saga = kit.service.orders.get(order.order_id)
        facts = replace(saga.facts, decision=Decision.review)  # heard late, of a plain approval
        kit.service.orders.save(replace(saga, facts=facts), [])
        with pytest.raises(Rejected, match="a fraud decision holds it"):
            kit.service.capture_delivered(order.order_id, order.amount, "invoice I1")


def test_a_decision_before_its_order_waits(kit: Kit) -> None:
    event = decided(kit, f"{9:022}", Decision.accept, "e9")
    assert kit.service.decide(event) is None
    assert not kit.service.decisions.matchable()  # nobody is asked again until the order is known
    kit.partner.say(
        AUTH, lambda it: kit.partner.do(it, authorization(it, 9, PaymentStatus.in_review))
    )
    kit.run(make_order())
    assert [one.request_id for one in kit.service.decisions.matchable()] == [f"{9:022}"]


def test_a_credit_hold_outlives_the_review(kit: Kit) -> None:
    order = make_order()
    code = "W" + order.number.zfill(6)
    kit.erp.credits[code] = CustomerCredit(code, True, False, Money(10_000, "USD"), None)
    kit.partner.say(
        AUTH, lambda it: kit.partner.do(it, authorization(it, 7, PaymentStatus.in_review))
    )
    kit.run(order)
    kit.service.decide(decided(kit, f"{7:022}", Decision.accept, "e1"))
    saga = kit.service.advance(order.order_id)
    assert saga.facts.is_suspended
    assert kit.partner.truth.count(EffectKind.sales_order_move) == 0
    assert kit.partner.truth.count(EffectKind.payment_capture) == 0
