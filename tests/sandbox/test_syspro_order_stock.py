"""What an order of the sandbox's SYSPRO does to stock, and its states."""

import pytest

from tests.sandbox.erp_documents import (
    import_parameters,
    items,
    order,
    stock_line,
)
from tests.sandbox.support import Wire, place, placed, status, texts


def stock_of(desk: Wire, code: str) -> dict[str, str]:
    (row,) = desk.rows("InvWarehouse", StockCode=code, Warehouse="MAIN")
    names = ("QtyOnHand", "QtyAllocated", "QtyOnBackOrder")
    return {name: str(int(float(row[name]))) for name in names}


def test_an_empty_delivery_load_breaks_the_object(desk: Wire) -> None:
    document = order(stock_line(DeliveryLoad=" ")).replace(
        "<DeliveryLoad> </DeliveryLoad>", "<DeliveryLoad/>"
    )
    answer = desk.post_bytes("SORTOI", document, import_parameters())
    assert answer.startswith(b"ERROR: ")
    assert desk.done("SORTOI A") == []


@pytest.mark.parametrize(
    ("action", "ships", "waits", "status"),
    [("F", 0, 3, "2"), ("A", 2, 1, "1"), ("B", 0, 3, "2")],
)
def test_allocation_ships_all_what_there_is_or_nothing(
    desk: Wire, action: str, ships: int, waits: int, status: str
) -> None:
    # COF-2006: two on hand, three wanted.
    place(desk, stock_line("COF-2006", "3"), switches={"AllocationAction": action})
    (line,) = desk.rows("SorDetail", SalesOrder="000000000015574")
    assert (float(line["MShipQty"]), float(line["MBackOrderQty"])) == (ships, waits)
    assert desk.rows("SorMaster", CustomerPoNumber="PO-1")[0]["OrderStatus"] == status
    expected = {"QtyOnHand": "2", "QtyAllocated": str(ships), "QtyOnBackOrder": str(waits)}
    assert stock_of(desk, "COF-2006") == expected


def test_two_lines_of_one_order_never_get_the_same_piece(desk: Wire) -> None:
    lines = (stock_line("COF-2006"), stock_line("COF-2006", CustomerPoLine="2"))
    place(desk, *lines)
    found = desk.rows("SorDetail", SalesOrder="000000000015574")
    assert [float(line["MShipQty"]) for line in found] == [2, 0]


def test_a_kit_waits_whatever_the_allocation_action(desk: Wire) -> None:
    reply = place(desk, stock_line("KIT-9001", "1", Price="59"), switches={"AllocationAction": "A"})
    assert "KIT-9001" in reply.findtext("Order/WarningMessages/WarningDescription")
    kit, *parts = desk.rows("SorDetail", SalesOrder="000000000015574")
    assert (kit["MBomFlag"], float(kit["MPrice"]), float(kit["MBackOrderQty"])) == ("P", 59, 1)
    found = [(x["MBomFlag"], x["MStockCode"], float(x["MOrderQty"])) for x in parts]
    assert found == [("C", "TEA-1001", 1), ("C", "CUP-4001", 2), ("C", "ACC-5002", 1)]
    assert {float(x["MPrice"]) for x in parts} == {0}
    assert stock_of(desk, "CUP-4001")["QtyOnBackOrder"] == "2"
    assert stock_of(desk, "KIT-9001") == {
        "QtyOnHand": "0",
        "QtyAllocated": "0",
        "QtyOnBackOrder": "0",
    }


def test_a_case_takes_twelve_pieces_and_an_unknown_unit_is_refused(desk: Wire) -> None:
    case = stock_line("ACC-5001", "3", OrderUom="CS", PriceUom="CS", Price="70.80")
    place(desk, case, switches={"AllocationAction": "A"})
    assert stock_of(desk, "ACC-5001")["QtyAllocated"] == "36"
    reply = place(desk, stock_line("ACC-5001", "3", OrderUom="PAL", PriceUom="PAL"), po="PO-2")
    assert any("PAL" in text for text in texts(reply))


def test_all_four_kinds_of_lines_make_the_value(desk: Wire) -> None:
    lines = (
        stock_line(LineDiscPercent1="10"),
        "<CommentLine><CustomerPoLine>2</CustomerPoLine><Comment>Ring</Comment></CommentLine>",
        "<MiscChargeLine><CustomerPoLine>3</CustomerPoLine><MiscChargeValue>-5.00"
        "</MiscChargeValue><MiscDescription>Voucher</MiscDescription></MiscChargeLine>",
        "<FreightLine><CustomerPoLine>4</CustomerPoLine><FreightValue>4.90</FreightValue>"
        "</FreightLine>",
    )
    number = placed(desk, *lines)
    # 2 * 14.50 less 10 % = 26.10; less 5.00; and 4.90 of freight.
    assert desk.done("SORTOI A")[0]["value"] == "26.00"
    reply = desk.query("SORQRY", f"<Query><Key><SalesOrder>{number}</SalesOrder></Key></Query>")
    parts = [line[0].tag for line in reply.findall("SalesOrderLine")]
    assert parts == ["Merchandise", "CommentLine", "MiscCharge", "Freight"]
    assert reply.findtext("SalesOrderLine/Merchandise/OrderLineValue").strip() == "26.10"
    assert reply.findtext("SalesOrder") == "015574"
    assert reply.findtext("OrderStatusDesc") == "Open order"


