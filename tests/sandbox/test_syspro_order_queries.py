"""Orders and stock of the sandbox's SYSPRO as queries show them, faults included."""

import time
from typing import Any

import pytest

from tests.sandbox.erp_documents import (
    elements,
    import_parameters,
    items,
    order,
    stock_line,
)
from tests.sandbox.support import Wire, place, placed, status, texts


def test_the_list_of_orders_obeys_its_filters(desk: Wire) -> None:
    for number in (1, 2, 3):
        placed(desk, po=f"PO-{number}", customer=f"C0000{number}")
    filters = '<CustomerPo FilterType="L" FilterValue="PO-1,PO-3"/>'
    reply = desk.query("SORQSO", f"<Query><Filter>{filters}</Filter></Query>")
    numbers = [item.findtext("SalesOrder") for item in reply.findall("SalesOrderItem")]
    assert numbers == ["015574", "015576"]
    day = '<OrderDate FilterType="R" FilterValue="2026-11-03,2026-11-03"/>'
    completed = "<Option><IncludeCompletedOrders>Y</IncludeCompletedOrders></Option>"
    query = f"<Query>{{}}<Filter>{day}</Filter></Query>"
    assert len(desk.query("SORQSO", query.format("")).findall("SalesOrderItem")) == 3
    assert len(desk.query("SORQSO", query.format(completed)).findall("SalesOrderItem")) > 3


def test_the_stock_query_shows_warehouses_and_obeys_its_filter(desk: Wire) -> None:
    placed(desk, stock_line("TEA-1006", "5"))
    key = "<Key><StockCode>TEA-1006</StockCode></Key>"
    reply = desk.query("INVQRY", f"<Query>{key}</Query>")
    assert [w.findtext("Warehouse") for w in reply.findall("WarehouseItem")] == ["EAST", "MAIN"]
    assert reply.findtext("WarehouseItem[2]/QtyOnHand") == "           12.000000"
    assert reply.findtext("WarehouseItem[2]/AvailableQty") == "            7.000000"
    chosen = '<Filter><Warehouse FilterType="L" FilterValue="MAIN"/></Filter>'
    assert len(desk.query("INVQRY", f"<Query>{key}{chosen}</Query>").findall("WarehouseItem")) == 1
    mistyped = chosen.replace("<Warehouse", "<WarehouseFilter")
    reply = desk.query("INVQRY", f"<Query>{key}{mistyped}</Query>")
    assert len(reply.findall("WarehouseItem")) == 2


def test_an_unknown_stock_code_is_an_error_text(desk: Wire) -> None:
    xml = "<Query><Key><StockCode>1004</StockCode></Key></Query>"
    answer = desk.get("Query/Query", UserId=desk.user, BusinessObject="INVQRY", XmlIn=xml)
    assert answer == b"ERROR: Stock code '1004' not found"


def test_a_fault_can_strike_an_orders_import_only(desk: Wire) -> None:
    desk.spoil("drop_after_commit", match="SORTOI A")
    with pytest.raises(ConnectionError):
        place(desk)
    assert len(desk.done("SORTOI A", reference="PO-1")) == 1
    assert len(desk.rows("SorMaster", CustomerPoNumber="PO-1")) == 1


def test_a_late_call_does_not_survive_a_reset(desk: Wire) -> None:
    desk.spoil("late_commit", match="SORTOI A", seconds=0.2)
    with pytest.raises(ConnectionError):
        place(desk)
    desk.control("POST", "reset")
    time.sleep(0.4)
    desk.log_on()
    assert desk.rows("SorMaster", CustomerPoNumber="PO-1") == []


def test_a_long_order_goes_by_post_ld_and_reset_forgets_it(desk: Wire) -> None:
    lines = "".join(stock_line(CustomerPoLine=str(n), Price="1.00") for n in range(1, 501))
    body = (
        f'<TransactionPostLD xmlns="http://SYSPROWcfService"><UserId>{desk.user}</UserId>'
        f"<BusinessObject>SORTOI</BusinessObject><XmlParameters><![CDATA[{import_parameters()}]]>"
        f"</XmlParameters><XmlIn><![CDATA[{order(lines)}]]></XmlIn></TransactionPostLD>"
    )
    path = "/SYSPROWCFService/Rest/Transaction/PostLD"
    desk.raw("POST", path, body.encode(), {"Content-Type": "application/xml"})
    assert desk.done("SORTOI A")[0]["value"] == "1000.00"
    desk.control("POST", "reset")
    desk.log_on()
    assert desk.rows("SorMaster", CustomerPoNumber="PO-1") == []


