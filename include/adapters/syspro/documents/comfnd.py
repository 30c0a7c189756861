"""COMFND: rows of a SYSPRO table by conditions, and paging by key beyond ``ReturnRows``.

Source: reference, section 4.7 and the recorded call. SQL text is not accepted; every condition has
its own brackets, and conditions are joined by And. Alternatives stand last, in one pair of
brackets (that a pair may span expressions is inferred: who asks checks the rows again).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby
from xml.etree.ElementTree import Element as Tree  # to build; parsing is reply.py's

from include.adapters.syspro.documents.reply import (
    Unreadable,
    count,
    demand_no_problem,
    read_document,
)
from include.adapters.syspro.documents.schema import Choice, Document, Element, Group, Key, Whole
from include.domain.errors import Rejected

COMFND = Document(
    "COMFND",
    "Query",
    "COMFND.XSD",
    (
        Element("TableName", Key(60), is_required=True),
        Element("ReturnRows", Whole(maximum=99_999), is_required=True),
        Element("AllColumns", Choice("Y N"), is_required=True),
        Group("Columns", (Element("Column", Key(60), repeats=True),), is_required=False),
        Group(
            "Where",
            (
                Group(
                    "Expression",
                    (
                        Element("AndOr", Choice("And Or")),
                        Element("OpenBracket", Choice("(")),
                        Element("Column", Key(60), is_required=True),
                        Element("Condition", Choice("EQ NE GT GE LT LE LIKE"), is_required=True),
                        Element("Value", Key(255), is_required=True),
                        Element("CloseBracket", Choice(")")),
                    ),
                    repeats=True,
                ),
            ),
            is_required=False,
        ),
        Group("OrderBy", (Element("Column", Key(60), repeats=True),), is_required=False),
    ),
)

Row = Mapping[str, str]  # lower-case column -> stripped text
Condition = tuple[str, str, str]  # column, EQ NE GT GE LT LE LIKE, value


@dataclass(frozen=True, slots=True)
class Find:
    """One question to one table. No columns named means all of them."""

    table: str
    conditions: tuple[Condition, ...]
    columns: tuple[str, ...] = ()
    order_by: tuple[str, ...] = ()
    return_rows: int = 1000
    any_of: tuple[Condition, ...] = ()  # besides all conditions, at least one of these

    def build(self) -> str:
        expressions = [
            {
                **({"AndOr": "And"} if number else {}),
                "OpenBracket": "(",
                "Column": column,
                "Condition": condition,
                "Value": value,
                "CloseBracket": ")",
            }
            for number, (column, condition, value) in enumerate(self.conditions)
        ]
        last = len(self.any_of) - 1
        for number, (column, condition, value) in enumerate(self.any_of):
            joint = "Or" if number else "And" if self.conditions else None
            expressions.append(
                {
                    **({"AndOr": joint} if joint else {}),
                    **({} if number else {"OpenBracket": "("}),
                    "Column": column,
                    "Condition": condition,
                    "Value": value,
                    **({"CloseBracket": ")"} if number == last else {}),
                }
            )
        return COMFND.build(
            {
                "TableName": self.table,
                "ReturnRows": self.return_rows,
                "AllColumns": "N" if self.columns else "Y",
                "Columns": {"Column": self.columns} if self.columns else None,
                "Where": {"Expression": expressions} if expressions else None,
                "OrderBy": {"Column": self.order_by} if self.order_by else None,
            }
        )

    def parse(self, body: bytes) -> tuple[Row, ...]:
        """Read the rows.

        Raises:
            CallFailed, Unreadable: no such document, one that complains, or its row counter
                contradicts the rows.
        """
        tree = read_document(body, self.table)
        around = Tree(tree.tag)  # a row holds data, whatever its columns are called
        around.extend(part for part in tree if part.tag != "row")
        demand_no_problem(around)
        rows = tuple(
            {cell.tag: (cell.text or "").strip() for cell in row} for row in tree.findall("row")
        )
        if count(tree, "rowsreturned") != len(rows):
            raise Unreadable(f"{len(rows)} rows of {self.table}, but another RowsReturned")
        return rows


def find_all(
    ask: Callable[[Find], Sequence[Row]],
    find: Find,
    cursor: str,
    key: Sequence[str],
    *,
    is_confirmed: bool,
) -> Iterator[Row]:
    """Yield every row of ``find``, page by page, each once.

    The next page begins *at* the last ``cursor`` value seen, so that rows which share it are not
    lost; rows already given are recognized by ``key``. Where more share a value than a page holds,
    as the ``_CRD01`` of every customer does, these are paged by the next column of the key.

    Args:
        ask: sends one question.
        find: its order is replaced by the cursor's.
        cursor: the column to go by.
        key: columns that name a row, the cursor among them.
        is_confirmed: go on until a page brings nothing new; without this a page that had room,
            as far as can be known, is taken for the last one.

    Raises:
        Rejected: too many rows share all columns of the key, or the rows do not come in order;
            going on would lose some.
    """
    page, column, start, longest = replace(find, order_by=(cursor,)), cursor.lower(), "", 0
    given = _Given(key)
    while rows := ask(page):
        yield from given.fresh(rows)
        last, longest = rows[-1][column], max(longest, len(rows))
        if last != start:
            if not is_confirmed and has_room(find, len(rows), longest):
                return
            _demand_order([row[column] for row in rows], find.table)
            start, condition = last, "GE"
            given.forget_but(cursor, last)
        elif has_room(find, len(rows), longest):
            return
        else:
            yield from given.fresh(
                _sharing(ask, find, cursor, last, key, is_confirmed=is_confirmed)
            )
            start, condition = "", "GT"
        page = replace(page, conditions=(*find.conditions, (cursor, condition, last)))


class _Given:
    """The names of rows that were given, so that a page that overlaps another gives none twice."""

    def __init__(self, key: Sequence[str]) -> None:
        self._key = key
        self._names: set[tuple[str, ...]] = set()

    def fresh(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            name = tuple(row.get(part.lower(), "") for part in self._key)
            if name not in self._names:
                self._names.add(name)
                yield row

    def forget_but(self, column: str, value: str) -> None:
        """Keep the names of one value alone: the next page begins at it."""
        at = self._key.index(column)
        self._names = {name for name in self._names if name[at] == value}


_SMALLEST_CEILING = 100  # a server that gives fewer rows at once would be of no use to anybody


def has_room(find: Find, rows: int, longest: int = 0) -> bool:
    """Say whether a page held all there is: a server may give fewer rows than it is asked for.

    ``longest``: rows of the longest page of this server that is known.
    """
    return rows < min(find.return_rows, max(longest, _SMALLEST_CEILING))


def _sharing(
    ask: Callable[[Find], Sequence[Row]],
    find: Find,
    cursor: str,
    value: str,
    key: Sequence[str],
    *,
    is_confirmed: bool,
) -> Iterator[Row]:
    """Yield all rows that share a value of the cursor, by a column that no condition fixes."""
    fixed = {column for column, condition, _ in find.conditions if condition == "EQ"}
    free = [column for column in key if column not in {cursor, *fixed}]
    if not free:
        raise _endless(find, cursor, value)
    within = replace(find, conditions=(*find.conditions, (cursor, "EQ", value)))
    yield from find_all(ask, within, free[0], key, is_confirmed=is_confirmed)


def find_alike(ask: Callable[[Find], Sequence[Row]], find: Find, cursor: str) -> Iterator[Row]:
    """Yield every row of ``find``, page by page, though no columns may name one.

    A page begins with the last ``cursor`` value of the one before, whose rows were left for it. So
    were those of the same letters in another case right before them: a database that sees no case
    gives them again, and one that does is asked from the first of them on.

    Raises:
        Rejected: more rows share a value than a page holds, or they do not come in order.
    """
    page, column, start, longest = replace(find, order_by=(cursor,)), cursor.lower(), "", 0

    def low(row: Row) -> str:
        return row[column].casefold()

    while rows := ask(page):
        longest = max(longest, len(rows))
        if has_room(find, len(rows), longest):
            yield from rows
            return
        *before, alike = (list(group) for _, group in groupby(rows, low))
        if not before or alike[0][column] == start:
            raise _endless(find, cursor, rows[-1][column])
        _demand_order([row[column] for row in rows], find.table)
        yield from chain.from_iterable(before)
        start = alike[0][column]
        page = replace(page, conditions=(*find.conditions, (cursor, "GE", start)))


def _endless(find: Find, cursor: str, value: str) -> Rejected:
    return Rejected(
        f"a whole page of {find.table} shares {cursor} {value!r}",
        f"COMFND {find.table}",
        "Raise the connection's return_rows.",
    )


def _demand_order(values: Sequence[str], table: str) -> None:
    """Check the order where it is beyond doubt: digits of one length."""
    is_plain = all(value.isdigit() and len(value) == len(values[0]) for value in values)
    if is_plain and list(values) != sorted(values):
        raise Rejected(
            f"rows of {table} do not come in the order asked for",
            f"COMFND {table}",
            "Report it: pages cannot be followed at this site.",
        )