@pytest.mark.parametrize(
    ("price", "always", "booked"),
    [("", "Y", "14.50000"), ("14.00", "N", "14.50000"), ("14.00", "Y", "14.00000")],
)
def test_a_missing_price_and_one_that_need_not_be_used_are_taken_from_the_list(
    desk: Wire, price: str, always: str, booked: str
) -> None:
    entered = stock_line(Price=price, PriceUom="EA" if price else "")
    place(desk, entered, switches={"AlwaysUsePriceEntered": always})
    (line,) = desk.rows("SorDetail", SalesOrder="000000000015574")
    assert line["MPrice"] == booked


def test_a_change_moves_quantities_and_stock_and_clears_an_address(desk: Wire) -> None:
    number = placed(desk, stock_line("TEA-1006", "5", Price="29.50"), ShipAddress1="Old road")
    assert stock_of(desk, "TEA-1006")["QtyAllocated"] == "5"
    change = stock_line("TEA-1006", "3", LineActionType="C", Price="", PriceUom="", OrderUom="")
    new = stock_line("TEA-1001", "1", CustomerPoLine="2")
    document = order(change, new, OrderActionType="C", SalesOrder=number, ShipAddress1="{blank}")
    assert texts(desk.post("SORTOI", document, import_parameters())) == []
    assert stock_of(desk, "TEA-1006")["QtyAllocated"] == "3"
    (row,) = desk.rows("SorMaster", CustomerPoNumber="PO-1")
    assert row["ShipAddress1"] == ""
    lines = desk.rows("SorDetail", SalesOrder=number)
    assert [float(line["MOrderQty"]) for line in lines] == [3, 1]
    (customer,) = desk.rows("ArCustomer", Customer="C00001")
    assert customer["OutstOrdVal"] == "103.00"  # 3 * 29.50 + 14.50


def test_an_order_is_cancelled_by_import_and_gives_its_stock_back(desk: Wire) -> None:
    number = placed(desk, stock_line("TEA-1006", "5"))
    document = order(OrderActionType="D", SalesOrder=number, CancelReasonCode="FRAUD")
    desk.post("SORTOI", document, import_parameters())
    (row,) = desk.rows("SorMaster", CustomerPoNumber="PO-1")
    assert (row["OrderStatus"], row["CancelledFlag"]) == ("\\", "Y")
    assert stock_of(desk, "TEA-1006")["QtyAllocated"] == "0"
    assert len(desk.done("SORTOI D")) == 1


def test_an_order_is_held_and_released_with_an_authority(desk: Wire) -> None:
    number = placed(desk)
    reply = status(desk, number, "S", OrderStatus="1")
    assert reply.tag == "postsororderstatus"
    facts = {c.tag: c.text for c in reply.find("Item/Order")}
    assert facts == {"SalesOrder": "015574", "OrderStatus": "1", "NewOrderStatus": "S"}
    assert reply.findtext("StatusOfItems/ItemsProcessed") == "000001"
    assert status(desk, number, "1").find("Item/CreditAuthority/ErrorNumber") is not None
    status(desk, "15574", "1", CreditAuthority="DM")
    assert desk.rows("SorMaster", CustomerPoNumber="PO-1")[0]["OrderStatus"] == "1"
    assert [row["status"] for row in desk.done("SORTOS", reference="PO-1")] == ["S", "1"]


def test_the_given_status_guards_against_another(desk: Wire) -> None:
    number = placed(desk)
    reply = status(desk, number, "S", OrderStatus="8")
    text = reply.findtext("Item/OrderStatus/ErrorDescription")
    assert text == "Sales order '015574' has status '1' and not '8'"
    assert reply.findtext("StatusOfItems/ItemsInvalid") == "000001"
    assert desk.done("SORTOS") == []


def test_an_order_can_go_straight_into_suspense(desk: Wire) -> None:
    place(desk, switches={"OrderStatus": "S"})
    assert desk.rows("SorMaster", CustomerPoNumber="PO-1")[0]["OrderStatus"] == "S"


def test_cancelling_an_order_or_a_line_happens_once(desk: Wire) -> None:
    number = placed(desk, stock_line("TEA-1006", "5"), stock_line(CustomerPoLine="2"))
    cancel = items("PostSalesOrderCancel", {"SalesOrder": number, "SalesOrderLine": "1"})
    reply = desk.post("SORTOX", cancel)
    assert (reply.findtext("Item/Cancelled"), reply.findtext("Item/Completed")) == ("Y", "N")
    assert stock_of(desk, "TEA-1006")["QtyAllocated"] == "0"
    assert "complete" in texts(desk.post("SORTOX", cancel))[0]
    whole = items("PostSalesOrderCancel", {"SalesOrder": number})
    assert texts(desk.post("SORTOX", whole)) == []
    assert texts(desk.post("SORTOX", whole)) == ["Sales order '015574' has status '\\'"]
    assert len(desk.done("SORTOX", reference="PO-1")) == 2


def test_a_back_order_is_released_when_stock_comes(desk: Wire) -> None:
    number = placed(desk, stock_line("TEA-1014", "4"))
    release = items(
        "PostSorBackOrderRelease", {"SalesOrder": number, "StockCode": "TEA-1014", "Quantity": "4"}
    )
    assert "insufficient stock" in texts(desk.post("SORTBO", release))[0]
    desk.clerk("stock", stock_code="TEA-1014", quantity="10")
    reply = desk.post("SORTBO", release)
    assert reply.findtext("Item/Key/SalesOrderLine") == "0001"
    assert desk.rows("SorMaster", CustomerPoNumber="PO-1")[0]["OrderStatus"] == "3"
    expected = {"QtyOnHand": "10", "QtyAllocated": "4", "QtyOnBackOrder": "0"}
    assert stock_of(desk, "TEA-1014") == expected
