"""A real SQLite database in memory that may be interrupted before, at and after every commit.

The stores under test get it as their SQLAlchemy engine and run their own statements on it. Triggers
keep a history of each committed change, which only the checker reads.
"""

import sqlite3
import sys
import weakref
from contextlib import AbstractContextManager
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, StaticPool, create_engine

from include.adapters.store import order_tables  # noqa: F401  declares its tables
from include.adapters.store.schema import metadata
from include.adapters.store.transactions import OpenTransactions
from tests.prove.light import LightConnection
from tests.simulator.worker import Crash, DatabaseGone, Life

if TYPE_CHECKING:
    from tests.prove.world import World

_TABLES = """effects leases dead_letters audit orders order_events refunds decisions
payment_requests inbox watermarks""".split()
_FACT = "json_extract(NEW.facts, '$.{}')"
_HISTORY = {
    "effects": "NEW.kind, NEW.key, NEW.state, NEW.sends, NEW.reference, NEW.sent_at, NEW.fence, "
    "(SELECT fence FROM leases WHERE name = NEW.kind || '|' || NEW.key), NEW.their_key, "
    "NEW.amount_minor",
    "orders": "NEW.order_id, NEW.version, NEW.state, "
    + ", ".join(_FACT.format(name) for name in ("open_step", "decision", "is_contradicted"))
    + ", NEW.captured_minor, NEW.refunding_minor",
    "refunds": "NEW.refund_id, NEW.order_id, NEW.state, NEW.amount_minor, NEW.approved_by, "
    "NEW.asked_by, NEW.origin_key",
    "decisions": "NEW.request_id, NEW.order_id, NEW.decision, NEW.merged",
    "inbox": "NEW.source, NEW.event_key, NEW.state",
}
# Mostly an order is written to say when to look at it again: no invariant speaks of that, or state.
_CHANGES = {"orders": "UPDATE OF facts, captured_minor, refunding_minor"}
_LEASE = "NEW.name, NEW.fence"
_WIDTH = 10
_LAST = "SELECT MAX(number) FROM history"
BETWEEN = 100_000  # what may happen elsewhere between two changes of ours, at most


@cache
def _process_database() -> tuple[Connection, sqlite3.Connection]:
    """One connection per process, with its tables; a seed begins by emptying them.

    So the statements that the driver has prepared stay good from one seed to the next.
    """
    engine = create_engine(
        "sqlite://",
        poolclass=StaticPool,
        connect_args={"check_same_thread": False, "cached_statements": 1000},
    )
    connection = engine.connect()
    raw = connection.connection.dbapi_connection
    assert isinstance(raw, sqlite3.Connection)
    metadata.create_all(connection, [metadata.tables[name] for name in _TABLES])
    connection.commit()
    raw.isolation_level = None  # from here on we say BEGIN and COMMIT ourselves
    columns = ", ".join(f"c{number}" for number in range(_WIDTH))
    raw.execute(f"CREATE TABLE history (number INTEGER PRIMARY KEY, what TEXT, {columns})")
    for table, picked in _HISTORY.items():
        for event in ("INSERT", _CHANGES.get(table, "UPDATE")):
            _remember(raw, table, event, picked)
    # Of the leases, only what must never be seen: a fence that shrinks, or a row that goes.
    _remember(raw, "leases", "UPDATE", _LEASE, "WHEN NEW.fence < OLD.fence")
    _remember(raw, "leases", "DELETE", _LEASE.replace("NEW", "OLD"))
    raw.execute("PRAGMA foreign_keys=ON")  # once: it makes the driver prepare everything anew
    # Debian's SQLite overwrites with zeros what is deleted; nobody reads this memory afterwards.
    raw.execute("PRAGMA secure_delete=OFF")
    return connection, raw


def _empty(raw: sqlite3.Connection) -> None:
    """Leave nothing of the seed before, not even a transaction that an error has left open."""
    if raw.in_transaction:
        raw.execute("ROLLBACK")
    raw.execute("BEGIN IMMEDIATE")
    for table in (*_TABLES, "history"):  # the history last: a lease that goes is noted there
        raw.execute(f"DELETE FROM {table}")  # noqa: S608
    raw.execute("COMMIT")


def _remember(raw: sqlite3.Connection, table: str, event: str, picked: str, when: str = "") -> None:
    names = ", ".join(f"c{number}" for number in range(len(_split(picked))))
    raw.execute(
        f"CREATE TRIGGER h_{table}_{event[:6]} AFTER {event} ON {table} {when} BEGIN "  # noqa: S608
        f"INSERT INTO history (what, {names}) VALUES ('{table}', {picked}); END"
    )


def _split(picked: str) -> list[str]:
    """Split at the commas that stand outside brackets."""
    parts, depth, last = [], 0, 0
    for at, sign in enumerate(picked):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            parts.append(picked[last:at])
            last = at + 1
    return [*parts, picked[last:]]


