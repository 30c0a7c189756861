"""What a person decides about an order is in the audit chain, in the commit that decides it."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from include.adapters.store import audit
from include.domain.errors import Rejected
from include.domain.order_rules import CaptureWhen
from include.domain.order_state import OrderFacts
from include.domain.reviews import Decision
from include.services.orders.sagas import Event
from tests.orders.conftest import Kit, make_order

Deed = Callable[[Kit, str], object]


def capture(kit: Kit, order_id: str) -> object:
    return kit.service.capture(order_id, None, "ann", "a call", via="cli")


def cancel(kit: Kit, order_id: str) -> object:
    return kit.service.cancel(order_id, "ann", "she phoned", via="api")


def give_up(kit: Kit, order_id: str) -> object:
    return kit.service.give_up(order_id, "ann", "paid by cheque", via="cli")


def hold_is_gone(kit: Kit, order_id: str) -> object:
    return kit.service.hold_is_gone(order_id, "ann", "says the bank", via="cli")


def settle(kit: Kit, order_id: str) -> object:
    return kit.service.settle_contradiction(order_id, Decision.accept, "ann", via="airflow")


@pytest.fixture
def order_id(kit: Kit) -> str:
    kit.rules = replace(kit.rules, capture_when=CaptureWhen.shipment)
    order = make_order()
    kit.run(order)
    return order.order_id


def amended(kit: Kit, order_id: str, **facts: object) -> None:
    def change(found: OrderFacts) -> OrderFacts:
        return replace(found, **facts)  # type: ignore[arg-type]

    kit.service.orders.amend(order_id, change, Event("seen"))


def signed(url: str, order_id: str) -> list[tuple[str, str]]:
    store = create_engine(url)
    try:
        assert audit.verify(store).is_unbroken
        return [(one.who, one.what) for one in audit.history(store, f"order|{order_id}")]
    finally:
        store.dispose()


@pytest.mark.parametrize(
    ("deed", "before", "entry"),
    [
        (capture, {}, ("cli:ann", "capture asked for")),
        (cancel, {}, ("api:ann", "cancel asked for")),
        (give_up, {"invoices": ("I1",), "problem": "no"}, ("cli:ann", "given up")),
        (hold_is_gone, {"problem": "no", "open_step": "reverse|1"}, ("cli:ann", "hold is gone")),
        (
            settle,
            {"is_contradicted": True, "decision": Decision.reject},
            ("airflow:ann", "contradiction settled: accept"),
        ),
    ],
)
def test_a_deed_is_signed_once_however_often_it_is_asked_for(
    kit: Kit,
    migrated_url: str,
    order_id: str,
    deed: Deed,
    before: dict[str, object],
    entry: tuple[str, str],
) -> None:
    amended(kit, order_id, **before)
    assert signed(migrated_url, order_id) == []
    deed(kit, order_id)
    assert signed(migrated_url, order_id) == [entry]
    assert entry[1] in [one.what for one in kit.service.orders.timeline(order_id)]
    with suppress(Rejected):  # or it is done already
        deed(kit, order_id)
    assert signed(migrated_url, order_id) == [entry]


@pytest.mark.parametrize("deed", [give_up, hold_is_gone, settle])
def test_what_is_refused_is_not_signed(
    kit: Kit, migrated_url: str, order_id: str, deed: Deed
) -> None:
    with pytest.raises(Rejected):
        deed(kit, order_id)
    assert signed(migrated_url, order_id) == []


def test_what_lost_the_race_to_another_is_not_signed(
    kit: Kit, migrated_url: str, order_id: str
) -> None:
    tried: list[OrderFacts] = []

    def too_late(facts: OrderFacts) -> OrderFacts:
        tried.append(facts)
        if len(tried) == 1:  # between what we read and what we write
            cancel(kit, order_id)
        if facts.stop is not None:
            raise Rejected("it is being unwound", order_id, "Read it first.")
        return replace(facts, problem="captured by hand")

    with pytest.raises(Rejected, match="unwound"):
        kit.service.orders.amend(order_id, too_late, Event("captured", {}, "bob", "cli"))
    assert len(tried) == 2
    assert signed(migrated_url, order_id) == [("api:ann", "cancel asked for")]


def test_what_cannot_be_signed_is_not_done(kit: Kit, migrated_url: str, order_id: str) -> None:
    store = create_engine(migrated_url)
    with store.begin() as connection:
        connection.execute(text("ALTER TABLE audit RENAME TO audit_gone"))
    with pytest.raises(DBAPIError):
        cancel(kit, order_id)
    assert kit.service.orders.get(order_id).facts.stop is None
    with store.begin() as connection:
        connection.execute(text("ALTER TABLE audit_gone RENAME TO audit"))
    store.dispose()
    cancel(kit, order_id)
    assert signed(migrated_url, order_id) == [("api:ann", "cancel asked for")]


def test_what_a_system_does_is_on_the_timeline_alone(
    kit: Kit, migrated_url: str, order_id: str
) -> None:
    kit.service.cancel(order_id, "shop", "trash in the shop")
    assert signed(migrated_url, order_id) == []
    assert "cancel asked for" in [one.what for one in kit.service.orders.timeline(order_id)]
