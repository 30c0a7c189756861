"""Runs the stores' own statements on ``sqlite3`` directly, compiled once by SQLAlchemy's compiler.

The text and the conversions are SQLAlchemy's; only its machinery around each execution is left out.
A statement without separate values goes through SQLAlchemy whole.
"""

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Executable, Select

from include.adapters.store.schema import Instant

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
        self.has_lists = any(isinstance(one, list | tuple) for one in names.values())
        compiled: Any = statement.compile(dialect=dialect, column_keys=sorted(names))  # type: ignore[attr-defined]
        self.text = str(compiled)
        self.reads = self.text.lstrip().startswith("SELECT")
        converts: Mapping[str, _Convert] = compiled._bind_processors
        # In the order of the text: the name that gives the value, or '' and the value itself.
        self.names: list[str] = []
        self.fixed: dict[str, Any] = {}
        self.converts: list[tuple[int, _Convert]] = []
        for name in compiled.positiontup or []:
            convert, bind = converts.get(name), compiled.binds[name]
            if bind.expanding:
                several = names.get(name, bind.value)
                for number, one in enumerate(several):
                    self._fix(f"{name} {number}", one)
                marks = ", ".join("?" * len(several))
                self.text = self.text.replace(f"__[POSTCOMPILE_{name}]", marks)
                continue
            if convert is not None:
                convert = _remembered(convert) if _is_instant(bind) else convert
                self.converts.append((len(self.names), convert))
            if name in names:
                self.names.append(name)
            else:
                self._fix(name, bind.value)
        self.rows = self._rows(compiled, dialect)

    def _fix(self, name: str, value: Any) -> None:
        self.names.append(name)
        self.fixed[name] = value

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
        return kind, [(at, _remembered(convert)) for at, convert in found if convert is not None]

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        source = {**given, **self.fixed} if self.fixed else given
        found = [source[name] for name in self.names]
        for at, convert in self.converts:
            found[at] = convert(found[at])
        return found


def _is_instant(bind: Any) -> bool:
    return isinstance(bind.type, Instant)


def _remembered(convert: _Convert) -> _Convert:
    """Convert each value once: the instants of a seed are few."""
    return lru_cache(maxsize=2048)(convert)


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
    """What the stores get as their connection. ``write`` is called before anything is written."""

    def __init__(
        self, connection: Connection, raw: sqlite3.Connection, write: Callable[[], None]
    ) -> None:
        self._connection = connection
        self._execute = raw.execute
        self._write = write
        self.dialect = connection.dialect

    def execute(self, statement: Any, values: Any = None) -> Any:
        if values is None:
            if not isinstance(statement, Select):
                self._write()
            return self._connection.execute(statement)
        if not isinstance(values, list):
            compiled = self._compiled(statement, values)
            if not compiled.reads:
                self._write()
            return Result(self._execute(compiled.text, compiled.values(values)), compiled)
        result: Any = None
        for one in values:
            result = self.execute(statement, one)
        return result

    def scalar(self, statement: Any, values: Any = None) -> Any:
        return self.execute(statement, values).scalar()

    def _compiled(self, statement: Any, values: Mapping[str, Any]) -> Compiled:
        place: tuple[object, ...] = (id(statement), *values)
        found = _COMPILED.get(place)
        if found is not None and found.has_lists:  # their members are part of the text
            place += tuple(str(one) for one in values.values() if isinstance(one, list | tuple))
            found = _COMPILED.get(place)
        if found is None:
            found = Compiled(statement, values, self.dialect)
            _COMPILED[id(statement), *values] = _COMPILED[place] = found
        return found


_COMPILED: dict[tuple[object, ...], Compiled] = {}
