"""The API over a real SQL store and the real engine, with partners in memory."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import Response
from sqlalchemy import Engine as SqlEngine
from sqlalchemy import text

from include.adapters.store import audit
from include.adapters.store.api_alerts import SqlAlarms
from include.adapters.store.api_answers import SqlAnswers
from include.adapters.store.api_clients import SqlApiClients
from include.adapters.store.dead_letters import SqlDeadLetters
from include.adapters.store.effects import SqlEffectStore
from include.adapters.store.engine import open_store
from include.adapters.store.fraud_decisions import SqlFraudDecisions
from include.adapters.store.inbox import SqlInbox
from include.adapters.store.order_views import SqlOrderViews
from include.adapters.store.orders import SqlOrders
from include.adapters.store.payment_tokens import SqlTokenBook
from include.adapters.store.refunds import SqlRefunds
from include.adapters.store.stock_list import SqlStockList
from include.domain.errors import Rejected
from include.domain.order_rules import AmountRange
from include.domain.payments import StoredToken
from include.mappings.load import load_mappings
from include.services.api.clients import add_client
from include.services.api.ports import ANY_SHOP, Role, ShopTerms
from include.services.effects.dead_letters import replay
from include.services.effects.engine import Engine
from include.services.effects.ports import EffectKind, Timings
from include.services.inbox.ports import WebhookAccount
from include.services.orders.order_service import OrderService
from include.services.orders.payment_told import payment_told
from include.services.profiles.ports import Buyer
from include.services.profiles.whose_token import WhoseToken
from tests.api.calling import Caller
from tests.api.senders import cybersource_account, generic_account, woocommerce_account
from tests.orders.partners import FakeErp, FakeGateway, FakePartner, desk, make_rules
from tieout.api.app import build_app
from tieout.api.parts import Parts
from tieout.api.runtime import Api
from tieout.api.settings import ApiSettings

_numbers = count(1001)
CLIENTS = {
    "web_shop": ("web", frozenset({Role.read, Role.write, Role.refund})),
    "web_clerk": ("web", frozenset({Role.refund})),
    "web_reader": ("web", frozenset({Role.read})),
    "web_operator": ("web", frozenset({Role.read, Role.operate})),
    "other_shop": ("other", frozenset(Role)),
    "house": (ANY_SHOP, frozenset({Role.read, Role.operate})),
}


@dataclass(frozen=True)
class Terms:
    """A shop, as the API must know it."""

    prefix: str
    merchant_id: str = "acme_us"
    currencies: tuple[str, ...] = ("USD", "JPY", "KWD", "GBP")

    def purchase_order(self, number: str) -> str:
        return self.prefix + number


SHOPS = {"web": Terms("W"), "other": Terms("X")}


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class Vault:
    """The gateway's customers, and whose they are; ``fault`` is raised instead of an answer."""

    buyers: dict[str, Buyer] = field(default_factory=dict)
    fault: Exception | None = None
    asked: int = 0

    def buyer(self, customer_token: str) -> Buyer | None:
        self.asked += 1
        if self.fault is not None:
            raise self.fault
        return self.buyers.get(customer_token)

    def customer(self, customer_token: str) -> tuple[StoredToken, ...] | None:
        return () if customer_token in self.buyers else None

    def instrument(self, customer_token: str, instrument_token: str) -> StoredToken | None:
        return None


