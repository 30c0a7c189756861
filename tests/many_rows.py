"""A PostgreSQL table with so many rows that the planner has a choice, and what it chose."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from sqlalchemy import Engine, Table, event, text

_INSTANT = "TIMESTAMPTZ '2026-11-01Z' + n * INTERVAL '1 second'"
_DEFAULTS = {
    str: "''",
    int: "1",
    bool: "true",
    date: "DATE '2026-11-01'",
}


def fill(store: Engine, table: Table, rows: int, **values: str) -> None:
    """Add rows, numbered ``n`` from 1, and tell the planner of them.

    Args:
        store: on PostgreSQL.
        table: of ``schema`` or ``order_tables``.
        rows: how many.
        values: SQL by column, e.g. ``"'ord_' || n"``; what must have a value has one anyway.
    """
    made = {
        column.name: _DEFAULTS.get(column.type.python_type, _INSTANT)
        for column in table.c
        if not column.nullable and column is not table.autoincrement_column
    } | values
    wanted = (
        f"INSERT INTO {table.name} ({', '.join(made)}) "  # noqa: S608 - words of tests
        f"SELECT {', '.join(made.values())} FROM generate_series(1, {rows}) n"
    )
    with store.begin() as connection:
        connection.execute(text(wanted.replace(":", r"\:")))  # JSON's begin no parameter
        connection.execute(text(f"ANALYZE {table.name}"))


@contextmanager
def plans(store: Engine) -> Iterator[Callable[[], str]]:
    """Yield what tells the plans of all statements of the block that touch a table."""
    said: list[tuple[str, Any]] = []

    def _hear(_connection: Any, cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if statement.lstrip().startswith(("SELECT", "DELETE")):
            # Of what is streamed the planner wants the first rows soon.
            begin = "DECLARE streamed CURSOR FOR " if cursor.name else ""
            said.append((begin + statement, values))

    def told() -> str:
        with store.begin() as connection:
            return "\n".join(
                row[0]
                for statement, values in said
                for row in connection.exec_driver_sql(f"EXPLAIN {statement}", values)
            )

    event.listen(store, "before_cursor_execute", _hear)
    try:
        yield told
    finally:
        event.remove(store, "before_cursor_execute", _hear)
