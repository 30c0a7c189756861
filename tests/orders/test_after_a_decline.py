"""What is heard, told and sent again of a payment that was declined, once another has paid."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from include.domain.errors import Rejected, Retryable
from include.domain.order_state import OrderState
from include.domain.payments import Authorized, PaymentStatus
from include.domain.reviews import Decision, DecisionEvent
from include.services.effects.ports import Effect, EffectKind, Receipt
from tests.orders.conftest import Kit, make_order
from tests.orders.partners import authorization
from tests.orders.test_paid_anew import AUTH, CARD, SHOPS, STORED, declined, pay, say, told

FIRST, SECOND = f"{7:022}", f"{8:022}"


def heard(request_id: str, decision: Decision, reviewer: str = "") -> DecisionEvent:
    at = datetime(2026, 11, 3, tzinfo=UTC)
    return DecisionEvent(request_id, decision, at, "search", f"{request_id} {decision}", reviewer)


def review_the_second(kit: Kit) -> None:
    held = PaymentStatus.in_review
    kit.partner.say(AUTH, lambda it: kit.partner.do(it, authorization(it, 8, held)))


@pytest.mark.parametrize("when", ["before", "under way", "in review", "accepted"])
def test_why_the_first_was_declined_is_not_about_the_second(kit: Kit, when: str) -> None:
    """The gateway tells its own reject by webhook, and again to whoever asks for the request."""
    say(kit, PaymentStatus.risk_declined, 10_221)
    order = make_order()
    assert kit.run(order).state == OrderState.declined
    service, reject = kit.service, heard(FIRST, Decision.reject)
    if when == "before":
        service.decide(reject)
    review_the_second(kit)
    service.pay_anew(order.order_id, CARD, "shop")
    if when == "under way":
        service.decide(reject)
    assert service.advance(order.order_id).state == OrderState.in_review
    if when == "in review":
        service.decide(reject)
    service.decide(heard(SECOND, Decision.accept, "ada"))
    if when == "accepted":
        service.decide(reject)
    assert service.advance(order.order_id).state == OrderState.captured


def test_a_person_who_rejects_the_first_means_the_order(kit: Kit) -> None:
    order = declined(kit)
    review_the_second(kit)
    assert pay(kit, order) == OrderState.in_review
    kit.service.decide(heard(FIRST, Decision.reject, "ada"))
    assert kit.service.advance(order.order_id).state == OrderState.cancelled


@pytest.mark.parametrize("words", [(Decision.reject,), (Decision.accept, Decision.reject)])
def test_what_a_person_has_rejected_is_not_paid_anew(kit: Kit, words: tuple[Decision, ...]) -> None:
    say(kit, PaymentStatus.risk_declined, 10_221)
    order = make_order()
    kit.run(order)
    for decision in words:
        kit.service.decide(heard(FIRST, decision, "ada"))
    assert kit.service.advance(order.order_id).state == OrderState.declined
    with pytest.raises(Rejected, match="it has ended for good"):
        kit.service.pay_anew(order.order_id, CARD, "shop")


def test_who_accepts_the_first_has_not_accepted_what_is_not_shown_yet(kit: Kit) -> None:
    order = declined(kit)
    kit.service.pay_anew(order.order_id, SHOPS, "shop")  # the gateway's search is late
    kit.service.decide(heard(FIRST, Decision.accept, "ada"))
    kit.gateway.known[SHOPS.request_id] = Authorized(
        SHOPS.request_id, PaymentStatus.in_review, "HELD", authorized=order.amount
    )
    kit.pass_time(minutes=10)
    assert kit.service.orders.get(order.order_id).state == OrderState.in_review
    kit.service.decide(heard(SHOPS.request_id, Decision.accept, "ada"))
    assert kit.service.advance(order.order_id).state == OrderState.captured


def test_what_the_shop_authorised_may_be_accepted_before_it_is_shown(kit: Kit) -> None:
    order = declined(kit)
    kit.service.pay_anew(order.order_id, SHOPS, "shop")
    kit.service.decide(heard(SHOPS.request_id, Decision.accept, "ada"))
    kit.gateway.known[SHOPS.request_id] = Authorized(
        SHOPS.request_id, PaymentStatus.in_review, "HELD", authorized=order.amount
    )
    kit.pass_time(minutes=10)
    assert kit.service.orders.get(order.order_id).state == OrderState.captured


def test_the_gateway_is_not_asked_what_became_of_the_first(kit: Kit) -> None:
    order = declined(kit)
    review_the_second(kit)
    assert pay(kit, order) == OrderState.in_review
    assert kit.service.orders.under_review("acme_us") == [SECOND]


def test_nobody_is_told_of_a_decline_once_it_is_paid(kit: Kit) -> None:
    """A shopper would read "please use another card" after having paid."""

    def down(_effect: Effect) -> Receipt:
        raise Retryable("no connection", "shop", "It is tried again.")

    kit.callback_target = "web"
    for kind in (EffectKind.shop_order_update, EffectKind.shop_callback):
        kit.partner.say(kind, down)
    order = declined(kit)
    assert pay(kit, order) == OrderState.captured
    kit.pass_time(hours=2)
    assert told(kit, order) == ["|tell|captured.attempt2", "|callback|captured.attempt2"]


def test_a_card_that_pays_once_is_known_whatever_else_is_said_of_it(kit: Kit) -> None:
    order = declined(kit)
    say(kit, PaymentStatus.declined)
    assert pay(kit, order) == OrderState.declined
    for source in (replace(CARD, keep=True), replace(order.payment, keep=True)):
        assert pay(kit, order, source) == OrderState.declined
    assert kit.partner.truth.count(AUTH) == 2


def test_a_request_has_a_stored_card_tried_once(kit: Kit) -> None:
    order = declined(kit, payment=STORED)
    for cause, count in (("api shop 1", 2), ("api shop 1", 2), ("api shop 2", 3)):
        say(kit, PaymentStatus.declined)
        kit.service.pay_anew(order.order_id, STORED, "shop", cause=cause)
        kit.partner.script.clear()
        assert kit.partner.truth.count(AUTH) == count
