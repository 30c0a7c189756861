"""A play per module: its sandbox, its store, the connections that the demo has."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.adapters.settings_file import read_settings
from include.adapters.store.engine import open_store
from include.adapters.store.migrate import migrate
from include.sandbox import start
from include.wiring import Settings, Tieout
from tests.integration.play import LIVE, SHOP, SKU, Play
from tieout.order_desk import Desks


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
        Path("airflow_settings.yaml"), {**environment, "TIEOUT_ALLOW_PLAIN_HTTP": "true"}
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
