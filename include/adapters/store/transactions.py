"""Knows whether this thread has a transaction open; reads without one."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, Row, Select, event

_PART = 500  # rows that are fetched at once
LIGHT = "SET LOCAL synchronous_commit TO off"  # of PostgreSQL


class OpenTransactions:
    """Counts BEGIN against COMMIT and ROLLBACK, per thread. One per engine: use ``of``."""

    _known: ClassVar["WeakKeyDictionary[Engine, OpenTransactions]"] = WeakKeyDictionary()

    def __init__(self, engine: Engine) -> None:
        self._open = threading.local()
        event.listen(engine, "begin", self._began)
        event.listen(engine, "commit", self._ended)
        event.listen(engine, "rollback", self._ended)

    @classmethod
    def of(cls, engine: Engine) -> "OpenTransactions":
        """Return the counter of this engine; it must have been there before the transactions."""
        if engine not in cls._known:
            cls._known[engine] = cls(engine)
        return cls._known[engine]

    def is_open(self) -> bool:
        """Say whether this thread is inside a transaction."""
        return self._count() > 0

    def _count(self) -> int:
        return int(getattr(self._open, "count", 0))

    def _began(self, _connection: Connection) -> None:
        self._open.count = self._count() + 1

    def _ended(self, _connection: Connection) -> None:
        self._open.count = max(0, self._count() - 1)


def flush_with_next(connection: Connection) -> None:
    """Let this commit reach the disk with the next one, on PostgreSQL: it need not wait for it.

    Only for what a later commit makes durable before anybody acts on it (the log is one stream:
    a commit that waits takes all earlier ones along), or what may be lost with the machine.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(LIGHT)


def reading(engine: Engine) -> AbstractContextManager[Connection]:
    """Give a connection for one statement that reads: BEGIN and COMMIT would cost twice as much.

    On SQLite, whose driver must never be let loose on transactions, it is an ordinary one.
    """
    return engine.begin() if engine.dialect.name == "sqlite" else _without_one(engine)


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """Give a connection that reads, in any number of statements, the store as it is at one instant.

    It may stream (``yield_per``). On PostgreSQL nobody waits for it, on SQLite whoever writes does.
    It ends without a commit, which would ask for whose turn it is, and lock what it finds.
    """
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        yield connection


def stream(engine: Engine, query: Select[Any]) -> Iterator[Row[Any]]:
    """Yield the rows of a ``snapshot``, few of them in memory; ask nothing else meanwhile."""
    with snapshot(engine) as connection:
        yield from connection.execution_options(yield_per=_PART).execute(query)


@contextmanager
def _without_one(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        # The driver's own switch: SQLAlchemy's isolation level would be another round trip.
        driver: Any = connection.connection.dbapi_connection
        driver.autocommit = True
        try:
            yield connection
        finally:
            if not driver.closed:
                driver.autocommit = False
