"""Credit notes: from an invoice (SORTCI), or built by header, lines and charges (SORTCH, CL, CM).

A credit note is an order of document type C until SORTIC with ``OrderType`` C invoices it. What is
left of an invoice limits what SORTCI takes of it, so that a repeat is refused once all is credited
(inferred). Where the sample of SORTCM is cut, ``MiscChargeValue`` and ``FreightValue`` are taken
from SORTOI. Source: SYSPRO reference, section 4.1 and its samples.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from xml.etree.ElementTree import Element

from include.sandbox.syspro import items, messages, orders, receivables, stock
from include.sandbox.syspro.books import as_decimal
from include.sandbox.syspro.documents import (
    Node,
    choice_field,
    int_text_field,
    nodes,
    text_field,
    value_field,
)
from include.sandbox.syspro.documents import field as text_at
from include.sandbox.syspro.order_columns import SOR_MASTER
from include.sandbox.syspro.order_lines import PRICE, empty_line
from include.sandbox.syspro.posting import Call, Findings
from include.sandbox.syspro.tables import Row, padded_key, plain_key

FIRST_NOTE = 8000123


@dataclass(slots=True)
class _Note:
    """A credit note to write: whom it is for, what it is of, and its lines."""

    customer: Row
    customer_po: str
    invoice: Row | None
    of_order: Row | None
    reason: str
    lines: list[Row] = field(default_factory=list)


def from_invoice(call: Call) -> Node:
    """SORTCI."""
    course = items.Course(
        "SORTCI",
        "postcreditfrominvoice",
        "8.0.019",
        _check_invoice,
        _write_from_invoice,
        lambda element: text_at(element, "InvoiceNumber"),
    )
    return items.run(call, course)


def _check_invoice(call: Call, element: Element, findings: Findings) -> _Note | None:
    number = findings.check(text_field, element, "InvoiceNumber", longest=20, is_needed=True) or ""
    reason = findings.check(text_field, element, "CreditReason", longest=6) or ""
    tables = call.books.tables
    key = padded_key("Invoice", number)
    invoice = tables.get("ArInvoice", Invoice=key, DocumentType="I") if number else None
    if number and invoice is None:
        findings.refuse("InvoiceNumber", number, messages.INVOICE_NOT_FOUND, number)
    if invoice is None:
        return None
    order = orders.find_order(call.books, str(invoice["SalesOrder"]))
    customer = orders.find_customer(call.books, str(invoice["Customer"]))
    note = _Note(customer or {}, str(invoice["CustomerPoNumber"]), invoice, order, reason)
    wanted = [_line_number(part, findings) for part in element.findall("Lines")]
    note.lines = _remaining_lines(call, note, wanted)
    if not note.lines and not findings.nodes:
        findings.refuse("InvoiceNumber", number, messages.NOTHING_TO_DO, number, "credit")
    return note


def _line_number(part: Element, findings: Findings) -> int:
    number: int | None = findings.check(int_text_field, part, "LineNumber", 1, 9999)
    return number or 0


def _remaining_lines(call: Call, note: _Note, wanted: list[int]) -> list[Row]:
    """Return credit lines for what an invoice has left; a charge is left until it is credited."""
    if note.invoice is None or note.of_order is None:
        return []
    found: list[Row] = []
    tables = call.books.tables
    for detail in tables.matching("ArTrnDetail", Invoice=str(note.invoice["Invoice"])):
        number = int(str(detail["SalesOrderLine"]))
        line = orders.find_line(call.books, note.of_order, number)
        if line is None or (wanted and number not in wanted):
            continue
        credited = _credited(call, note, number)
        if orders.is_merchandise(line):
            left = as_decimal(detail["QtyInvoiced"]) - sum(
                (as_decimal(x["MOrderQty"]) for x in credited), Decimal(0)
            )
            if left > 0:
                found.append(_credit_line(line, left, note.reason))
        elif not credited:
            found.append(_credit_line(line, Decimal(0), note.reason))
    return found


def _credited(call: Call, note: _Note, number: int) -> list[Row]:
    """Return the lines of credit notes that credit a line of this invoice, cancelled ones aside."""
    order, invoice = note.of_order or {}, note.invoice or {}
    found = []
    tables = call.books.tables
    for line in tables.matching("SorDetail", MCreditOrderNo=str(order["SalesOrder"])):
        master = tables.get("SorMaster", SalesOrder=str(line["SalesOrder"])) or {}
        is_of_it = line["MCreditOrderLine"] == number and master["EntInvoice"] == invoice["Invoice"]
        if is_of_it and line["SalesOrderDetStat"] != "X":
            found.append(line)
    return found


def _credit_line(line: Row, quantity: Decimal, reason: str) -> Row:
    values = {k: v for k, v in line.items() if k not in ("SalesOrder", "TimeStamp")}
    zero = Decimal(0).quantize(stock.QUANTITY)
    return values | {
        "MOrderQty": quantity.quantize(stock.QUANTITY),
        "MShipQty": quantity.quantize(stock.QUANTITY),
        "MBackOrderQty": zero,
        "MQtyDispatched": zero,
        "MInvoicePrinted": "",
        "NMscInvCharge": "",
        "SalesOrderDetStat": "",
        "MCreditOrderNo": line["SalesOrder"],
        "MCreditOrderLine": line["SalesOrderLine"],
        "CreditReason": reason,
    }


def _add_note(call: Call, note: _Note) -> Row:
    books = call.books
    customer, source = note.customer, note.of_order or {}
    number = f"{books.next_number('credit note', first=FIRST_NOTE):015d}"
    row: Row = dict.fromkeys(SOR_MASTER.split(), "")
    row |= {
        "SalesOrder": number,
        "DocumentType": "C",
        "OrderStatus": "1",
        "ActiveFlag": "Y",
        "Customer": str(customer["Customer"]),
        "CustomerName": str(customer.get("Name", "")),
        "CustomerPoNumber": note.customer_po,
        "OrderDate": books.today,
        "EntrySystemDate": books.today,
        "Currency": str(customer.get("Currency") or books.base_currency),
        "Branch": str(customer.get("Branch", "")),
        "Area": str(customer.get("Area", "")),
        "Salesperson": str(customer.get("Salesperson", "")),
        "InvTermsOverride": str(customer.get("TermsCode", "")),
        "TaxExemptFlag": str(source.get("TaxExemptFlag") or customer.get("TaxStatus") or "E"),
        "EntInvoice": str((note.invoice or {}).get("Invoice", "")),
        "CreditedInvDate": (note.invoice or {}).get("InvoiceDate", ""),
        "Operator": call.operator,
        "LastOperator": call.operator,
        "InvoiceCount": 0,
        "NextDetailLine": 1,
        **{f"DiscPct{n}": source.get(f"DiscPct{n}", "") for n in (1, 2, 3)},
    }
    books.tables.add("SorMaster", row)
    for line in note.lines:
        _add_line(call, row, line)
    return row


def _add_line(call: Call, row: Row, values: Row) -> Row:
    number = int(str(row["NextDetailLine"] or 1))
    call.books.tables.change("SorMaster", row, {"NextDetailLine": number + 1})
    head = {"SalesOrder": row["SalesOrder"], "SalesOrderLine": number}
    return call.books.tables.add("SorDetail", {**values, **head})


def _record(call: Call, verb: str, row: Row, **facts: str) -> None:
    lines = orders.lines_of(call.books, row)
    value = sum((orders.open_amount(row, line) for line in lines), Decimal(0))
    call.record(
        verb,
        str(row["CustomerPoNumber"]),
        committed=True,
        company=call.books.company,
        customer=str(row["Customer"]),
        credit_note=orders.shown(row),
        currency=str(row["Currency"]),
        value=f"{value:.2f}",
        **facts,
    )


def _write_from_invoice(call: Call, note: _Note) -> list[Node]:
    row = _add_note(call, note)
    invoice, order = note.invoice or {}, note.of_order or {}
    number = plain_key(str(invoice["Invoice"]))
    _record(call, "SORTCI", row, invoice=number)
    facts = (
        ("CreditNoteCreated", orders.shown(row)),
        ("InvoiceNumber", number),
        ("SalesOrder", orders.shown(order)),
        ("Customer", plain_key(str(row["Customer"]))),
        ("DispatchNote", ""),
    )
    return [Node("Key", nodes(facts))]


def add_header(call: Call) -> Node:
    """SORTCH. Its reply keeps the request's capitals."""
    course = items.Course(
        "SORTCH",
        "SOCreditNoteHeader",
        "8.0.014",
        _check_header,
        _write_header,
        lambda element: text_at(element, "CustomerPoNumber"),
    )
    return items.run(call, course)


