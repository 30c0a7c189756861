"""While another partner is spoken to, SYSPRO's one operator is free for who needs it."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import delete
from structlog.testing import capture_logs

from include.adapters.store.schema import leases
from include.domain.calendar import settlement_window
from include.domain.order_state import OrderState
from include.domain.orders import order_id_of
from include.services import build_journals
from tests.integration.play import LIVE, SHOP, Play, make_due
from tests.integration.play import play as play
from tieout.desks.care_desk import comparison
from tieout.tasks import day_step, days, orders, settlement


def calls_of(work: Callable[[], object]) -> list[str]:
    with capture_logs() as told:
        work()
    return [entry["what"] for entry in told if entry["event"] == "http_call"]


def in_session(calls: list[str]) -> list[str]:
    """Return the calls to others between a logon at SYSPRO and its logoff."""
    found, is_held = [], False
    for call in calls:
        if call in ("SYSPRO logon", "SYSPRO logoff"):
            is_held = call == "SYSPRO logon"
        elif is_held and not call.startswith("SYSPRO"):
            found.append(call)
    return found


def test_the_janitor_asks_gateway_and_shops_outside_of_the_session(play: Play) -> None:
    play.take()
    make_due(play.desks.context.store, "done")
    with play.desks.context.store.begin() as connection:
        connection.execute(delete(leases))  # of the first sends: they lapse by themselves
    calls = calls_of(play.desks.sweep_effects)
    assert {"SYSPRO logon", "search transactions", "list notes"} <= set(calls)
    assert in_session(calls) == []


def test_a_shop_is_told_of_shipments_after_the_session(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "desks", lambda: play.desks)
    monkeypatch.setattr(orders, "tieout", lambda: play.desks.context)
    order_id = play.take()
    play.clerk("ship", sales_order=play.order(order_id).facts.sales_order)
    calls = calls_of(lambda: orders.poll_erp("acme_us"))
    assert "SYSPRO logon" in calls
    assert calls[-1] != "SYSPRO logoff"
    assert in_session(calls) == []


def test_the_operator_is_free_while_a_day_is_added_up(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, free, add_up = play.desks.context, list[bool](), build_journals.sum_day
    for module in (days, day_step):
        monkeypatch.setattr(module, "tieout", lambda: context)
    hook = play.desks.of(SHOP).erp

    def sum_day(*about: Any) -> Any:
        name = f"syspro-operator|{hook.get_conn().settings.turn}"
        lease = context.leases.acquire(name, "a checkout", timedelta(minutes=1))
        free.append(lease is not None)
        if lease is not None:
            context.leases.release(lease)
        return add_up(*about)

    monkeypatch.setattr(build_journals, "sum_day", sum_day)
    (key,) = days.choose_days(date(2026, 10, 28), ["acme_us"], "scheduled__28")
    for step in (settlement.download, settlement.classify, settlement.check, settlement.match):
        step(key)
    calls = calls_of(lambda: settlement.build(key))
    assert free == [True]
    assert "SYSPRO logon" in calls


def test_the_comparison_asks_the_gateway_and_catches_up_outside_of_the_sessions(play: Play) -> None:
    play.take()
    number = play.shopper_orders()
    play.poll_shop()  # authorised, and by now it should have been booked
    desk, window = play.desks.of(SHOP), settlement_window(LIVE, "America/New_York")
    work = comparison(play.desks, desk)
    calls = calls_of(lambda: work.run(LIVE, window, desk.erp.session))
    assert play.order(order_id_of(SHOP, number)).state == OrderState.captured
    assert {"search transactions", "update an order"} <= set(calls)
    assert in_session(calls) == []
