"""The one place that joins ports to adapters: what it refuses."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from include.domain.commissioning import Probe
from include.domain.errors import Rejected
from include.domain.order_state import OrderFacts, OrderState
from include.services.orders.sagas import Event
from include.wiring import Settings, Tieout
from tests.effects import TIMINGS
from tests.orders.conftest import make_order


def test_production_writes_nothing_before_its_facts_are_measured(
    migrated_url: str, tmp_path: Path
) -> None:
    def demand(mode: str) -> None:
        context = Tieout(Settings(migrated_url, tmp_path, mode))
        context.require_commissioned("erp", Probe.longest_run, timings=lambda: TIMINGS)

    demand("sandbox")
    with pytest.raises(Rejected, match="without P6: SYSPRO's longest run"):
        demand("production")


def test_a_business_date_is_the_sandboxs_alone(tmp_path: Path) -> None:
    environment = {
        "TIEOUT_STORE_URL": "sqlite://",
        "TIEOUT_LAKE": str(tmp_path),
        "TIEOUT_BUSINESS_DATE": "2026-11-03",
    }
    with pytest.raises(Rejected, match="outside the sandbox"):
        Settings.of(environment)
    found = Settings.of({**environment, "TIEOUT_MODE": "sandbox"})
    assert found.business_date == date(2026, 11, 3)


def test_an_orders_own_letter_goes_to_its_merchants_owner(
    migrated_url: str, tmp_path: Path
) -> None:
    context = Tieout(Settings(migrated_url, tmp_path, "sandbox"))
    order = make_order()
    context.orders.accept(order, OrderFacts(), OrderState.accepted, "api")
    # Invoiced, and the hold is gone: nobody is charged for what has left.
    context.orders.amend(
        order.order_id,
        lambda facts: replace(facts, invoices=("100",), is_reversed=True),
        Event("invoiced in SYSPRO"),
    )
    (letter,) = context.dead_letters.listing()
    assert (letter.kind, letter.owner) == ("shipped_unpaid", "ar.us@acme.example")
    assert context.owner_of("gone") == "integration"  # an order outlives its entry


@pytest.mark.parametrize("days", ["0", "-1", "30d", "1e3"])
def test_days_that_are_no_number_empty_no_inbox(tmp_path: Path, days: str) -> None:
    environment = {"TIEOUT_STORE_URL": "sqlite://", "TIEOUT_LAKE": str(tmp_path)}
    assert Settings.of(environment).inbox_days == 30
    assert Settings.of({**environment, "TIEOUT_INBOX_DAYS": "7"}).inbox_days == 7
    with pytest.raises(Rejected, match="TIEOUT_INBOX_DAYS"):
        Settings.of({**environment, "TIEOUT_INBOX_DAYS": days})
