"""The types of a declared table's columns, for Polars. It is imported where it is used."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


def schema_of(columns: Mapping[str, tuple[str, str]]) -> "dict[str, pl.DataType]":
    """Return the types of a table that is declared as ``name: (Arrow type, meaning)``."""
    types = _types()
    return {name: types[kind] for name, (kind, _) in columns.items()}


@cache
def _types() -> "Mapping[str, pl.DataType]":
    import polars as pl

    return {
        "string": pl.String(),
        "int32": pl.Int32(),
        "int64": pl.Int64(),
        "date32": pl.Date(),
        "binary": pl.Binary(),
        "timestamp[ms, tz=UTC]": pl.Datetime("ms", "UTC"),
    }