def test_a_poll_by_row_version_sees_each_change_once(desk: Wire) -> None:
    def after(cursor: str) -> list[tuple[str, str, str]]:
        where = (
            "<Where><Expression><Column>TimeStamp</Column><Condition>GT</Condition>"
            f"<Value>{cursor}</Value></Expression></Where>"
        )
        query = f"<Query><TableName>SorMaster</TableName>{where}</Query>"
        names = ("CustomerPoNumber", "OrderStatus", "TimeStamp")
        rows = desk.query("COMFND", query).findall("Row")
        return [(r.findtext(names[0]), r.findtext(names[1]), r.findtext(names[2])) for r in rows]

    number = placed(desk)
    placed(desk, po="PO-2")
    (generated,) = desk.rows("SorMaster", OrderDate="2026-10-01")[:1]
    live = desk.rows("SorMaster", CustomerPoNumber="PO-1")[0]["TimeStamp"]
    assert generated["TimeStamp"] < live
    assert [row[0] for row in after(live)] == ["PO-2"]
    status(desk, number, "S")
    assert [row[:2] for row in after(live)] == [("PO-2", "1"), ("PO-1", "S")]
    assert after(after(live)[-1][2]) == []


def test_a_poll_makes_no_days_of_the_world(desk: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    world = desk.sandbox.world
    made: list[Any] = []
    place(desk)
    stamp = desk.rows("SorMaster", CustomerPoNumber="PO-1")[0]["TimeStamp"]
    (reference,) = {
        r["CustomerPoNumber"] for r in desk.rows("SorMaster", OrderDate="2026-10-05")[:1]
    }
    generate = world.erp_day

    def counted(company: str, day: Any) -> Any:
        made.append(day)
        return generate(company, day)

    monkeypatch.setattr(world, "erp_day", counted)
    desk.rows("ArInvoice", CustomerPoNumber="PO-1")
    desk.rows("SorMaster", TimeStamp=stamp)
    desk.rows("ArInvoice", TimeStamp=stamp)
    assert made == []
    desk.rows("ArInvoice", CustomerPoNumber=reference)
    # The order's own day is known already; its credit note is up to fifteen days younger.
    assert len(made) == 15


def test_several_numbers_are_asked_for_in_one_query(desk: Wire) -> None:
    for number in (1, 2, 3):
        place(desk, po=f"PO-{number}")
    parts = "".join(
        f"<Expression><AndOr>Or</AndOr><Column>CustomerPoNumber</Column><Condition>EQ</Condition>"
        f"<Value>{value}</Value></Expression>"
        for value in ("po-3 ", "PO-1", "PO-9")
    )
    query = f"<Query><TableName>SorMaster</TableName><Where>{parts}</Where></Query>"
    rows = desk.query("COMFND", query).findall("Row")
    assert [row.findtext("CustomerPoNumber") for row in rows] == ["PO-3", "PO-1"]


def test_generated_orders_are_found_by_number_and_reference(desk: Wire) -> None:
    generated = desk.rows("SorMaster", OrderDate="2026-10-07")[0]
    for column in ("CustomerPoNumber", "SalesOrder"):
        assert desk.rows("SorMaster", **{column: generated[column]}) == [generated]
    number = generated["SalesOrder"]
    reply = desk.query("SORQRY", f"<Query><Key><SalesOrder>{number}</SalesOrder></Key></Query>")
    assert reply.findtext("OrderStatusDesc") == "Complete"
    cancel = items("PostSalesOrderCancel", {"SalesOrder": number})
    assert "has status '9'" in texts(desk.post("SORTOX", cancel))[0]


def test_parameters_may_stand_without_the_objects_root(desk: Wire) -> None:
    alone = f"<Parameters>{elements({'Process': 'VALIDATE'})}</Parameters>"
    assert desk.post("SORTOI", order(), alone).find("ValidationStatus") is not None
