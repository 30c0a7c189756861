"""The database goes while a write is connected and its record is made: nothing leaves by it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from include.adapters.http.transport import HttpTransport
from include.adapters.http.wire import Request
from include.adapters.store.effects import SqlEffectStore
from include.adapters.store.engine import open_store
from include.services.effects.boundaries import Boundary
from include.services.effects.engine import Engine
from include.services.effects.ports import Difference, Effect, EffectState, Found, Receipt
from tests.effects import KIND, TIMINGS, effect

Reply = Callable[..., bytes]


class Posts:
    """A partner that writes over a real connection."""

    def __init__(self, url: str) -> None:
        self._url = url

    def look(self, effect: Effect) -> tuple[Found, ...]:
        return ()

    def send(self, effect: Effect) -> Receipt:
        HttpTransport().exchange(Request("POST", self._url, "post a journal", is_write=True))
        return Receipt("2026/3/1")

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        return ()


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@pytest.mark.parametrize("is_waited_for", [True, False])
def test_a_database_that_goes_while_a_send_is_recorded_lets_nothing_leave(
    server: Any, make_reply: Reply, migrated_postgres: str, is_waited_for: bool
) -> None:
    server.answers(make_reply("200 OK"))
    database, other = open_store(migrated_postgres), open_store(migrated_postgres)
    deaths = [Boundary.inside_intent if is_waited_for else Boundary.inside_change]

    def die(boundary: Boundary) -> None:
        if boundary in deaths:
            deaths.clear()
            with other.connect() as connection:
                connection.exec_driver_sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE state = 'idle in transaction'"
                )

    store = SqlEffectStore(database, boundary=die)
    now = datetime.now(UTC) - timedelta(seconds=1)
    engine = Engine(store, {KIND: Posts(server.url)}, Clock(), {KIND: TIMINGS})
    if not is_waited_for:
        engine.intend(effect())
    with pytest.raises(OperationalError):
        (engine.perform if is_waited_for else lambda it: engine.advance(KIND, it.key))(effect())
    assert (server.calls, deaths) == ([], [])
    known = store.get(KIND, effect().key)
    assert known is None if is_waited_for else known and known.sent_at is None
    assert not store.is_in_transaction()
    done = engine.perform(effect())
    assert (done.state, len(server.calls)) == (EffectState.done, 1)
    assert done.sent_at is not None
    assert done.sent_at > now
