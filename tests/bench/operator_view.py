"""The operator's list of orders over a million of them, ten thousand open: a page below 300 ms.

Rows are made by SQL and copied from one real order, so that each page is read, turned into domain
objects and written as JSON as the API does. Beside it, in the same run, stands the bare statement
that fetches the same rows' keys.
"""

import argparse
import http.client
import json
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Engine, text

from include.adapters.store.engine import open_store
from include.adapters.store.order_tables import orders
from include.adapters.store.orders import SqlOrders
from include.domain.canonical import to_json
from include.domain.order_state import OrderFacts, OrderState
from tests.bench.order_world import (
    ROOT,
    SHOP,
    SandboxProcess,
    api_key,
    load,
    order_body,
    product,
    replicas,
    say,
    store,
    verdicts,
)
from tests.bench.paced import Timed, timed

MOST_P95_MS = 300.0
_COLUMNS = [column.name for column in orders.columns]


def main() -> int:
    """Measure, print; 0 only if the target is met."""
    options = _options()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tieout-bench-")))
        url = stack.enter_context(store("postgresql", folder))
        engine = open_store(url)
        key = api_key(engine)
        env = {**product(url, SandboxProcess(1), folder), "TIEOUT_API_WORKER": "off"}
        _fill(engine, options.rows, options.open)
        [port] = stack.enter_context(replicas(env, 1))
        say(f"operator view, postgresql, {options.rows:,} orders; {load()}")
        bare = timed(options.pages, 1, 0, lambda _: _bare(engine))
        found = {name: _pages(port, key, path, options.pages) for name, path in _views().items()}
        engine.dispose()
    say(f"  {'bare SQL, 50 keys':28}{bare.ms(50):8.1f} ms median{bare.ms(95):8.1f} ms p95")
    for name, run in found.items():
        say(f"  {name:28}{run.ms(50):8.1f} ms median{run.ms(95):8.1f} ms p95")
    worst = max(run.ms(95) for run in found.values())
    return verdicts(
        [(f"operator view: p95 {worst:.0f} ms, below {MOST_P95_MS:.0f}", worst < MOST_P95_MS)]
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.operator_view", description=__doc__
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--open", type=int, default=10_000, help="of them, waiting for capture")
    parser.add_argument("--pages", type=int, default=60, help="of each view")
    return parser.parse_args()


def _views() -> dict[str, str]:
    return {
        "newest 50": "/v1/orders?limit=50",
        "open ones, newest 50": "/v1/orders?state=booked&limit=50",
        "stuck ones (there are none)": "/v1/orders?state=stuck&limit=50",
        "one by its number": "/v1/orders?number=N500000",
        "of one day": "/v1/orders?limit=50&accepted_from="
        + quote("2026-06-01T00:00:00+00:00")
        + "&accepted_until="
        + quote("2026-06-02T00:00:00+00:00"),
    }


def _fill(engine: Engine, rows: int, waiting: int) -> None:
    """Copy one real order a million times; the database does it, a minute apart each."""
    sys.path.insert(0, str(ROOT / "plugins"))  # as Airflow does for its plugins folder
    from tieout.api.orders_in import read_order
    from tieout.api.schema import PlaceOrder

    class Terms:
        merchant_id, currencies = "acme_us", ("USD",)

        def purchase_order(self, number: str) -> str:
            return f"W{number}"

    order = read_order(PlaceOrder.model_validate(order_body("N0", "x" * 32, 1)), SHOP, Terms())
    facts = to_json(OrderFacts(open_step="authorize|1"))
    SqlOrders(engine, lambda _: "bench").accept(order, OrderFacts(), OrderState.captured, "bench")
    instant = "timestamptz '2026-01-01 00:00+00' + (n % 400000) * interval '1 minute'"
    changed = {
        "order_id": "'ord_' || lpad(n::text, 26, '0')",
        "number": "'N' || n",
        "purchase_order": "'WN' || n",
        "purchase_order_key": "'wn' || n",
        "state": "CASE WHEN n % :every = 0 THEN 'booked' ELSE 'completed' END",
        "facts": ":facts",
        "next_at": "NULL",
        "accepted_at": instant,
        "updated_at": instant,
    }
    chosen = ", ".join(changed.get(name, f"o.{name}") for name in _COLUMNS)
    statement = (
        f"INSERT INTO orders ({', '.join(_COLUMNS)}) "  # noqa: S608 - all of it is ours
        f"SELECT {chosen} FROM generate_series(1, :rows) g(n), orders o WHERE o.order_id = :model"
    )
    values = {"model": order.order_id, "facts": facts, "rows": rows, "every": rows // waiting}
    with engine.begin() as connection:
        connection.execute(text(statement), values)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def _bare(engine: Engine) -> Sequence[object]:
    wanted = text("SELECT order_id FROM orders ORDER BY accepted_at DESC, order_id DESC LIMIT 50")
    with engine.connect() as connection:
        return connection.execute(wanted).all()


def _pages(port: int, key: str, path: str, count: int) -> Timed:
    """Read pages one after the other: each follows the one before, then begins again."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    cursor = ""

    def page(_number: int) -> int:
        nonlocal cursor
        target = f"{path}&cursor={cursor}" if cursor else path
        connection.request("GET", target, headers={"Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        said = json.loads(answer.read())
        if answer.status != 200:
            raise RuntimeError(f"{target} was answered {answer.status}: {said}")
        cursor = said["next"] or ""
        return len(said["orders"])

    return timed(count, 1, 0, page)


if __name__ == "__main__":
    sys.exit(main())
