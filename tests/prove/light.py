"""Runs the stores' own statements on ``sqlite3`` directly, compiled once by SQLAlchemy's compiler.

The text and the conversions are SQLAlchemy's; only its machinery around each execution is left out.
A statement without separate values goes through SQLAlchemy whole.
"""

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache, partial
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

    __slots__ = ("given", "lists", "reads", "rows", "statement", "text", "values")

    def __init__(self, statement: Executable, names: Mapping[str, Any], dialect: Any) -> None:
        self.statement = statement  # kept, so that its id stays its own
        self.given = tuple(names)
        self.lists = _lengths(names)
        compiled: Any = statement.compile(dialect=dialect, column_keys=sorted(names))  # type: ignore[attr-defined]
        self.text = str(compiled)
        self.reads = self.text.lstrip().startswith("SELECT")
        converts: Mapping[str, _Convert] = compiled._bind_processors
        # In the order of the text: what gives each value, and by what it is converted.
        written = _Written()
        for name in compiled.positiontup or []:
            convert, bind = converts.get(name), compiled.binds[name]
            if bind.expanding:
                several = names.get(name, bind.value)
                written.add(f"*given[{name!r}]" if name in names else f"*{written.keep(several)}")
                marks = ", ".join("?" * len(several))
                self.text = self.text.replace(f"__[POSTCOMPILE_{name}]", marks)
                continue
            if convert is not None and isinstance(bind.type, Instant):
                convert = _instant_in(dialect)
            given = f"given[{name!r}]" if name in names else written.keep(bind.value)
            written.add(given, convert)
        self.values: Callable[[Mapping[str, Any]], tuple[Any, ...]] = written.out("given")
        self.rows = self._rows(compiled, dialect)

    @staticmethod
    def _rows(compiled: Any, dialect: Any) -> "Callable[[Any], Any] | None":
        columns = compiled._result_columns
        if not columns:
            return None
        base = namedtuple("Found", [c.keyname for c in columns], rename=True)  # type: ignore[misc]
        kind = type("Found", (base, _Row), {"__slots__": ()})
        written = _Written()
        for at, column in enumerate(columns):
            convert = column.type._cached_result_processor(dialect, None)
            if convert is not None and isinstance(column.type, Instant):
                convert = _instant_out(dialect)
            written.add(f"row[{at}]", convert)
        if not written.has_converts:
            return partial(tuple.__new__, kind)
        return written.out("row", partial(tuple.__new__, kind))


class _Written:
    """Writes a function out that makes a tuple, cell by cell: it runs for every statement."""

    def __init__(self) -> None:
        self.cells: list[str] = []
        self.has_converts = False
        self._known: dict[str, Any] = {}

    def keep(self, value: Any) -> str:
        name = f"kept{len(self._known)}"
        self._known[name] = value
        return name

    def add(self, cell: str, convert: _Convert | None = None) -> None:
        self.has_converts |= convert is not None
        self.cells.append(cell if convert is None else f"{self.keep(convert)}({cell})")

    def out(self, taken: str, made: Callable[[tuple[Any, ...]], Any] | None = None) -> Any:
        whole = "".join(f"{cell}, " for cell in self.cells)
        whole = f"({whole})" if made is None else f"{self.keep(made)}(({whole}))"
        return eval(f"lambda {taken}: {whole}", self._known)  # noqa: S307  our own words only


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

    __slots__ = ("_cursor", "_make")

    def __init__(self, cursor: sqlite3.Cursor, make: Callable[[Any], Any] | None) -> None:
        self._cursor = cursor
        self._make = make

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount

    def all(self) -> list[Any]:
        return [] if self._make is None else list(map(self._make, self._cursor))

    def __iter__(self) -> Iterator[Any]:
        return iter(self.all())

    def one(self) -> Any:
        (found,) = self.all()
        return found

    def one_or_none(self) -> Any:
        row = self._cursor.fetchone()
        if row is None or self._make is None:
            return None
        if self._cursor.fetchone() is not None:
            raise RuntimeError("more than one row")
        return self._make(row)

    def scalar(self) -> Any:
        row = self._cursor.fetchone()
        self._cursor.close()
        return None if row is None or self._make is None else self._make(row)[0]

    def scalars(self) -> "Scalars":
        return Scalars([row[0] for row in self.all()])


class Scalars(list[Any]):
    def all(self) -> list[Any]:
        return self


class LightConnection:
    """What the stores get as their connection. ``begin`` is called before the first write."""

    def __init__(
        self, connection: Connection, raw: sqlite3.Connection, begin: Callable[[], None]
    ) -> None:
        self._connection = connection
        self._execute = raw.execute
        self._begin = begin
        self.has_begun = False
        self.dialect = connection.dialect

    def execute(self, statement: Any, values: Any = None) -> Any:
        if type(values) is not dict:
            return self._execute_otherwise(statement, values)
        compiled = _LATEST.get(id(statement))
        if compiled is None or compiled.given != tuple(values):
            compiled = self._compiled(statement, values)
        if not compiled.reads and not self.has_begun:
            self._begin_once()
        return Result(self._execute(compiled.text, compiled.values(values)), compiled.rows)

    def _execute_otherwise(self, statement: Any, values: list[Any] | None) -> Any:
        if values is None:
            if not isinstance(statement, Select):
                self._begin_once()
            return self._connection.execute(statement)
        result: Any = None
        for one in values:
            result = self.execute(statement, one)
        return result

    def _begin_once(self) -> None:
        if not self.has_begun:
            self._begin()
            self.has_begun = True

    def scalar(self, statement: Any, values: Any = None) -> Any:
        return self.execute(statement, values).scalar()

    def _compiled(self, statement: Any, values: Mapping[str, Any]) -> Compiled:
        place = id(statement), tuple(values), _lengths(values)
        found = _COMPILED.get(place)
        if found is None:
            found = _COMPILED[place] = Compiled(statement, values, self.dialect)
        if not found.lists:
            _LATEST[id(statement)] = found
        return found


def _lengths(values: Mapping[str, Any]) -> tuple[int, ...]:
    """Say how many members each list has: as many marks are in the text."""
    return tuple([len(one) for one in values.values() if type(one) in _LISTS])


_LISTS = (list, tuple)
_COMPILED: dict[tuple[int, tuple[str, ...], tuple[int, ...]], Compiled] = {}
_LATEST: dict[int, Compiled] = {}  # mostly a statement comes with the same names again
