"""A comparison of many orders: asked about together, and gone on with where it was cut off."""

import pytest
from airflow.sdk.exceptions import AirflowTaskTimeout

from include.domain.errors import Retryable
from include.domain.order_state import OrderFacts
from include.domain.orders import Order
from include.services.comparing import compare_systems
from include.services.comparing.erp_side import ErpSide
from include.services.orders.sagas import Event, Saga
from tests.care.systems import Systems
from tests.care.systems import systems as systems
from tests.integration.play import SHOP, Play
from tests.integration.play import play as play
from tests.orders.conftest import make_order
from tieout.tasks import care, orders


@pytest.fixture
def joined(play: Play, monkeypatch: pytest.MonkeyPatch) -> Play:
    for tasks in (care, orders):
        monkeypatch.setattr(tasks, "desks", lambda: play.desks)
    monkeypatch.setattr(care, "tieout", lambda: play.desks.context)
    return play


def test_a_comparison_that_was_cut_off_goes_on_where_it_stopped(
    joined: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a time-out in the middle of SYSPRO's answers: the next try asks for the rest."""
    taken = sorted(joined.take() for _ in range(3))
    monkeypatch.setattr(compare_systems, "_AT_ONCE", 1)
    held: list[str] = []
    hold, ends = ErpSide._order, [AirflowTaskTimeout("4 hours are over")]

    def order(side: ErpSide, one: Order, saga: Saga[OrderFacts]) -> None:
        if one.order_id == taken[1] and ends:
            raise ends.pop()
        held.append(one.order_id)
        hold(side, one, saga)

    monkeypatch.setattr(ErpSide, "_order", order)
    with pytest.raises(AirflowTaskTimeout):
        care.compare_systems("acme_us")
    assert [one for one in held if one in taken] == [taken[0]]
    care.compare_systems("acme_us")
    assert [one for one in held if one in taken] == taken
    care.compare_systems("acme_us")  # cleared: all of it is compared anew
    assert [one for one in held if one in taken] == [*taken, *taken]


def test_orders_and_receipts_are_asked_for_together(joined: Play) -> None:
    """Of each order by itself its lines alone, where it had been four questions an order."""
    hook, taken = joined.desks.of(SHOP).erp, [joined.take() for _ in range(6)]
    for order_id in taken:
        joined.clerk("ship", sales_order=joined.order(order_id).facts.sales_order)
        joined.clerk("invoice", sales_order=joined.order(order_id).facts.sales_order)
    joined.poll_erp()
    joined.sweep()
    assert all(joined.order(one).facts.invoice for one in taken)
    care.compare_systems("acme_us")
    side = care.comparison(joined.desks, joined.desks.of(SHOP)).erp
    before = hook.calls
    with hook.session():
        assert set(side.compare_orders(sorted(taken), {})) == set(taken)
    assert side.findings.tally.set_aside == 0
    asked = hook.calls - before
    # Logon and logoff, the sales orders, the documents and receipts; then the lines of each.
    assert asked == 2 + 1 + 1 + 6


def test_an_order_that_has_changed_since_is_compared_again(
    systems: Systems, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare_systems, "_AT_ONCE", 1)
    made = [make_order(number=str(number)) for number in (1, 2, 3)]
    for order in made:
        systems.care.kit.run(order)
        systems.book(order)
    first, second, third = sorted(made, key=lambda one: one.order_id)
    systems.gives_up_at = second.purchase_order
    with pytest.raises(Retryable):
        systems.run()
    systems.gives_up_at = ""
    systems.care.kit.service.orders.amend(first.order_id, lambda facts: facts, Event("captured"))
    systems.asked_together.clear()
    systems.run()
    asked = [code for codes in systems.asked_together for code in codes]
    assert asked == [one.purchase_order for one in (first, second, third)]

    systems.asked_together.clear()
    systems.gives_up_at = second.purchase_order
    with pytest.raises(Retryable):
        systems.run()  # the one before has ended: this one begins anew
    systems.gives_up_at = ""
    systems.run()
    asked = [code for codes in systems.asked_together for code in codes]
    assert asked == [one.purchase_order for one in (first, second, second, third)]
