"""Invoices, dispatch notes, credit notes, and the clerk who makes them (reference 4.1)."""

import json
from typing import Any

import pytest

from tests.sandbox.erp_documents import import_parameters, items, order, parameters, stock_line
from tests.waiting import wait_until

Wire = Any
FREIGHT = (
    "<FreightLine><CustomerPoLine>2</CustomerPoLine><FreightValue>4.90</FreightValue></FreightLine>"
)


def placed(desk: Wire, *lines: str, po: str = "PO-1", **heads: str) -> str:
    desk.post("SORTOI", order(*lines, po=po, **heads), import_parameters())
    return str(desk.rows("SorMaster", CustomerPoNumber=po)[0]["SalesOrder"])


def first_error(reply: Any) -> str:
    return next((found.text or "" for found in reply.iter("ErrorDescription")), "")


def ready(desk: Wire, number: str) -> None:
    document = items("PostSorOrderStatus", {"SalesOrder": number, "NewOrderStatus": "8"})
    assert first_error(desk.post("SORTOS", document)) == ""


def invoice(desk: Wire, number: str, lines: str = "", **switches: str) -> Any:
    facts = {"SalesOrder": number, "SalesOrderLineList": lines}
    return desk.post(
        "SORTIC",
        items("PostSalesOrderInvoice", facts),
        parameters("PostSalesOrderInvoice", **switches),
    )


def stock_of(desk: Wire, code: str) -> tuple[float, float]:
    (row,) = desk.rows("InvWarehouse", StockCode=code, Warehouse="MAIN")
    return float(row["QtyOnHand"]), float(row["QtyAllocated"])


def order_status(desk: Wire, po: str = "PO-1") -> str:
    found = [r for r in desk.rows("SorMaster", CustomerPoNumber=po) if r["DocumentType"] == "O"]
    return str(found[0]["OrderStatus"])


def test_an_order_that_is_ready_becomes_an_invoice_of_the_business_date(desk: Wire) -> None:
    number = placed(desk, stock_line(), FREIGHT)
    assert "has status '1'" in first_error(invoice(desk, number))
    ready(desk, number)
    key = invoice(desk, number).find("Item/Key")
    assert (key.findtext("SalesOrder"), key.findtext("InvoiceNumber")) == ("015574", "100501")
    assert (key.findtext("TrnYear"), key.findtext("TrnMonth")) == ("2026", "11")
    assert key.findtext("Processed") == "Y"
    assert key.findtext("GlJournal/GlJournal") == "00117"
    (row,) = desk.rows("ArInvoice", CustomerPoNumber="PO-1")
    assert row["Invoice"] == "000000000100501"
    assert row["SalesOrder"] == number
    assert row["InvoiceDate"] == "2026-11-03"
    # 2 * 14.50 + 4.90
    assert (row["CurrencyValue"], row["InvoiceBal1"]) == ("33.90", "33.90")
    assert (row["PostCurrency"], row["Branch"], row["TermsCode"]) == ("USD", "10", "CC")
    generated = desk.rows("ArInvoice", InvoiceDate="2026-10-01")[0]
    assert set(generated) == set(row)
    assert order_status(desk) == "9"
    assert desk.rows("SorMaster", SalesOrder=number)[0]["LastInvoice"] == "000000000100501"
    assert stock_of(desk, "TEA-1001") == (4998, 0)
    found = [(d["GlCode"], d["EntryType"], d["EntryValue"]) for d in desk.rows("GenJournalDetail")]
    assert found == [("1200", "D", "33.90"), ("4000", "C", "33.90")]
    (done,) = desk.done("SORTIC I", reference="PO-1")
    assert (done["invoice"], done["value"]) == ("100501", "33.90")


