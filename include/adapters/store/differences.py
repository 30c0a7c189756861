"""How a store differs from the tables that this version works on, in words, part by part.

The number of the last migration does not tell: a store may have been made by an unfinished version
whose migrations bore the same numbers, or changed by hand.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from include.adapters.store import dispute_tables, order_tables  # noqa: F401 - declare their tables
from include.adapters.store.schema import metadata


def _other(part: str) -> Callable[..., str]:
    return lambda _schema, table, column, *_rest: f"another {part} of column {table}.{column}"


# What would stop or mislead a statement of ours. A table or an index more does neither.
_WORDS: Mapping[str, Callable[..., str]] = {
    "add_table": lambda table: f"no table {table.name}",
    "add_column": lambda _schema, table, column: f"no column {table}.{column.name}",
    "remove_column": lambda _schema, table, column: f"an unknown column {table}.{column.name}",
    "add_index": lambda index: f"no index {index.name}",
    "add_constraint": lambda rule: f"no constraint {rule.name} of {rule.table.name}",
    "remove_constraint": lambda rule: f"an unknown constraint {rule.name} of {rule.table.name}",
    "modify_type": _other("type"),
    "modify_nullable": _other("rule about NULL"),
}


def differences(connection: Connection) -> Sequence[str]:
    """Return what the store has otherwise, e.g. ``no column effects.silent_since``; sorted."""
    found: list[Any] = compare_metadata(MigrationContext.configure(connection), metadata)
    # The changes of one column come as a list of their own.
    flat = [one for each in found for one in (each if isinstance(each, list) else [each])]
    missing = {change[1].name for change in flat if change[0] == "add_table"}
    return sorted(
        _WORDS[what](*parts)
        for what, *parts in flat
        if what in _WORDS and not (what == "add_index" and parts[0].table.name in missing)
    )
