"""Insert or update by key, in one statement, on SQLite and PostgreSQL alike."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Table
from sqlalchemy.dialects import postgresql, sqlite


def upsert(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], keys: Sequence[str]
) -> None:
    """Write rows; where the unique ``keys`` exist already, overwrite the other columns given."""
    if not rows:
        return
    statement = upserting(connection.dialect.name, table, tuple(rows[0]), tuple(keys))
    execute_many(connection, statement, rows)


@cache
def upserting(
    dialect: str, table: Table, columns: tuple[str, ...], keys: tuple[str, ...]
) -> Insert:
    """Return the statement, built once, that writes these columns of a row."""
    insert: Any = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    changed = {name: insert.excluded[name] for name in columns if name not in keys}
    statement: Insert = (
        insert.on_conflict_do_update(index_elements=list(keys), set_=changed)
        if changed
        else insert.on_conflict_do_nothing(index_elements=list(keys))
    )
    return statement


def execute_many(
    connection: Connection, statement: Insert, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Run one statement for many rows that name the same columns.

    SQLAlchemy works out the parameters of each row from the start, which takes as long as the
    database does; where the driver takes them by position, they are laid out once.
    """
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(rows[0]))
    names = compiled.positiontup
    if names is None:
        connection.execute(statement, [dict(row) for row in rows])
        return
    fixed = compiled.construct_params(rows[0])
    dialect = connection.dialect
    processors = [
        compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names
    ]
    columns = [
        _column([row[name] for row in rows] if name in rows[0] else [fixed[name]], processor)
        for name, processor in zip(names, processors, strict=True)
    ]
    columns = [column * len(rows) if len(column) == 1 else column for column in columns]
    connection.exec_driver_sql(str(compiled), list(zip(*columns, strict=True)))


def _column(values: list[Any], processor: Callable[[Any], Any] | None) -> list[Any]:
    """Return values as the driver takes them; of a date that many rows have, once."""
    if processor is None:
        return values
    known = {value: processor(value) for value in set(values)}
    return [known[value] for value in values]
