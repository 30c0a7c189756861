"""SIGKILL a worker at every boundary of every step of an order and its refund, over real HTTP.

One order per boundary: each of its steps kills the process that takes it there, so that later steps
are also recoveries. The truth ledger must show each write once: nothing lost, nothing double.
"""

import multiprocessing
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests

from include.adapters.store.engine import open_store
from include.adapters.store.migrate import migrate
from include.sandbox import Sandbox, start
from include.services.effects.boundaries import Boundary
from tests.integration import order_worker
from tests.integration.order_worker import TODAY, order_of

BOUNDARIES = (
    Boundary.inside_intent,
    Boundary.marked_sent,
    Boundary.half_sent,
    Boundary.remote_committed,
    Boundary.answered,
    Boundary.inside_change,
    Boundary.concluded,
    Boundary.before_ack,
)
STEPS = (
    "authorize|1",
    "customer|1",
    "sales_order|1",
    "capture|1",
    "receipt|1",
    "refund|1",
    "book|1",
)
WRITES = Counter(
    {"authorization": 1, "customer": 1, "sales_order": 1, "capture": 1, "receipt": 2, "refund": 1}
)
_VERBS = {"ARSSCS": "customer", "SORTOI": "sales_order", "ARSTPY": "receipt"}
_numbers = count(90_001)
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.integration.order_worker"])


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    running = start(seed=11, volume=5, live_date=TODAY)
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def store(store_url: str) -> str:
    engine = open_store(store_url)
    migrate(engine)
    engine.dispose()
    return store_url


def run(store: str, sandbox: Sandbox, number: str, hours: int, boundary: str, spared: Path) -> Any:
    urls = (sandbox.cybersource_url, f"{sandbox.syspro_url}/SYSPROWCFService")
    given = (store, urls, number, hours, boundary, str(spared))
    process = _processes.Process(target=order_worker.main, args=given)
    process.start()
    process.join(timeout=90)
    return process.exitcode


def executed(sandbox: Sandbox, since: int) -> Counter[str]:
    """What was done since, by the sandbox's own ledger."""
    rows = requests.get(f"{sandbox.control_url}/control/ledger", timeout=10).json()[since:]
    verbs = (str(row["verb"]) for row in rows if row["committed"])
    named = (_VERBS.get(verb.split()[0].partition("/")[0], verb) for verb in verbs)
    return Counter(verb for verb in named if verb in WRITES)


@pytest.mark.parametrize("boundary", BOUNDARIES, ids=lambda boundary: boundary.value)
def test_an_order_whose_workers_die_at_every_step_is_done_once(
    boundary: Boundary, store: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    number, spared = str(next(_numbers)), tmp_path / "spared"
    since = len(requests.get(f"{sandbox.control_url}/control/ledger", timeout=10).json())
    hours = 0
    for _ in range(len(STEPS) + 3):
        code = run(store, sandbox, number, hours, boundary.value, spared)
        hours += 24
        if code != -9:
            break
    died_at = [key.partition("|")[2] for key in spared.read_text().splitlines()]
    assert code == 0
    assert died_at == list(STEPS)
    assert executed(sandbox, since) == WRITES
    assert order_of(number).amount.minor == 2_500
