"""SORTOI: import, change and cancel sales orders, with the manners that live sites report.

A clean import answers with counters only: the order exists and no number comes back, unless it met
a warning. A refused document either comes back whole with its errors inside, or as an order with an
empty number; a switch chooses. ``ItemsProcessed`` says nothing about success.
Source: SYSPRO reference, section 4.1. That each order of a document stands alone is inferred.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import Element

from include.sandbox.syspro import credit, documents, messages, orders, stock, units
from include.sandbox.syspro.books import as_decimal
from include.sandbox.syspro.documents import CallFailed, Node, date_field, nodes, root_node
from include.sandbox.syspro.order_columns import SOR_MASTER
from include.sandbox.syspro.order_header import Header, read_header
from include.sandbox.syspro.order_lines import LineAction, Setting, empty_line, read_lines
from include.sandbox.syspro.posting import Call
from include.sandbox.syspro.tables import Row
from include.sandbox.syspro.trouble import Trouble, warning_block

VERSION = "8.0.161"
FIRST_ORDER = 15574
STATUSES = ("1", "4", "8", "S")


@dataclass(slots=True)
class _Order:
    """One order of the document, checked; ``splits`` says per added line what ships and waits."""

    element: Element
    header: Header
    lines: list[LineAction]
    trouble: Trouble
    splits: list[tuple[Decimal, Decimal]] = field(default_factory=list)

    @property
    def is_rejected_with_warnings(self) -> bool:
        return bool(self.trouble.warnings) and not self.trouble


def post(call: Call) -> Node:
    """Take every order of the document by itself, and answer as the switches say."""
    is_import = _is_import(call)
    mode = call.parameter("IgnoreWarnings", "N")
    parts: list[Node] = []
    rejected = warned = failed = 0
    with call.books.lock:
        found = call.document.findall("Orders")
        for element in found:
            order = _check(call, element)
            has_warnings = bool(order.trouble.warnings)
            if order.trouble or (has_warnings and mode == "N"):
                failed += 1
                rejected += _counts_as_rejected(call, order)
                parts += _refusal(call, order)
                _record(call, order, committed=False)
                continue
            number = _write(call, order) if is_import else ""
            is_reported = has_warnings and mode == "W"
            warned += is_reported
            if number and (is_reported or call.options.is_order_number_shown):
                parts.append(_created(call, order, number, has_warnings=is_reported))
    status = "Failed" if failed else "Successful"
    tail = [] if is_import else [Node("ValidationStatus", [Node("Status", status)])]
    return root_node(
        "SalesOrders", VERSION, [*parts, _counters(len(found), rejected, warned), *tail]
    )


def _is_import(call: Call) -> bool:
    process = call.parameter("Process", "IMPORT").upper()
    if process not in ("IMPORT", "VALIDATE"):
        raise CallFailed(f"ERROR: {messages.text_of(messages.NOT_ALLOWED, process, 'Process')}")
    return process == "IMPORT" and call.parameter("ValidateOnly", "N") != "Y"


def _counters(read: int, rejected: int, warned: int) -> Node:
    counts = (
        ("ItemsProcessed", read),
        ("ItemsRejectedWithWarnings", rejected),
        ("ItemsProcessedWithWarnings", warned),
    )
    return Node("StatusOfItems", [Node(name, f"{count:06d}") for name, count in counts])


def _counts_as_rejected(call: Call, order: _Order) -> bool:
    return order.is_rejected_with_warnings or call.options.sortoi_refusal == "empty_number"


def _check(call: Call, element: Element) -> _Order:
    trouble = Trouble()
    part = element.find("OrderHeader")
    header = read_header(call, element if part is None else part, trouble)
    order_date = trouble.check(header.part, date_field, "OrderDate", call.books.today)
    header.values["OrderDate"] = order_date or call.books.today
    customer = header.customer or {}
    setting = Setting(
        call,
        trouble,
        str(header.values.get("Warehouse") or customer.get("SalesWarehouse", "")),
        str(customer.get("Currency") or call.books.base_currency),
        orders.lines_of(call.books, header.order) if header.order else [],
    )
    lines = read_lines(setting, element.find("OrderDetails"))
    order = _Order(element, header, lines, trouble)
    if header.action == "A" and not lines:
        trouble.refuse(header.part, messages.IS_SPACES, "{OrderDetails}")
    if not trouble:
        _check_stock(call, order)
        _check_credit(call, order)
    return order


def _check_stock(call: Call, order: _Order) -> None:
    shelf = orders.Shelf(call.books)
    number = max((int(str(x["SalesOrderLine"])) for x in _present(call, order)), default=0)
    for line in order.lines:
        if line.action != "A":
            order.splits.append((Decimal(0), Decimal(0)))
            continue
        number += 1
        wanted = as_decimal(line.values["MOrderQty"])
        ships, waits = shelf.split(line.values, wanted, line.allocation)
        order.splits.append((ships, waits))
        if waits:
            code = str(line.values["MStockCode"])
            order.trouble.warn(messages.BACK_ORDER, f"{number:04d}", code)


def _present(call: Call, order: _Order) -> list[Row]:
    return orders.lines_of(call.books, order.header.order) if order.header.order else []


def _check_credit(call: Call, order: _Order) -> None:
    customer = order.header.customer
    if customer is None or order.header.action == "D":
        return
    added = [line.values for line in order.lines if line.action == "A"]
    value = sum((_value(order.header.values, row) for row in added), Decimal(0))
    if not added or credit.is_enough(call.books, customer, value):
        return
    # The caller's own words; without them nothing says why (inferred).
    text = call.parameter("CreditFailMessage", "")
    if call.parameter("AcceptOrdersIfNoCredit", "N") == "Y":
        order.trouble.warnings.append(text)
    else:
        order.trouble.refuse_with(order.header.part, text)


def _value(head: Row, line: Row) -> Decimal:
    if line["LineType"] == "6":
        return Decimal(0)
    return orders.amount(head, line, as_decimal(line["MOrderQty"]))


def _write(call: Call, order: _Order) -> str:
    writers = {"A": _add, "C": _change, "D": _cancel}
    row = writers[order.header.action](call, order)
    if row["OrderStatus"] == "1":
        call.opened.append(str(row["SalesOrder"]))
    _record(call, order, committed=True, row=row)
    return orders.shown(row)


def _add(call: Call, order: _Order) -> Row:
    books, header = call.books, order.header
    customer = header.customer or {}
    row: Row = dict.fromkeys(SOR_MASTER.split(), "")
    row |= {
        "SalesOrder": _number(call, order),
        "DocumentType": "O",
        "Customer": str(customer["Customer"]),
        "CustomerName": str(customer.get("Name", "")),
        "CustomerPoNumber": header.customer_po,
        "EntrySystemDate": books.today,
        "Currency": str(customer.get("Currency") or books.base_currency),
        "Branch": str(customer.get("Branch", "")),
        "Area": str(customer.get("Area", "")),
        "Salesperson": str(customer.get("Salesperson", "")),
        "InvTermsOverride": str(customer.get("TermsCode", "")),
        "TaxExemptFlag": str(customer.get("TaxStatus") or "E"),
        "Email": str(customer.get("Email", "")),
        "ActiveFlag": "Y",
        "Operator": call.operator,
        "LastOperator": call.operator,
        "NumDispatches": 0,
        "InvoiceCount": 0,
        "NextDetailLine": 1,
        **header.values,
    }
    row["ReqShipDate"] = row["ReqShipDate"] or row["OrderDate"]
    books.tables.add("SorMaster", row)
    for line, (ships, waits) in zip(order.lines, order.splits, strict=True):
        _add_line(call, row, line.values, ships, waits)
    asked = call.parameter("OrderStatus", "1")
    from_lines = orders.status_of_lines(orders.lines_of(books, row))
    status = asked if asked in STATUSES and (from_lines == "1" or asked == "S") else from_lines
    orders.set_status(books, row, status, call.operator)
    orders.owe(books, row, orders.outstanding(books, row))
    return row


def _number(call: Call, order: _Order) -> str:
    own = documents.field(order.header.part, "SalesOrder")
    is_free = own and orders.find_order(call.books, own) is None
    if is_free and call.parameter("AllowManualOrderNumberToBeUsed", "N") == "Y":
        return own.zfill(15) if own.isdigit() else own
    return f"{call.books.next_number('sales order', first=FIRST_ORDER):015d}"


def _add_line(call: Call, row: Row, values: Row, ships: Decimal, waits: Decimal) -> None:
    number = int(str(row["NextDetailLine"] or 1))
    call.books.tables.change("SorMaster", row, {"NextDetailLine": number + 1})
    line: Row = {"SalesOrder": row["SalesOrder"], "SalesOrderLine": number, **values}
    call.books.tables.add("SorDetail", line)
    if orders.is_merchandise(line):
        orders.set_quantities(call.books, line, ships, waits)
    if line["MBomFlag"] == units.PARENT:
        _add_parts(call, row, line)


def _add_parts(call: Call, row: Row, kit: Row) -> None:
    """Add a kit's parts behind it, without a price of their own; they wait as the kit does."""
    wanted = as_decimal(kit["MOrderQty"]) * units.of_line(kit)
    for master, quantity_per in units.parts(call.books, str(kit["MStockCode"])):
        unit, quantity = str(master["StockUom"]), (wanted * quantity_per).quantize(stock.QUANTITY)
        part = empty_line("1") | {
            "MStockCode": str(master["StockCode"]),
            "MStockDes": str(master["Description"]),
            "MWarehouse": kit["MWarehouse"],
            "MOrderUom": unit,
            "MStockingUom": unit,
            "MPriceUom": unit,
            "MProductClass": str(master["ProductClass"]),
            "MTaxCode": str(master["TaxCode"]),
            "MParentKitType": kit["MParentKitType"],
            "MBomFlag": units.COMPONENT,
            "MQtyPer": quantity_per,
            "MOrderQty": quantity,
        }
        _add_line(call, row, part, Decimal(0), quantity)


