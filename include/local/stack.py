"""Bring up sandbox, store and Airflow on this machine, each after what it needs."""

import time
from collections.abc import Callable

import requests

from include.adapters.store.migrate import create_database
from include.domain.errors import Retryable
from include.local.airflow_api import AirflowApi
from include.local.environment import PASSWORD, LocalStack
from include.local.processes import Processes, require_free_port

COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")


def start_stack(
    stack: LocalStack,
    *,
    say: Callable[[str], None] = lambda _line: None,
    user: str = "finance",
) -> AirflowApi:
    """Start everything and return an API client logged in as ``user``.

    Raises:
        Rejected: a port is busy, or a step failed; the message names the log.
        Retryable: not healthy in time.
    """
    require_free_port(stack.port, "Airflow", "PORT=8081")
    for offset in range(5):
        require_free_port(stack.sandbox_port + offset, "the sandbox", "SANDBOX_PORT=19080")
    stack.prepare()
    processes = Processes(stack.home, stack.environment())
    say("starting the sandbox: Cybersource, SYSPRO, bank, two shops")
    ledger = str(stack.home / "sandbox-ledger.jsonl")
    port = str(stack.sandbox_port)
    options = ["--port", port, "--ledger", ledger, "--live-date", stack.business_date]
    processes.start("sandbox", ["-m", "include.sandbox", *options])
    say("preparing the databases")
    if stack.airflow_database:
        create_database(stack.airflow_database)
    migrate = "include.adapters.store.migrate"
    processes.run("store-migrate", ["-m", migrate, "--create-database"])
    processes.run("airflow-migrate", ["-m", "airflow", "db", "migrate"])
    processes.run("settings", ["-m", "include.adapters.settings_file", "airflow_settings.yaml"])
    say("starting Airflow: " + ", ".join(COMPONENTS))
    for component in COMPONENTS:
        _start(processes, component)
    if stack.executor == "CeleryExecutor":
        processes.start("worker", ["-m", "airflow", "celery", "worker"])
    _wait_for_sandbox(stack)
    api = AirflowApi(stack.base_url, user, PASSWORD)
    api.wait_healthy(180)
    api.log_in()
    return api


def revive(stack: LocalStack, say: Callable[[str], None]) -> None:
    """Start again what of Airflow has ended or was killed, as a container's restart policy does.

    A scheduler may: on SQLite it can read a run that the API server takes back a moment later.
    """
    processes = Processes(stack.home, stack.environment())
    for component in set(processes.lost()) & set(COMPONENTS):
        processes.stop([component])  # the workers that a killed scheduler leaves wait for ever
        say(f"the {component} has ended ({stack.home / 'logs' / component}.log): started again")
        _start(processes, component)


def _start(processes: Processes, component: str) -> None:
    processes.start(component, ["-m", "airflow", component])


def _wait_for_sandbox(stack: LocalStack) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            if requests.get(f"{stack.sandbox_url}/control/health", timeout=2).ok:
                return
        except requests.RequestException:
            time.sleep(0.2)
    raise Retryable(
        "the sandbox did not answer in 30 s",
        stack.sandbox_url,
        f"Read {stack.home / 'logs' / 'sandbox.log'}.",
    )
