"""Insert or update by key, in one statement, on SQLite and PostgreSQL alike."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def upsert(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], keys: Sequence[str]
) -> None:
    """Write rows; where the unique ``keys`` exist already, overwrite the other columns given."""
    if not rows:
        return
    insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)
    changed = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    statement = (
        insert.on_conflict_do_update(index_elements=list(keys), set_=changed)
        if changed
        else insert.on_conflict_do_nothing(index_elements=list(keys))
    )
    connection.execute(statement, [dict(row) for row in rows])
