"""Questions to a store that has grown: PostgreSQL answers them by an index, and reads no table."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from include.adapters.store import order_screen
from include.adapters.store.effects import SqlEffectStore
from include.adapters.store.engine import open_store
from include.adapters.store.order_tables import orders
from include.adapters.store.schema import effects
from include.services.effects.ports import EffectKind
from tests.many_rows import fill, plans

MANY = 20_000


@pytest.fixture
def store(migrated_postgres: str) -> Iterator[Engine]:
    engine = open_store(migrated_postgres)
    yield engine
    engine.dispose()


def fill_orders(store: Engine, **values: str) -> None:
    named = {
        "order_id": "'ord_' || n",
        "shop_id": "'web'",
        "merchant_id": "'acme_us'",
        "number": "n::text",
        "purchase_order": "'WEB-' || n",
        "purchase_order_key": "'web-' || n",
        "sales_order": "'SO' || n",
        "currency": "'USD'",
    }
    fill(store, orders, MANY, **(named | values))


@pytest.mark.parametrize("number", ["17", "Web-17", "SO17"])
def test_an_order_is_found_by_any_number(store: Engine, number: str) -> None:
    fill_orders(store)
    with plans(store) as told:
        found = order_screen.listing(
            store, shops=["web"], merchants=["acme_us"], number=number, limit=50
        )
        assert [one.order_id for one in found] == ["ord_17"]
    assert "Seq Scan" not in told()


def test_the_order_behind_a_settlement_line_is_found(store: Engine) -> None:
    fill_orders(store)
    with plans(store) as told:
        assert order_screen.behind(store, "acme_us", "WEB-17") == "ord_17"
        assert order_screen.behind(store, "acme_us", "WEB-0") is None
    assert "Index Cond: ((merchant_id = 'acme_us'::text) AND (purchase_order_key =" in told()


def fill_effects(store: Engine, **values: str) -> None:
    named = {
        "kind": "'payment_capture'",
        "key": "'ord_' || n || '|payment_capture|1'",
        "reference": "n::text",
        "target": "'acme_us_org'",
        "currency": "'USD'",
        "owner": "'ops'",
        "state": "'verified'",
        "sent_at": "TIMESTAMPTZ '2026-11-01Z' + n * INTERVAL '1 minute'",
    }
    fill(store, effects, MANY, **(named | values))


def test_a_later_effect_of_an_order_is_looked_for_among_its_own(store: Engine) -> None:
    """It is asked while a lease is held."""
    fill_effects(store)
    kept = SqlEffectStore(store)
    one = kept.get(EffectKind.payment_capture, "ord_17|payment_capture|1")
    assert one is not None
    with plans(store) as told:
        assert not kept.has_later(one)
        assert kept.has_later(replace(one, intended_at=datetime(2026, 10, 1, tzinfo=UTC)))
    assert "Index Cond: ((kind = 'payment_capture'::text) AND (key >= 'ord_17|'::text)" in told()
