"""Questions to a store that has grown: PostgreSQL answers them by an index, and reads no table."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine

from include.adapters.store import api_answers, order_screen, views
from include.adapters.store.alerts import SqlSightings
from include.adapters.store.api_answers import SqlAnswers
from include.adapters.store.audit import history
from include.adapters.store.command_lists import holds
from include.adapters.store.comparison import SqlLedger
from include.adapters.store.effects import SqlEffectStore
from include.adapters.store.engine import open_store
from include.adapters.store.order_tables import (
    answers,
    customers,
    orders,
    payment_tokens,
    refunds,
)
from include.adapters.store.payment_tokens import SqlTokenBook
from include.adapters.store.refunds import SqlRefunds
from include.adapters.store.schema import audit, effects
from include.domain.alerts import AlertKind, AlertRule
from include.domain.canonical import to_json
from include.domain.money import Money
from include.domain.order_rules import OrderRules
from include.domain.order_state import OrderFacts
from include.domain.refunds import Part, RefundFacts, Way
from include.services.effects.ports import EffectKind, EffectState
from include.services.effects.states import UNFINISHED
from tests.effects import ManualClock
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


def test_the_overview_reads_of_nothing_more_than_its_days(store: Engine) -> None:
    """Three reports a day and merchant are kept for ever."""
    with plans(store) as told:
        views.overview(store, ManualClock(), date(2026, 11, 1), date(2026, 11, 2))
    items, _, reports = told().partition(" on open_items")[2].partition(" on reports")
    of_its_days = "(settlement_date >= '2026-11-01'::date)"
    assert of_its_days in items
    assert of_its_days in reports


def test_a_page_of_orders_begins_where_the_one_before_ended(store: Engine) -> None:
    fill_orders(store)
    last = datetime(2026, 11, 1, 1, tzinfo=UTC), "ord_3600"
    with plans(store) as told:
        found = order_screen.listing(
            store, shops=["web"], merchants=["acme_us"], after=last, limit=2
        )
        assert [one.order_id for one in found] == ["ord_3599", "ord_3598"]
    assert "Index Cond: (accepted_at <=" in told()


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


def test_what_was_sent_at_night_is_read_by_its_instant(store: Engine) -> None:
    fill_effects(store)
    since = datetime(2026, 11, 3, tzinfo=UTC)
    ledger = SqlLedger(store)
    with plans(store) as told:
        found = ledger.sent_between(
            "acme_us_org", [EffectKind.payment_capture], since, since + timedelta(hours=1)
        )
        assert [one.key.partition("|")[0] for one in found][::59] == ["ord_2880", "ord_2939"]
    assert "ix_effects_target_sent_at" in told()
    assert "pk_effects" not in told()  # not one by one either


def test_unfinished_effects_are_counted_without_the_others(store: Engine) -> None:
    fill_effects(store, state="CASE WHEN n % 500 = 0 THEN 'in_doubt' ELSE 'verified' END")
    with plans(store) as told:
        assert SqlEffectStore(store).counts(UNFINISHED) == {EffectState.in_doubt: 40}
    assert "ix_effects_state_next_at" in told()


def test_the_history_of_a_subject_is_read_without_the_others(store: Engine) -> None:
    fill(store, audit, MANY, subject="'s|' || n", previous_hash="'p' || n", hash="'h' || n")
    with plans(store) as told:
        assert len(history(store, "s|17")) == 1
    assert "ix_audit_subject_entry_no" in told()


def nobody_asks(merchant_id: str) -> OrderRules:
    raise AssertionError(f"no hold of {merchant_id} is left")


@pytest.mark.parametrize("open_of_1000", [0, 50])
def test_holds_are_read_once_by_their_states(store: Engine, open_of_1000: int) -> None:
    state = f"CASE WHEN n % 1000 < {open_of_1000} THEN 'authorized' ELSE 'completed' END"
    facts = f"'{to_json(OrderFacts(is_reversed=True))}'"
    fill_orders(store, state=state, amount_minor="2", facts=facts, content="repeat('x', 1500)")
    sightings = SqlSightings(store, nobody_asks, lambda _: "A", timedelta(days=365))
    minute = timedelta(minutes=1)
    rule = AlertRule(
        AlertKind.authorizations_expiring,
        1,
        minute,
        (),
        minute,
        None,
        False,
        "ops",
        "alerts.yaml:1",
    )
    with plans(store) as told:
        assert sightings.seen(rule, datetime(2026, 11, 3, tzinfo=UTC)) == []
        assert holds(store) == []
    assert "Seq Scan" not in told()
    assert "pk_orders" not in told()  # nor all orders that ever were, page by page
    assert told().count("ix_orders_state_updated_at") == 2


def test_whether_a_card_is_in_use_is_asked_of_open_orders_alone(store: Engine) -> None:
    state = "CASE WHEN n % 100 = 0 THEN 'authorized' ELSE 'completed' END"
    fill_orders(store, state=state, facts="'token_' || n || '.'")
    book = SqlTokenBook(store)
    with plans(store) as told:
        assert book.is_in_use("acme_us", "token_100.")
        assert not book.is_in_use("acme_us", "token_101.")
    assert "ix_orders_state_updated_at" in told()


def fill_tokens(store: Engine) -> None:
    named = {
        "merchant_id": "'acme_us'",
        "customer_token": "'c' || n",
        "instrument_token": "'i' || n",
        "identifier_token": "'card' || n / 2",
        "company_id": "'A'",
        "customer": "'K' || n / 2",
        "state": "'active'",
    }
    fill(store, payment_tokens, MANY, **named)
    mail = {"shopper_key": "'mail:' || n / 3", "company_id": "'A'", "customer": "'K' || n / 2"}
    fill(store, customers, MANY, shop_id="'web' || n", **mail)


def test_a_stored_card_is_found_by_its_instrument(store: Engine) -> None:
    """A shopper waits: an order names it."""
    fill_tokens(store)
    book = SqlTokenBook(store)
    with plans(store) as told:
        assert [one.token.customer_token for one in book.having("acme_us", "i17")] == ["c17"]
    assert "ix_payment_tokens_merchant_id_instrument_token" in told()


def test_orders_that_changed_since_the_last_night_are_read_without_the_others(
    store: Engine,
) -> None:
    fill_orders(store, state="'completed'", content="repeat('x', 1500)")
    since = datetime(2026, 11, 1, 5, 33, tzinfo=UTC)  # 20 of 20,000 seconds
    with plans(store) as told:
        assert list(SqlTokenBook(store).orders_with_tokens("acme_us", since)) == []
    assert "ix_orders_state_updated_at" in told()
    assert "Index Cond: ((state = ANY" in told()


def test_whether_a_customer_is_shared_is_asked_of_each_that_has_a_card_twice(
    store: Engine,
) -> None:
    """As one list of all customers, PostgreSQL read it anew for every token, for hours."""
    fill_tokens(store)
    book = SqlTokenBook(store)
    with plans(store) as told:
        found = book.doubled("acme_us")
    # Customer k has tokens 2k and 2k + 1; a third of them, k = 3m + 1, by two addresses.
    assert len(found) == 6666
    assert {int(one.customer[1:]) % 3 for group in found for one in group} == {0, 2}
    asked = "((company_id = payment_tokens.company_id) AND (customer = payment_tokens.customer))"
    assert f"Index Cond: {asked}" in told()


def test_due_refunds_are_found_by_their_instant(store: Engine) -> None:
    """By the index from its first column on: older versions than 18 skip none."""
    fill_orders(store)
    due = "CASE WHEN n % 1000 = 0 THEN TIMESTAMPTZ '2026-11-01Z' END"
    named = {"refund_id": "'ref_' || n", "order_id": "'ord_' || n", "state": "'done'"}
    fill(store, refunds, MANY, **named, next_at=due)
    with plans(store) as told:
        assert len(SqlRefunds(store).due(["acme_us"], 100)) == 20
    assert "ix_refunds_state_next_at" in told()
    assert "Index Cond: ((state = ANY" in told()


def test_whose_a_refund_is_is_read_by_the_whole_key_of_its_effect(store: Engine) -> None:
    """It is asked while the order's row is locked."""
    fill_orders(store, facts=f"'{to_json(OrderFacts(returned_minor=1))}'")
    fill_effects(store, key="'ref_' || n || '|refund|1'", kind="'payment_refund'")
    gone = RefundFacts(parts=(Part(1, "70", Money(1, "USD"), Way.refund, "71"),))
    named = {"refund_id": "'ref_' || n", "order_id": "'ord_' || n", "facts": f"'{to_json(gone)}'"}
    fill(store, refunds, MANY, **named)
    book = SqlRefunds(store)
    with plans(store) as told:
        book.save(book.get("ref_17"), [])
    assert "Index Cond: ((kind = ANY" in told()


def test_old_answers_are_forgotten_part_by_part(
    store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_answers, "_PART", 1_000)
    fill(store, answers, MANY, client_id="'web'", idempotency_key="'k-' || n")
    kept = SqlAnswers(store, lambda _: datetime(2026, 11, 1, 1, tzinfo=UTC))  # 3,600 seconds on
    with plans(store) as told:
        assert kept.purge(timedelta(minutes=20)) == 2399
    assert told().count("Delete on answers") == 3
    assert "Seq Scan" not in told()
    assert kept.purge(timedelta(minutes=20)) == 0