def test_some_lines_are_invoiced_now_and_the_rest_later(desk: Wire) -> None:
    number = placed(
        desk, stock_line(), stock_line("TEA-1002", "1", CustomerPoLine="2", Price="12.90")
    )
    ready(desk, number)
    assert first_error(invoice(desk, number, "1")) == ""
    assert order_status(desk) == "8"
    assert first_error(invoice(desk, number)) == ""
    assert order_status(desk) == "9"
    values = [row["CurrencyValue"] for row in desk.rows("ArInvoice", CustomerPoNumber="PO-1")]
    assert values == ["29.00", "12.90"]
    assert "has status '9'" in first_error(invoice(desk, number))


def test_what_waits_on_back_order_keeps_the_order_open(desk: Wire) -> None:
    number = placed(desk, stock_line(), stock_line("TEA-1014", "1", CustomerPoLine="2"))
    ready(desk, number)
    invoice(desk, number)
    assert order_status(desk) == "2"


def test_an_invoice_can_succeed_while_its_journal_fails(desk: Wire) -> None:
    number = placed(desk)
    ready(desk, number)
    desk.control("POST", "syspro", {"gl_journal_error": {"SORTIC": "no"}})
    block = invoice(desk, number).find("Item/Key/GlJournal")
    assert block.findtext("GlJournalMessage") == "no"
    assert len(desk.rows("ArInvoice", CustomerPoNumber="PO-1")) == 1
    assert desk.rows("GenJournalCtl") == []


def test_a_closed_period_takes_no_invoice(desk: Wire) -> None:
    number = placed(desk)
    ready(desk, number)
    facts = {"company": "A", "year": 2026, "period": 11, "state": "closed"}
    desk.control("POST", "periods", facts)
    assert "is closed" in first_error(invoice(desk, number))
    assert first_error(invoice(desk, number, PostingPeriod="P", InvoiceDate="2026-10-30")) == ""
    (row,) = desk.rows("ArInvoice", CustomerPoNumber="PO-1")
    assert (row["InvoiceDate"], row["InvoiceMonth"]) == ("2026-10-30", "10")


def test_a_taxable_customer_pays_tax_on_top(desk: Wire) -> None:
    number = placed(desk, customer="C90003")
    ready(desk, number)
    invoice(desk, number)
    (row,) = desk.rows("ArInvoice", CustomerPoNumber="PO-1")
    # 29.00 at 8.25 % is 2.3925, to the cent 2.39.
    assert (row["CurrencyValue"], row["TaxPortion"]) == ("31.39", "2.39")


def dispatch(desk: Wire, number: str, lines: str = "") -> Any:
    head = f"<SalesOrder>{number}</SalesOrder><ShippingInstrs>UPS</ShippingInstrs>"
    document = (
        f"<PostDispatchNotes><DispatchNote><DispatchHeader>{head}</DispatchHeader>"
        f"<DispatchDetails>{lines}</DispatchDetails></DispatchNote></PostDispatchNotes>"
    )
    return desk.post("SORTDN", document)


def test_a_dispatch_note_takes_the_goods_out_and_is_invoiced_by_itself(desk: Wire) -> None:
    number = placed(desk, stock_line(), FREIGHT)
    reply = dispatch(desk, number)
    assert reply.tag == "postdispatchnotes"
    assert reply.findtext("DispatchNote/DispatchNoteNumber") == "015574/0001"
    assert reply.findtext("StatusofItems/ItemsProcessed") == "000001"
    assert stock_of(desk, "TEA-1001") == (4998, 0)
    (note,) = desk.rows("MdnMaster", SalesOrder=number)
    assert (note["ShippingInstrs"], note["CustomerPoNumber"]) == ("UPS", "PO-1")
    key = "<Key><DispatchNote>015574/0001</DispatchNote></Key>"
    shown = desk.query("SORQDN", f"<Query>{key}</Query>")
    assert shown.findtext("SalesOrder") == "015574"
    quantity = shown.findtext("DispatchLine/Merchandise/MQtyToDispatch").strip()
    assert quantity == "2.000000"
    document = items("PostDispatchInvoice", {"DispatchNote": "015574/0001"})
    assert desk.post("SORTNC", document).findtext("Item/Key/InvoiceNumber") == "100501"
    assert "nothing left to invoice" in first_error(desk.post("SORTNC", document))
    (row,) = desk.rows("ArInvoice", CustomerPoNumber="PO-1")
    assert row["CurrencyValue"] == "33.90"
    assert order_status(desk) == "9"


