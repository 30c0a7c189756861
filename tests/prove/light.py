"""Runs the stores' own statements on ``sqlite3`` directly, compiled once by SQLAlchemy's compiler.

The text and the conversions are SQLAlchemy's; only its machinery around each execution is left out.
A statement without separate values goes through SQLAlchemy whole.
"""

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from operator import itemgetter
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
        self.given = tuple(names)
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
                convert = _instant_in(dialect) if isinstance(bind.type, Instant) else convert
                self.converts.append((len(self.names), convert))
            if name in names:
                self.names.append(name)
            else:
                self._fix(name, bind.value)
        self.pick = _picker(self.names)
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
        instants = {at for at, c in enumerate(columns) if isinstance(c.type, Instant)}
        return kind, [
            (at, _instant_out(dialect) if at in instants else convert)
            for at, convert in found
            if convert is not None
        ]

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        found = list(self.pick({**given, **self.fixed} if self.fixed else given))
        for at, convert in self.converts:
            found[at] = convert(found[at])
        return found


def _picker(names: list[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda given: tuple(given[name] for name in names)


@cache
def _instant_in(dialect: Any) -> _Convert:
    """Convert each instant once, whichever statement it is for: those of a seed are few."""
    return lru_cache(maxsize=4096)(_INSTANT._cached_bind_processor(dialect) or _as_it_is)


@cache
def _instant_out(dialect: Any) -> _Convert:
    convert = _INSTANT._cached_result_processor(dialect, None)
    return lru_cache(maxsize=4096)(convert or _as_it_is)


def _as_it_is(value: Any) -> Any:
    return value


_INSTANT = Instant()


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
        row = self._cursor.fetchone()
        self._cursor.close()
        if row is None or self._compiled.rows is None:
            return None
        _, converts = self._compiled.rows
        return converts[0][1](row[0]) if converts and converts[0][0] == 0 else row[0]

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
        names = tuple(values)
        latest = _LATEST.get(id(statement))
        if latest is not None and latest.given == names:
            return latest
        place: tuple[object, ...] = (id(statement), *names)
        found = _COMPILED.get(place)
        if found is not None and found.has_lists:  # their members are part of the text
            place += tuple(str(one) for one in values.values() if isinstance(one, list | tuple))
            found = _COMPILED.get(place)
        if found is None:
            found = Compiled(statement, values, self.dialect)
            _COMPILED[id(statement), *names] = _COMPILED[place] = found
        if not found.has_lists:
            _LATEST[id(statement)] = found
        return found


_COMPILED: dict[tuple[object, ...], Compiled] = {}
_LATEST: dict[int, Compiled] = {}  # mostly a statement comes with the same names again
