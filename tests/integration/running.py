"""One real Airflow with its sandbox, for all test files that want one: starting it is dear.

Those files stay on one worker, one after the other: see ``tests/conftest.py``. The last of them
stops it.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest

from include.local.airflow_api import DAG_ID, AirflowApi
from include.local.environment import PASSWORD, ROOT, LocalStack
from include.local.processes import Processes
from include.local.stack import start_stack
from tests.ports import free_ports

FRAGILE = """
from pathlib import Path
import pendulum
from airflow.sdk import dag, task

@dag(schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), max_active_runs=1)
def fragile():
    @task
    def work() -> None:
        if not Path(__file__).with_name("mended").exists():
            raise ZeroDivisionError("a bug of ours")

    work()

fragile()
"""
STUCK = """
import pendulum
from airflow.sdk import dag, task

@dag(schedule="0 0 1 1 *", start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), catchup=False)
def stuck():
    @task(pool="nowhere")
    def work() -> None: ...

    work()

stuck()
"""


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Airflow with the product's DAGs and two bad ones, on which nothing has run yet."""
    home = tmp_path_factory.mktemp("stack")
    dags = home / "dags"
    first = free_ports(5)
    more = (
        ("AIRFLOW__CORE__DAGS_FOLDER", str(dags)),
        # The retry of an unknown outcome looks again after half a minute, not sixteen: a killed
        # worker's lease lasts three minutes, and each look before its end is a task's start.
        ("TIEOUT_UNKNOWN_WAIT_S", "30"),
        # A changed DAG file is read at once; all others as well every half minute is for nothing.
        ("AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL", "600"),
        # Looking for work three times a second takes a third of a core, which others need here.
        ("AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME", "1.0"),
    )
    found = replace(LocalStack(), home=home, port=first, sandbox_port=first + 1, more=more)
    found.prepare()
    shutil.copytree(ROOT / "dags", dags, ignore=shutil.ignore_patterns("__pycache__"))
    (dags / "fragile.py").write_text(FRAGILE)
    (dags / "stuck.py").write_text(STUCK)
    try:
        hasten_syspro(start_stack(found, user="admin"))
        yield found
    finally:
        Processes(home, {}).stop()


def hasten_syspro(admin: AirflowApi) -> None:
    """Give the test's SYSPRO a quiescence of thirty seconds: its answers are never late."""
    path = "/connections/syspro_j"
    found = admin.call("GET", path)
    extra = {**json.loads(found["extra"]), "deadline_s": 15, "quiescence_s": 30, "look_gap_s": 3}
    admin.call(
        "PATCH",
        path,
        params={"update_mask": ["extra"]},
        json={"connection_id": "syspro_j", "conn_type": "syspro", "extra": json.dumps(extra)},
    )


@pytest.fixture(scope="session")
def api(stack: LocalStack) -> AirflowApi:
    client = AirflowApi(stack.base_url, "finance", PASSWORD)
    client.log_in()
    for dag_id in (DAG_ID, "alerts", "fragile", "stuck"):
        client.wait_for_dag(dag_id, 60)
    return client