def test_a_part_is_dispatched_and_the_note_can_be_taken_back(desk: Wire) -> None:
    number = placed(desk)
    goods = "<SalesOrderLine>1</SalesOrderLine><DispatchQty>{}</DispatchQty>"
    line = f"<MerchandiseLine>{goods}</MerchandiseLine>"
    assert first_error(dispatch(desk, number, line.format("3"))) != ""
    dispatch(desk, number, line.format("1"))
    assert stock_of(desk, "TEA-1001") == (4999, 1)
    cancel = {"DispatchNote": "015574/0001", "NewDispatchStatus": "*"}
    assert first_error(desk.post("SORTDS", items("PostDispStatus", cancel))) == ""
    assert stock_of(desk, "TEA-1001") == (5000, 2)


def test_an_order_in_suspense_is_not_dispatched(desk: Wire) -> None:
    number = placed(desk)
    hold = items("PostSorOrderStatus", {"SalesOrder": number, "NewOrderStatus": "S"})
    desk.post("SORTOS", hold)
    assert "has status 'S'" in first_error(dispatch(desk, number))


def credit(desk: Wire, invoice_number: str, *lines: int) -> Any:
    parts = "".join(f"<Lines><LineNumber>{n}</LineNumber></Lines>" for n in lines)
    return desk.post(
        "SORTCI",
        "<PostCreditFromInvoice><Item>"
        f"<InvoiceNumber>{invoice_number}</InvoiceNumber><CreditReason>PH</CreditReason>{parts}"
        "</Item></PostCreditFromInvoice>",
    )


def test_a_credit_note_from_an_invoice_is_an_order_until_it_is_invoiced(desk: Wire) -> None:
    placed(desk, stock_line(), FREIGHT)
    (number,) = desk.clerk("invoice", customer_po="PO-1")["invoices"]
    key = credit(desk, number).find("Item/Key")
    assert key.findtext("CreditNoteCreated") == "8000123"
    assert (key.findtext("InvoiceNumber"), key.findtext("SalesOrder")) == ("100501", "015574")
    notes = desk.rows("SorMaster", CustomerPoNumber="PO-1", DocumentType="C")
    assert [row["SalesOrder"] for row in notes] == ["000000008000123"]
    assert desk.rows("ArInvoice", CustomerPoNumber="PO-1", DocumentType="C") == []
    key = invoice(desk, "8000123", OrderType="C").find("Item/Key")
    assert key.findtext("InvoiceNumber") == "100502"
    (row,) = desk.rows("ArInvoice", CustomerPoNumber="PO-1", DocumentType="C")
    assert (row["CurrencyValue"], row["InvoiceBal1"]) == ("-33.90", "-33.90")
    assert stock_of(desk, "TEA-1001") == (5000, 0)
    (done,) = desk.done("SORTIC C", reference="PO-1")
    assert done["value"] == "-33.90"


def test_only_what_an_invoice_has_left_can_be_credited(desk: Wire) -> None:
    placed(desk, stock_line(), stock_line("TEA-1002", "1", CustomerPoLine="2", Price="12.90"))
    (number,) = desk.clerk("invoice", customer_po="PO-1")["invoices"]
    assert first_error(credit(desk, number, 2)) == ""
    assert desk.done("SORTCI")[-1]["value"] == "12.90"
    assert first_error(credit(desk, number)) == ""
    assert desk.done("SORTCI")[-1]["value"] == "29.00"
    assert "nothing left to credit" in first_error(credit(desk, number))
    assert first_error(credit(desk, "999")) == "Invoice '999' not found"


