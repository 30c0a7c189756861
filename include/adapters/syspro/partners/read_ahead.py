"""Rows that were read for many questions at once, so that each of these is not asked again."""

from collections.abc import Iterable, Sequence

from include.adapters.syspro.documents.comfnd import Find, Row


class ReadAhead:
    """Answers a question for one key of a table, where its rows have been read with others'.

    A key without a row is not answered: that alternatives may span expressions is inferred, so an
    absence is asked for by itself. Nor is a key in a case other than it was read in, or in two:
    whether a question sees case is the database's collation, which no source tells. Of a key that
    was read in one, the rows in any case are those that SYSPRO has for it.
    """

    def __init__(self) -> None:
        self._asked: dict[tuple[str, str, str], set[str]] = {}  # in which forms
        self._columns: dict[tuple[str, str], frozenset[str]] = {}
        self._rows: dict[tuple[str, str, str], list[Row]] = {}

    def keep(self, find: Find, rows: Iterable[Row]) -> None:
        """Keep the rows of a question whose alternatives are keys of one column."""
        column = find.any_of[0][0]
        self._columns[find.table, column] = frozenset(find.columns)
        for _, _, key in find.any_of:
            self._asked.setdefault((find.table, column, _key(key)), set()).add(key)
        for row in rows:
            name = (find.table, column, _key(row.get(column.lower(), "")))
            self._rows.setdefault(name, []).append(row)

    def answer(self, find: Find) -> Sequence[Row] | None:
        """Return what the question would be answered; ``None``: it must be asked."""
        if find.any_of or len(find.conditions) != 1:
            return None
        ((column, condition, value),) = find.conditions
        known = self._columns.get((find.table, column), frozenset())
        if condition != "EQ" or not find.columns or not known.issuperset(find.columns):
            return None
        name = find.table, column, _key(value)
        return self._rows.get(name) if self._asked.get(name) == {value} else None


def _key(value: str) -> str:
    return value.strip().casefold()
