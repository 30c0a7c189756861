"""The API and the command line by themselves, with connections that only Airflow's database has."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from include.local.environment import LocalStack
from include.local.processes import Processes
from tests.api.conftest import order_body
from tests.ports import free_ports
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
PRESET = ("AIRFLOW_CONN_", "_AIRFLOW_PROCESS_CONTEXT")


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """A store and Airflow's own database, loaded from the settings file; Airflow does not run."""
    sandbox_port = free_ports(5)
    stack = LocalStack(home=tmp_path_factory.mktemp("stack"), sandbox_port=sandbox_port)
    stack.prepare()
    environment = {
        name: value for name, value in stack.environment().items() if not name.startswith(PRESET)
    }
    found = Processes(stack.home, environment)
    found.run("store", ["-m", "include.adapters.store.migrate", "--create-database"])
    found.run("airflow", ["-m", "airflow", "db", "migrate"])
    found.run("settings", ["-m", "include.adapters.settings_file", "airflow_settings.yaml"])
    port = ["--port", str(sandbox_port), "--live-date", stack.business_date]
    found.start("sandbox", ["-m", "include.sandbox", *port])
    wait_for(f"{stack.sandbox_url}/control/health")
    yield found
    found.stop()


@pytest.fixture(scope="module")
def base(processes: Processes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the API alone."""
    with running_api(processes.environment, tmp_path_factory.mktemp("api")) as base:
        yield base


def shell(environment: Mapping[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tieout.cli", *arguments],
        cwd=ROOT,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def running_api(environment: Mapping[str, str], folder: Path) -> Iterator[str]:
    """Run the API alone; its address."""
    port = free_ports(1)
    api = Processes(folder, environment)
    api.start("api", ["-m", "tieout.api", "--port", str(port)])
    base = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{base}/v1/health")
        yield base
    finally:
        api.stop()


def wait_for(url: str) -> None:
    """Wait for a server; by one client, for to make one takes longer than to ask it."""
    with httpx.Client() as client:

        def is_up() -> bool:
            try:
                return client.get(url).is_success
            except httpx.TransportError:
                time.sleep(0.1)  # it imports for seconds
                return False

        wait_until(is_up)


def answer_of(environment: Mapping[str, str], base: str, number: str) -> dict[str, Any]:
    """Place one order with the API at ``base``, and return the answer with its status."""
    client = ["add", f"shop_{number.lower()}", "--shop", "acme_us_web", "--roles", "write"]
    key = shell(environment, "api-clients", *client).stdout.split()[0]
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": number}
    body = order_body(number=number)
    answer = httpx.post(f"{base}/v1/orders", json=body, headers=headers, timeout=60)
    return {"status": answer.status_code, **answer.json()}


def test_the_api_alone_sells_by_the_connections_in_airflows_database(
    processes: Processes, base: str
) -> None:
    answer = answer_of(processes.environment, base, "A1")
    assert answer["status"] == 201, answer


def test_the_readmes_order_is_paid_and_its_shop_is_told(processes: Processes, base: str) -> None:
    """As it stands there, but for ports and environment, which the test brings."""
    environment = processes.environment
    control = f"http://127.0.0.1:{int(environment['TIEOUT_SANDBOX_PORT']) + 3}/control"
    goods = [{"sku": "TEA-1001", "name": "Tea", "price": "19.99", "stock": 500}]  # as in the demo
    shelf = {"shop": "acme_us_web", "products": goods}
    assert httpx.post(f"{control}/shop_products", json=shelf).is_success
    block = (ROOT / "README.md").read_text().partition("## The API")[2].split("```")[1]
    script = block[block.index("KEY=") : block.index("curl -s $API/orders/<order_id>")]
    script = script.replace("http://127.0.0.1:18083/control", control)
    done = subprocess.run(
        ["bash", "-eu", "-c", script.replace("http://localhost:8080/tieout-api", base)],
        cwd=ROOT,
        env={**environment, "PATH": f"{Path(sys.executable).parent}:{environment['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    order_id = re.findall("ord_[0-9a-f]{26}", done.stdout)[0]
    story = ["orders", "timeline", order_id]
    wait_until(lambda: "captured" in shell(environment, *story).stdout)
    wait_until(lambda: "hop told" in shell(environment, *story).stdout)
    assert order_id not in shell(environment, "dead-letters", "list").stdout


def test_the_shell_finds_the_connections_in_airflows_database(processes: Processes) -> None:
    done = shell(processes.environment, "webhooks", "list", "acme_us")
    assert done.returncode == 0, done.stderr
    assert "0 subscriptions" in done.stdout


def test_without_a_connection_the_order_waits_and_the_shell_says_what_to_do(
    processes: Processes, tmp_path: Path
) -> None:
    nowhere = f"sqlite:///{tmp_path / 'nowhere.db'}"
    environment = {**processes.environment, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": nowhere}
    with running_api(environment, tmp_path) as base:
        answer = answer_of(environment, base, "A2")
    assert (answer["status"], answer["state"]) == (202, "accepted"), answer
    done = shell(environment, "webhooks", "list", "acme_us")
    assert done.returncode == 1
    assert "no connection 'cybersource_acme_us'" in done.stderr
    assert "Add it in Airflow" in done.stderr
    assert "Traceback" not in done.stderr
