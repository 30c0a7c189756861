"""The stack of a soak: PostgreSQL, Airflow on its schedules, the API twice, the sandbox."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from include.adapters.store.engine import open_store
from include.local.airflow_api import AirflowApi
from include.local.environment import PASSWORD, LocalStack
from include.local.order_stories import make_key
from include.local.processes import Processes
from include.local.stack import COMPONENTS, start_stack
from include.wiring import Settings, Tieout
from tests.bench.order_world import free_ports
from tests.postgres import fresh_database, postgres

# A soak lasts minutes, so an answer may be missing for one, and not for a quarter of an hour.
_DEADLINE_S, _QUIESCENCE_S = "40", "75"
_HURRIED = ("syspro_a", "syspro_b", "shop_acme_us_web", "shop_acme_uk_web")
_SOONER = (
    ("AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT", "60"),
    ("TIEOUT_UNKNOWN_WAIT_S", "80"),
)


@dataclass(frozen=True, slots=True)
class Running:
    """What a soak works with."""

    local: LocalStack
    processes: Processes
    commands: dict[str, list[str]]  # of what may be killed, to start it again
    airflow: AirflowApi
    store: Engine
    key: str  # of the US shop's server
    api_urls: list[str]

    @property
    def shop_url(self) -> str:
        return f"http://127.0.0.1:{self.local.sandbox_port + 4}"

    def analyst(self) -> AirflowApi:
        """Log somebody in who answers required actions."""
        found = AirflowApi(self.local.base_url, "admin", PASSWORD)
        found.log_in()
        return found

    def ledger(self) -> list[dict[str, Any]]:
        """Return what the sandbox has really executed."""
        lines = (self.local.home / "sandbox-ledger.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]


@contextmanager
def running(home: Path, say: Callable[[str], None]) -> Iterator[Running]:
    """Bring everything up, until the block ends; the logs stay below ``home``."""
    if home.exists() and any(home.iterdir()) and not (home / "keys.json").exists():
        raise SystemExit(f"{home} holds something that is no soak's: name another --home")
    Processes(home.absolute(), {}).stop()  # of a soak that was killed
    LocalStack(home=home.absolute()).clear()
    with (
        postgres() as server,
        fresh_database(server) as airflow_url,
        fresh_database(server) as store_url,
    ):
        local = LocalStack(
            home=home.absolute(), port=free_ports(1), sandbox_port=free_ports(5),
            airflow_database=airflow_url, store_url=store_url, schedule="daily", more=_SOONER,
        )  # fmt: skip
        local.prepare()
        processes = Processes(local.home, local.environment())
        store = open_store(store_url)
        try:
            airflow = start_stack(local, say=say, user="admin")
            _hurry(airflow)
            port = free_ports(1)
            commands = {one: ["-m", "airflow", one] for one in COMPONENTS}
            commands["api"] = ["-m", "tieout.api", "serve", "--port", str(port)]
            processes.start("api", commands["api"])
            key = make_key(Tieout(Settings.of(local.environment())))
            urls = [local.api_url, f"http://127.0.0.1:{port}/v1"]
            yield Running(local, processes, commands, airflow, store, key, urls)
        finally:
            processes.stop()
            store.dispose()


def _hurry(airflow: AirflowApi) -> None:
    """Pause the settlement until the day is over, and shorten how long a doubt lasts."""
    airflow.wait_for_dag("settlement_reconciliation", 120)
    airflow.call("PATCH", "/dags/settlement_reconciliation", json={"is_paused": True})
    for name in _HURRIED:
        path = f"/connections/{name}"
        known = airflow.call("GET", path)
        extra = json.loads(known["extra"] or "{}")
        extra |= {"deadline_s": _DEADLINE_S, "quiescence_s": _QUIESCENCE_S}
        body = {name: known[name] for name in ("connection_id", "conn_type")}
        body["extra"] = json.dumps(extra)
        airflow.call("PATCH", path, params={"update_mask": "extra"}, json=body)
