"""An analyst's decision: sent once, taken in, never against an earlier one of ours."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from include.adapters.store import audit
from include.domain.canonical import from_json
from include.domain.errors import OutcomeUnknown, Rejected
from include.domain.order_state import OrderState
from include.domain.orders import Order
from include.domain.payments import DecideReview, PaymentStatus, Reviewed
from include.domain.reviews import Decision, DecisionEvent, Merged
from include.services.effects.ports import Effect, EffectKind, EffectState, Receipt
from include.services.orders.decide_review import Decided, decide_review
from tests.care.conftest import Care
from tests.care.test_decide_refunds import LOST, answer
from tests.orders.conftest import make_order
from tests.orders.partners import as_evidence, authorization


def held(care: Care) -> Order:
    """Have an order placed that Decision Manager holds."""
    kit = care.kit
    kit.partner.say(
        EffectKind.payment_authorization,
        lambda it: kit.partner.do(it, authorization(it, 1, PaymentStatus.in_review)),
    )
    order = make_order()
    assert kit.run(order).state == OrderState.in_review
    return order


def decide(care: Care, order: Order, decision: Decision, analyst: str = "ann") -> Decided:
    kit = care.kit
    return decide_review(
        kit.service, kit.engine, order.order_id, decision, analyst=analyst, via="airflow"
    )


def signed(care: Care, order: Order) -> list[tuple[str, str]]:
    found = audit.history(care.store, f"order|{order.order_id}")
    return [(entry.who, entry.what) for entry in found]


def decisions(care: Care) -> list[DecideReview]:
    done = care.kit.partner.truth.done
    kind = EffectKind.review_decision
    return [from_json(DecideReview, one.payload) for one in done if one.kind is kind]


def test_an_accepted_order_is_told_to_the_gateway_and_captured(care: Care) -> None:
    order = held(care)
    found = decide(care, order, Decision.accept)
    assert found.merged is Merged.news
    assert [(one.decision, one.analyst) for one in decisions(care)] == [(Decision.accept, "ann")]
    assert care.kit.service.advance(order.order_id).state == OrderState.captured


def test_a_rejected_order_is_given_back(care: Care) -> None:
    order = held(care)
    decide(care, order, Decision.reject)
    care.kit.service.advance(order.order_id)
    assert care.kit.service.orders.get(order.order_id).state == OrderState.cancelled
    assert care.kit.partner.truth.count(EffectKind.payment_reversal) == 1
    assert care.kit.partner.truth.count(EffectKind.payment_capture) == 0


def test_the_same_decision_again_is_sent_once(care: Care) -> None:
    order = held(care)
    for analyst in ("ann", "bob"):
        decide(care, order, Decision.accept, analyst)
    assert len(decisions(care)) == 1
    asked = "decision asked for"  # by both: who says the same as another answers for it, too
    assert signed(care, order) == [("airflow:ann", asked), ("airflow:bob", asked)]


def test_the_other_decision_is_refused_before_anything_is_sent(care: Care) -> None:
    order = held(care)
    decide(care, order, Decision.accept)
    with pytest.raises(Rejected, match="ann has decided accept"):
        decide(care, order, Decision.reject, "bob")
    assert len(decisions(care)) == 1
    assert signed(care, order) == [("airflow:ann", "decision asked for")]


def test_a_lost_answer_changes_nothing_here_until_it_is_heard(care: Care) -> None:
    order, kit = held(care), care.kit

    def commit_and_lose(effect: Effect) -> Receipt:
        kit.partner.do(effect)
        raise OutcomeUnknown("no answer", "gateway", "Look.")

    kit.partner.say(EffectKind.review_decision, commit_and_lose)
    found = decide(care, order, Decision.accept)
    assert (found.effect.state, found.merged, found.is_certain) == (
        EffectState.in_doubt,
        None,
        False,
    )
    assert kit.service.advance(order.order_id).state == OrderState.in_review
    # The decision comes back as everybody's does; and a repeat sends nothing.
    request_id = decisions(care)[0].request_id
    event = DecisionEvent(request_id, Decision.accept, kit.clock.now(), "webhook", "w1", "ann")
    assert kit.service.decide(event) is Merged.news
    kit.pass_time(hours=1)
    assert decide(care, order, Decision.accept).merged is Merged.known
    assert len(decisions(care)) == 1


def test_an_order_that_waits_for_nobody_cannot_be_decided(care: Care) -> None:
    order = make_order()
    care.kit.run(order)
    with pytest.raises(Rejected, match="not under review"):
        decide(care, order, Decision.reject)
    assert decisions(care) == []


def test_a_case_decided_elsewhere_is_not_decided_again(care: Care) -> None:
    order = held(care)
    payment = care.kit.service.orders.get(order.order_id).facts.payment
    assert payment is not None
    now = care.kit.clock.now()
    care.kit.service.decide(DecisionEvent(payment.request_id, Decision.reject, now, "webhook", "w"))
    with pytest.raises(Rejected, match="not under review"):
        decide(care, order, Decision.accept)
    assert decisions(care) == []


def test_what_somebody_else_has_decided_first_is_taken_in_and_not_ours(care: Care) -> None:
    order, kit = held(care), care.kit

    def refused_as_decided(effect: Effect) -> Receipt:
        theirs = Receipt("case", as_evidence(Reviewed("case", Decision.reject, "bob")))
        kit.partner.truth.answers[effect.kind, effect.reference] = theirs
        raise OutcomeUnknown("the case is decided already", "gateway", "Look.")

    kit.partner.say(EffectKind.review_decision, refused_as_decided)
    assert decide(care, order, Decision.accept).merged is None
    kit.pass_time(hours=1)
    found = decide(care, order, Decision.accept)
    assert not found.is_certain
    assert str(found) == "the case had been decided before: reject by bob, which stands"
    assert kit.service.advance(order.order_id).state == OrderState.cancelled
    kit.pass_time(hours=1)
    assert kit.service.orders.get(order.order_id).state == OrderState.cancelled
    assert kit.partner.truth.count(EffectKind.payment_capture) == 0


def test_an_answer_in_airflow_is_sent_once_though_the_store_is_lost_around_it(
    care: Care, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost before it begins, once it is told and before it is sent, and once it is taken in."""
    from tieout.questions import recorded
    from tieout.questions.reviews import ReviewOrder
    from tieout.tasks import orders

    order, kit = held(care), care.kit
    desk = SimpleNamespace(of=lambda _: SimpleNamespace(engine=kit.engine), service=kit.service)
    lost, take_in, perform = [LOST] * 3, kit.service.decide, kit.engine.perform

    def desks() -> SimpleNamespace:
        if len(lost) == 3:
            raise lost.pop()
        return desk

    def send(effect: Effect) -> Effect:
        if len(lost) == 2:
            raise lost.pop()
        return perform(effect)

    def lose(event: DecisionEvent) -> Merged | None:
        merged = take_in(event)
        if lost:
            raise lost.pop()
        return merged

    monkeypatch.setattr(recorded.time, "sleep", lambda _: None)
    monkeypatch.setattr(orders, "desks", desks)
    monkeypatch.setattr(
        orders, "tieout", lambda: SimpleNamespace(orders=kit.service.orders, store=care.store)
    )
    monkeypatch.setattr(type(kit.engine), "perform", lambda _, effect: send(effect))
    monkeypatch.setattr(type(kit.service), "decide", lambda _, event: lose(event))
    task = ReviewOrder(task_id="decide", order_id=order.order_id, response_timeout=timedelta(1))
    task.execute_complete({}, answer("Accept", "ann"))
    assert lost == []
    assert [(one.decision, one.analyst) for one in decisions(care)] == [(Decision.accept, "ann")]
    assert signed(care, order) == [("airflow:ann", "decision asked for")]
