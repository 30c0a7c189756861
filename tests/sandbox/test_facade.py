"""The synthetic JSON facade writes into the same books as e.net."""

import base64
import json
from typing import Any

Wire = Any
BASE = "/APIServices"
GOOD = "TIEOUT_A:sandbox-A"


def call(
    wire: Wire, method: str, path: str, body: object = None, credentials: str = GOOD
) -> tuple[int, Any]:
    token = base64.b64encode(credentials.encode()).decode()
    data = json.dumps(body).encode() if body is not None else b""
    headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
    status, _, answer = wire.raw(method, f"{BASE}/{path}", data, headers)
    return status, json.loads(answer)


def entry(**changes: object) -> dict[str, object]:
    return {
        "CompanyId": "A",
        "JournalReference": "TO9",
        "JournalDate": "2026-11-03",
        "PostingYear": 2026,
        "PostingPeriod": 11,
        "Lines": [
            {"LedgerCode": "1160", "Amount": "10.00", "Reference": "TO9"},
            {"LedgerCode": "1150", "Amount": "-10.00", "Reference": "TO9"},
        ],
        **changes,
    }


def test_a_journal_entry_is_added_and_read_back(wire: Wire) -> None:
    status, answer = call(wire, "POST", "GLJournalService/AddJournalEntry", entry())
    assert status == 200
    assert answer["Success"] is True
    assert (answer["GlYear"], answer["GlPeriod"], answer["GlJournal"]) == ("2026", "11", "00117")
    path = "GLJournalService/GetJournalEntries?CompanyId=A&JournalReference=TO9"
    (journal,) = call(wire, "GET", path)[1]["Journals"]
    assert journal["DebitAmount"] == "10.00"
    assert [line["Amount"] for line in journal["Lines"]] == ["10.00", "-10.00"]
    assert wire.executed() == 1


def test_e_net_sees_what_the_facade_posted(wire: Wire) -> None:
    call(wire, "POST", "GLJournalService/AddJournalEntry", entry())
    root = wire.query("COMFND", "<Query><TableName>GenJournalCtl</TableName></Query>")
    assert root.findtext("Row/Reference") == "TO9"


def test_a_refusal_names_field_code_and_message(wire: Wire) -> None:
    body = entry(PostingPeriod=8)
    status, answer = call(wire, "POST", "GLJournalService/AddJournalEntry", body)
    assert status == 200
    assert answer["Success"] is False
    (error,) = answer["Errors"]
    assert error["Field"] == "PostingPeriod"
    assert error["Message"] == "Posting period '8' of year '2026' is closed"


def test_an_invoice_is_added_once(wire: Wire) -> None:
    body = {
        "CompanyId": "A",
        "Supplier": "ACQ001",
        "Invoice": "ST-7",
        "InvoiceDate": "2026-11-02",
        "TransactionValue": "22.02",
        "Lines": [{"LedgerCode": "6150", "Amount": "22.02"}],
    }
    path = "APInvoiceService/AddAPInvoice"
    assert call(wire, "POST", path, body)[1]["Success"] is True
    again = call(wire, "POST", path, body)[1]
    assert again["Errors"][0]["Code"] == "120001"
    path = "APInvoiceService/GetAPInvoice?CompanyId=A&Supplier=ACQ001&Invoice=ST-7"
    (invoice,) = call(wire, "GET", path)[1]["Invoices"]
    assert invoice["TransactionValue"] == "22.02"


def test_wrong_credentials_and_broken_bodies_are_refused(wire: Wire) -> None:
    path = "GLJournalService/AddJournalEntry"
    assert call(wire, "POST", path, entry(), "TIEOUT_A:no")[0] == 401
    assert call(wire, "POST", path, ["a list"])[0] == 400
    assert call(wire, "POST", path, entry(CompanyId="B"))[0] == 400
    float_amount = entry(Lines=[{"LedgerCode": "1160", "Amount": 10.1}])
    assert call(wire, "POST", path, float_amount)[0] == 400
    assert call(wire, "GET", path)[0] == 405
    assert wire.executed() == 0


