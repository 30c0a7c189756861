"""How long an authorisation is believed to hold, and what is done before it lapses."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from include.domain.canonical import from_json
from include.domain.errors import OutcomeUnknown, Retryable
from include.domain.order_rules import CaptureWhen, OnExpiry
from include.domain.order_state import OrderState
from include.domain.orders import Order, PayerAuthentication, PaymentMethod, PaymentSource
from include.domain.payments import Authorize, Authorized, PaymentStatus, Renewed, StoredToken
from include.domain.reviews import Decision, DecisionEvent
from include.services.effects.ports import Effect, EffectKind, Found, Receipt
from tests.orders.conftest import Kit, make_order
from tests.orders.partners import as_evidence, authorization, make_rules

AUTH = EffectKind.payment_authorization
REQUEST_ID = "7" * 22
DAYS = timedelta(days=7)  # of make_rules


def made_at_the_shop(kit: Kit, at: datetime | None) -> Order:
    order = make_order(payment=PaymentSource(PaymentMethod.authorized, request_id=REQUEST_ID))
    kit.gateway.known[REQUEST_ID] = Authorized(
        REQUEST_ID, PaymentStatus.authorized, "AUTHORIZED", "100", order.amount, at=at
    )
    return order


def expires_at(kit: Kit, order: Order) -> datetime | None:
    return kit.service.orders.get(order.order_id).facts.expires_at


class TestItsLife:
    """It begins when the bank made it, not when we hear of it."""

    def test_the_shops_own_is_as_old_as_the_gateway_says(self, kit: Kit) -> None:
        kit.rules = make_rules(capture_when=CaptureWhen.shipment, on_expiry=OnExpiry.capture)
        made = kit.clock.now() - timedelta(days=5)
        order = made_at_the_shop(kit, made)
        kit.run(order)
        assert expires_at(kit, order) == made + DAYS
        kit.pass_time(days=1, hours=1)  # its sixth day is over: the rule is due
        assert kit.service.orders.get(order.order_id).state == OrderState.captured

    def test_one_whose_age_nobody_knows_counts_from_now(self, kit: Kit) -> None:
        order = made_at_the_shop(kit, None)
        seen = kit.clock.now()
        kit.run(order)
        assert expires_at(kit, order) == seen + DAYS

    def test_no_bank_makes_one_tomorrow(self, kit: Kit) -> None:
        order, seen = made_at_the_shop(kit, kit.clock.now() + timedelta(days=1)), kit.clock.now()
        kit.run(order)
        assert expires_at(kit, order) == seen + DAYS

    def test_a_sandbox_whose_day_stands_still_says_nothing_about_its_age(self, kit: Kit) -> None:
        kit.has_fixed_day = True
        order, seen = made_at_the_shop(kit, kit.clock.now() - timedelta(days=20)), kit.clock.now()
        kit.run(order)
        assert expires_at(kit, order) == seen + DAYS

    def test_one_that_was_in_doubt_for_days_is_as_old_as_its_request(self, kit: Kit) -> None:
        order, began = make_order(), kit.clock.now()
        order = self._found_after(kit, order, None)
        assert expires_at(kit, order) == began + DAYS

    def test_one_that_was_in_doubt_is_as_old_as_the_gateway_says(self, kit: Kit) -> None:
        order, made = make_order(), kit.clock.now() + timedelta(seconds=2)
        order = self._found_after(kit, order, made)
        assert expires_at(kit, order) == made + DAYS

    @staticmethod
    def _found_after(kit: Kit, order: Order, at: datetime | None) -> Order:
        """Lose the answer, and let the gateway be down for three days."""
        kit.rules = make_rules(capture_when=CaptureWhen.shipment)
        is_down, look = True, kit.partner.look

        def lost(effect: Effect) -> Receipt:
            good = authorization(effect, 1)
            kit.partner.do(effect, replace(good, evidence={**good.evidence, **said(at)}))
            raise OutcomeUnknown("502", "gateway", "Look for it.")

        def down(effect: Effect) -> tuple[Found, ...]:
            if is_down and effect.kind is AUTH:
                raise Retryable("connection refused", "gateway", "Ask again.")
            return look(effect)

        kit.partner.say(AUTH, lost)
        kit.partner.look = down  # type: ignore[method-assign]
        kit.run(order)
        kit.pass_time(days=3)
        is_down = False
        kit.pass_time(days=1, hours=12)
        assert kit.service.orders.get(order.order_id).state == OrderState.booked
        return order


def said(at: datetime | None) -> dict[str, object]:
    return {"at": as_evidence({"at": at})["at"]}


KEPT = PaymentSource(PaymentMethod.transient_token, transient_id="f" * 64, keep=True)
ON_FILE = PaymentSource(
    PaymentMethod.stored_token, customer_token="C" * 32, instrument_token="I" * 32
)


@pytest.fixture
def renewing(kit: Kit) -> Kit:
    kit.rules = make_rules(capture_when=CaptureWhen.shipment, on_expiry=OnExpiry.renew)
    return kit


def asked(kit: Kit) -> list[Authorize]:
    return [from_json(Authorize, one.payload) for one in kit.partner.truth.done if one.kind is AUTH]


def say(kit: Kit, number: int, status: PaymentStatus, approved: int | None = -1) -> str:
    """Let the next authorisation be answered so; return its request id."""
    kit.partner.say(
        AUTH, lambda it: kit.partner.do(it, authorization(it, number, status, approved, "why"))
    )
    return f"{number:022}"


class TestRenewals:
    """The shopper is not there; the card is on file."""

    def test_it_claims_neither_the_shoppers_proof_nor_their_device(self, renewing: Kit) -> None:
        proof = PayerAuthentication("4Q0DcXvR7tYbNf2LsJm9")
        proved = replace(ON_FILE, authentication=proof, ip_address="192.0.2.7", device_session="p1")
        renewing.run(make_order(payment=proved))
        renewing.pass_time(days=6, hours=1)
        assert [one.source for one in asked(renewing)] == [proved, ON_FILE]

    @pytest.mark.parametrize("payment", [KEPT, ON_FILE], ids=["kept", "on file"])
    def test_it_is_renewed_again_and_again(self, renewing: Kit, payment: PaymentSource) -> None:
        order = make_order(payment=payment)
        renewing.run(order)
        for attempt in (2, 3, 4):
            renewing.pass_time(days=6, hours=1)
            saga = renewing.service.orders.get(order.order_id)
            assert (saga.state, saga.facts.attempt) == (OrderState.booked, attempt)
        assert renewing.partner.truth.count(EffectKind.payment_reversal) == 3

    def test_it_names_the_shoppers_own_payment_and_asks_for_no_token(self, renewing: Kit) -> None:
        def named(effect: Effect) -> Receipt:
            good, number = authorization(effect, 0), len(renewing.partner.truth.done)
            evidence = {**good.evidence, "network_id": f"2015{number}", "request_id": f"{number}"}
            return renewing.partner.do(effect, replace(good, evidence=evidence))

        for _ in range(3):
            renewing.partner.say(AUTH, named)
        order = make_order(payment=KEPT)
        renewing.run(order)
        renewing.pass_time(days=12, hours=2)
        first, second, third = asked(renewing)
        assert first.renews is None
        assert second.renews == third.renews == Renewed("20150", order.amount)
        assert second.source == third.source == ON_FILE

    @pytest.mark.parametrize(
        ("status", "approved"),
        [(PaymentStatus.declined, None), (PaymentStatus.authentication_needed, None)],
    )
    def test_one_that_is_refused_leaves_the_old_hold_in_use_and_asks_a_person(
        self, renewing: Kit, status: PaymentStatus, approved: int | None
    ) -> None:
        order = make_order(payment=KEPT)
        renewing.run(order)
        say(renewing, 77, status, approved)
        renewing.pass_time(days=6, hours=1)
        saga = renewing.service.orders.get(order.order_id)
        assert (saga.state, saga.facts.stop) == (OrderState.stuck, None)
        assert "could not be renewed" in saga.reason
        assert "2026-03-09 06:00 UTC" in saga.reason
        renewing.service.capture_delivered(order.order_id, order.amount, "dispatch 1")
        assert renewing.service.advance(order.order_id).state == OrderState.captured
        assert renewing.partner.truth.count(EffectKind.payment_reversal) == 0

    @pytest.mark.parametrize("payment", [KEPT, ON_FILE], ids=["kept", "on file"])
    def test_a_card_that_is_closed_or_gone_is_not_asked_and_a_person_is(
        self, renewing: Kit, payment: PaymentSource
    ) -> None:
        order, gone = make_order(payment=payment), list[str]()
        desk_of = renewing.service.desk_of

        def is_leaving(merchant_id: str, token: StoredToken) -> bool:
            gone.append(f"{merchant_id} {token.customer_token} {token.instrument_token}")
            return True

        renewing.service = replace(
            renewing.service,
            desk_of=lambda shop: replace(desk_of(shop), is_leaving=is_leaving),
        )
        renewing.run(order)
        renewing.pass_time(days=6, hours=1)
        saga = renewing.service.orders.get(order.order_id)
        assert (saga.state, saga.facts.stop) == (OrderState.stuck, None)
        assert "could not be renewed (its card is closed by the issuer" in saga.reason
        assert (len(asked(renewing)), gone) == (1, [f"acme_us {'C' * 32} {'I' * 32}"])

    def test_one_that_is_refused_and_not_shipped_ends_with_its_hold(self, renewing: Kit) -> None:
        order = make_order(payment=KEPT)
        renewing.run(order)
        say(renewing, 77, PaymentStatus.declined, None)
        renewing.pass_time(days=7, hours=2)
        saga = renewing.service.orders.get(order.order_id)
        assert (saga.state, saga.facts.is_reversed) == (OrderState.cancelled, True)
        assert len(asked(renewing)) == 2

    def test_one_that_is_approved_in_part_is_given_back(self, renewing: Kit) -> None:
        order = make_order(payment=KEPT)
        renewing.run(order)
        say(renewing, 77, PaymentStatus.partial, 5_000)
        renewing.pass_time(days=6, hours=1)
        saga = renewing.service.orders.get(order.order_id)
        assert (saga.state, saga.facts.stop) == (OrderState.stuck, None)
        given = [o for o in renewing.partner.truth.done if o.kind is EffectKind.payment_reversal]
        assert [one.amount_minor for one in given] == [5_000]

    def test_what_an_analyst_has_accepted_is_renewed_without_another_review(
        self, renewing: Kit
    ) -> None:
        order, request_id = make_order(payment=KEPT), say(renewing, 71, PaymentStatus.in_review)
        renewing.run(order)
        renewing.service.decide(decision(renewing, request_id, Decision.accept))
        renewing.pass_time(days=6, hours=1)
        assert [one.skip_decision for one in asked(renewing)] == [False, True]
        assert renewing.service.orders.get(order.order_id).state == OrderState.booked

    def test_one_that_nobody_has_decided_is_released(self, renewing: Kit) -> None:
        order = make_order(payment=KEPT)
        say(renewing, 71, PaymentStatus.in_review)
        renewing.run(order)
        renewing.pass_time(days=6, hours=1)
        assert renewing.service.orders.get(order.order_id).state == OrderState.cancelled
        assert len(asked(renewing)) == 1

    @pytest.mark.parametrize("was_accepted", [True, False])
    def test_one_that_is_held_is_decided_anew(self, renewing: Kit, was_accepted: bool) -> None:
        order, first = make_order(payment=KEPT), f"{71:022}"
        status = PaymentStatus.in_review if was_accepted else PaymentStatus.authorized
        say(renewing, 71, status)
        renewing.run(order)
        if was_accepted:
            renewing.service.decide(decision(renewing, first, Decision.accept))
            renewing.pass_time(hours=1)
        second = say(renewing, 77, PaymentStatus.in_review)
        renewing.pass_time(days=6, hours=1)
        renewing.service.capture_delivered(order.order_id, order.amount, "dispatch 1")
        renewing.service.decide(decision(renewing, first, Decision.accept))  # heard again
        renewing.pass_time(minutes=30)
        saga = renewing.service.orders.get(order.order_id)
        assert (saga.state, saga.facts.is_suspended) == (OrderState.in_review, True)
        assert renewing.partner.truth.count(EffectKind.payment_capture) == 0
        renewing.service.decide(decision(renewing, second, Decision.accept))
        renewing.pass_time(minutes=30)
        saga = renewing.service.orders.get(order.order_id)
        assert (saga.state, saga.facts.is_suspended) == (OrderState.captured, False)
        moves = [one for one in renewing.partner.truth.kinds() if one == "sales_order_move"]
        assert len(moves) == (3 if was_accepted else 2)  # each is sent, not taken for an older one

    def test_one_that_is_held_is_unwound_by_a_reject_of_either(self, renewing: Kit) -> None:
        order, first = make_order(payment=KEPT), say(renewing, 71, PaymentStatus.authorized)
        renewing.run(order)
        say(renewing, 77, PaymentStatus.in_review)
        renewing.pass_time(days=6, hours=1)
        renewing.service.decide(decision(renewing, first, Decision.reject))
        renewing.pass_time(minutes=30)
        assert renewing.service.orders.get(order.order_id).state == OrderState.cancelled

    def test_a_reject_that_comes_while_it_is_asked_for_stands(self, renewing: Kit) -> None:
        order, first = make_order(payment=KEPT), say(renewing, 71, PaymentStatus.authorized)
        renewing.run(order)

        def rejected_meanwhile(effect: Effect) -> Receipt:
            renewing.service.decide(decision(renewing, first, Decision.reject))
            answer = authorization(effect, 77, PaymentStatus.in_review, -1, "why")
            return renewing.partner.do(effect, answer)

        renewing.partner.say(AUTH, rejected_meanwhile)
        renewing.clock.move(days=6, hours=1)
        renewing.service.advance(order.order_id)
        facts = renewing.service.orders.get(order.order_id).facts
        assert (facts.decision, facts.stop is None) == (Decision.reject, False)
        renewing.service.decide(decision(renewing, f"{77:022}", Decision.accept))
        renewing.pass_time(hours=1)
        assert renewing.service.orders.get(order.order_id).state in ("stuck", "cancelled")
        assert renewing.partner.truth.count(EffectKind.payment_capture) == 0


def decision(kit: Kit, request_id: str, said: Decision) -> DecisionEvent:
    now = kit.clock.now()
    return DecisionEvent(request_id, said, now, "webhook", f"{request_id}|{now}", "analyst")
