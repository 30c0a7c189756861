"""Turning order lines into an AR document: values, tax, stock, and the order's own state."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from include.sandbox.syspro import orders, receivables, stock
from include.sandbox.syspro.books import Books, as_decimal
from include.sandbox.syspro.documents import Node, nodes
from include.sandbox.syspro.posting import Call, gl_journal_node
from include.sandbox.syspro.receivables import Document
from include.sandbox.syspro.tables import Row, Value, plain_key

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Part:
    """A line with the quantity that is invoiced of it; a dispatched one has left already."""

    line: Row
    quantity: Decimal
    is_dispatched: bool = False


@dataclass(frozen=True, slots=True)
class Invoiced:
    """What became of an order: the document, its register and journal."""

    order: Row
    row: Row
    document: Document
    register: int
    gl_number: int
    period: tuple[int, int]


def ready_parts(books: Books, order: Row, only: Sequence[int] = ()) -> list[Part]:
    """Return what can be invoiced now: quantities to ship, and charges; of some lines or all."""
    found: list[Part] = []
    for line in orders.lines_of(books, order):
        if only and line["SalesOrderLine"] not in only:
            continue
        if orders.is_merchandise(line):
            if as_decimal(line["MShipQty"]):
                found.append(Part(line, as_decimal(line["MShipQty"])))
        elif line["LineType"] != "6" and line["NMscInvCharge"] != "Y":
            found.append(Part(line, ZERO))
    return found


def invoice(
    call: Call, verb: str, order: Row, parts: Sequence[Part], day: date, period: tuple[int, int]
) -> Invoiced:
    """Write the document of some lines, its journal, and what it does to order and stock."""
    books = call.books
    kind = "C" if order["DocumentType"] == "C" else "I"
    amounts = [(part, orders.amount(order, part.line, part.quantity)) for part in parts]
    taxes = [receivables.tax_of(order, part.line, net) for part, net in amounts]
    customer = orders.find_customer(books, str(order["Customer"])) or {}
    document = Document(
        customer,
        receivables.next_invoice(books),
        kind,
        day,
        sum((net for _, net in amounts), ZERO),
        sum(taxes, ZERO),
        str(order["Currency"]),
        str(order["CustomerPoNumber"]),
        str(order["SalesOrder"]),
        str(order["InvTermsOverride"]),
        str(order["Branch"]),
        str(order["Area"]),
        str(order["Salesperson"]),
    )
    register = books.next_number("ar register", first=107)
    row = receivables.add_document(books, document, period)
    gl_number = receivables.post_ledger(call, verb, [document], period, register)
    done = Invoiced(order, row, document, register, gl_number, period)
    for number, ((part, net), tax) in enumerate(zip(amounts, taxes, strict=True), start=1):
        _add_detail(books, done, number, part, (net, tax))
        _complete(books, part, kind)
    _after(call, done)
    return done


def _add_detail(
    books: Books, done: Invoiced, number: int, part: Part, amounts: tuple[Decimal, Decimal]
) -> None:
    line, document = part.line, done.document
    sign = -1 if document.kind == "C" else 1
    net, tax = amounts
    books.tables.add(
        "ArTrnDetail",
        {
            "TrnYear": done.period[0],
            "TrnMonth": done.period[1],
            "Register": done.register,
            "Invoice": document.invoice,
            "SummaryLine": 1,
            "DetailLine": number,
            "InvoiceDate": document.day,
            "Branch": document.branch,
            "Salesperson": document.salesperson,
            "Customer": str(document.customer["Customer"]),
            "StockCode": str(line["MStockCode"]),
            "Warehouse": str(line["MWarehouse"]),
            "Area": document.area,
            "ProductClass": str(line["MProductClass"] or line["NMscProductCls"]),
            "TaxCode": str(line["MTaxCode"] or line["NMscTaxCode"]),
            "TaxStatus": str(done.order["TaxExemptFlag"]),
            "QtyInvoiced": sign * part.quantity,
            "NetSalesValue": sign * net,
            "TaxValue": sign * tax,
            "DiscValue": ZERO,
            "LineType": str(line["LineType"]),
            "DocumentType": document.kind,
            "GlYear": done.period[0],
            "GlPeriod": done.period[1],
            "GlJournal": done.gl_number,
            "SalesOrder": document.sales_order,
            "SalesOrderLine": line["SalesOrderLine"],
            "CustomerPoNumber": document.customer_po,
            "PostValue": sign * net,
            "PostCurrency": document.currency,
        },
    )


def _complete(books: Books, part: Part, kind: str) -> None:
    line, quantity = part.line, part.quantity
    values: dict[str, Value] = {"MInvoicePrinted": "Y"}
    if not orders.is_merchandise(line):
        values["NMscInvCharge"] = "Y"
    elif part.is_dispatched:
        values["MQtyDispatched"] = as_decimal(line["MQtyDispatched"]) - quantity
        orders.move_goods(books, line, QtyDispatched=-quantity)
    elif kind == "C":
        values["MShipQty"] = ZERO.quantize(stock.QUANTITY)
        orders.move_goods(books, line, QtyOnHand=quantity)
    else:
        orders.set_quantities(books, line, ZERO, as_decimal(line["MBackOrderQty"]))
        orders.move_goods(books, line, QtyOnHand=-quantity)
    books.tables.change("SorDetail", line, values)


def _after(call: Call, done: Invoiced) -> None:
    books, order = call.books, done.order
    from_lines = orders.status_of_lines(orders.lines_of(books, order))
    kept = str(order["OrderStatus"])
    orders.set_status(
        books,
        order,
        kept if from_lines == "1" else from_lines,
        call.operator,
        LastInvoice=done.document.invoice,
        DateLastInvPrt=done.document.day,
        InvoiceCount=int(str(order.get("InvoiceCount") or 0)) + 1,
    )
    orders.owe(books, order, -done.document.net)


def reply_key(call: Call, verb: str, first: tuple[str, str], done: Invoiced) -> Node:
    """Return the ``Key`` of SORTIC and SORTNC, with its ``GlJournal`` block."""
    year, period = done.period
    facts = (
        first,
        ("InvoiceNumber", plain_key(done.document.invoice)),
        ("TrnYear", f"{year:04d}"),
        ("TrnMonth", f"{period:02d}"),
        ("Register", f"{done.register:05d}"),
        ("WarningNumber", ""),
        ("WarningDescription", ""),
        ("Processed", "Y"),
    )
    block = gl_journal_node(call, verb, year, period, done.gl_number)
    return Node("Key", [*nodes(facts), block])


def record(call: Call, verb: str, done: Invoiced) -> None:
    """Write the document into the truth ledger, under the customer's number."""
    call.record(
        verb,
        done.document.customer_po,
        committed=True,
        company=call.books.company,
        customer=str(done.document.customer["Customer"]),
        sales_order=orders.shown(done.order),
        invoice=plain_key(done.document.invoice),
        document_type=done.document.kind,
        currency=done.document.currency,
        value=f"{done.document.signed:.2f}",
        gl_journal=done.gl_number,
    )
