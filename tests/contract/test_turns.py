"""A merchant's days are one run's at a time, on SQLite and PostgreSQL, whoever dies or sleeps."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, select

from include.adapters.store.effects import SqlEffectStore
from include.adapters.store.engine import open_store
from include.adapters.store.expectations import SqlExpectations
from include.adapters.store.schema import leases, metadata
from include.adapters.store.transactions import stream
from include.adapters.store.turns import SqlTurns
from include.domain.errors import Retryable
from include.domain.expectations import Expectation, ExpectationKind
from include.domain.settlement import SettlementDay
from tests.support_books import DAY

OURS, THEIRS = "run 'scheduled__1' (match of 2026-10-30)", "run 'backfill__2' (build of 2026-11-02)"
HOLD = """
import sys, time
from include.adapters.store.engine import open_store
from include.adapters.store.turns import SqlTurns
from datetime import timedelta
with SqlTurns(open_store(sys.argv[1]), duration=timedelta(seconds=2)).of("acme_us", "the killed"):
    print("held", flush=True)
    time.sleep(60)
"""


@dataclass
class Hand:
    """A clock that moves when told."""

    at: datetime = datetime(2026, 11, 3, 12, tzinfo=UTC)

    def __call__(self, _connection: Connection) -> datetime:
        return self.at


@pytest.fixture
def engine(store_url: str) -> Iterator[Engine]:
    made = open_store(store_url)
    metadata.create_all(made)
    yield made
    made.dispose()


def awaited(key: str) -> Expectation:
    return Expectation("acme_us", ExpectationKind.funding, key, "USD", 100, DAY, DAY)


def save(engine: Engine, key: str) -> None:
    SqlExpectations(engine).save([awaited(key)])


def saved(engine: Engine) -> list[str]:
    found = SqlExpectations(engine).load(
        "acme_us", ExpectationKind.funding, since_until=DAY, met_from=DAY
    )
    return [one.item_key for one in found]


def test_another_run_is_told_whose_turn_it_is_and_until_when(engine: Engine) -> None:
    turns = SqlTurns(engine, Hand(), wait_s=0)
    with turns.of("acme_us", OURS):
        words = re.escape(f"the days of acme_us are at work in {OURS}, until 12:02:00 UTC")
        with pytest.raises(Retryable, match=words), turns.of("acme_us", THEIRS):
            pytest.fail("two at once")
        with turns.of("acme_uk", THEIRS):
            pass  # another merchant's days are read and booked beside
    with turns.of("acme_us", THEIRS):
        pass


def test_a_step_that_fails_gives_its_turn_back_at_once(engine: Engine) -> None:
    turns = SqlTurns(engine, wait_s=0)
    with pytest.raises(ZeroDivisionError), turns.of("acme_us", OURS):
        raise ZeroDivisionError
    with turns.of("acme_us", THEIRS):
        pass


def test_long_work_keeps_its_turn(engine: Engine) -> None:
    turns = SqlTurns(engine, duration=timedelta(seconds=1), wait_s=0)
    with turns.of("acme_us", OURS):
        time.sleep(1.6)
        with pytest.raises(Retryable), turns.of("acme_us", THEIRS):
            pytest.fail("two at once")
        save(engine, "ours")
    assert saved(engine) == ["ours"]


def test_a_run_that_slept_through_its_turn_books_nothing(engine: Engine) -> None:
    """Only what is on record when it commits decides, not what it believed before."""
    clock = Hand()
    turns, effects = SqlTurns(engine, clock, wait_s=0), SqlEffectStore(engine)

    def theirs() -> None:
        with turns.of("acme_us", THEIRS):
            save(engine, "theirs")

    def asleep() -> None:
        with turns.of("acme_us", OURS):
            save(engine, "in time")
            clock.at += timedelta(minutes=3)
            with ThreadPoolExecutor(1) as beside:
                beside.submit(theirs).result()
            save(engine, "too late")

    with pytest.raises(Retryable, match=re.escape(f"have been taken over by {THEIRS}")):
        asleep()
    assert saved(engine) == ["in time", "theirs"]
    assert not effects.is_in_transaction()  # or no partner would be called from this thread again


def test_what_only_reads_needs_no_turn(engine: Engine) -> None:
    """PostgreSQL locks nothing for a transaction that may not write."""
    with SqlTurns(engine, wait_s=0).of("acme_us", OURS):
        assert [row.holder for row in stream(engine, select(leases))] == [OURS]
        assert not SqlEffectStore(engine).is_in_transaction()
        save(engine, "ours")
    assert saved(engine) == ["ours"]


def test_a_turn_in_one_store_is_not_asked_for_in_another(engine: Engine, tmp_path: Path) -> None:
    """A preview works on a copy, and takes SYSPRO's operator in the store itself."""
    copy = open_store(f"sqlite:///{tmp_path / 'copy.db'}")
    metadata.create_all(copy)
    SqlTurns(engine)
    with SqlTurns(copy, wait_s=0).of("acme_us", OURS):
        save(engine, "ours")
    assert saved(engine) == ["ours"]
    copy.dispose()


def test_a_day_is_its_runs_until_it_leaves_or_is_silent(engine: Engine) -> None:
    clock = Hand()
    turns, day = SqlTurns(engine, clock), SettlementDay("acme_us", DAY)

    def is_free_for(run_id: str, of: SettlementDay = day) -> bool:
        try:
            with turns.day(of, run_id):
                return True
        except Retryable:
            return False

    assert is_free_for("first")  # which works on, from step to step and from try to try
    assert is_free_for("first")
    words = re.escape("acme_us|2026-10-30 is at work in run first, until 12:50:00 UTC")
    with pytest.raises(Retryable, match=words), turns.day(day, "second"):
        pytest.fail("two at once")
    assert is_free_for("second", SettlementDay("acme_us", DAY + timedelta(days=1)))
    turns.leave(day, "second")  # which does not have it
    assert not is_free_for("second")
    turns.leave(day, "first")
    assert is_free_for("second")
    clock.at += timedelta(minutes=50)  # its last worker was killed, and no try came after
    assert is_free_for("first")


def test_the_turn_of_a_killed_worker_lapses_and_its_next_try_goes_on(
    engine: Engine, store_url: str
) -> None:
    worker = subprocess.Popen(
        [sys.executable, "-c", HOLD, store_url], stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == "held\n"
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    worker.stdout.close()
    turns = SqlTurns(engine, wait_s=0)
    with pytest.raises(Retryable, match="the killed"), turns.of("acme_us", "its next try"):
        pytest.fail("it has not lapsed yet")
    with replace(turns, wait_s=10).of("acme_us", "its next try"):
        save(engine, "by its next try")
    assert saved(engine) == ["by its next try"]
