"""The sandbox's SORTOI: what an import takes, warns of and refuses."""

import pytest

from tests.sandbox.erp_documents import (
    stock_line,
)
from tests.sandbox.support import Wire, place, texts


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
    assert texts(place(desk, customer="C90004")) == [""]  # who brings no words is told none
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
