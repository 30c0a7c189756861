"""Order to cash for the benches: a sandbox, a store and API replicas, each in processes of its own.

What a bench measures is then never sped up or slowed down by the bench's own interpreter.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import Engine

from include.adapters.settings_file import read_settings
from include.adapters.store.api_clients import SqlApiClients
from include.adapters.store.engine import open_store
from include.adapters.store.migrate import migrate
from include.services.api.clients import add_client
from include.services.api.ports import Role
from tests.postgres import fresh_database, postgres

ROOT = Path(__file__).resolve().parents[2]
SHOP, LIVE_DATE = "acme_us_web", "2026-11-03"
_SERVERS = ("cybersource", "syspro", "bank", "control", "shop")
_PORTS = {
    "TIEOUT_SANDBOX_PORT": 0,
    "TIEOUT_SYSPRO_PORT": 1,
    "TIEOUT_BANK_PORT": 2,
    "TIEOUT_SHOP_PORT": 4,
}
_PATIENCE_S = 120
_given: set[int] = set()  # ports that something of ours has, or will have


@dataclass(frozen=True, slots=True)
class SandboxProcess:
    """The partners, in a process of their own."""

    port: int

    def control(self, action: str, /, **facts: Any) -> Any:
        return self._asked("POST", action, json=facts)

    def ledger(self, **wanted: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._asked("GET", "ledger", params=wanted)
        return found

    def clear_faults(self) -> None:
        self._asked("DELETE", "faults")

    def tokens(self, count: int) -> list[str]:
        """Return so many transient tokens, each good for one payment."""
        found: list[str] = []
        while len(found) < count:
            asked = min(count - len(found), 100)
            made = self.control("transient_token", count=asked)["tokens"]
            found += [str(one["jwt"]) for one in made]
        return found

    def _asked(self, method: str, action: str, **more: Any) -> Any:
        url = f"http://127.0.0.1:{self.port + 3}/control/{action}"
        answer = requests.request(method, url, timeout=300, **more)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def sandbox_process(port: int = 0) -> Iterator[SandboxProcess]:
    """Run the sandbox until the block ends; a port of 0 takes five free ones."""
    port = port or free_ports(len(_SERVERS))
    command = [sys.executable, "-m", "include.sandbox", "--port", str(port)]
    with running([*command, "--live-date", LIVE_DATE], environment()) as process:
        wait_for(process, port + 3)
        yield SandboxProcess(port)


@contextmanager
def running(command: Sequence[str], env: Mapping[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """Run a command until the block ends; what it says on stderr is shown if it fails."""
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            command, cwd=ROOT, env=dict(env), stdout=subprocess.DEVNULL, stderr=said, text=True
        )
        try:
            yield process
        finally:
            is_ours = process.poll() is None
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if not is_ours:
                said.seek(0)
                sys.stderr.write(said.read()[-4000:])


def environment(**more: str) -> dict[str, str]:
    """Return what a process of the product needs, and nothing of the shell's own."""
    home = Path(tempfile.gettempdir()) / "tieout-bench-airflow"
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}",
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        **more,
    }


def product(store_url: str, sandbox: SandboxProcess, folder: Path) -> dict[str, str]:
    """Return the environment that joins the product to a store and a sandbox."""
    ports = {name: str(sandbox.port + place) for name, place in _PORTS.items()}
    settings = read_settings(
        ROOT / "airflow_settings.yaml",
        {**ports, "TIEOUT_ALLOW_PLAIN_HTTP": "true", "TIEOUT_ALLOW_LOCAL": "true"},
    )
    connections = {}
    for conn_id, values in settings.connections.items():
        found = {name: value for name, value in values.items() if name != "conn_id"}
        if isinstance(found.get("extra"), str):
            found["extra"] = json.loads(found["extra"] or "{}")
        connections[f"AIRFLOW_CONN_{conn_id.upper()}"] = json.dumps(found)
    return environment(
        **connections,
        TIEOUT_STORE_URL=store_url,
        TIEOUT_LAKE=str(folder / "lake"),
        TIEOUT_MODE="sandbox",
        TIEOUT_BUSINESS_DATE=LIVE_DATE,
        TIEOUT_API_RATE_PER_S="100000",
        TIEOUT_API_BURST="1000000",
    )


@contextmanager
def store(kind: str, folder: Path) -> Iterator[str]:
    """Yield the URL of a new, migrated store: ``sqlite`` (WAL, FULL) or ``postgresql``."""
    if kind == "sqlite":
        yield _migrated(f"sqlite:///{folder / 'tieout.db'}")
        return
    with postgres() as server, fresh_database(server) as url:
        yield _migrated(url)


def _migrated(url: str) -> str:
    engine = open_store(url)
    migrate(engine)
    engine.dispose()
    return url


def api_key(engine: Engine, client_id: str = "bench") -> str:
    """Make an API client of the shop and return its key."""
    return add_client(SqlApiClients(engine, "bench"), client_id, SHOP, frozenset(Role))


@contextmanager
def replicas(env: Mapping[str, str], count: int) -> Iterator[list[int]]:
    """Run so many replicas of the API, each a process with a port of its own."""
    if count == 0:
        yield []
        return
    port = free_ports(1)
    command = [sys.executable, "-m", "tieout.api", "serve", "--port", str(port)]
    with running(command, env) as process:
        wait_for(process, port)
        with replicas(env, count - 1) as others:
            yield [port, *others]


def free_ports(count: int) -> int:
    """Return the first of so many free ports in a row; none is given out twice."""
    for first in range(20_000 + os.getpid() % 5000, 60_000):
        wanted = range(first, first + count)
        if not _given.intersection(wanted) and all(_is_free(port) for port in wanted):
            _given.update(wanted)
            return first
    raise OSError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def wait_for(process: "subprocess.Popen[str]", port: int) -> None:
    """Return once the process answers on its port."""
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"nothing answers on port {port}")


def order_body(number: str, token: str, shopper: int) -> dict[str, Any]:
    """Return an order of two lines, as a shop's server sends it."""
    home = {
        "name": f"Ann Lee {shopper}",
        "lines": [f"{shopper + 1} Main St"],
        "city": "New York",
        "region": "NY",
        "postal_code": "10001",
        "country": "US",
    }
    tea = {"description": "Green tea", "stock_code": "TEA-1001", "net": "29.00", "tax": "1.74"}
    coffee = {"description": "Coffee", "stock_code": "COF-2001", "net": "28.90", "tax": "1.73"}
    return {
        "number": number,
        "currency": "USD",
        "amount": "61.37",
        "shopper": {"name": home["name"], "email": f"s{shopper}@example.com", "bill_to": home},
        "lines": [{**tea, "quantity": "2"}, {**coffee, "quantity": "1"}],
        "payment": {"method": "transient_token", "transient_token": token},
    }


def commits_per_s(url: str, seconds: float = 2.0) -> float:
    """Insert and commit one small row at a time, as durably as the store does."""
    engine = open_store(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE bench_commits (n INTEGER PRIMARY KEY, t TEXT)")
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"INSERT INTO bench_commits VALUES ({done}, 'x')")  # noqa: S608 - a count of ours
        done += 1
    rate = done / (time.perf_counter() - began)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE bench_commits")
    engine.dispose()
    return rate


def load() -> str:
    """Say how busy the machine is: figures of a busy one prove little."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def verdicts(found: Sequence[tuple[str, bool]]) -> int:
    """Print each target as met or MISSED; 0 only if every one is met."""
    for words, is_met in found:
        say(f"{'met   ' if is_met else 'MISSED'}  {words}")
    return 0 if all(is_met for _, is_met in found) else 1
