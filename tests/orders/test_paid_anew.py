"""A declined order is paid once more, under its number: nothing of the first payment stays."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from include.adapters.store.orders import SqlOrders
from include.domain.canonical import from_json
from include.domain.errors import Rejected
from include.domain.order_rules import CaptureWhen, OnExpiry
from include.domain.order_state import OrderState
from include.domain.orders import (
    Order,
    PayerAuthentication,
    PaymentMethod,
    PaymentSource,
    reference_of,
)
from include.domain.paying import MOST_PAYMENTS
from include.domain.payments import Authorize, Authorized, PaymentStatus, Reverse
from include.domain.reviews import Decision, DecisionEvent
from include.services.effects.ports import Effect, EffectKind, Receipt
from tests.orders.conftest import Kit, make_order
from tests.orders.partners import authorization, make_rules

AUTH, REVERSAL = EffectKind.payment_authorization, EffectKind.payment_reversal
CARD = PaymentSource(PaymentMethod.transient_token, transient_id="a" * 64)
STORED = PaymentSource(PaymentMethod.stored_token, customer_token="C" * 32)
SHOPS = PaymentSource(PaymentMethod.authorized, request_id="7" * 22)


def say(kit: Kit, status: PaymentStatus, approved: int | None = None) -> None:
    kit.partner.say(AUTH, lambda it: kit.partner.do(it, authorization(it, 7, status, approved)))


def declined(kit: Kit, **changes: object) -> Order:
    say(kit, PaymentStatus.declined)
    order = make_order(**changes)  # type: ignore[arg-type]
    assert kit.run(order).state == OrderState.declined
    return order


def pay(kit: Kit, order: Order, source: PaymentSource = CARD) -> str:
    kit.service.pay_anew(order.order_id, source, "shop", via="api")
    return kit.service.advance(order.order_id).state


def told(kit: Kit, order: Order) -> list[str]:
    done = kit.partner.truth.done
    kinds = (EffectKind.shop_order_update, EffectKind.shop_callback)
    return [one.key.removeprefix(order.order_id) for one in done if one.kind in kinds]


def authorizations(kit: Kit) -> list[Authorize]:
    return [from_json(Authorize, one.payload) for one in kit.partner.truth.done if one.kind is AUTH]


def test_another_card_pays_for_a_declined_order(kit: Kit) -> None:
    kit.callback_target = "web"
    order = declined(kit)
    assert pay(kit, order) == OrderState.captured
    first, second = authorizations(kit)
    assert (first.source, first.attempt) == (order.payment, 1)
    assert (second.source, second.attempt) == (CARD, 2)
    assert second.amount == first.amount == order.amount
    assert told(kit, order) == [
        "|tell|declined",
        "|callback|declined",
        "|tell|captured.attempt2",
        "|callback|captured.attempt2",
    ]
    assert "paid anew" in kit.timeline(order)


def test_the_card_that_was_to_be_proved_pays_with_its_proof_once(kit: Kit) -> None:
    proof = PayerAuthentication("4Q0DcXvR7tYbNf2LsJm9")
    order = declined(kit)
    proved = replace(order.payment, authentication=proof)
    assert pay(kit, order, order.payment) == OrderState.declined  # as it was: a repeat
    say(kit, PaymentStatus.declined)
    assert pay(kit, order, proved) == OrderState.declined
    for again in (proved, order.payment):
        assert pay(kit, order, again) == OrderState.declined
    assert [one.source for one in authorizations(kit)] == [order.payment, proved]
    other = replace(proved, authentication=replace(proof, transaction_id="5" * 20))
    assert pay(kit, order, other) == OrderState.captured


def test_the_same_card_from_another_place_is_a_repeat(kit: Kit) -> None:
    order = declined(kit)
    moved = {"ip_address": "192.0.2.8", "device_session": "another-page"}
    assert pay(kit, order, replace(order.payment, **moved)) == OrderState.declined
    assert pay(kit, order, replace(STORED, ip_address="192.0.2.7")) == OrderState.captured
    assert pay(kit, order, replace(STORED, **moved)) == OrderState.captured
    assert kit.partner.truth.count(AUTH) == 2


def test_a_repeat_changes_nothing(kit: Kit) -> None:
    order = declined(kit)
    for _ in range(2):
        assert pay(kit, order) == OrderState.captured
    assert kit.partner.truth.count(AUTH) == 2
    assert kit.timeline(order).count("paid anew") == 1


def test_what_pays_once_and_was_tried_is_not_asked_again(kit: Kit) -> None:
    order = declined(kit)
    say(kit, PaymentStatus.declined)
    assert pay(kit, order) == OrderState.declined
    for source in (order.payment, CARD):
        assert pay(kit, order, source) == OrderState.declined
    assert kit.partner.truth.count(AUTH) == 2


def test_a_stored_card_may_be_tried_again_and_each_end_is_told(kit: Kit) -> None:
    order = declined(kit, payment=STORED)
    say(kit, PaymentStatus.declined)
    assert pay(kit, order, STORED) == OrderState.declined
    assert told(kit, order) == ["|tell|declined", "|tell|declined.attempt2"]
    assert pay(kit, order, STORED) == OrderState.captured
    assert [one.source for one in authorizations(kit)] == [STORED] * 3


def test_a_lost_answer_leaves_it_pending_and_authorises_once(kit: Kit) -> None:
    order = declined(kit)

    kit.partner.lose(AUTH)
    saga = kit.service.pay_anew(order.order_id, CARD, "shop")
    assert saga.state == OrderState.pending
    saga = kit.service.pay_anew(order.order_id, CARD, "shop")
    assert saga.state == OrderState.pending
    kit.pass_time(minutes=10)
    assert kit.service.orders.get(order.order_id).state == OrderState.captured
    assert kit.partner.truth.count(AUTH) == 2


@pytest.mark.parametrize(
    ("status", "approved"),
    [(PaymentStatus.partial, 5_000), (PaymentStatus.risk_declined, 10_221)],
)
def test_what_was_held_for_nothing_went_back_before(
    kit: Kit, status: PaymentStatus, approved: int
) -> None:
    say(kit, status, approved)
    order = make_order()
    kit.place(order)  # nobody has given it back yet
    assert pay(kit, order) == OrderState.captured
    kinds = [one.kind for one in kit.partner.truth.done if one.kind in (AUTH, REVERSAL)]
    assert kinds == [AUTH, REVERSAL, AUTH]


def test_no_other_card_is_asked_while_what_is_held_may_not_be_back(kit: Kit) -> None:
    say(kit, PaymentStatus.risk_declined, 10_221)
    order = make_order()
    kit.place(order)

    kit.partner.lose(REVERSAL)
    with pytest.raises(Rejected, match="what was held for it is being given back"):
        kit.service.pay_anew(order.order_id, CARD, "shop")
    kit.pass_time(minutes=10)
    assert pay(kit, order) == OrderState.captured
    assert kit.partner.truth.count(REVERSAL) == 1


def test_its_own_hold_is_reversed_when_it_is_called_off(kit: Kit) -> None:
    say(kit, PaymentStatus.risk_declined, 10_221)
    order = make_order()
    kit.run(order)
    say(kit, PaymentStatus.in_review, 10_221)
    assert pay(kit, order) == OrderState.in_review
    kit.service.cancel(order.order_id, "shop", "changed their mind")
    kit.service.advance(order.order_id)
    done = kit.partner.truth.done
    reversals = [one for one in done if one.kind is EffectKind.payment_reversal]
    assert [one.key.partition("|")[2] for one in reversals] == ["reverse|1", "reverse|2"]
    request = kit.service.orders.get(order.order_id).facts.payment
    assert request is not None
    assert from_json(Reverse, reversals[1].payload).authorization_id == request.request_id


def test_what_the_shop_has_authorised_pays_too_and_for_one_order_only(kit: Kit) -> None:
    order, other = declined(kit), declined(kit)
    kit.gateway.known[SHOPS.request_id] = Authorized(
        SHOPS.request_id, PaymentStatus.authorized, "AUTHORIZED", authorized=order.amount
    )
    assert pay(kit, order, SHOPS) == OrderState.captured
    assert kit.partner.truth.count(AUTH) == 2  # the two that were declined
    with pytest.raises(Rejected, match=f"pays for order {order.order_id} already"):
        pay(kit, other, SHOPS)
    assert kit.service.orders.get(other.order_id).state == OrderState.declined
    assert pay(kit, other) == OrderState.captured
    assert kit.service.orders.by_request(SHOPS.request_id) == order.order_id


def test_a_card_of_ours_pays_where_the_shops_own_was_refused_first(kit: Kit) -> None:
    """The first attempt is the shop's: no reference of ours is at the gateway for it."""
    order = make_order(payment=SHOPS)
    kit.gateway.known[SHOPS.request_id] = Authorized(
        SHOPS.request_id, PaymentStatus.risk_declined, "NO", authorized=order.amount
    )
    assert kit.run(order).state == OrderState.declined
    assert pay(kit, order) == OrderState.captured
    (asked,) = authorizations(kit)
    assert (asked.attempt, asked.source) == (2, CARD)


