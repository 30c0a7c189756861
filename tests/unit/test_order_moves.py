"""What an order does next, of facts written by hand: no store, no partner, no saga."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from include.domain.money import Money
from include.domain.order_rules import CaptureWhen, OnExpiry
from include.domain.order_state import OrderFacts, RequestedCapture, Stop
from include.domain.payments import Authorized, PaymentStatus
from include.domain.reviews import Decision
from include.services.orders.driver import Ask, Move, Perform
from include.services.orders.expiring import is_first_looked_at
from include.services.orders.moves import Situation, authorized, next_move
from tests.orders.conftest import make_order
from tests.orders.partners import make_rules

LAPSES = datetime(2026, 11, 10, 9, tzinfo=UTC)
DUE = LAPSES - timedelta(hours=24)  # of make_rules
ORDER = make_order(10_221)


def approved(
    amount: Money, status: PaymentStatus = PaymentStatus.authorized, **facts: object
) -> OrderFacts:
    """An order booked in SYSPRO whose bank has approved an amount."""
    payment = Authorized("7" * 22, status, status.value.upper(), authorized=amount)
    return replace(
        OrderFacts(
            payment=payment,
            expires_at=LAPSES,
            stock="enough",
            credit="good",
            is_customer_known=True,
            sales_order="000123",
        ),
        **facts,  # type: ignore[arg-type]
    )


def move_of(facts: OrderFacts, now: datetime = DUE - timedelta(days=1)) -> Move:
    it = Situation(ORDER, facts, make_rules(), now, False, False, frozenset(), False)
    return next_move(it)


@pytest.mark.parametrize(
    ("held", "taken"),
    [
        (Money(5_000, "USD"), Money(5_000, "USD")),  # approved in part
        (Money(12_000, "USD"), Money(10_221, "USD")),  # more than the shopper agreed to
        (Money(10_221, "GBP"), Money(0, "USD")),  # a number alone is no amount
    ],
)
def test_no_more_is_taken_than_was_approved_and_ordered(held: Money, taken: Money) -> None:
    assert authorized(ORDER, approved(held)) == taken


@pytest.mark.parametrize(
    ("waited", "looked_at", "is_asked"),
    [
        (timedelta(hours=11), None, True),
        (timedelta(hours=13), None, False),  # half of what was left is over: the rule stands
        (timedelta(hours=1), DUE - timedelta(minutes=1), True),  # what was known before it is old
        (timedelta(hours=1), DUE, False),
    ],
)
def test_syspro_is_asked_for_half_of_the_time_before_an_authorisation_lapses(
    waited: timedelta, looked_at: datetime | None, is_asked: bool
) -> None:
    rules = make_rules(capture_when=CaptureWhen.shipment, on_expiry=OnExpiry.capture)
    facts = approved(ORDER.amount, looked_at=looked_at)
    assert is_first_looked_at(facts, rules, DUE + waited) is is_asked


@pytest.mark.parametrize("status", [PaymentStatus.authorized, PaymentStatus.in_review])
def test_goods_that_had_left_charge_nobody_once_fraud_was_decided(status: PaymentStatus) -> None:
    facts = approved(
        ORDER.amount,
        status,
        is_order_cancelled=True,
        delivered_minor=5_000,
        requested_captures=(RequestedCapture(1, Money(5_000, "USD"), "invoice I1", False),),
        stop=Stop("analyst", "rejected by fraud review"),
    )
    assert move_of(replace(facts, decision=Decision.accept)) == Perform("capture|1")
    assert move_of(replace(facts, decision=Decision.reject)) == Perform("reverse|1")


def test_the_end_of_a_review_does_not_release_an_order_over_its_limit() -> None:
    facts = approved(
        ORDER.amount,
        PaymentStatus.in_review,
        decision=Decision.accept,
        is_suspended=True,
        suspense_reason="review",
    )
    assert move_of(facts) == Perform("release|1")
    assert move_of(replace(facts, credit="exceeded")) == Ask("release")  # SYSPRO, what a clerk did
