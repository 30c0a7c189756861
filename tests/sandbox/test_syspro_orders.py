"""Sales orders over HTTP: SORTOI and its manners, status, cancelling, stock (reference 4.1)."""

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

Wire = Any


def place(desk: Wire, *lines: str, switches: Any = None, **heads: Any) -> Any:
    return desk.post("SORTOI", order(*lines, **heads), import_parameters(**(switches or {})))


def placed(desk: Wire, *lines: str, **heads: Any) -> str:
    """Place an order and return its number, read back as a client has to."""
    place(desk, *lines, **heads)
    (row,) = desk.rows("SorMaster", CustomerPoNumber=heads.get("po", "PO-1"))
    return str(row["SalesOrder"])


def texts(reply: Any) -> list[str]:
    return [found.text or "" for found in reply.iter("ErrorDescription")]


def stock_of(desk: Wire, code: str) -> dict[str, str]:
    (row,) = desk.rows("InvWarehouse", StockCode=code, Warehouse="MAIN")
    names = ("QtyOnHand", "QtyAllocated", "QtyOnBackOrder")
    return {name: str(int(float(row[name]))) for name in names}


def test_a_clean_import_answers_with_counters_only_and_the_order_exists(desk: Wire) -> None:
    reply = place(desk)
    assert reply.tag == "SalesOrders"
    assert [part.tag for part in reply] == ["StatusOfItems"]
    assert {c.tag: c.text for c in reply[0]} == {
        "ItemsProcessed": "000001",
        "ItemsRejectedWithWarnings": "000000",
        "ItemsProcessedWithWarnings": "000000",
    }
    (row,) = desk.rows("SorMaster", CustomerPoNumber="PO-1")
    assert row["SalesOrder"] == "000000000015574"
    assert (row["OrderStatus"], row["Branch"], row["Currency"]) == ("1", "10", "USD")
    (done,) = desk.done("SORTOI A", reference="PO-1")
    assert (done["sales_order"], done["value"]) == ("015574", "29.00")


def test_a_site_can_show_the_number_on_a_clean_import_too(desk: Wire) -> None:
    desk.control("POST", "syspro", {"order_number_shown": True})
    assert place(desk).findtext("Order/SalesOrder") == "015574"


def test_a_warning_brings_the_number_back_plain_and_padded(desk: Wire) -> None:
    reply = place(desk, stock_line("TEA-1014"))
    assert reply.findtext("Order/SalesOrder") == "015574"
    comment = reply.findtext("Order/BackOrderComment")
    assert comment.endswith("back order for order '000000000015574'")
    warning = reply.findtext("Order/WarningMessages/WarningDescription")
    assert warning == "Line 0001 for stock code 'TEA-1014' was placed on back order"
    assert reply.findtext("StatusOfItems/ItemsProcessedWithWarnings") == "000001"
    assert desk.rows("SorMaster", CustomerPoNumber="PO-1")[0]["OrderStatus"] == "2"


@pytest.mark.parametrize(("mode", "rejected", "count"), [("N", "000001", 0), ("Y", "000000", 1)])
def test_warnings_refuse_the_order_or_are_ignored_as_asked(
    desk: Wire, mode: str, rejected: str, count: int
) -> None:
    reply = place(desk, stock_line("TEA-1014"), switches={"IgnoreWarnings": mode})
    assert reply.findtext("StatusOfItems/ItemsRejectedWithWarnings") == rejected
    assert reply.findtext("Order/SalesOrder") in (None, "")
    assert len(desk.rows("SorMaster", CustomerPoNumber="PO-1")) == count


def test_a_refused_document_comes_back_whole_with_the_error_in_its_part(desk: Wire) -> None:
    reply = place(desk, stock_line(Price="6.581666666666667"))
    assert reply.find("Order") is None
    assert reply.findtext("Orders/OrderHeader/CustomerPoNumber") == "PO-1"
    line = reply.find("Orders/OrderDetails/StockLine")
    assert line.findtext("Price") == "6.581666666666667"
    text = line.findtext("ErrorMessages/ErrorDescription")
    assert text == "XML element 'price' must be numeric"
    assert reply.findtext("StatusOfItems/ItemsProcessed") == "000001"
    assert desk.rows("SorMaster", CustomerPoNumber="PO-1") == []
    assert desk.done("SORTOI A") == []


def test_the_other_refusal_is_an_order_with_an_empty_number(desk: Wire) -> None:
    desk.control("POST", "syspro", {"sortoi_refusal": "empty_number"})
    reply = place(desk, stock_line("NOT-THERE"))
    assert reply.find("Order/SalesOrder").text is None
    assert texts(reply) == []
    assert reply.findtext("StatusOfItems/ItemsRejectedWithWarnings") == "000001"


@pytest.mark.parametrize(
    ("switch", "count"), [("N", 1), ("Y", 2), ("A", 2)], ids=["refused", "allowed", "not tested"]
)
def test_a_second_order_under_one_number_of_a_customer(desk: Wire, switch: str, count: int) -> None:
    switches = {"AllowDuplicateOrderNumbers": switch}
    place(desk, switches=switches)
    reply = place(desk, switches=switches)
    assert len(desk.rows("SorMaster", CustomerPoNumber="PO-1")) == count
    if switch == "N":
        assert texts(reply) == [
            "Customer purchase order 'PO-1' already exists on sales order '015574'"
        ]
    place(desk, customer="C00002", switches=switches)
    assert len(desk.rows("SorMaster", CustomerPoNumber="PO-1")) == count + 1


def test_the_companys_own_duplicate_option_yields_to_a_only(desk: Wire) -> None:
    desk.control("POST", "syspro", {"duplicate_po": "reject"})
    for switch, count in (("Y", 1), ("Y", 1), ("A", 2)):
        place(desk, switches={"AllowDuplicateOrderNumbers": switch})
        assert len(desk.rows("SorMaster", CustomerPoNumber="PO-1")) == count