def test_a_declined_order_that_was_cancelled_takes_no_more_payments(kit: Kit) -> None:
    order = declined(kit)
    for _ in range(2):
        saga = kit.service.cancel(order.order_id, "shop", "changed their mind", via="api")
        assert (saga.state, saga.facts.is_closed) == (OrderState.declined, True)
    with pytest.raises(Rejected, match="it was cancelled after its decline"):
        pay(kit, order)
    assert kit.timeline(order).count("cancel asked for") == 1
    assert kit.service.advance(order.order_id).state == OrderState.declined
    assert kit.partner.truth.count(AUTH) == 1


def test_so_does_one_that_is_cancelled_while_its_decline_is_unwound(kit: Kit) -> None:
    say(kit, PaymentStatus.risk_declined, 10_221)
    order = make_order()
    kit.place(order)
    kit.partner.lose(REVERSAL)
    assert kit.service.advance(order.order_id).state == OrderState.cancelling
    kit.service.cancel(order.order_id, "shop", "changed their mind", via="api")
    kit.pass_time(minutes=10)
    assert kit.service.advance(order.order_id).state == OrderState.declined
    with pytest.raises(Rejected, match="it was cancelled after its decline"):
        pay(kit, order)


def test_a_payment_that_comes_first_is_unwound_with_its_order(kit: Kit) -> None:
    order = declined(kit)
    assert pay(kit, order) == OrderState.captured
    kit.service.cancel(order.order_id, "shop", "changed their mind", via="api")
    kit.pass_time(minutes=10)
    assert kit.service.orders.get(order.order_id).state == OrderState.cancelled


