"""Where a poll begins, how far it goes, and where the next one begins."""

from typing import Any

import pytest

from include.adapters.store.engine import open_store
from include.adapters.store.watermarks import SqlWatermarks
from include.domain.erp_orders import ErpOrder
from include.domain.errors import Rejected
from include.services.sync.ports import marked, read_on
from tests.syspro.support import Make
from tests.syspro.support_orders import asked, orders


def _cursor(row: ErpOrder) -> str:
    return row.cursor


@pytest.mark.parametrize(
    ("cursor", "sent"),
    [
        ("0x0000010000000010", "0x000000FFFFFFFFAC"),
        ("0x0000000000000010", "0x0000000000000000"),
        ("00000000000000000200", "00000000000000000100"),
    ],
)
def test_a_poll_asks_somewhat_before_its_cursor_in_the_form_it_came_in(
    fake: Any, make_adapter: Make, cursor: str, sent: str
) -> None:
    fake.on("query COMFND", orders())
    assert make_adapter(poll_overlap_rows=100).orders.orders_since(cursor) == ()
    condition = f"<Column>TimeStamp</Column><Condition>GT</Condition><Value>{sent}</Value>"
    assert condition in asked(fake)
    assert "<OrderBy><Column>TimeStamp</Column></OrderBy>" in asked(fake)


def test_a_first_poll_begins_at_a_date_and_goes_on_by_row_version(
    fake: Any, make_adapter: Make
) -> None:
    fake.on("query COMFND", orders({"SalesOrder": "7", "TimeStamp": "0x0000000000000200"}))
    (found,) = make_adapter(poll_overlap_days=3).orders.orders_since("2026-11-03")
    assert (found.cursor, found.sales_order) == ("0x0000000000000200", "7")
    first = asked(fake, 0)
    assert "<Column>OrderDate</Column><Condition>GE</Condition><Value>2026-10-31</Value>" in first


@pytest.mark.parametrize("shown", ["{:>20d}", "{}", "0x{:X}"])
def test_a_row_version_that_gains_a_digit_moves_the_watermark_on(
    fake: Any, make_adapter: Make, migrated_sqlite: str, shown: str
) -> None:
    marks = SqlWatermarks(open_store(migrated_sqlite))
    feed = make_adapter(poll_overlap_rows=0).orders.orders_since
    base = 0xFFFE if "X" in shown else 9998
    for newest in range(base, base + 4):
        row = {"SalesOrder": str(newest), "TimeStamp": shown.format(newest)}
        fake.on("query COMFND", orders(row), orders(row), orders())
        read = read_on(marks, "o", feed, _cursor, marked(marks, ""))
        assert [one.sales_order for one in read] == [str(newest)]
        assert int(marks.get("o"), 16 if "X" in shown else 10) == newest


def test_rows_of_the_overlap_do_not_use_up_the_limit(fake: Any, make_adapter: Make) -> None:
    rows = [{"SalesOrder": str(n), "TimeStamp": f"0x{n:016X}"} for n in range(1, 7)]
    fake.on("query COMFND", orders(*rows))
    found = make_adapter().orders.orders_since(f"0x{4:016X}", limit=1)
    assert [one.sales_order for one in found] == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("cursor", ["yesterday", "0x", "2026-11", "-5"])
def test_what_is_no_cursor_is_refused(make_adapter: Make, cursor: str) -> None:
    with pytest.raises(Rejected, match="is no cursor"):
        make_adapter().orders.orders_since(cursor)


def test_a_row_version_is_no_cursor_of_a_poll_by_date(make_adapter: Make) -> None:
    with pytest.raises(Rejected, match="poll by date"):
        make_adapter(poll_by="date").orders.orders_since("0x0000000000000010")


def test_a_poll_by_date_gives_whole_days_oldest_first(fake: Any, make_adapter: Make) -> None:
    days = {"1": "2026-11-05", "2": "2026-11-03", "3": "2026-11-04", "4": "2026-11-04"}
    rows = [{"SalesOrder": n, "OrderDate": day} for n, day in days.items()]
    fake.on("query COMFND", orders(*rows), orders(rows[-1]))
    reader = make_adapter(poll_by="date").orders
    found = reader.orders_since("2026-11-03", limit=2)
    assert [one.sales_order for one in found] == ["2", "3", "4"]
    assert found[-1].cursor == "2026-11-04"
    fake.on("query COMFND", orders(*rows), orders(rows[-1]))
    one_day = reader.orders_since("2026-11-03", limit=1)  # 4 November alone exceeds the limit
    assert {one.cursor for one in one_day} >= {"2026-11-03", "2026-11-04"}


def test_dispatch_notes_without_a_date_cannot_be_polled_from_one(make_adapter: Make) -> None:
    reader = make_adapter(shipment_date_column="none").orders
    with pytest.raises(Rejected, match="is not dated"):
        reader.shipments_since("2026-11-03")
