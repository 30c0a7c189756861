"""Runs the stores' own statements on ``sqlite3`` directly, compiled once by SQLAlchemy's compiler.

The text and the conversions are SQLAlchemy's; only its machinery around each execution is left out.
A statement without separate values goes through SQLAlchemy whole.
"""

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Executable

_Convert = Callable[[Any], Any]


class _Row:
    """Lends the rows of one statement what a SQLAlchemy row has."""

    @property
    def _mapping(self) -> dict[str, Any]:
        return self._asdict()  # type: ignore[attr-defined,no-any-return]


class Compiled:
    """One statement with one set of names."""

    def __init__(self, statement: Executable, names: Mapping[str, Any], dialect: Any) -> None:
        self.statement = statement  # kept, so that its id stays its own
        compiled: Any = statement.compile(dialect=dialect, column_keys=sorted(names))  # type: ignore[attr-defined]
        self.text = str(compiled)
        converts: Mapping[str, _Convert] = compiled._bind_processors
        self.order: list[tuple[str, _Convert | None, Any]] = []  # name, '' where it is fixed
        for name in compiled.positiontup or []:
            convert, bind = converts.get(name), compiled.binds[name]
            if not bind.expanding:
                is_given = name in names
                self.order.append((name if is_given else "", convert, bind.value))
                continue
            several = names.get(name, bind.value)
            self.order += [("", None, one) for one in several]
            marks = ", ".join("?" * len(several))
            self.text = self.text.replace(f"__[POSTCOMPILE_{name}]", marks)
        self.rows = self._rows(compiled, dialect)

    @staticmethod
    def _rows(compiled: Any, dialect: Any) -> "tuple[type, list[tuple[int, _Convert]]] | None":
        columns = compiled._result_columns
        if not columns:
            return None
        base = namedtuple("Found", [c.keyname for c in columns], rename=True)  # type: ignore[misc]
        kind = type("Found", (base, _Row), {"__slots__": ()})
        found = [
            (at, c.type._cached_result_processor(dialect, None)) for at, c in enumerate(columns)
        ]
        return kind, [(at, convert) for at, convert in found if convert is not None]

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        found = []
        for name, convert, value in self.order:
            one = given[name] if name else value
            found.append(one if convert is None else convert(one))
        return found


class Result:
    """The part of a result that the stores use."""

    def __init__(self, cursor: sqlite3.Cursor, compiled: Compiled) -> None:
        self._cursor = cursor
        self._compiled = compiled
        self.rowcount = cursor.rowcount

    def all(self) -> list[Any]:
        rows = self._compiled.rows
        if rows is None:
            return []
        kind, converts = rows
        if not converts:
            return [kind._make(row) for row in self._cursor]  # type: ignore[attr-defined]
        found = []
        for row in self._cursor:
            cells = list(row)
            for at, convert in converts:
                cells[at] = convert(cells[at])
            found.append(kind._make(cells))  # type: ignore[attr-defined]
        return found

    def __iter__(self) -> Iterator[Any]:
        return iter(self.all())

    def one_or_none(self) -> Any:
        found = self.all()
        if len(found) > 1:
            raise RuntimeError("more than one row")
        return found[0] if found else None

    def scalar(self) -> Any:
        found = self.all()
        return found[0][0] if found else None

    def scalars(self) -> "Scalars":
        return Scalars([row[0] for row in self.all()])


class Scalars(list[Any]):
    def all(self) -> list[Any]:
        return self


class LightConnection:
    """What the stores get as their connection."""

    def __init__(self, connection: Connection, raw: sqlite3.Connection) -> None:
        self._connection = connection
        self._raw = raw
        self.dialect = connection.dialect

    def execute(self, statement: Any, values: Any = None) -> Any:
        if values is None:
            return self._connection.execute(statement)
        many = values if isinstance(values, list) else [values]
        result: Any = None
        for one in many:
            compiled = self._compiled(statement, one)
            result = Result(self._raw.execute(compiled.text, compiled.values(one)), compiled)
        return result

    def scalar(self, statement: Any, values: Any = None) -> Any:
        return self.execute(statement, values).scalar()

    def _compiled(self, statement: Any, values: Mapping[str, Any]) -> Compiled:
        lists = [str(one) for one in values.values() if isinstance(one, list | tuple)]
        place = (id(statement), *values, *lists)
        found = _COMPILED.get(place)
        if found is None:
            found = _COMPILED[place] = Compiled(statement, values, self.dialect)
        return found


_COMPILED: dict[tuple[object, ...], Compiled] = {}