class Database(Engine):
    """Satisfies what the stores need of an engine; one seed long."""

    def __init__(self, world: "World") -> None:
        connection, raw = _process_database()
        super().__init__(connection.engine.pool, connection.dialect, connection.engine.url)
        _empty(raw)
        self.raw = raw
        self.connection = connection
        self._light = LightConnection(connection, raw, self._begin)
        self.is_open = False
        self._world = world
        OpenTransactions._known[self] = _Counter(self)
        self._before = 0
        self._is_struck = world.swarm.strikes_stores
        self._last = (-1, 0)  # the latest change of the history, at that many of the tables

    def begin(self) -> "AbstractContextManager[Connection]":  # type: ignore[override]
        return self  # type: ignore[return-value]

    connect = begin

    def rows(self, statement: str, *values: object) -> list[Any]:
        """Read outside every transaction: for the checker and the clocks of the lives."""
        return self.raw.execute(statement, values).fetchall()

    def copy(self) -> dict[str, list[tuple[Any, ...]]]:
        """Back up every table."""
        return {table: self.rows(f"SELECT * FROM {table}") for table in _TABLES}  # noqa: S608

    def put_back(self, rows: dict[str, list[tuple[Any, ...]]]) -> None:
        """Hold what a copy held; the history keeps what was forgotten, and not this."""
        last, raw = self.last_change(), self.raw
        raw.execute("BEGIN IMMEDIATE")
        for table, found in rows.items():
            raw.execute(f"DELETE FROM {table}")  # noqa: S608
            for row in found[:1]:
                marks = ", ".join("?" * len(row))
                raw.executemany(f"INSERT INTO {table} VALUES ({marks})", found)  # noqa: S608
        raw.execute("DELETE FROM history WHERE number > ?", (last,))
        raw.execute("COMMIT")

    def last_change(self) -> int:
        """Number the latest change of the history; the first is 1."""
        changes = self.raw.total_changes
        if self._last[0] != changes:
            self._last = changes, self.raw.execute(_LAST).fetchone()[0] or 0
        return self._last[1]

    def history(self) -> dict[str, list[Any]]:
        """Return (seq, table, columns) of every change, in order, by table."""
        found: dict[str, list[Any]] = {table: [] for table in (*_HISTORY, "leases")}
        for number, what, *columns in self.raw.execute("SELECT * FROM history ORDER BY number"):
            found[what].append((number * BETWEEN, what, *columns))
        return found

    def __enter__(self) -> Connection:
        world = self._world
        life = world.hub.current
        if isinstance(life, Life):
            if life.is_dead:
                raise Crash(life.name)
            if self._is_struck and not world.is_calm:
                self._strike_before(life)
                if life.is_dead:  # while it slept
                    raise Crash(life.name)
        if self.is_open:
            raise RuntimeError("a transaction is open already")
        self._light.has_begun = False
        self.is_open = True
        return self._light  # type: ignore[return-value]

    def _strike_before(self, life: Life) -> None:
        world = self._world
        world.interleave()
        if world.stalls_process():
            world.coverage["stalled between commits", "DB", _store_at_work()] += 1
            world.stall()
        if world.strikes_process():
            world.coverage["killed between commits", "DB", _store_at_work()] += 1
            life.die()

    def _begin(self) -> None:
        """Begin at the first write: no other life runs before, so reads need no BEGIN."""
        self.raw.execute("BEGIN IMMEDIATE")
        self._before = self.raw.total_changes

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self.is_open = False  # what follows is one step, to every life
        if not self._light.has_begun:
            return
        if error is not None:
            self.raw.execute("ROLLBACK")
            return
        breaks = not self._world.is_calm and self.raw.total_changes != self._before
        if breaks and self._strikes("commit lost"):
            self.raw.execute("ROLLBACK")
            raise DatabaseGone
        self.raw.execute("COMMIT")
        if breaks and self._strikes("commit answered with an error"):
            raise DatabaseGone

    def _strikes(self, fault: str) -> bool:
        if not self._world.strikes_commit():
            return False
        self._world.coverage[fault, "DB", _store_at_work()] += 1
        return True


class _Counter(OpenTransactions):
    """Lives take turns in one thread, and none inside a transaction: there is one, or none.

    It is kept for as long as its database is, so it must not keep the database.
    """

    def __init__(self, database: Database) -> None:
        self._database = weakref.ref(database)

    def is_open(self) -> bool:
        database = self._database()
        return database is not None and database.is_open


def _store_at_work() -> str:
    """Name the store whose transaction this is, from the stack: strikes are rare."""
    frame = sys._getframe()
    while frame is not None:  # type: ignore[redundant-expr]
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith("include.adapters.store."):
            return module.rpartition(".")[2]
        frame = frame.f_back  # type: ignore[assignment]
    return "?"
