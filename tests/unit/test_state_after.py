"""Which state an order is in once its facts were changed from outside its saga; how far it came."""

from dataclasses import replace
from datetime import date

import pytest

from include.domain.money import Money
from include.domain.order_state import ENDED, Captured, OrderFacts, OrderState, Stop
from include.domain.payments import Authorized, PaymentStatus
from include.domain.standing import progress_of, state_after

PENDING = OrderFacts(open_step="authorize|1")
STOPPED = replace(PENDING, stop=Stop("ann", "changed her mind"))


def test_an_open_order_is_at_once_what_its_facts_say() -> None:
    assert state_after(OrderState.pending, PENDING, STOPPED) == OrderState.cancelling


@pytest.mark.parametrize("state", [*ENDED, OrderState.stuck])
def test_one_that_has_ended_or_is_stuck_stays_so_until_it_is_driven(state: OrderState) -> None:
    assert state_after(state, PENDING, STOPPED) == state


def test_facts_that_are_the_same_change_no_state() -> None:
    assert state_after(OrderState.captured, PENDING, replace(PENDING)) == OrderState.captured


@pytest.mark.parametrize(
    ("state", "progress"),
    [("cancelling", "captured"), ("stuck", "captured"), ("completed", "completed")],
)
def test_one_captured_in_part_has_come_to_its_end_once_it_is_completed(
    state: str, progress: str
) -> None:
    approved, part = Money(900, "USD"), Money(100, "USD")
    facts = OrderFacts(
        payment=Authorized("7", PaymentStatus.authorized, "AUTHORIZED", authorized=approved),
        invoices=("I1",),
        captures=(Captured(1, "8", part, date(2026, 11, 3)),),
        stop=Stop("ann", "settled by cheque", keeps_invoice=True),
    )
    assert progress_of(state, facts) == progress
