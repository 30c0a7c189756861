"""The API and the command line by themselves, with connections that only Airflow's database has."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from include.local.environment import LocalStack
from include.local.processes import Processes
from tests.api.conftest import order_body
from tests.ports import free_ports

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
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if httpx.get(f"{stack.sandbox_url}/control/health").is_success:
                break
        except httpx.TransportError:
            time.sleep(0.2)
    yield found
    found.stop()


def shell(environment: Mapping[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tieout.cli", *arguments],
        cwd=ROOT,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )


def answer_of(processes: Processes, *, airflow: str = "", number: str) -> dict[str, Any]:
    """Start the API alone, place one order, and return the answer with its status."""
    environment = dict(processes.environment)
    if airflow:
        environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = airflow
    add = [
        "api-clients",
        "add",
        f"shop_{number.lower()}",
        "--shop",
        "acme_us_web",
        "--roles",
        "write",
    ]
    key = shell(environment, *add).stdout.split()[0]
    port = free_ports(1)
    api = Processes(processes.home / f"api-{number}", environment)
    api.start("api", ["-m", "tieout.api", "--port", str(port)])
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
            until = time.monotonic() + 60
            while time.monotonic() < until:
                try:
                    http.get("/v1/health")
                    break
                except httpx.TransportError:
                    time.sleep(0.2)
            headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": number}
            answer = http.post("/v1/orders", json=order_body(number=number), headers=headers)
            return {"status": answer.status_code, **answer.json()}
    finally:
        api.stop()


def test_the_api_alone_sells_by_the_connections_in_airflows_database(processes: Processes) -> None:
    answer = answer_of(processes, number="A1")
    assert answer["status"] == 201, answer


def test_the_shell_finds_the_connections_in_airflows_database(processes: Processes) -> None:
    done = shell(processes.environment, "webhooks", "list", "acme_us")
    assert done.returncode == 0, done.stderr
    assert "0 subscriptions" in done.stdout


def test_without_a_connection_the_order_waits_and_the_shell_says_what_to_do(
    processes: Processes, tmp_path: Path
) -> None:
    nowhere = f"sqlite:///{tmp_path / 'nowhere.db'}"
    answer = answer_of(processes, airflow=nowhere, number="A2")
    assert (answer["status"], answer["state"]) == (202, "accepted"), answer
    environment = {**processes.environment, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": nowhere}
    done = shell(environment, "webhooks", "list", "acme_us")
    assert done.returncode == 1
    assert "no connection 'cybersource_acme_us'" in done.stderr
    assert "Add it in Airflow" in done.stderr
    assert "Traceback" not in done.stderr
