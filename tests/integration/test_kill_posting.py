"""SIGKILL a posting worker at every boundary, on SQLite and PostgreSQL: each effect exactly once.

The worker is a forked child with its own connections; the other side's books are a file that no
kill can roll back. After each kill the next worker finds what the dead one left.
"""

import itertools
import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from include.adapters.store import audit
from include.adapters.store.dead_letters import SqlDeadLetters
from include.adapters.store.effects import SqlEffectStore
from include.adapters.store.engine import open_store
from include.adapters.store.schema import metadata
from include.services.effects.boundaries import Boundary, pass_by
from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, EffectState, Timings
from tests.effects import KIND, effect
from tests.file_ledger import FileLedger

# Real seconds, as short as the rule allows: Q exceeds the exchange and the slack before it.
TIMINGS = Timings(
    deadline=timedelta(milliseconds=100),
    quiescence=timedelta(milliseconds=250),
    look_gap=timedelta(milliseconds=20),
    send_slack=timedelta(milliseconds=100),
    lease_margin=timedelta(milliseconds=100),
)
PATIENCE_S = 60.0
KILLS_FROM_OUTSIDE = 20


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def in_a_child(work: Callable[[], None]) -> int:
    """Run ``work`` in a forked process; return the signal that ended it, or 0."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)  # a child must never run the parent's tests or fixtures
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the child raised"
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def kill_at(boundary: Boundary, nth: int) -> Callable[[Boundary], None]:
    """Make a hook that kills its own process when it passes ``boundary`` the nth time."""
    passed = itertools.count(1)

    def hook(name: Boundary) -> None:
        if name is boundary and next(passed) == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    return hook


def worker(url: str, ledger: Path, wanted: Effect, hook: Callable[[Boundary], None]) -> None:
    """Post one effect as a task does, then as the janitor does, until it is finished."""
    store = SqlEffectStore(open_store(url), boundary=hook)
    partners, timings = {KIND: FileLedger(ledger, boundary=hook)}, {KIND: TIMINGS}
    name = f"pid {os.getpid()}"
    engine = Engine(store, partners, WallClock(), timings, worker=name, boundary=hook)
    engine.intend(wanted)
    patience = time.monotonic() + PATIENCE_S
    while engine.advance(KIND, wanted.key).state is not EffectState.verified:
        assert time.monotonic() < patience, store.get(KIND, wanted.key)
        time.sleep(0.02)
        engine.sweep()


def prepare(url: str) -> None:
    database = open_store(url)
    metadata.create_all(database)
    database.dispose()  # a connection must not cross a fork


def check(url: str, ledger: Path, wanted: list[Effect]) -> None:
    books, database = FileLedger(ledger), open_store(url)
    assert [books.count(one.reference) for one in wanted] == [1] * len(wanted)
    assert SqlEffectStore(database).counts() == {EffectState.verified: len(wanted)}
    assert audit.verify(database).is_unbroken
    assert SqlDeadLetters(database).listing() == []
    database.dispose()


def test_a_kill_at_every_boundary_loses_and_doubles_nothing(store_url: str, tmp_path: Path) -> None:
    """Every boundary, the first and the second time it is passed."""
    prepare(store_url)
    ledger, wanted, kills = tmp_path / "ledger", [], 0
    for boundary in Boundary:
        for nth in (1, 2):
            one = effect(f"acme_us|2026-03-01|{boundary.value}-{nth}|USD|settlement|1")
            wanted.append(one)
            post = partial(worker, store_url, ledger, one)
            kills += in_a_child(partial(post, kill_at(boundary, nth))) > 0
            assert in_a_child(partial(post, pass_by)) == 0
    check(store_url, ledger, wanted)
    assert kills >= len(Boundary), "most boundaries are passed at least once"


def test_a_second_kill_during_the_recovery_changes_nothing(store_url: str, tmp_path: Path) -> None:
    prepare(store_url)
    ledger, wanted = tmp_path / "ledger", []
    pairs = [
        (Boundary.marked_sent, Boundary.marked_sent),
        (Boundary.half_sent, Boundary.inside_change),
        (Boundary.remote_committed, Boundary.read),
        (Boundary.remote_committed, Boundary.inside_change),
        (Boundary.answered, Boundary.before_ack),
    ]
    for first, second in pairs:
        one = effect(f"acme_us|2026-03-01|{first.value}-{second.value}|USD|settlement|1")
        wanted.append(one)
        post = partial(worker, store_url, ledger, one)
        for boundary in (first, second):
            assert in_a_child(partial(post, kill_at(boundary, 1))) == signal.SIGKILL
        assert in_a_child(partial(post, pass_by)) == 0
    check(store_url, ledger, wanted)


def test_kills_from_outside_lose_and_double_nothing(store_url: str, tmp_path: Path) -> None:
    """The parent pulls the trigger; where the child stood is the scheduler's choice."""
    prepare(store_url)
    ledger, wanted = tmp_path / "ledger", []
    for number in range(KILLS_FROM_OUTSIDE):
        one = effect(f"acme_us|2026-03-01|random-{number}|USD|settlement|1")
        wanted.append(one)
        child = os.fork()
        if child == 0:
            try:
                worker(store_url, ledger, one, pass_by)
            finally:
                os._exit(0)
        time.sleep(0.005 + 0.025 * number)  # a whole posting takes some 0.4 s
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    for one in wanted:
        assert in_a_child(partial(worker, store_url, ledger, one, pass_by)) == 0
    check(store_url, ledger, wanted)
