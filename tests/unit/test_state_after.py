"""Which state an order is in once its facts were changed from outside its saga."""

from dataclasses import replace

import pytest

from include.domain.order_state import ENDED, OrderFacts, OrderState, Stop
from include.domain.standing import state_after

PENDING = OrderFacts(open_step="authorize|1")
STOPPED = replace(PENDING, stop=Stop("ann", "changed her mind"))


def test_an_open_order_is_at_once_what_its_facts_say() -> None:
    assert state_after(OrderState.pending, PENDING, STOPPED) == OrderState.cancelling


@pytest.mark.parametrize("state", [*ENDED, OrderState.stuck])
def test_one_that_has_ended_or_is_stuck_stays_so_until_it_is_driven(state: OrderState) -> None:
    assert state_after(state, PENDING, STOPPED) == state


def test_facts_that_are_the_same_change_no_state() -> None:
    assert state_after(OrderState.captured, PENDING, replace(PENDING)) == OrderState.captured