def test_a_credit_note_is_built_by_header_lines_and_charges(desk: Wire) -> None:
    head = {"Customer": "C00001", "CustomerPoNumber": "PO-7"}
    reply = desk.post("SORTCH", items("SOCreditNoteHeader", head))
    assert reply.tag == "SOCreditNoteHeader"
    note = reply.findtext("Item/Key/CreditNoteCreated")
    line = {"CreditNoteNumber": note, "StockCode": "TEA-1001", "OrderQty": "1", "Price": "14.50"}
    reply = desk.post("SORTCL", items("SOCreditNoteLine", line))
    assert reply.findtext("Item/ValidationStatus/Status") == "Successful"
    charge = {"CreditNoteNumber": note, "LineType": "4", "FreightValue": "4.90"}
    reply = desk.post("SORTCM", items("SoCreditNoteNonMerchLine", charge))
    assert reply.findtext("Item/ValidationStatus/CreditNoteDetails/CreditNoteLine") == "0002"
    invoice(desk, note, OrderType="C")
    (row,) = desk.rows("ArInvoice", CustomerPoNumber="PO-7")
    assert (row["DocumentType"], row["CurrencyValue"]) == ("C", "-19.40")


def test_a_clerk_credits_whole_lines_or_an_amount(desk: Wire) -> None:
    placed(desk, stock_line(), FREIGHT)
    (number,) = desk.clerk("invoice", customer_po="PO-1")["invoices"]
    desk.clerk("credit", invoice=number, lines=[2])
    desk.clerk("credit", customer_po="PO-1", amount="1.50", reason="PH")
    desk.clerk("credit", customer_po="PO-1")
    rows = desk.rows("ArInvoice", CustomerPoNumber="PO-1", DocumentType="C")
    assert [row["CurrencyValue"] for row in rows] == ["-4.90", "-1.50", "-29.00"]
    assert {row["operator"] for row in desk.done("SORTIC C")} == {"CLERK"}


def test_a_clerk_credits_an_invoice_of_the_generated_days(desk: Wire) -> None:
    old = next(
        row
        for row in desk.rows("ArInvoice", InvoiceDate="2026-10-20")
        if row["DocumentType"] == "I" and row["CustomerPoNumber"]
    )
    desk.clerk("credit", invoice=old["Invoice"], amount="1.00")
    rows = desk.rows("ArInvoice", CustomerPoNumber=old["CustomerPoNumber"], DocumentType="C")
    assert "-1.00" in [row["CurrencyValue"] for row in rows]


def test_a_clerk_ships_with_carrier_and_tracking_number(desk: Wire) -> None:
    number = placed(desk)
    answer = desk.clerk("ship", customer_po="PO-1", carrier="DHL Express", tracking="JD014")
    assert answer["dispatch_note"] == "015574/0001"
    (row,) = desk.rows("SorMaster", SalesOrder=number)
    assert row["ShippingInstrs"] == "DHL Express"
    (form,) = desk.rows("SorMaster+", SalesOrder=number)
    assert form["TrackingNumber"] == "JD014"
    assert desk.clerk("invoice", customer_po="PO-1")["invoices"] == ["100501"]
    assert order_status(desk) == "9"


def test_a_clerk_cancels_an_order_under_everybody(desk: Wire) -> None:
    number = placed(desk)
    assert desk.clerk("cancel", sales_order=number, reason="STOCK")["status"] == "\\"
    assert len(desk.done("SORTOX", reference="PO-1", operator="CLERK")) == 1


def test_a_clerk_throws_the_integration_out(desk: Wire) -> None:
    desk.clerk("log_on")
    answer = desk.get("Query/Query", UserId=desk.user, BusinessObject="COMQUS", XmlIn="<Query/>")
    assert answer.startswith(b"ERROR: Invalid user id")


