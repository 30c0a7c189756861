"""What the store promises does not hang on the defaults of the database it is given."""

import threading
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, make_url, text

from include.adapters.store import audit
from include.adapters.store.durability import demand_durable
from include.adapters.store.effects import SqlEffectStore
from include.adapters.store.engine import open_store
from include.adapters.store.transactions import flush_with_next
from include.domain.errors import Rejected
from include.services.effects.engine import Engine
from include.services.effects.ports import EffectState, Timings
from tests.effects import KIND, ManualClock, ScriptedPartner, effect

WORKERS, EACH = 5, 8
TIMINGS = Timings(
    deadline=timedelta(seconds=20),
    quiescence=timedelta(seconds=60),
    look_gap=timedelta(seconds=1),
    looks_first=False,
)


def set_defaults(url: str, **defaults: str) -> None:
    """Change what a session of this database begins with."""
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    name = make_url(url).database
    with server.connect() as connection:
        for setting, value in defaults.items():
            connection.execute(text(f"ALTER DATABASE {name} SET {setting} = '{value}'"))
    server.dispose()


def setting(url: str, name: str, *, is_light: bool = False) -> str:
    store = open_store(url)
    try:
        with store.begin() as connection:
            if is_light:
                flush_with_next(connection)
            return str(connection.execute(text(f"SHOW {name}")).scalar_one())
    finally:
        store.dispose()


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_workers_side_by_side_leave_nothing_undone_under_other_defaults(
    migrated_postgres: str, isolation: str
) -> None:
    set_defaults(
        migrated_postgres, default_transaction_isolation=isolation, synchronous_commit="off"
    )
    store = open_store(migrated_postgres)
    partner, ended = ScriptedPartner(), Counter[str]()

    def work(name: str) -> None:
        kept = SqlEffectStore(store)
        engine = Engine(kept, {KIND: partner}, ManualClock(), {KIND: TIMINGS}, worker=name)
        for number in range(EACH):
            try:
                ended[engine.perform(effect(f"{name}|{number}")).state.value] += 1
            except Exception as fault:  # noqa: BLE001 - counted, and named by the assertion
                ended[repr(fault)] += 1

    workers = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert dict(ended) == {"done": WORKERS * EACH}
    assert SqlEffectStore(store).counts() == {EffectState.done: WORKERS * EACH}
    assert audit.verify(store).is_unbroken
    store.dispose()


def test_a_commit_waits_for_the_disk_even_where_the_database_would_not(postgres_url: str) -> None:
    set_defaults(postgres_url, synchronous_commit="off")
    assert setting(postgres_url, "synchronous_commit") == "on"
    assert setting(postgres_url, "synchronous_commit", is_light=True) == "off"  # as we choose


def test_a_database_that_waits_for_its_replica_goes_on_doing_so(postgres_url: str) -> None:
    set_defaults(postgres_url, synchronous_commit="remote_apply")
    assert setting(postgres_url, "synchronous_commit") == "remote_apply"


def test_preflight_says_how_commits_are_kept(store_url: str) -> None:
    store = open_store(store_url)
    assert demand_durable(store) in (
        "SQLite, synchronous=FULL",
        "PostgreSQL, read committed, synchronous_commit on",
    )
    store.dispose()


def test_preflight_refuses_a_session_that_somebody_in_between_has_reset(postgres_url: str) -> None:
    store = create_engine(postgres_url, isolation_level="REPEATABLE READ")
    with pytest.raises(Rejected, match="transaction_isolation is repeatable read"):
        demand_durable(store)
    store.dispose()