def sales_order(**changes: object) -> dict[str, object]:
    return {
        "CompanyId": "A",
        "Customer": "C00001",
        "CustomerPoNumber": "PO-1",
        "OrderDate": "2026-11-03",
        "Lines": [
            {"StockCode": "TEA-1001", "Quantity": "2", "UnitOfMeasure": "EA", "Price": "14.50"},
            {"FreightValue": "4.90"},
            {"Comment": "Ring twice"},
        ],
        **changes,
    }


def test_an_order_is_added_with_its_number_and_read_back(desk: Wire) -> None:
    path = "SalesOrderService/AddSalesOrder"
    answer = call(desk, "POST", path, sales_order())[1]
    assert answer == {"Success": True, "SalesOrder": "015574", "OrderStatus": "1", "Warnings": []}
    again = call(desk, "POST", path, sales_order())[1]
    assert "already exists" in again["Errors"][0]["Message"]
    path = "SalesOrderService/GetSalesOrder?CompanyId=A&CustomerPoNumber=PO-1"
    (found,) = call(desk, "GET", path)[1]["Orders"]
    assert (found["SalesOrder"], found["Customer"]) == ("015574", "C00001")
    assert found["Lines"][0]["Quantity"] == "2.000000"
    assert len(desk.done("SORTOI A", reference="PO-1")) == 1


def test_an_order_is_held_released_and_cancelled(desk: Wire) -> None:
    call(desk, "POST", "SalesOrderService/AddSalesOrder", sales_order())
    for action, more, status in (
        ("Hold", {}, "S"),
        ("Release", {"Authority": "DM"}, "1"),
        ("Cancel", {"Reason": "FRAUD"}, "\\"),
    ):
        body = {"CompanyId": "A", "SalesOrder": "015574", "Action": action, **more}
        assert call(desk, "POST", "SalesOrderService/UpdateSalesOrder", body)[1]["Success"] is True
        assert desk.rows("SorMaster", CustomerPoNumber="PO-1")[0]["OrderStatus"] == status
    body = {"CompanyId": "A", "SalesOrder": "015574", "Action": "Lose"}
    assert call(desk, "POST", "SalesOrderService/UpdateSalesOrder", body)[0] == 400


def test_stock_is_told_by_warehouse(desk: Wire) -> None:
    path = "InventoryService/GetStockBalance?CompanyId=A&StockCode=TEA-1006&Warehouse=MAIN"
    (found,) = call(desk, "GET", path)[1]["Warehouses"]
    assert (found["Warehouse"], found["AvailableQty"]) == ("MAIN", "12.000000")


def test_a_customer_is_added_and_shows_his_balance(desk: Wire) -> None:
    body = {"CompanyId": "A", "Customer": "WEB-1", "Name": "Ada", "Currency": "USD"}
    answer = call(desk, "POST", "CustomerService/AddCustomer", body)[1]
    assert answer == {"Success": True, "Customer": "WEB-1"}
    again = call(desk, "POST", "CustomerService/AddCustomer", body)[1]
    assert again["Errors"][0]["Code"] == "120001"
    path = "CustomerService/GetCustomer?CompanyId=A&Customer=WEB-1"
    (found,) = call(desk, "GET", path)[1]["Customers"]
    assert (found["Name"], found["Balance"]) == ("Ada", "0.00")


def test_a_receipt_is_posted_and_found_by_its_reference(desk: Wire) -> None:
    body = {
        "CompanyId": "A",
        "Customer": "C00001",
        "PaymentValue": "29.00",
        "Reference": "TO-PAY-1",
        "Bank": "CLRUS",
        "UnappliedValue": "29.00",
        "CustomerPoNumber": "PO-1",
    }
    answer = call(desk, "POST", "ARReceiptService/AddReceipt", body)[1]
    assert (answer["Success"], answer["Journal"]) == (True, "00034")
    path = "ARReceiptService/GetReceipts?CompanyId=A&Reference=TO-PAY-1"
    (found,) = call(desk, "GET", path)[1]["Receipts"]
    assert (found["PaymentValue"], found["Bank"]) == ("29.00", "CLRUS")
    body["Invoices"] = "all"
    assert call(desk, "POST", "ARReceiptService/AddReceipt", body)[0] == 400