def _check_header(call: Call, element: Element, findings: Findings) -> _Note | None:
    key = findings.check(text_field, element, "Customer", longest=15, is_needed=True) or ""
    customer = orders.find_customer(call.books, key)
    if key and customer is None:
        findings.refuse("Customer", key, messages.CUSTOMER_NOT_FOUND, key)
    customer_po = findings.check(text_field, element, "CustomerPoNumber", longest=30) or ""
    number = findings.check(text_field, element, "InvoiceNumber", longest=20) or ""
    if customer is None:
        return None
    invoice = receivables.find_document(call.books, customer, number, "I") if number else None
    if number and invoice is None:
        findings.refuse("InvoiceNumber", number, messages.INVOICE_NOT_FOUND, number)
    own = str((invoice or {}).get("CustomerPoNumber", ""))
    return _Note(customer, customer_po or own, invoice, None, "")


def _write_header(call: Call, note: _Note) -> list[Node]:
    row = _add_note(call, note)
    _record(call, "SORTCH", row)
    facts = (
        ("CreditNoteCreated", orders.shown(row)),
        ("Customer", plain_key(str(row["Customer"]))),
    )
    return [Node("Key", nodes(facts))]


@dataclass(frozen=True, slots=True)
class _Line:
    note: Row
    values: Row


