"""The product against the sandbox, order to cash: real hooks, HTTP, store; people by control."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import Engine, update

from include.adapters.settings_file import read_settings
from include.adapters.store.engine import open_store
from include.adapters.store.migrate import migrate
from include.adapters.store.schema import effects
from include.domain.money import Money
from include.domain.order_state import OrderFacts
from include.domain.orders import order_id_of, reference_of
from include.sandbox import Sandbox, start
from include.services.orders.sagas import Saga
from include.wiring import Settings, Tieout
from tieout.desks.order_desk import Desks
from tieout.desks.order_feeds import hear_erp, shop_sync

SHOP, SKU = "acme_us_web", "TEA-1001"
UK_SHOP = "acme_uk_web"
LIVE = date(2026, 11, 3)
BEGIN = datetime(2026, 10, 28, tzinfo=UTC)


class Play:
    """The product on one side, everybody else on the other."""

    def __init__(self, sandbox: Sandbox, desks: Desks) -> None:
        self.sandbox = sandbox
        self.desks = desks

    # Other people ----------------------------------------------------------------------------

    def control(self, action: str, /, **facts: Any) -> Any:
        url = f"{self.sandbox.urls()['control']}/control/{action}"
        answer = requests.post(url, json=facts, timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    def shopper_orders(self, outcome: str = "", **more: Any) -> str:
        """Place an order in the shop; return its number."""
        asked = {"outcome": outcome} if outcome else {}
        token = self.control("transient_token", count=1, **asked)["tokens"][0]["jti"]
        placed = self.control(
            "shop_place_order",
            shop=SHOP,
            **{"lines": [{"sku": SKU, "quantity": 2}], **more},
            payment={"kind": "transient_token", "value": token},
        )
        return str(placed["order"]["number"])

    def clerk(self, action: str, **facts: Any) -> Any:
        return self.control("clerk", action=action, company="A", **facts)

    # The product -----------------------------------------------------------------------------

    def poll_shop(self) -> str:
        return str(shop_sync(self.desks, SHOP).poll(BEGIN))

    def poll_erp(self) -> None:
        hear_erp(self.desks, self.desks.of(SHOP), "2026-10-28")

    def sweep(self) -> None:
        self.desks.sweep(100)

    def take(self, outcome: str = "", **more: Any) -> str:
        """Have an order placed, taken in and worked on; return its id."""
        number = self.shopper_orders(outcome, **more)
        self.poll_shop()
        self.sweep()
        return order_id_of(SHOP, number)

    def order(self, order_id: str) -> Saga[OrderFacts]:
        return self.desks.service.orders.get(order_id)

    def purchase_order(self, order_id: str) -> str:
        return self.desks.service.orders.content(order_id).purchase_order

    # The truth -------------------------------------------------------------------------------

    def executed(self, order_id: str) -> Counter[str]:
        """Count what the gateway executed for an order, by verb."""
        code = self.purchase_order(order_id)
        return Counter(
            row.verb
            for row in self.sandbox.ledger.rows(system="cybersource", code=code)
            if row.committed
        )

    def amount(self, order_id: str) -> Money:
        return self.desks.service.orders.content(order_id).amount

    def owed(self, order_id: str, shop_id: str = SHOP) -> Money:
        """Return what SYSPRO shows as open of an order's one invoice."""
        documents = self.desks.of(shop_id).erp.orders.documents_of(
            self.purchase_order(order_id), self.order(order_id).facts.customer
        )
        (left,) = (one.left for one in documents if one.document_type == "I")
        assert left is not None
        return left

    def unapplied(self, order_id: str, shop_id: str = SHOP) -> Money:
        """Return what is left of an order's one receipt."""
        reference = reference_of(f"{order_id}|receipt|1")
        (found,) = self.desks.of(shop_id).erp.orders.receipts_of([reference])
        assert found.left is not None
        return found.left

    def posted(self, order_id: str, step: str) -> int:
        """Count what SYSPRO posted under the reference of a step."""
        reference = reference_of(f"{order_id}|{step}")
        rows = self.sandbox.ledger.rows(system="syspro")
        return sum(row.reference == reference and row.committed for row in rows)

    def shop_status(self, order_id: str) -> str:
        number = self.desks.service.orders.content(order_id).number
        found = self.desks.of(SHOP).shop_hook.order(number)
        assert found is not None
        return found.status


def make_due(store: Engine, state: str) -> None:
    """Let the effects of a state be asked about now."""
    wanted = update(effects).where(effects.c.state == state)
    with store.begin() as connection:
        connection.execute(wanted.values(next_at=effects.c.intended_at))


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    folder = tmp_path_factory.mktemp("order-to-cash")
    sandbox = start(live_date=LIVE)
    patch = pytest.MonkeyPatch()
    ports = {
        "TIEOUT_SANDBOX_PORT": "cybersource",
        "TIEOUT_SYSPRO_PORT": "syspro",
        "TIEOUT_BANK_PORT": "bank",
        "TIEOUT_SHOP_PORT": "shop",
    }
    environment = {
        name: sandbox.urls()[system].rpartition(":")[2] for name, system in ports.items()
    }
    settings = read_settings(
        Path("airflow_settings.yaml"),
        {**environment, "TIEOUT_ALLOW_PLAIN_HTTP": "true", "TIEOUT_ALLOW_LOCAL": "true"},
    )
    for conn_id, values in settings.connections.items():
        found = {name: value for name, value in values.items() if name != "conn_id"}
        if isinstance(found.get("extra"), str):
            found["extra"] = json.loads(found["extra"] or "{}")
        patch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(found))
    url = f"sqlite:///{folder / 'tieout.db'}"
    migrate(open_store(url))
    context = Tieout(Settings(url, folder / "lake", "sandbox", business_date=LIVE))
    made = Play(sandbox, Desks(context))
    products = [{"sku": SKU, "name": "Green tea", "price": "19.99", "stock": 500}]
    made.control("shop_products", shop=SHOP, products=products)
    made.control("cybersource", webhook_review=False)
    yield made
    patch.undo()
    sandbox.stop()
