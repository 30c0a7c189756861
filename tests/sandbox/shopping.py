"""A sandbox of the shops alone, and the shopper as the control server plays her."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import requests
from woocommerce import API

from include.sandbox.board import Sandbox, new_ledger
from include.sandbox.shop import ShopApp

LIVE = date(2026, 11, 3)
KEY = "ck_86bd417677cad694f829d6a8cfda4df4035145c2"
SECRET = "cs_e85cbc581aa65acf32476a4ad443c6366c9f4128"
READ_KEY = "ck_529f075d1678b3dce8b11a999e45fd81a233c2af"
READ_SECRET = "cs_2dd674c0491391fa0d58b72fafe89aeb0d7adde5"
TOKEN = "sandbox-shop"


class NoWorld:
    """The shops need no generated trade."""

    start = last = LIVE

    def reset(self) -> None:
        """Nothing in it changes."""


class Shops:
    """The sandbox, its control server and the public client."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.url = sandbox.shop_url
        app = sandbox.services["shop"].app
        assert isinstance(app, ShopApp)
        self.app = app
        self.api = API(self.url, KEY, SECRET)

    def control(self, action: str, **facts: Any) -> Any:
        """``POST /control/<action>``; an error of the server fails the test."""
        url = f"{self.sandbox.control_url}/control/{action}"
        answer = requests.post(url, json=facts, timeout=40)
        assert answer.ok, answer.text
        return answer.json()

    def stock(self, shop: str = "acme_us_web", **levels: int) -> None:
        """Sell these SKUs at 10.00 each."""
        products = [{"sku": k, "stock": v, "price": "10.00"} for k, v in levels.items()]
        self.control("shop_products", shop=shop, products=products)

    def order(self, shop: str = "acme_us_web", **facts: Any) -> Any:
        """Place an order of one A100 unless told otherwise."""
        usual = {"lines": [{"sku": "A100", "quantity": 1, "price": "10.00"}]}
        return self.control("shop_place_order", shop=shop, **{**usual, **facts})["order"]

    def spoil(self, fault: str, match: str, **settings: Any) -> None:
        self.sandbox.faults.add(fault, system="shop", match=match, **settings)

    def executed(self, verb: str, **wanted: str) -> int:
        return self.sandbox.ledger.count(system="shop", verb=verb, **wanted)


@contextmanager
def shops() -> Iterator[Shops]:
    ledger = new_ledger(None)
    sandbox = Sandbox(NoWorld(), [ShopApp(ledger, lambda: LIVE)], ledger)  # type: ignore[arg-type]
    try:
        yield Shops(sandbox)
    finally:
        sandbox.stop()


def now() -> datetime:
    """The shops' present: today's time of day on the live date."""
    return datetime.combine(LIVE, datetime.now(UTC).time(), UTC)
