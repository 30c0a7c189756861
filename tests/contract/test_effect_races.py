"""Many workers, one effect: sent once, whichever of them wins, on both databases."""

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from include.adapters.store import audit
from include.adapters.store.dead_letters import SqlDeadLetters
from include.adapters.store.effects import SqlEffectStore
from include.adapters.store.engine import open_store
from include.adapters.store.schema import metadata
from include.services.effects.engine import Engine
from include.services.effects.ports import EffectState, Timings
from include.services.effects.store import EffectStore
from tests.effects import KIND, effect
from tests.file_ledger import FileLedger
from tests.simulator.memory import MemoryEffectStore

KEYS = [f"acme_us|2026-03-01|B{number}|USD|settlement|1" for number in range(5)]
QUICK = Timings(
    deadline=timedelta(seconds=20),
    quiescence=timedelta(seconds=60),
    look_gap=timedelta(seconds=1),
    verify_after=timedelta(0),
)


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def work(store: EffectStore, ledger: FileLedger, name: str, barrier: Callable[[], object]) -> None:
    engine = Engine(store, {KIND: ledger}, WallClock(), {KIND: QUICK}, worker=name)
    barrier()
    for key in KEYS:
        engine.intend(effect(key))
        engine.advance(KIND, key)
    engine.sweep()


def process(url: str, path: Path, name: str, barrier: Callable[[], object]) -> None:
    store = SqlEffectStore(open_store(url))
    work(store, FileLedger(path, dawdle=lambda: time.sleep(0.002)), name, barrier)


def run_processes(url: str, path: Path, count: int) -> None:
    context = multiprocessing.get_context("fork")
    gate = context.Barrier(count)
    workers = [
        context.Process(target=process, args=(url, path, f"worker {number}", gate.wait))
        for number in range(count)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=120)
    assert [worker.exitcode for worker in workers] == [0] * count


def test_six_processes_on_five_effects_send_each_once(store_url: str, tmp_path: Path) -> None:
    engine = open_store(store_url)
    metadata.create_all(engine)
    engine.dispose()
    path = tmp_path / "ledger"
    run_processes(store_url, path, 6)
    ledger = FileLedger(path)
    assert [ledger.count(effect(key).reference) for key in KEYS] == [1] * len(KEYS)
    store = SqlEffectStore(engine)
    assert store.counts() == {EffectState.verified: len(KEYS)}
    verdict = audit.verify(engine)
    assert verdict.is_unbroken
    assert verdict.entries == 4 * len(KEYS)  # intended, sent, done, verified
    assert SqlDeadLetters(engine).listing() == []
    engine.dispose()


def test_twelve_threads_on_the_memory_store_send_each_once(tmp_path: Path) -> None:
    store, ledger = MemoryEffectStore(WallClock()), FileLedger(tmp_path / "ledger")
    with ThreadPoolExecutor(12) as pool:
        for done in [
            pool.submit(work, store, ledger, f"worker {number}", lambda: None)
            for number in range(12)
        ]:
            done.result()
    assert [ledger.count(effect(key).reference) for key in KEYS] == [1] * len(KEYS)


def test_many_writers_keep_the_audit_chain_in_one_line(store_url: str) -> None:
    engine = open_store(store_url)
    metadata.create_all(engine)

    def write(number: int) -> None:
        with engine.begin() as connection:
            now = datetime.now(UTC)
            audit.append(connection, now, f"writer {number}", "approved", "journal|1", "{}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(80)))
    verdict = audit.verify(engine)
    assert (verdict.entries, verdict.is_unbroken) == (80, True)
    assert len(audit.history(engine, "journal|1")) == 80
    engine.dispose()
