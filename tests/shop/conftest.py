"""Both shops of the sandbox, and the product's adapters that talk to them over real HTTP."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from include.adapters.http.transport import HttpTransport
from include.adapters.shop.generic_shop import GenericShop
from include.adapters.shop.partners import partners_of
from include.adapters.shop.settings import ShopSettings
from include.adapters.shop.shop_writes import ShopWrites
from include.adapters.shop.woocommerce import WooCommerce
from include.domain.orders import reference_of
from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, EffectKind, Partner, Timings
from include.services.shop.commands import ShopContent
from tests.departing import leaves_at_once  # noqa: F401 - a fixture
from tests.effects import ManualClock
from tests.sandbox.shopping import KEY, SECRET, TOKEN, Shops, shops
from tests.simulator.memory import MemoryEffectStore


@pytest.fixture
def sandbox() -> Iterator[Shops]:
    with shops() as found:
        yield found


def settings(url: str, shop_id: str = "acme_us_web", **changes: Any) -> ShopSettings:
    usual: dict[str, Any] = {"conn_id": f"shop_{shop_id}", "base_url": url, "shop_id": shop_id}
    secret = (
        {"key": KEY, "secret": SECRET} if shop_id == "acme_us_web" else {"key": "", "secret": TOKEN}
    )
    limits = {"connect_s": 10, "deadline_s": 20}
    return ShopSettings(**usual | secret | limits | changes)


@dataclass
class Bench:
    """One shop, its adapter, and an engine that writes to it with a clock set by hand."""

    sandbox: Shops
    desk: Any  # ShopReader and ShopWrites
    clock: ManualClock
    engine: Engine
    store: MemoryEffectStore
    partners: Any

    @property
    def shop_id(self) -> str:
        return str(self.desk.shop_id)

    @property
    def is_woo(self) -> bool:
        return isinstance(self.desk, WooCommerce)

    def order(self, **facts: Any) -> str:
        """Let the shopper order; return the order's number."""
        made = self.sandbox.order(self.shop_id, **facts)
        return str(made["number"] if self.is_woo else made["no"])

    def intend(self, kind: EffectKind, content: ShopContent, key: str) -> Effect:
        return self.engine.intend(effect_of(kind, content, key))

    def write(self, kind: EffectKind, content: ShopContent, key: str = "k") -> Effect:
        """Intend and drive until the effect rests."""
        self.intend(kind, content, key)
        return self.engine.advance(kind, key)

    def settle(self, kind: EffectKind, key: str = "k", rounds: int = 8) -> Effect:
        """Let time pass and the janitor work until nothing is due any more."""
        for _ in range(rounds):
            self.clock.move(minutes=5)
            self.engine.sweep()
        found = self.store.get(kind, key)
        assert found is not None
        return found

    def word(self, woo: str, generic: str) -> str:
        return woo if self.is_woo else generic

    def match(self, write: str) -> str:
        """The label of a write in fault rules."""
        labels = {
            "order": (r"PUT .*/orders/\d+$", r"PATCH /api/v1/orders/"),
            "refund": (r"POST .*/refunds$", r"POST .*/refunds$"),
            "stock": (r"PUT .*/products/", r"PUT /api/v1/articles/"),
        }
        return self.word(*labels[write])

    def verb(self, write: str) -> str:
        verbs = {
            "order": ("orders.update", "api.order.update"),
            "refund": ("orders.refund", "api.refund"),
            "stock": ("products.update", "api.stock"),
        }
        return self.word(*verbs[write])


def effect_of(kind: EffectKind, content: ShopContent, key: str) -> Effect:
    payload = content.to_payload()
    return Effect(
        kind=kind,
        key=key,
        reference=reference_of(key),
        payload=payload,
        digest=hashlib.sha256(payload.encode()).hexdigest(),
        target=content.shop_id,
        currency="USD",
        amount_minor=0,
        owner="orders",
    )


MakeBench = Callable[..., Bench]


def bench_of(sandbox: Shops, desk: ShopWrites) -> Bench:
    partners: dict[EffectKind, Partner] = dict(partners_of(desk))
    return engine_bench(sandbox, desk, partners, desk.settings.timings)


def engine_bench(
    sandbox: Shops, desk: Any, partners: dict[EffectKind, Partner], timings: Timings
) -> Bench:
    clock = ManualClock()
    store = MemoryEffectStore(clock)
    engine = Engine(store, partners, clock, dict.fromkeys(partners, timings))
    return Bench(sandbox, desk, clock, engine, store, partners)


@pytest.fixture(params=["woocommerce", "generic"])
def bench(request: pytest.FixtureRequest, sandbox: Shops) -> Bench:
    """The same test for both shops."""
    return bench_of(sandbox, desk_of(request.param, sandbox.url))


@pytest.fixture(params=["woocommerce", "generic"])
def hasty(request: pytest.FixtureRequest, sandbox: Shops) -> Bench:
    """The same, gives up on an answer after two seconds."""
    return bench_of(sandbox, desk_of(request.param, sandbox.url, connect_s=1, deadline_s=2))


def desk_of(kind: str, url: str, **changes: Any) -> ShopWrites:
    if kind == "woocommerce":
        return WooCommerce(settings(url, **changes), HttpTransport())
    return GenericShop(settings(url, "acme_uk_web", **changes), HttpTransport())


@pytest.fixture
def woo(sandbox: Shops) -> Bench:
    return bench_of(sandbox, WooCommerce(settings(sandbox.url), HttpTransport()))