@dataclass
class Kit:
    """One API, its clients and what its partners really did."""

    app: FastAPI
    api: Api
    http: Caller
    keys: dict[str, str]
    service: OrderService
    partner: FakePartner
    database: SqlEngine
    vault: Vault
    more: dict[str, Any] = field(default_factory=dict)

    def call(
        self, method: str, path: str, body: Any = None, who: str = "web_shop", **headers: str
    ) -> Response:
        """Send a request; ``key`` among the headers is the Idempotency-Key."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if "key" in sent:
            sent["Idempotency-Key"] = sent.pop("key")
        if who:
            sent["Authorization"] = f"Bearer {self.keys[who]}"
        content = None
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.http.request(method, path, content=content, headers=sent)

    def place(self, who: str = "web_shop", **changes: Any) -> Response:
        body = order_body(**changes)
        return self.call("POST", "/v1/orders", body, who, key=f"place-{body['number']}")

    def count(self, table: str) -> int:
        with self.database.connect() as connection:
            found = connection.execute(text(f"SELECT count(*) FROM {table}"))  # noqa: S608
            return int(found.scalar_one())

    def dump(self) -> str:
        """Return everything in the database as text, to look for what must not be there."""
        with self.database.connect() as connection:
            names = ("orders", "order_events", "answers", "inbox", "alerts", "effects", "audit")
            return "\n".join(
                str(row)
                for name in names
                for row in connection.execute(text(f"SELECT * FROM {name}"))  # noqa: S608
            )


def order_body(**changes: Any) -> dict[str, Any]:
    """A widget for 102.21 USD."""
    home = {
        "name": "Ann Lee",
        "lines": ["1 Main St"],
        "city": "New York",
        "region": "NY",
        "postal_code": "10001",
        "country": "US",
    }
    line = {"description": "Widget", "stock_code": "WIDGET-1", "net": "96.42", "tax": "5.79"}
    body: dict[str, Any] = {
        "number": str(next(_numbers)),
        "currency": "USD",
        "amount": "102.21",
        "shopper": {"name": "Ann Lee", "email": "ann@example.com", "bill_to": home},
        "lines": [line],
        "payment": {"method": "transient_token", "transient_token": "F" * 64},
    }
    return body | changes


def build_api(
    database: SqlEngine, partner: FakePartner, vault: Vault | None = None, **settings: Any
) -> tuple[Api, Parts]:
    """Join the parts over a store; partners are in memory."""
    effects = SqlEffectStore(database)
    timings = Timings(
        deadline=timedelta(seconds=30),
        quiescence=timedelta(seconds=300),
        look_gap=timedelta(seconds=60),
        looks_first=False,
    )
    kinds = dict.fromkeys(EffectKind, timings)
    engine = Engine(effects, dict.fromkeys(EffectKind, partner), SystemClock(), kinds, worker="api")
    erp, gateway = FakeErp(), FakeGateway()
    limits = dict.fromkeys(("USD", "JPY", "KWD"), AmountRange(50, 1_000_000))
    rules = make_rules(amounts=limits, ship_to=("US", "DE"))
    service = OrderService(
        SqlOrders(database, lambda _: "orders@acme.example"),
        SqlRefunds(database),
        SqlFraudDecisions(database),
        effects,
        lambda _shop: desk(erp, gateway, rules),
        lambda _shop: engine,
        "api",
    )
    letters = SqlDeadLetters(database)

    def shop(shop_id: str) -> ShopTerms:
        if shop_id not in SHOPS:
            raise Rejected(f"there is no shop {shop_id!r}", "shops", "Add it.")
        return SHOPS[shop_id]

    def webhook(kind: str, name: str) -> WebhookAccount | None:
        known = {
            ("cybersource", "acme_us"): cybersource_account("acme_us"),
            ("cybersource", "acme_uk"): cybersource_account("acme_uk"),
            ("woocommerce", "web"): woocommerce_account("web"),
            ("generic", "uk"): generic_account("uk"),
        }
        return known.get((kind, name))

    parts = Parts(
        service=lambda: service,
        views=SqlOrderViews(database),
        clients=SqlApiClients(database),
        answers=SqlAnswers(database),
        alarms=SqlAlarms(database),
        inbox=SqlInbox(database),
        letters=letters,
        replay=lambda number, who: replay(letters, engine, number, who).state.value,
        verify_audit=lambda since, most: audit.verify(database, since=since, most=most),
        shop=shop,
        payment_of=lambda _shop, facts: payment_told(
            facts, lambda *said: load_mappings().orders.payment(*said, date(2026, 11, 3), "en")
        ),
        unsold=lambda order: SqlStockList(database).absent(
            "A", "W1", [line.stock_code for line in order.lines if line.stock_code]
        ),
        is_anothers_token=WhoseToken(
            SqlTokenBook(database), lambda _shop: vault or Vault(), lambda _shop: False
        ).is_of_another,
        webhook=webhook,
        now=lambda: datetime.now(UTC),
    )
    wanted = {"rate_per_s": 100_000, "burst": 100_000, "worker": False, "client_cache_s": 0}
    return Api(parts, ApiSettings(**(wanted | settings))), parts


def build_kit(database: SqlEngine, **settings: Any) -> Iterator[Kit]:
    partner = FakePartner()
    vault = Vault()
    api, parts = build_api(database, partner, vault, **settings)
    keys = {
        name: add_client(parts.clients, name, shop, roles)
        for name, (shop, roles) in CLIENTS.items()
    }
    app = build_app(api)
    with Caller(app) as http:
        yield Kit(app, api, http, keys, parts.service(), partner, database, vault)
    database.dispose()


@pytest.fixture
def sqlite_store(migrated_sqlite: str) -> SqlEngine:
    return open_store(migrated_sqlite)


@pytest.fixture
def kit(sqlite_store: SqlEngine) -> Iterator[Kit]:
    yield from build_kit(sqlite_store)


@pytest.fixture
def both(migrated_url: str) -> Iterator[Kit]:
    """The same on SQLite and on PostgreSQL."""
    yield from build_kit(open_store(migrated_url))
