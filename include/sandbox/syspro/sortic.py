"""SORTIC and SORTNC: invoice an order, a credit note, or a dispatch note.

An order must be ready to invoice (status 8), a credit note need not be; dispatched goods are
invoiced from their note. All three are inferred. Source: SYSPRO reference, section 4.1.
"""

from dataclasses import dataclass
from datetime import date
from xml.etree.ElementTree import Element

from include.sandbox.syspro import invoicing, items, messages, orders
from include.sandbox.syspro.books import as_decimal
from include.sandbox.syspro.documents import Node, date_field, field
from include.sandbox.syspro.invoicing import Part
from include.sandbox.syspro.posting import Call, Findings, read_period
from include.sandbox.syspro.sortos import number_of, read_order
from include.sandbox.syspro.tables import Row


@dataclass(frozen=True, slots=True)
class _Ready:
    order: Row
    parts: list[Part]
    note: Row | None = None


def invoice_order(call: Call) -> Node:
    """SORTIC."""
    document = Findings()
    period, day = read_period(call, document), _invoice_date(call, document)
    function = call.parameter("OrderType", "I")
    verb = f"SORTIC {function}"

    def write(call: Call, ready: _Ready) -> list[Node]:
        done = invoicing.invoice(call, "SORTIC", ready.order, ready.parts, day, period)
        invoicing.record(call, verb, done)
        first = ("SalesOrder", orders.shown(ready.order))
        return [invoicing.reply_key(call, "SORTIC", first, done)]

    course = items.Course(verb, "postsalesorderinvoice", "8.0.046", _check_order, write, number_of)
    return items.run(call, course, document)


def _invoice_date(call: Call, document: Findings) -> date:
    part = call.parameters
    nested = part.find("Parameters") if part is not None else None
    source = nested if nested is not None else part
    if source is None:
        return call.books.today
    found = document.check(date_field, source, "InvoiceDate", call.books.today)
    return found or call.books.today


def _check_order(call: Call, element: Element, findings: Findings) -> _Ready | None:
    order = read_order(call, element, findings)
    if order is None:
        return None
    shown, status = orders.shown(order), str(order["OrderStatus"])
    wanted = call.parameter("OrderType", "I")
    kind = "C" if order["DocumentType"] == "C" else "I"
    if wanted != kind:
        findings.refuse("OrderType", wanted, messages.NOT_ALLOWED, wanted, "OrderType")
    elif kind == "I" and status != "8":
        findings.refuse("SalesOrder", shown, messages.ORDER_STATUS, shown, status)
    only = _line_list(element, findings)
    parts = invoicing.ready_parts(call.books, order, only)
    if not parts and not findings.nodes:
        findings.refuse("SalesOrder", shown, messages.NOTHING_TO_DO, shown, "invoice")
    return _Ready(order, parts)


def _line_list(element: Element, findings: Findings) -> list[int]:
    text = field(element, "SalesOrderLineList")
    found = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isascii() and part.isdigit() for part in found):
        name = "SalesOrderLineList"
        findings.refuse(name, text, messages.NOT_NUMERIC, name)
        return []
    return [int(part) for part in found]


def invoice_dispatch(call: Call) -> Node:
    """SORTNC."""
    document = Findings()
    period, day = read_period(call, document), _invoice_date(call, document)

    def write(call: Call, ready: _Ready) -> list[Node]:
        done = invoicing.invoice(call, "SORTNC", ready.order, ready.parts, day, period)
        if ready.note is not None:
            invoice = done.document.invoice
            values = {"Invoice": invoice, "DispatchNoteStatus": "9"}
            call.books.tables.change("MdnMaster", ready.note, {**values})
        invoicing.record(call, "SORTNC", done)
        name = str((ready.note or {}).get("DispatchNote", ""))
        return [invoicing.reply_key(call, "SORTNC", ("DispatchNote", name), done)]

    course = items.Course(
        "SORTNC",
        "postdispatchinvoice",
        "8.0.021",
        _check_note,
        write,
        lambda element: field(element, "DispatchNote"),
    )
    return items.run(call, course, document)


def _check_note(call: Call, element: Element, findings: Findings) -> _Ready | None:
    name = field(element, "DispatchNote")
    note = call.books.tables.get("MdnMaster", DispatchNote=name) if name else None
    if note is None:
        findings.refuse("DispatchNote", name, messages.KEY_NOT_FOUND, "Dispatch note", name)
        return None
    order = orders.find_order(call.books, str(note["SalesOrder"]))
    if note["Invoice"] or note["DispatchNoteStatus"] in ("8", "*") or order is None:
        findings.refuse("DispatchNote", name, messages.NOTHING_TO_DO, name, "invoice")
        return None
    return _Ready(order, parts_of_note(call, order, note), note)


def parts_of_note(call: Call, order: Row, note: Row) -> list[Part]:
    """Return the goods of a note, and with the first one invoiced the order's charges."""
    found: list[Part] = []
    details = call.books.tables.matching("MdnDetail", DispatchNote=str(note["DispatchNote"]))
    for detail in details:
        line = orders.find_line(call.books, order, int(str(detail["SalesOrderLine"])))
        if line is not None:
            quantity = detail["MQtyToDispatch"]
            found.append(Part(line, as_decimal(quantity), is_dispatched=True))
    charges = [p for p in invoicing.ready_parts(call.books, order) if not p.quantity]
    return [*found, *charges]
