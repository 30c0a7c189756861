"""SIGKILL a worker at every boundary of every step of an order and its refund, over real HTTP.

One order per boundary: each of its steps kills the process that takes it there, so that later steps
are also recoveries. The truth ledger must show each write once: nothing lost, nothing double.
Another one is cancelled, and each step that takes it back kills the process.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests

from include.sandbox import Sandbox, start
from include.services.effects.boundaries import Boundary
from tests.integration import order_worker
from tests.integration.forked import processes
from tests.integration.order_worker import TODAY

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
# Of an order that is cancelled once it is captured: its void gives the hold back, too.
TAKEN_BACK = ("cancel_order|1", "void|1", "book|1", "reverse|1")
WRITES_BACK = Counter(
    {
        "authorization": 1, "customer": 1, "sales_order": 1, "capture": 1, "receipt": 2,
        "cancel_order": 1, "void": 1, "reversal": 1,
    }
)  # fmt: skip
_VERBS = {
    "ARSSCS": "customer",
    "SORTOI": "sales_order",
    "SORTOX": "cancel_order",
    "ARSTPY": "receipt",
}
_COUNTED = WRITES | WRITES_BACK
_numbers = count(90_001)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    running = start(seed=11, volume=5, live_date=TODAY)
    try:
        yield running
    finally:
        running.stop()


def run(
    work: Any, boundary: Boundary, store: str, sandbox: Sandbox, folder: Path, deaths: int
) -> tuple[list[str], Counter[str]]:
    """Have workers work to the end, one after the other.

    Returns:
        At which steps they died, and what was done, by the sandbox's own ledger.
    """
    urls = (sandbox.cybersource_url, f"{sandbox.syspro_url}/SYSPROWCFService")
    number, spared = str(next(_numbers)), folder / "spared"
    since = len(ledger(sandbox))
    for day in range(deaths + 3):
        given = (store, urls, number, 24 * day, boundary.value, str(spared))
        process = processes.Process(target=work, args=given)
        process.start()
        process.join(timeout=90)
        if process.exitcode != -9:
            break
    assert process.exitcode == 0
    verbs = (str(row["verb"]) for row in ledger(sandbox)[since:] if row["committed"])
    named = (_VERBS.get(verb.split()[0].partition("/")[0], verb) for verb in verbs)
    done = Counter(verb for verb in named if verb in _COUNTED)
    return [key.partition("|")[2] for key in spared.read_text().splitlines()], done


def ledger(sandbox: Sandbox) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = requests.get(
        f"{sandbox.control_url}/control/ledger", timeout=10
    ).json()
    return found


@pytest.mark.parametrize("boundary", BOUNDARIES, ids=lambda boundary: boundary.value)
def test_an_order_whose_workers_die_at_every_step_is_done_once(
    boundary: Boundary, migrated_url: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    died_at, done = run(order_worker.main, boundary, migrated_url, sandbox, tmp_path, len(STEPS))
    assert died_at == list(STEPS)
    assert done == WRITES


@pytest.mark.parametrize("boundary", BOUNDARIES, ids=lambda boundary: boundary.value)
def test_what_is_taken_back_by_workers_that_die_at_it_is_taken_back_once(
    boundary: Boundary, migrated_url: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    died_at, done = run(
        order_worker.take_back, boundary, migrated_url, sandbox, tmp_path, len(TAKEN_BACK)
    )
    assert died_at == list(TAKEN_BACK)
    assert done == WRITES_BACK