def test_an_automatic_clerk_ships_and_invoices_what_comes_in(desk: Wire) -> None:
    desk.clerk("auto")
    placed(desk)
    assert order_status(desk) == "9"
    assert len(desk.rows("ArInvoice", CustomerPoNumber="PO-1")) == 1
    held = import_parameters(OrderStatus="S")
    desk.post("SORTOI", order(po="PO-3"), held)
    assert order_status(desk, "PO-3") == "S"
    number = desk.rows("SorMaster", CustomerPoNumber="PO-3")[0]["SalesOrder"]
    facts = {"SalesOrder": number, "NewOrderStatus": "1", "CreditAuthority": "DM"}
    desk.post("SORTOS", items("PostSorOrderStatus", facts))
    assert order_status(desk, "PO-3") == "9"
    desk.clerk("auto", on=False)
    placed(desk, po="PO-4")
    assert order_status(desk, "PO-4") == "1"


def test_an_automatic_clerk_leaves_what_he_cannot_invoice(desk: Wire) -> None:
    desk.clerk("auto")
    facts = {"company": "A", "year": 2026, "period": 11, "state": "closed"}
    desk.control("POST", "periods", facts)
    placed(desk)
    assert order_status(desk) == "1"
    (refused,) = desk.control("GET", "ledger?system=syspro&verb=auto")
    assert (refused["committed"], "is closed" in refused["reason"]) == (False, True)


def test_an_automatic_clerk_can_take_his_time(desk: Wire) -> None:
    desk.clerk("auto", delay_s=1)
    placed(desk)
    assert order_status(desk) == "1"
    wait_until(lambda: order_status(desk) == "9")


@pytest.mark.parametrize(
    "facts",
    [
        {"action": "invoice", "company": "A", "customer_po": "NONE"},
        {"action": "credit", "company": "A", "invoice": "NONE"},
        {"action": "dance", "company": "A"},
        {"action": "ship", "company": "Z"},
        {"action": "stock", "company": "A", "stock_code": "TEA-1001", "quantity": "many"},
        {"action": "hold", "company": "A", "customer": "NOBODY"},
        {"action": "log_on", "company": "A", "operator": "NOBODY"},
    ],
)
def test_a_clerk_says_what_he_cannot_do(desk: Wire, facts: dict[str, str]) -> None:
    url = desk.sandbox.control_url
    status, _, body = desk.raw("POST", "/control/clerk", json.dumps(facts).encode(), url=url)
    assert status == 400
    assert b"error" in body


def test_reset_forgets_the_clerk_and_everything_he_did(desk: Wire) -> None:
    desk.clerk("auto")
    placed(desk)
    desk.control("POST", "reset")
    desk.log_on()
    placed(desk)
    assert order_status(desk) == "1"
    assert desk.done("SORTNC") == []
    assert stock_of(desk, "TEA-1001") == (5000, 2)


@pytest.mark.parametrize(
    ("company", "customer", "bank", "price", "value", "ledger"),
    [
        # 2 * 2175 yen; 2 * 14.50 pounds; 2 * 16.86047 euros = 33.72, in pounds at 0.86: 29.00.
        ("J", "C00001", "CLRJP", "2175.00000", "4350.00", "4350.00"),
        ("B", "C00001", "CLRGB", "14.50000", "29.00", "29.00"),
        ("B", "E00001", "CLREU", "16.86047", "33.72", "29.00"),
    ],
)
def test_every_company_sells_at_its_own_list_and_currency(
    desk: Wire, company: str, customer: str, bank: str, price: str, value: str, ledger: str
) -> None:
    desk.log_on(company)
    number = placed(desk, stock_line(Price="", PriceUom=""), customer=customer)
    assert desk.rows("SorDetail", SalesOrder=number)[0]["MPrice"] == price
    desk.clerk("invoice", company=company, customer_po="PO-1")
    (row,) = desk.rows("ArInvoice", CustomerPoNumber="PO-1")
    (account,) = desk.rows("CshBank", Bank=bank)
    assert (row["CurrencyValue"], row["PostCurrency"]) == (value, account["Currency"])
    found = [(d["GlCode"], d["EntryType"], d["EntryValue"]) for d in desk.rows("GenJournalDetail")]
    assert found == [("1200", "D", ledger), ("4000", "C", ledger)]