def test_the_misread_switch_only_asks_that_a_number_is_there(desk: Wire) -> None:
    reply = place(desk, po="")
    assert texts(reply) == ["Customer purchase order number must be entered"]
    place(desk, po="", switches={"CheckForCustomerPoNumbers": "N"})
    assert len(desk.done("SORTOI A")) == 1


def test_validation_writes_nothing_and_says_how_it_went(desk: Wire) -> None:
    for line, status in ((stock_line(), "Successful"), (stock_line("NONE"), "Failed")):
        reply = place(desk, line, switches={"Process": "VALIDATE"})
        assert reply.findtext("ValidationStatus/Status") == status
    assert desk.rows("SorMaster", CustomerPoNumber="PO-1") == []


def test_a_customer_on_hold_is_refused_unless_the_parameter_warns(desk: Wire) -> None:
    reply = place(desk, customer="C90001")
    assert texts(reply) == ["Customer 'C90001' is on hold"]
    reply = place(desk, customer="C90001", switches={"WarnIfCustomerOnHold": "Y"})
    warning = reply.findtext("Order/WarningMessages/WarningDescription")
    assert warning == "Customer 'C90001' is on hold"


def test_a_failed_credit_check_answers_with_the_callers_own_text(desk: Wire) -> None:
    # C90002 may owe 10.00; two at 14.50 are 29.00.
    switches = {"CreditFailMessage": "No credit today"}
    assert texts(place(desk, customer="C90002", switches=switches)) == ["No credit today"]
    assert texts(place(desk, customer="C90004")) == ["Customer 'C90004' failed the credit check"]
    accept = {**switches, "AcceptOrdersIfNoCredit": "Y"}
    reply = place(desk, customer="C90002", switches=accept)
    assert reply.findtext("Order/WarningMessages/WarningDescription") == "No credit today"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"OrderQty": ""}, "XML element '{StockLine}{OrderQty}' cannot be spaces"),
        ({"OrderUom": ""}, "XML element '{StockLine}{OrderUom}' cannot be spaces"),
        ({"PriceUom": ""}, "XML element '{StockLine}{PriceUom}' cannot be spaces"),
        ({"OrderUom": "BOX"}, "'BOX' is not allowed in XML element 'OrderUom'"),
        ({"OrderQty": "0"}, "XML element 'OrderQty' cannot be zero"),
        ({"OrderQty": "-1"}, "XML element 'OrderQty' cannot be negative"),
        ({"OrderQty": "1.1234567"}, "XML element 'orderqty' must be numeric"),
        ({"OrderQty": "1e3"}, "XML element 'orderqty' must be numeric"),
        ({"Price": "12345678901.00"}, "XML element 'price' must be numeric"),
        ({"Price": "0"}, "Stock code 'TEA-1001' has a zero price"),
        ({"CustomerPoLine": "10000"}, "'10000' is not allowed in XML element 'CustomerPoLine'"),
        ({"StockCode": "1004"}, "Stock code '1004' not found"),
        ({"Warehouse": "WEST"}, "Stock code 'TEA-1001' not stocked in warehouse WEST"),
        ({"UserDefined": "FIVE5"}, "XML element 'UserDefined' is longer than 4 characters"),
    ],
)
def test_a_line_is_held_to_its_elements(desk: Wire, changes: dict[str, str], text: str) -> None:
    reply = place(desk, stock_line(**changes))
    assert texts(reply) == [text]
    assert reply.find("Orders/OrderDetails/StockLine/ErrorMessages") is not None


@pytest.mark.parametrize(
    ("heads", "text"),
    [
        ({"customer": "NOBODY"}, "Customer 'NOBODY' not found"),
        ({"po": "P" * 31}, "XML element 'CustomerPoNumber' is longer than 30 characters"),
        ({"ShipAddress1": "S" * 41}, "XML element 'ShipAddress1' is longer than 40 characters"),
        ({"Currency": "EUR"}, "Currency 'EUR' is not the currency 'USD' of customer 'C00001'"),
        ({"Branch": "99"}, "Branch '99' not found on file"),
        ({"AlternateReference": "free"}, "AlternateReference 'free' not found on file"),
    ],
)
def test_a_header_is_held_to_its_elements(desk: Wire, heads: dict[str, str], text: str) -> None:
    reply = place(desk, **heads)
    assert texts(reply) == [text]
    assert reply.find("Orders/OrderHeader/ErrorMessages") is not None


def test_mistyped_elements_and_tax_codes_are_dropped_in_silence(desk: Wire) -> None:
    place(desk, stock_line(StockTaxCode="Z", LineComent="lost"), ShipingInstrs="lost")
    (line,) = desk.rows("SorDetail", SalesOrder="000000000015574")
    assert line["MTaxCode"] == "A"
    desk.control("POST", "syspro", {"line_tax_changeable": True})
    place(desk, stock_line(StockTaxCode="Z"), po="PO-2")
    (line,) = desk.rows("SorDetail", SalesOrder="000000000015575")
    assert line["MTaxCode"] == "Z"


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


def test_a_missing_price_is_taken_from_the_list(desk: Wire) -> None:
    place(desk, stock_line(Price="", PriceUom=""))
    (line,) = desk.rows("SorDetail", SalesOrder="000000000015574")
    assert line["MPrice"] == "14.50000"


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


def status(desk: Wire, number: str, wanted: str, **more: str) -> Any:
    facts = {"SalesOrder": number, "NewOrderStatus": wanted, **more}
    return desk.post("SORTOS", items("PostSorOrderStatus", facts))


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
