"""How long an authorisation is believed to hold, and what is done before it lapses."""

from dataclasses import replace
from datetime import datetime, timedelta

from include.domain.errors import OutcomeUnknown, Retryable
from include.domain.order_rules import CaptureWhen, OnExpiry
from include.domain.order_state import OrderState
from include.domain.orders import Order, PaymentMethod, PaymentSource
from include.domain.payments import Authorized, PaymentStatus
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