def _change(call: Call, order: _Order) -> Row:
    books, row = call.books, order.header.order or {}
    before = orders.outstanding(books, row)
    values = {k: v for k, v in order.header.values.items() if k != "OrderDate"}
    books.tables.change("SorMaster", row, values)
    for line, (ships, waits) in zip(order.lines, order.splits, strict=True):
        if line.action == "A":
            _add_line(call, row, line.values, ships, waits)
            continue
        found = orders.find_line(books, row, line.number)
        if found is not None and line.action == "D":
            orders.drop_line(books, found)
        elif found is not None:
            _change_line(call, found, line)
    status = orders.status_of_lines(orders.lines_of(books, row))
    kept = str(row["OrderStatus"])
    keeps = status == "1" and kept in ("1", "3", "4", "8")
    orders.set_status(books, row, kept if keeps or kept == "S" else status, call.operator)
    orders.owe(books, row, orders.outstanding(books, row) - before)
    return row


def _change_line(call: Call, found: Row, line: LineAction) -> None:
    """Change a line; a changed quantity is allocated anew, what has been dispatched stays."""
    held = as_decimal(found["MShipQty"]), as_decimal(found["MBackOrderQty"])
    more = as_decimal(line.values["MOrderQty"]) - as_decimal(found["MOrderQty"])
    quantities = ("MShipQty", "MBackOrderQty", "MQtyDispatched")
    kept = {name: found[name] for name in quantities}
    call.books.tables.change("SorDetail", found, {**line.values, **kept})
    if orders.is_merchandise(found) and more:
        wanted = max(sum(held, Decimal(0)) + more, Decimal(0))
        orders.set_quantities(call.books, found, Decimal(0), Decimal(0))
        ships, waits = orders.Shelf(call.books).split(found, wanted, line.allocation)
        orders.set_quantities(call.books, found, ships, waits)