def test_what_is_found_again_of_a_cancelled_order_is_unwound(kit: Kit) -> None:
    """The store was put back: it was paid anew, and neither store nor shop knows."""
    order = declined(kit)
    key = f"{order.order_id}|authorize|2"
    first = next(one for one in kit.partner.truth.done if one.kind is AUTH)
    known = first.but(key=key, reference=reference_of(key))
    approved = authorization(known, 9, PaymentStatus.authorized, 10_221)
    kit.partner.truth.answers[AUTH, reference_of(key)] = approved
    kit.engine.is_doubted = lambda: True  # type: ignore[method-assign]
    kit.service.cancel(order.order_id, "shop", "changed their mind", via="api")
    kit.pass_time(minutes=30)
    saga = kit.service.orders.get(order.order_id)
    assert (saga.state, saga.facts.is_reversed) == (OrderState.cancelled, True)
    assert kit.partner.truth.count(EffectKind.payment_capture) == 0


def test_a_number_that_is_closed_is_spent(kit: Kit) -> None:
    order = declined(kit)
    kit.service.cancel(order.order_id, "shop", "changed their mind", via="api")
    with pytest.raises(Rejected, match="its number is spent"):
        kit.service.place(replace(order, note="other"), "shop")


def test_the_shops_own_cancel_may_be_taken_back_there(kit: Kit) -> None:
    order = declined(kit)
    kit.service.cancel(order.order_id, "shop poller", "cancelled in the shop")
    assert pay(kit, order) == OrderState.captured


