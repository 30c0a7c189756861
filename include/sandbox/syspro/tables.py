"""The tables of one company, as COMFND sees them.

Small tables and everything posted are kept; AR documents come from the world day by day, so that a
company with months of trade costs nothing until somebody asks. Columns follow the SYSPRO
reference's ``sql-columns.tsv``; numeric keys are stored zero-padded, as SYSPRO stores them.

Every row has a ``TimeStamp``, growing with each change: a polling cursor. Those of the generated
days lie below those of anything kept, so that a poll from a cursor makes no day.
"""

import bisect
import functools
import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from include.sandbox.ports import World
from include.sandbox.syspro.columns import COLUMNS, DATED, INDEXED, KEY_WIDTHS

Value = str | int | Decimal | date
Row = dict[str, Value]

_EPOCH = date(2020, 1, 1)
_DAY_BITS = 16  # of a generated row's stamp: its number within the day
_FIRST_KEPT_STAMP = 1 << 40
_MEANWHILE = 2000  # row versions of a whole database that pass during a slow transaction


class Lookup(NamedTuple):
    """An indexed column and the value it must equal."""

    column: str
    value: str


Plan = Sequence[Sequence[Lookup]]  # any of these groups, all of a group's look-ups


class Tables:
    """Rows by table name. Reading gives copies of nothing: callers must not change rows."""

    def __init__(self, world: World, company: str) -> None:
        self._world, self._company = world, company
        self.has_plain_stamps = False  # COMFND shows row versions as numbers, else hexadecimal
        self._kept: dict[str, list[Row]] = defaultdict(list)
        self._by_day: dict[str, dict[date, list[Row]]] = {}
        self._index: dict[tuple[str, str], dict[str, list[Row]]] = defaultdict(dict)
        self._changes: dict[str, list[tuple[int, Row]]] = defaultdict(list)
        self._stamps = itertools.count(_FIRST_KEPT_STAMP)
        masters = itertools.takewhile(lambda pair: pair[0] not in DATED, world.erp_tables(company))
        for table, row in masters:
            self.add(table, _stored(row))
        self._of_day = functools.lru_cache(maxsize=512)(self._generate)

    def names(self) -> set[str]:
        return set(COLUMNS) | set(self._kept)

    def columns(self, table: str) -> list[str]:
        """Return the known column names, declared ones first."""
        found = dict.fromkeys(COLUMNS.get(table, "").split())
        for row in self._kept.get(table, [])[:1]:
            found |= dict.fromkeys(row)
        if table in DATED:
            for row in self._of_day(self._world.start).get(table, [])[:1]:
                found |= dict.fromkeys(row)
        found.pop("TimeStamp", None)
        return [*found, "TimeStamp"]

    def add(self, table: str, row: Row) -> Row:
        """Keep a row; posted rows and seeded ones live together."""
        day = row.get(DATED.get(table, ""))
        if isinstance(day, date):
            self._by_day.setdefault(table, {}).setdefault(day, []).append(row)
        else:
            self._kept[table].append(row)
        for column in INDEXED.get(table, ()):
            self._bucket(table, column, row.get(column, "")).append(row)
        self._stamp(table, row)
        return row

    def change(self, table: str, row: Row, values: Mapping[str, Value]) -> None:
        """Change a kept row; its stamp moves on. Its day must stay."""
        for column in INDEXED.get(table, ()):
            if column in values and fold(values[column]) != fold(row.get(column, "")):
                _drop(self._bucket(table, column, row.get(column, "")), row)
                self._bucket(table, column, values[column]).append(row)
        row.update(values)
        self._stamp(table, row)

    def begin(self) -> int:
        """Give a slow transaction its row version; the others' go on meanwhile."""
        number = next(self._stamps)
        self._stamps = itertools.count(number + _MEANWHILE)
        return number

    def commit_late(self, table: str, row: Row, number: int) -> None:
        """Let a row show only now under a version that was given long ago."""
        row["TimeStamp"] = stamp_text(number)
        bisect.insort(self._changes[table], (number, row), key=lambda change: change[0])

    def remove(self, table: str, row: Row) -> None:
        """Forget a row of a table that has no days."""
        for column in INDEXED.get(table, ()):
            _drop(self._bucket(table, column, row.get(column, "")), row)
        _drop(self._kept[table], row)

    def rows(
        self, table: str, first: date | None = None, last: date | None = None
    ) -> Iterator[Row]:
        """Yield the rows of a table; for dated tables only those of the days asked for."""
        yield from list(self._kept.get(table, ()))
        if table not in DATED:
            return
        kept_days = self._by_day.get(table, {})
        for day in self._span(kept_days, first, last):
            yield from self._of_day(day).get(table, ())
            yield from list(kept_days.get(day, ()))

    def select(
        self,
        table: str,
        plan: Plan | None,
        first: date | None = None,
        last: date | None = None,
        since: int | None = None,
    ) -> Iterator[Row]:
        """Yield every row that could fit, and as few others as the indexes allow."""
        if plan is not None:
            found = {id(row): row for group in plan for row in self._seek(table, group)}
            yield from found.values()
        elif since is not None:
            yield from self._generated_since(table, since, first, last)
            yield from self._changed_since(table, since)
        else:
            yield from self.rows(table, first, last)

    def get(self, table: str, **wanted: str) -> Row | None:
        """Return the first kept row with these values; one column at least must be indexed."""
        return next(iter(self.matching(table, **wanted)), None)

    def matching(self, table: str, **wanted: str) -> list[Row]:
        """Return the kept rows with these values; one column at least must be indexed."""
        indexed = [Lookup(c, v) for c, v in wanted.items() if c in INDEXED.get(table, ())]
        return [row for row in list(self._shortest(table, indexed)) if _has(row, wanted)]

    def seek(self, table: str, **wanted: str) -> Row | None:
        """As :meth:`get`, but over the generated days too."""
        indexed = [Lookup(c, v) for c, v in wanted.items() if c in INDEXED.get(table, ())]
        found = self._seek(table, indexed)
        return next((row for row in found if _has(row, wanted)), None)

    def find(self, table: str, where: Callable[[Row], bool]) -> Row | None:
        """Return the first kept row that fits; dated tables are not searched."""
        return next((row for row in self._kept.get(table, ()) if where(row)), None)

    def _stamp(self, table: str, row: Row) -> None:
        number = next(self._stamps)
        row["TimeStamp"] = stamp_text(number)
        self._changes[table].append((number, row))

    def _bucket(self, table: str, column: str, value: Value) -> list[Row]:
        return self._index[(table, column)].setdefault(fold(value), [])

    def _shortest(self, table: str, group: Sequence[Lookup]) -> Sequence[Row]:
        found: list[Sequence[Row]] = [
            self._index[(table, column)].get(fold(value), ()) for column, value in group
        ]
        return min(found, key=lambda rows: len(rows))

    def _seek(self, table: str, group: Sequence[Lookup]) -> Iterator[Row]:
        """Yield candidates of one group: the shortest bucket, and the days it can lie on."""
        yield from list(self._shortest(table, group))
        if table not in DATED:
            return
        days: set[date] | None = None
        for lookup in group:
            known = self._world.erp_days(*lookup)
            if known is not None:
                days = set(known) if days is None else days & set(known)
        for day in sorted(days) if days is not None else self._span({}, None, None):
            yield from self._of_day(day).get(table, ())

    def _changed_since(self, table: str, since: int) -> Iterator[Row]:
        changes = self._changes[table]
        at = bisect.bisect_left(changes, since, key=lambda change: change[0])
        for number, row in changes[at:]:
            if row["TimeStamp"] == stamp_text(number):  # else changed again: it comes later
                yield row

    def _generated_since(
        self, table: str, since: int, first: date | None, last: date | None
    ) -> Iterator[Row]:
        if table not in DATED or since >= _FIRST_KEPT_STAMP:
            return
        start = _EPOCH + timedelta(days=min(since >> _DAY_BITS, 60_000))
        for day in self._span({}, max(first or start, start), last):
            yield from self._of_day(day).get(table, ())

    def _span(self, kept: Iterable[date], first: date | None, last: date | None) -> list[date]:
        low = max(self._world.start, first or self._world.start)
        high = min(self._world.last, last or self._world.last)
        generated = {low + timedelta(days=n) for n in range((high - low).days + 1)}
        known = generated | set(kept)
        return sorted(d for d in known if (first or d) <= d <= (last or d))

    def _generate(self, day: date) -> dict[str, list[Row]]:
        if not self._world.start <= day <= self._world.last:
            return {}
        found: dict[str, list[Row]] = defaultdict(list)
        head = (day - _EPOCH).days << _DAY_BITS
        for number, (table, row) in enumerate(self._world.erp_day(self._company, day)):
            found[table].append({**_stored(row), "TimeStamp": stamp_text(head | number)})
        return found