def add_line(call: Call) -> Node:
    """SORTCL."""
    course = items.Course(
        "SORTCL", "socreditnoteline", "8.0.015", _check_line, _write_line, _note_number
    )
    return items.run(call, course)


def add_charge(call: Call) -> Node:
    """SORTCM. Its reply keeps the request's capitals."""
    course = items.Course(
        "SORTCM", "SoCreditNoteNonMerchLine", "8.0.009", _check_charge, _write_charge, _note_number
    )
    return items.run(call, course)


def _note_number(element: Element) -> str:
    return text_at(element, "CreditNoteNumber")


def _find_note(call: Call, element: Element, findings: Findings) -> Row | None:
    number = _note_number(element)
    note = orders.find_order(call.books, number)
    if note is None or note["DocumentType"] != "C":
        findings.refuse("CreditNoteNumber", number, messages.KEY_NOT_FOUND, "Credit note", number)
        return None
    if note["OrderStatus"] in orders.ENDED:
        status = note["OrderStatus"]
        findings.refuse("CreditNoteNumber", number, messages.ORDER_STATUS, number, status)
    return note


def _check_line(call: Call, element: Element, findings: Findings) -> _Line | None:
    note = _find_note(call, element, findings)
    code = findings.check(text_field, element, "StockCode", longest=30, is_needed=True) or ""
    master = stock.item(call.books, code)
    if code and master is None:
        findings.refuse("StockCode", code, messages.STOCK_NOT_FOUND, code)
    quantity = findings.check(value_field, element, "OrderQty", whole=12, decimals=6)
    price = findings.check(value_field, element, "Price", whole=10, decimals=5)
    if quantity is not None and quantity <= 0:
        findings.refuse("OrderQty", f"{quantity}", messages.IS_ZERO, "OrderQty")
    warehouse = text_at(element, "Warehouse") or str((master or {}).get("WarehouseToUse", ""))
    if master is not None and stock.warehouse(call.books, code, warehouse) is None:
        findings.refuse("Warehouse", warehouse, messages.NOT_STOCKED, code, warehouse)
    if note is None or master is None:
        return None
    whole = (quantity or Decimal(0)).quantize(stock.QUANTITY)
    values = empty_line("1") | {
        "MStockCode": str(master["StockCode"]),
        "MStockDes": str(master["Description"]),
        "MWarehouse": warehouse,
        "MStockingUom": str(master["StockUom"]),
        "MOrderUom": text_at(element, "OrderUom", str(master["StockUom"])),
        "MPriceUom": text_at(element, "PriceUom", str(master["StockUom"])),
        "MProductClass": str(master["ProductClass"]),
        "MTaxCode": str(master["TaxCode"]),
        "MOrderQty": whole,
        "MShipQty": whole,
        "MPrice": (price or Decimal(0)).quantize(PRICE),
        "CreditReason": text_at(element, "CreditReason"),
    }
    return _Line(note, values)


def _check_charge(call: Call, element: Element, findings: Findings) -> _Line | None:
    note = _find_note(call, element, findings)
    kind = findings.check(choice_field, element, "LineType", "456", "") or ""
    findings.check(choice_field, element, "LineActionType", "A", "A")
    values = empty_line(kind)
    if kind == "6":
        values["NComment"] = text_at(element, "Comment")[:100]
    elif kind:
        name = "FreightValue" if kind == "4" else "MiscChargeValue"
        value = findings.check(value_field, element, name)
        if value is not None and value <= 0:
            findings.refuse(name, f"{value}", messages.IS_ZERO, name)
        values["NMscChargeValue"] = value or Decimal(0)
        values["NComment"] = text_at(element, "MiscDescription", "Freight" if kind == "4" else "")
        values["CreditReason"] = text_at(element, "CreditReason")
    return _Line(note, values) if note is not None else None


def _write_line(call: Call, found: _Line) -> list[Node]:
    _add_line(call, found.note, found.values)
    _record(call, "SORTCL", found.note)
    return _status((("CreditNoteNumber", orders.shown(found.note)),))


def _write_charge(call: Call, found: _Line) -> list[Node]:
    line = _add_line(call, found.note, found.values)
    _record(call, "SORTCM", found.note)
    facts = (
        ("CreditNoteNumber", orders.shown(found.note)),
        ("CreditNoteLine", f"{line['SalesOrderLine']:04d}"),
        ("LineAction", "A"),
    )
    return _status(facts)


def _status(facts: tuple[tuple[str, str], ...]) -> list[Node]:
    details = Node("CreditNoteDetails", nodes(facts))
    return [Node("ValidationStatus", [details, Node("Status", "Successful")])]
