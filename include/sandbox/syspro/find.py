"""COMFND: select rows of a table by conditions.

Source: SYSPRO reference, section 4.7 and the captured call. Text compares as stored, without regard
to case and trailing blanks, as the database collates; dates are CCYY-MM-DD; SQL is not accepted.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import NamedTuple
from xml.etree.ElementTree import Element

from include.sandbox.syspro.columns import DATED, INDEXED
from include.sandbox.syspro.documents import CallFailed, Node, field, nodes, root_node
from include.sandbox.syspro.tables import Lookup, Plan, Row, Tables, Value, stamp_number, stamp_text

MAX_ROWS = 5000  # whatever ReturnRows asks; the caller sees it by RowsReturned
DEFAULT_ROWS = 1000
VERSION = "8.0.053"

Predicate = Callable[[Row], bool]


class _Test(NamedTuple):
    column: str
    condition: str
    value: str


_ORDERED: dict[str, Callable[[int], bool]] = {
    "EQ": lambda sign: sign == 0,
    "NE": lambda sign: sign != 0,
    "GT": lambda sign: sign > 0,
    "GE": lambda sign: sign >= 0,
    "LT": lambda sign: sign < 0,
    "LE": lambda sign: sign <= 0,
}


def find(query: Element, tables: Tables) -> Node:
    """Answer a COMFND query.

    Raises:
        CallFailed: the table, a column or a condition is not known.
    """
    table = field(query, "TableName")
    if table not in tables.names():
        raise CallFailed(f"ERROR: Table '{table}' not found")
    known = tables.columns(table)
    columns = _columns(query, known)
    order = [c.text.strip() for c in query.findall("OrderBy/Column") if c.text and c.text.strip()]
    _check_columns([*columns, *order], known, table)
    tests, tokens = _tokens(query, known, table)
    where = _Parser(tokens, INDEXED.get(table, ())).parse() if tokens else _Where(_always)
    first, last = _date_bounds(table, tests, tokens)
    since = _since(tests, tokens)
    rows = tables.select(table, where.plan, first, last, since)
    fitting = (row for row in rows if where.holds(row))
    sequence, limit = _sequence(query, order), _limit(query)
    comes_by_stamp = since is not None and where.plan is None
    if not sequence or (comes_by_stamp and sequence == [("TimeStamp", False)]):
        return _reply(tables, table, columns, order, list(islice(fitting, limit)))
    found = list(fitting)
    for column, is_down in reversed(sequence):
        found.sort(key=_by(column), reverse=is_down)
    return _reply(tables, table, columns, order, found[:limit])


def _columns(query: Element, known: list[str]) -> list[str]:
    asked = [c.text.strip() for c in query.findall("Columns/Column") if c.text and c.text.strip()]
    return known if field(query, "AllColumns") == "Y" or not asked else asked


def _check_columns(asked: Sequence[str], known: list[str], table: str) -> None:
    for column in asked:
        if column not in known:
            raise CallFailed(f"ERROR: Column '{column}' not found in table '{table}'")


def _limit(query: Element) -> int:
    asked = field(query, "ReturnRows", "0")
    count = int(asked) if asked.isascii() and asked.isdigit() else 0
    return min(count or DEFAULT_ROWS, MAX_ROWS)


def _sequence(query: Element, order: list[str]) -> list[tuple[str, bool]]:
    named = [(c.get("Name", ""), c.get("Orderby") == "D") for c in query.findall("Sequence/Column")]
    return named or [(column, False) for column in order]


def _tokens(query: Element, known: list[str], table: str) -> tuple[list[_Test], list[str | _Test]]:
    tests: list[_Test] = []
    tokens: list[str | _Test] = []
    for number, part in enumerate(query.findall("Where/Expression")):
        if number:  # the first one's And/Or has nothing to join; SYSPRO takes it and ignores it
            tokens.append("OR" if field(part, "AndOr", "And").upper() == "OR" else "AND")
        column, value = field(part, "Column"), field(part, "Value")
        if column == "TimeStamp" and value.strip().isdigit():
            value = stamp_text(int(value))
        test = _Test(column, field(part, "Condition").upper(), value)
        _check_columns([test.column], known, table)
        if test.condition not in _ORDERED and test.condition != "LIKE":
            raise CallFailed(f"ERROR: Condition '{test.condition}' is not valid")
        tests.append(test)
        tokens += [*field(part, "OpenBracket"), test, *field(part, "CloseBracket")]
    return tests, tokens


class _Where(NamedTuple):
    """What a row must fulfil, and the index look-ups that find such rows (``None``: a scan)."""

    holds: Predicate
    plan: Plan | None = None


def _always(row: Row) -> bool:
    return True


class _Parser:
    """Or of And of brackets, as in SQL: And binds closer."""

    def __init__(self, tokens: Sequence[str | _Test], indexed: Sequence[str]) -> None:
        self._tokens, self._at, self._indexed = tokens, 0, indexed

    def parse(self) -> _Where:
        found = self._either()
        if self._at != len(self._tokens):
            raise CallFailed("ERROR: Brackets in the where clause do not match")
        return found

    def _either(self) -> _Where:
        parts = [self._both()]
        while self._take("OR"):
            parts.append(self._both())
        if len(parts) == 1:
            return parts[0]
        plans = [part.plan for part in parts]
        joined = [group for plan in plans if plan is not None for group in plan]
        return _Where(
            lambda row: any(part.holds(row) for part in parts), None if None in plans else joined
        )

    def _both(self) -> _Where:
        parts = [self._one()]
        while self._take("AND"):
            parts.append(self._one())
        if len(parts) == 1:
            return parts[0]
        plans = [part.plan for part in parts if part.plan is not None]
        return _Where(lambda row: all(part.holds(row) for part in parts), _narrowest(plans))

    def _one(self) -> _Where:
        if self._take("("):
            found = self._either()
            if not self._take(")"):
                raise CallFailed("ERROR: Brackets in the where clause do not match")
            return found
        test = self._tokens[self._at] if self._at < len(self._tokens) else ""
        if not isinstance(test, _Test):
            raise CallFailed("ERROR: Brackets in the where clause do not match")
        self._at += 1
        is_known = test.condition == "EQ" and test.column in self._indexed
        plan = [[Lookup(test.column, test.value)]] if is_known else None
        return _Where(_predicate(test), plan)

    def _take(self, token: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == token:
            self._at += 1
            return True
        return False


def _narrowest(plans: Sequence[Plan]) -> Plan | None:
    """Join single groups into one; of several, keep the plan with the fewest groups."""
    single = [lookup for plan in plans if len(plan) == 1 for lookup in plan[0]]
    return [single] if single else min(plans, key=len, default=None)


def _since(tests: list[_Test], tokens: Sequence[str | _Test]) -> int | None:
    """Return the least row version the conditions allow, where they are joined by And only."""
    if "OR" in tokens:
        return None
    stamps = [
        stamp_number(test.value)
        for test in tests
        if test.column == "TimeStamp" and test.condition in ("GT", "GE", "EQ")
    ]
    return max((stamp for stamp in stamps if stamp is not None), default=None)


def _predicate(test: _Test) -> Predicate:
    if test.condition == "LIKE":
        escaped = re.escape(test.value).replace("%", ".*").replace("_", ".")
        pattern = re.compile(escaped, re.IGNORECASE | re.DOTALL)
        return lambda row: pattern.fullmatch(str(row.get(test.column, "")).rstrip()) is not None
    holds = _ORDERED[test.condition]
    return lambda row: holds(_compare(row.get(test.column, ""), test.value))


def _compare(stored: Value, asked: str) -> int:
    if isinstance(stored, (int, Decimal)):
        try:
            wanted = Decimal(asked or "0")
        except InvalidOperation:
            raise CallFailed(f"ERROR: Value '{asked}' must be numeric") from None
        return (stored > wanted) - (stored < wanted)
    left = stored.isoformat() if isinstance(stored, date) else stored.rstrip().casefold()
    right = asked.rstrip().casefold()
    return (left > right) - (left < right)


def _date_bounds(
    table: str, tests: list[_Test], tokens: Sequence[str | _Test]
) -> tuple[date | None, date | None]:
    """Narrow a dated table to the days the conditions allow, where they are joined by And only."""
    first: date | None = None
    last: date | None = None
    if table not in DATED or "OR" in tokens:
        return first, last
    for test in tests:
        if test.column != DATED[table] or not re.fullmatch(r"\d{4}-\d\d-\d\d", test.value):
            continue
        try:
            day = date.fromisoformat(test.value)
        except ValueError:
            continue  # such a value equals no date: the predicate alone decides
        if test.condition in ("EQ", "GE", "GT"):
            first = max(first or day, day)
        if test.condition in ("EQ", "LE", "LT"):
            last = min(last or day, day)
    return first, last


def _by(column: str) -> Callable[[Row], tuple[int, Decimal, str]]:
    return lambda row: _sort_key(row.get(column, ""))


def _sort_key(value: Value) -> tuple[int, Decimal, str]:
    if isinstance(value, (int, Decimal)):
        return 0, Decimal(value), ""
    return 1, Decimal(0), value.isoformat() if isinstance(value, date) else value.casefold()


def _reply(
    tables: Tables, table: str, columns: list[str], order: list[str], rows: list[Row]
) -> Node:
    if tables.has_plain_stamps:
        rows = [{**row, "TimeStamp": _plain(str(row["TimeStamp"]))} for row in rows]
    header = [
        Node("TableName", table),
        Node("Columns", nodes(("Column", c) for c in columns)),
        Node("OrderBy", nodes(("Column", c) for c in order)),
    ]
    found = [Node("Row", [Node(c, shown(row.get(c, ""))) for c in columns]) for row in rows]
    count = Node("RowsReturned", f"{len(rows):8d}")
    # A custom form's table ends in a plus sign, which no element's name may have.
    root = table.replace("+", "_")
    return root_node(root, VERSION, [Node("HeaderDetails", header), *found, count])


def _plain(stamp: str) -> str:
    return f"{stamp_number(stamp) or 0:20d}"


def shown(value: Value) -> str:
    """Write a value as COMFND does: numbers right-justified with blanks, dates CCYY-MM-DD."""
    if isinstance(value, Decimal):
        decimals = -int(value.as_tuple().exponent)  # 5 of a price, 6 of a quantity
        return f"{value:16.{max(2, decimals)}f}"
    if isinstance(value, int):
        return f"{value:10d}"
    return value.isoformat() if isinstance(value, date) else value
