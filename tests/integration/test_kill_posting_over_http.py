"""SIGKILL a posting worker at every step, over real HTTP: the books show each journal once."""

import signal
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import requests

from include.adapters.store.engine import open_store
from include.adapters.store.schema import metadata
from include.sandbox import Sandbox, start
from include.services.effects.boundaries import Boundary
from tests.integration import poster
from tests.integration.forked import processes
from tests.integration.poster import JOURNAL
from tests.waiting import wait_until

# Boundaries that the process passes itself, and how often one posting passes each.
STEPS = [
    (Boundary.inside_intent, 1),
    (Boundary.intended, 1),
    (Boundary.read, 1),
    (Boundary.inside_change, 1),
    (Boundary.inside_change, 2),
    (Boundary.marked_sent, 1),
    (Boundary.answered, 1),
    (Boundary.concluded, 1),
    (Boundary.before_ack, 1),
]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    running = start(seed=7, port=0)
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def store(store_url: str) -> str:
    engine = open_store(store_url)
    metadata.create_all(engine)
    engine.dispose()
    return store_url


class Workers:
    """Starts one after the other, each a process of its own."""

    def __init__(self, store: str, sandbox: Sandbox, said: Path) -> None:
        self._given = store, f"{sandbox.syspro_url}/SYSPROWCFService", said
        self._said = said

    def start(self, hours: int, *more: str | int) -> BaseProcess:
        process = processes.Process(target=poster.main, args=(*self._given, hours, *more))
        process.start()
        return process

    def run(self, hours: int, *more: str | int) -> int | None:
        """Let one end; return how it did."""
        process = self.start(hours, *more)
        process.join(60)
        return process.exitcode

    def finish(self) -> str:
        """Let healthy workers come by, hours apart, until the journal is verified."""
        for hours in (1, 2, 3, 4, 5):
            self.run(hours)
            if self._said.exists() and self._said.read_text().startswith("verified"):
                break
        return self._said.read_text()


@pytest.fixture
def workers(store: str, sandbox: Sandbox, tmp_path: Path) -> Workers:
    return Workers(store, sandbox, tmp_path / "said")


def has_struck(sandbox: Sandbox) -> bool:
    rules = requests.get(f"{sandbox.control_url}/control/faults", timeout=10).json()
    return any(rule["played"] for rule in rules)


def executions(sandbox: Sandbox) -> int:
    rows = requests.get(
        f"{sandbox.control_url}/control/ledger",
        params={"system": "syspro", "verb": "GENTJL"},
        timeout=10,
    ).json()
    return sum(1 for row in rows if row["committed"] and row["reference"] == JOURNAL.reference)


def switch(sandbox: Sandbox, **fault: object) -> None:
    answer = requests.post(f"{sandbox.control_url}/control/faults", json=fault, timeout=10)
    assert answer.ok, answer.text


@pytest.mark.parametrize(("boundary", "nth"), STEPS, ids=lambda v: getattr(v, "value", str(v)))
def test_a_worker_killed_at_a_step_neither_loses_nor_doubles_the_journal(
    boundary: Boundary, nth: int, workers: Workers, sandbox: Sandbox
) -> None:
    assert workers.run(0, boundary.value, nth) == -signal.SIGKILL
    assert workers.finish().startswith("verified")
    assert executions(sandbox) == 1


@pytest.mark.parametrize("fault", ["drop_after_commit", "half_body", "garbage", "503", "reset"])
def test_a_lost_answer_neither_loses_nor_doubles_the_journal(
    fault: str, workers: Workers, sandbox: Sandbox
) -> None:
    switch(sandbox, system="syspro", match="GENTJL", nth=1, times=1, fault=fault)
    workers.run(0)
    assert workers.finish().startswith("verified")
    assert executions(sandbox) == 1


def test_a_worker_killed_while_sypro_is_at_work_neither_loses_nor_doubles(
    workers: Workers, sandbox: Sandbox
) -> None:
    switch(sandbox, system="syspro", match="GENTJL", nth=1, times=1, fault="delay", seconds=3)
    victim = workers.start(0)
    wait_until(lambda: has_struck(sandbox))  # SYSPRO commits once the worker is gone
    victim.kill()
    victim.join(10)
    assert victim.exitcode == -signal.SIGKILL
    wait_until(lambda: executions(sandbox))
    assert workers.finish().startswith("verified")
    assert executions(sandbox) == 1
