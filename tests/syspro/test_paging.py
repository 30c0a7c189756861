"""Tables are read page by page: every row once, whatever the server's ceiling."""

import pytest

from include.adapters.syspro.documents.comfnd import Find, Row, find_all
from include.domain.errors import Rejected


class Table:
    """Rows in order, served as COMFND would, with a ceiling of its own."""

    def __init__(self, keys: list[tuple[str, str]], ceiling: int = 10_000) -> None:
        self.keys, self.ceiling, self.asked = keys, ceiling, 0

    def __call__(self, find: Find) -> list[Row]:
        self.asked += 1
        ops = {"GE": str.__ge__, "GT": str.__gt__, "EQ": str.__eq__}
        tests = [(column.lower(), ops[op], value) for column, op, value in find.conditions]
        found = [
            row
            for row in ({"a": a, "b": b} for a, b in self.keys)
            if all(op(row[column], value) for column, op, value in tests)
        ]
        return found[: min(find.return_rows, self.ceiling)]


def everything(table: Table, return_rows: int, *, is_confirmed: bool = True) -> list[Row]:
    find = Find("T", (), ("A", "B"), return_rows=return_rows)
    return list(find_all(table, find, "A", ("A", "B"), is_confirmed=is_confirmed))


def test_pages_give_every_row_once_even_where_rows_share_the_cursor() -> None:
    keys = [("1", "x"), ("2", "x"), ("2", "y"), ("2", "z"), ("3", "x"), ("4", "x")]
    assert [(row["a"], row["b"]) for row in everything(Table(keys), 4)] == keys


def test_a_server_that_gives_fewer_rows_than_asked_for_loses_none() -> None:
    keys = [(f"{number:04d}", "x") for number in range(1000)]
    assert len(everything(Table(keys, ceiling=150), 5000)) == 1000


def test_a_short_page_ends_a_small_read_without_another_call() -> None:
    table = Table([("1", "x"), ("2", "x")])
    assert len(everything(table, 10, is_confirmed=False)) == 2
    assert table.asked == 1


@pytest.mark.parametrize("shared", [4, 5, 9, 12])
def test_more_rows_of_one_cursor_value_than_a_page_holds_are_paged_by_the_next_column(
    shared: int,
) -> None:
    keys = [("0", "x"), *(("1", f"{number:02d}") for number in range(shared)), ("2", "x")]
    assert [(row["a"], row["b"]) for row in everything(Table(keys), 4)] == keys


def test_a_whole_page_that_shares_the_whole_key_is_refused_and_not_cut() -> None:
    with pytest.raises(Rejected, match="a whole page of T shares B 'x'"):
        everything(Table([("1", "x")] * 5), 4)


def test_rows_out_of_order_are_refused() -> None:
    with pytest.raises(Rejected, match="order"):
        everything(Table([("2", "x"), ("1", "x")]), 4)


def test_an_empty_table_is_no_row() -> None:
    assert everything(Table([]), 4) == []