@pytest.mark.parametrize("state", ["captured", "cancelled", "rejected"])
def test_only_a_declined_order_is_paid_anew(kit: Kit, state: str) -> None:
    if state == "captured":
        order = make_order()
        kit.run(order)
    else:
        say(kit, PaymentStatus.in_review, 10_221)
        order = make_order()
        kit.run(order)
        if state == "cancelled":
            kit.service.cancel(order.order_id, "shop", "changed their mind")
        else:
            at = datetime(2026, 11, 3, tzinfo=UTC)
            kit.service.decide(DecisionEvent(f"{7:022}", Decision.reject, at, "poller", "1"))
        kit.service.advance(order.order_id)
    before = kit.service.orders.get(order.order_id)
    with pytest.raises(Rejected, match="it is not declined"):
        kit.service.pay_anew(order.order_id, CARD, "shop")
    assert kit.service.orders.get(order.order_id).facts == before.facts
    assert kit.partner.truth.count(AUTH) == 1


def test_there_is_an_end_to_trying(kit: Kit) -> None:
    order = declined(kit, payment=STORED)
    for _ in range(MOST_PAYMENTS - 1):
        say(kit, PaymentStatus.declined)
        assert pay(kit, order, STORED) == OrderState.declined
    with pytest.raises(Rejected, match="10 payments of it were declined"):
        pay(kit, order, STORED)
    assert kit.partner.truth.count(AUTH) == MOST_PAYMENTS


def test_the_rules_in_force_are_asked_before_the_card_is(kit: Kit) -> None:
    order = declined(kit)
    kit.rules = replace(kit.rules, ship_to=("DE",))
    with pytest.raises(Rejected, match="US"):
        pay(kit, order)
    saga = kit.service.orders.get(order.order_id)
    assert (saga.state, saga.facts.first_attempt) == (OrderState.declined, 1)


def test_who_was_driving_it_meanwhile_pays_with_the_new_card(kit: Kit) -> None:
    """A driver that rests on the decline must not write over what was asked for since."""
    say(kit, PaymentStatus.declined)
    order = make_order()
    kit.place(order)
    orders = kit.service.orders
    assert isinstance(orders, SqlOrders)

    def paid_meanwhile(effect: Effect) -> Receipt:
        kit.service.pay_anew(order.order_id, CARD, "shop")  # another worker drives it: it waits
        return kit.partner.do(effect)

    kit.partner.say(EffectKind.shop_order_update, paid_meanwhile)
    assert kit.service.advance(order.order_id).state == OrderState.captured
    assert [one.source for one in authorizations(kit)] == [order.payment, CARD]
    assert told(kit, order) == ["|tell|declined", "|tell|captured.attempt2"]


def test_a_renewal_is_paid_with_the_card_it_was_paid_with_last(kit: Kit) -> None:
    kit.rules = make_rules(capture_when=CaptureWhen.shipment, on_expiry=OnExpiry.renew)
    order = declined(kit, payment=replace(STORED, customer_token="D" * 32))
    assert pay(kit, order, STORED) == OrderState.booked
    kit.pass_time(days=7)
    renewal = authorizations(kit)[2]
    assert (renewal.attempt, renewal.source) == (3, STORED)
    assert renewal.renews is not None
    done = kit.partner.truth.done
    reversals = [one.key for one in done if one.kind is EffectKind.payment_reversal]
    assert reversals == [f"{order.order_id}|reverse_old|3"]
    assert kit.service.orders.get(order.order_id).state == OrderState.booked
