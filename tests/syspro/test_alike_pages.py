"""Rows that no column names are read once each, whatever a database makes of case."""

from collections.abc import Callable
from itertools import combinations_with_replacement
from typing import Any

import pytest

from include.adapters.syspro.documents.comfnd import Find, Row, find_alike

PAGE = 4
ORDERS: dict[str, Callable[[str], Any]] = {
    "no case": str.casefold,
    "small before large": lambda value: (value.casefold(), value.swapcase()),
    "by code": str,
}


class Table:
    """Rows in a database's order, in which those that are the same to it change places."""

    def __init__(self, values: tuple[str, ...], order: Callable[[str], Any]) -> None:
        self.rows = [{"part": value, "no": str(number)} for number, value in enumerate(values)]
        self.order = order

    def __call__(self, find: Find) -> list[Row]:
        order, starts = self.order, [value for _, _, value in find.conditions]
        self.rows.reverse()
        found = [row for row in self.rows if all(order(row["part"]) >= order(at) for at in starts)]
        return sorted(found, key=lambda row: order(row["part"]))[: find.return_rows]


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_rows_are_given_once_where_a_page_ends_between_two_cases_of_a_value(
    order: Callable[[str], Any],
) -> None:
    read = 0
    for values in combinations_with_replacement("aAbBcC", 7):
        if any("".join(values).casefold().count(low) >= PAGE for low in "abc"):
            continue  # more than a page can show are refused
        rows = list(find_alike(Table(values, order), Find("T", (), return_rows=PAGE), "Part"))
        assert sorted(row["no"] for row in rows) == list("0123456"), (values, rows)
        read += 1
    assert read > 100