def fold(value: Value) -> str:
    """Return a value as the database collates it: no case, no trailing blanks."""
    return str(value).rstrip().casefold()


def stamp_text(number: int) -> str:
    """Write a row version; a fixed width, so that texts compare as numbers."""
    return f"0x{number:016X}"


def stamp_number(text: str) -> int | None:
    """Read a row version; ``None`` where it is none."""
    return int(text, 16) if re.fullmatch(r"0x[0-9A-Fa-f]{16}", text, re.ASCII) else None


def padded_key(column: str, value: str) -> str:
    """Return a key as stored: a numeric one filled with leading zeros."""
    width = KEY_WIDTHS.get(column)
    return value.zfill(width) if width and value.isascii() and value.isdigit() else value


def plain_key(value: str) -> str:
    """Return a stored key as objects show it: without the zeros, but six digits at least."""
    return value.lstrip("0").zfill(6) if value.isascii() and value.isdigit() else value


def _has(row: Row, wanted: Mapping[str, str]) -> bool:
    return all(fold(row.get(column, "")) == fold(value) for column, value in wanted.items())


def _drop(rows: list[Row], row: Row) -> None:
    for at, found in enumerate(rows):
        if found is row:
            del rows[at]
            return


_DECIMALS = frozenset(
    "CurrencyValue OrigDiscValue InvoiceBal1 CurrentBalance PtdDrValue PtdCrValue CreditLimit "
    "OrigInvValue QtyOnHand QtyAllocated QtyOnOrder QtyOnBackOrder QtyDispatched UnitCost "
    "SellingPrice Mass ConvFactAltUom ConvFactOthUom QtyPer".split()
)
_INTEGERS = frozenset(("InvoiceYear", "InvoiceMonth"))


def _stored(row: Mapping[str, Value]) -> Row:
    """Give a seeded row the types of its columns; texts stay as they are."""
    return {column: _typed(column, value) for column, value in row.items()}


def _typed(column: str, value: Value) -> Value:
    if not isinstance(value, str):
        return value
    if column in _DECIMALS:
        return Decimal(value or "0")
    if column in _INTEGERS:
        return int(value or "0")
    if column.endswith("Date") and re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        return date.fromisoformat(value)
    return padded_key(column, value)