def _cancel(call: Call, order: _Order) -> Row:
    row = order.header.order or {}
    reason = documents.field(order.header.part, "CancelReasonCode")
    orders.cancel(call.books, row, call.operator, reason)
    return row


def _created(call: Call, order: _Order, number: str, *, has_warnings: bool) -> Node:
    facts = [
        ("CustomerPoNumber", order.header.customer_po),
        ("SalesOrder", number),
        ("OrderActionType", order.header.action),
    ]
    waits = any(split[1] for split in order.splits)
    padded = number.zfill(15) if number.isdigit() else number
    text = f"One or more lines have been placed on back order for order '{padded}'"
    comment = [Node("BackOrderComment", text)] if waits and has_warnings else []
    block = warning_block(order.trouble.warnings) if has_warnings else []
    return Node("Order", [*nodes(facts), *comment, *block])


def _refusal(call: Call, order: _Order) -> Sequence[Node]:
    if _counts_as_rejected(call, order):
        facts = [
            ("SalesOrder", ""),
            ("CustomerPoNumber", order.header.customer_po),
            ("OrderActionType", order.header.action),
        ]
        return [Node("Order", [*nodes(facts), *warning_block(order.trouble.warnings)])]
    return [order.trouble.document(order.element)]


def _record(call: Call, order: _Order, *, committed: bool, row: Row | None = None) -> None:
    facts: dict[str, Any] = {"company": call.books.company}
    if row is None:
        facts["reasons"] = [*order.trouble.texts(), *order.trouble.warnings]
    else:
        facts |= _facts(call, row)
    reference = str((row or {}).get("CustomerPoNumber", "")) or order.header.customer_po
    function = order.header.action
    call.record(f"SORTOI {function}", reference, committed=committed, **facts)


def _facts(call: Call, row: Row) -> dict[str, Any]:
    lines = orders.lines_of(call.books, row)
    value = sum((_value(row, line) for line in lines), Decimal(0))
    return {
        "customer": str(row["Customer"]),
        "sales_order": orders.shown(row),
        "status": str(row["OrderStatus"]),
        "currency": str(row["Currency"]),
        "value": f"{value:.2f}",
        "lines": [
            {"stock_code": str(x["MStockCode"]), "quantity": f"{x['MOrderQty']:.6f}"}
            for x in lines
            if orders.is_merchandise(x)
        ],
    }
