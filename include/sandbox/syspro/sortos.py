"""SORTOS, SORTOX and SORTBO: an order's status, its cancellation, and its back orders.

``OrderStatus`` of SORTOS guards: another status than the one given is refused. That a status an
order already has is refused, and that a blank line number cancels the whole order, is inferred.
Source: SYSPRO reference, section 4.1.
"""

from dataclasses import dataclass
from decimal import Decimal
from xml.etree.ElementTree import Element

from include.sandbox.syspro import items, messages, orders, stock, units
from include.sandbox.syspro.books import as_decimal
from include.sandbox.syspro.documents import (
    Node,
    choice_field,
    field,
    int_text_field,
    nodes,
    text_field,
    value_field,
)
from include.sandbox.syspro.posting import Call, Findings
from include.sandbox.syspro.tables import Row

NEW_STATUSES = "123489S"


@dataclass(frozen=True, slots=True)
class _Change:
    order: Row
    status: str
    authority: str


@dataclass(frozen=True, slots=True)
class _Cancellation:
    order: Row
    line: Row | None
    is_completed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class _Release:
    order: Row
    line: Row
    quantity: Decimal
    status: str


def read_order(call: Call, element: Element, findings: Findings) -> Row | None:
    """Read ``SalesOrder`` and find the order; it may not have ended, nor be open elsewhere."""
    number = findings.check(text_field, element, "SalesOrder", longest=20, is_needed=True) or ""
    order = orders.find_order(call.books, number)
    if number and order is None:
        findings.refuse("SalesOrder", number, messages.ORDER_NOT_FOUND, number)
    if order is not None and order["OrderStatus"] in (*orders.ENDED, orders.IN_PROCESS):
        status = order["OrderStatus"]
        findings.refuse("SalesOrder", number, messages.ORDER_STATUS, orders.shown(order), status)
    return order


def number_of(element: Element) -> str:
    return field(element, "SalesOrder")


def change_status(call: Call) -> Node:
    """SORTOS."""
    course = items.Course(
        "SORTOS", "postsororderstatus", "8.0.024", _check_change, _write_change, number_of
    )
    return items.run(call, course)


def _check_change(call: Call, element: Element, findings: Findings) -> _Change | None:
    order = read_order(call, element, findings)
    wanted = findings.check(choice_field, element, "NewOrderStatus", NEW_STATUSES, "") or ""
    authority = findings.check(text_field, element, "CreditAuthority", longest=10) or ""
    if order is None or not wanted:
        return None
    guard, status = field(element, "OrderStatus"), str(order["OrderStatus"])
    shown = orders.shown(order)
    if guard and guard != status:
        findings.refuse("OrderStatus", guard, messages.STATUS_DIFFERS, shown, status, guard)
    elif wanted == status:
        findings.refuse("NewOrderStatus", wanted, messages.ORDER_STATUS, shown, status)
    if status == "S" and wanted != "9" and not authority:
        findings.refuse("CreditAuthority", "", messages.IS_SPACES, "{Item}{CreditAuthority}")
    return _Change(order, wanted, authority)


def _write_change(call: Call, change: _Change) -> list[Node]:
    order, before = change.order, str(change.order["OrderStatus"])
    if change.status == "9":
        owed = orders.outstanding(call.books, order)
        for line in orders.lines_of(call.books, order):
            orders.drop_line(call.books, line)
        orders.owe(call.books, order, -owed)
    more = {"CreditAuthority": change.authority} if change.authority else {}
    orders.set_status(call.books, order, change.status, call.operator, **more)
    if change.status == "1":
        call.opened.append(str(order["SalesOrder"]))
    record(call, "SORTOS", order, old_status=before, status=change.status)
    facts = (
        ("SalesOrder", orders.shown(order)),
        ("OrderStatus", before),
        ("NewOrderStatus", change.status),
    )
    return [Node("Order", nodes(facts))]


def record(call: Call, verb: str, order: Row, **facts: str) -> None:
    """Write an execution on an order into the truth ledger, under the customer's number."""
    call.record(
        verb,
        str(order["CustomerPoNumber"]),
        committed=True,
        company=call.books.company,
        customer=str(order["Customer"]),
        sales_order=orders.shown(order),
        **facts,
    )


def cancel(call: Call) -> Node:
    """SORTOX."""
    course = items.Course(
        "SORTOX", "postsalesordercancel", "8.0.017", _check_cancel, _write_cancel, number_of
    )
    return items.run(call, course)


def _check_cancel(call: Call, element: Element, findings: Findings) -> _Cancellation | None:
    order = read_order(call, element, findings)
    number = findings.check(int_text_field, element, "SalesOrderLine", 0, 9999)
    complete = findings.check(choice_field, element, "MarkLineComplete", "YN", "N")
    reason = findings.check(text_field, element, "CancelReasonCode", longest=6) or ""
    if order is None:
        return None
    line = orders.find_line(call.books, order, number) if number else None
    if number and line is None:
        shown = orders.shown(order)
        findings.refuse("SalesOrderLine", str(number), messages.LINE_NOT_FOUND, number, shown)
    elif line is not None and line["SalesOrderDetStat"] == "X":
        shown = orders.shown(order)
        findings.refuse("SalesOrderLine", str(number), messages.LINE_DONE, number, shown)
    return _Cancellation(order, line, complete == "Y", reason)


def _write_cancel(call: Call, found: _Cancellation) -> list[Node]:
    order, line = found.order, found.line
    if line is None:
        orders.cancel(call.books, order, call.operator, found.reason)
    else:
        before = orders.outstanding(call.books, order)
        orders.drop_line(call.books, line)
        orders.owe(call.books, order, orders.outstanding(call.books, order) - before)
        lines = orders.lines_of(call.books, order)
        if orders.status_of_lines(lines) == "9":
            ended = "9" if order.get("LastInvoice") else orders.CANCELLED
            orders.set_status(call.books, order, ended, call.operator)
    number = str(line["SalesOrderLine"]) if line else ""
    status = str(order["OrderStatus"])
    record(call, "SORTOX", order, line=number, status=status, reason=found.reason)
    facts = (
        ("SalesOrder", orders.shown(order)),
        ("SalesOrderLine", number),
        ("Cancelled", "N" if found.is_completed else "Y"),
        ("Completed", "Y" if found.is_completed else "N"),
    )
    return nodes(facts)


def release_back_orders(call: Call) -> Node:
    """SORTBO. Its reply keeps the request's capitals."""
    course = items.Course(
        "SORTBO",
        "PostSorBackOrderRelease",
        "8.0.033",
        _check_release,
        _write_release,
        number_of,
        is_all_or_nothing="Y",
    )
    return items.run(call, course)


def _check_release(call: Call, element: Element, findings: Findings) -> _Release | None:
    order = read_order(call, element, findings)
    number = findings.check(int_text_field, element, "SalesOrderLine", 0, 9999)
    status = findings.check(choice_field, element, "OrderStatus", "83N", "N") or "N"
    quantity = None
    if field(element, "Quantity"):
        quantity = findings.check(value_field, element, "Quantity", whole=12, decimals=6)
    if order is None:
        return None
    code = field(element, "StockCode")
    waiting = [
        line
        for line in orders.lines_of(call.books, order)
        if as_decimal(line["MBackOrderQty"])
        and number in (None, 0, line["SalesOrderLine"])
        and code in ("", line["MStockCode"])
    ]
    if not waiting:
        shown = orders.shown(order)
        findings.refuse("SalesOrder", shown, messages.NOTHING_TO_DO, shown, "release")
        return None
    line = waiting[0]
    wanted = min(quantity or as_decimal(line["MBackOrderQty"]), as_decimal(line["MBackOrderQty"]))
    _check_free(call, line, wanted, findings)
    return _Release(order, line, wanted, status)


def _check_free(call: Call, line: Row, wanted: Decimal, findings: Findings) -> None:
    code, name = str(line["MStockCode"]), str(line["MWarehouse"])
    row = stock.warehouse(call.books, code, name)
    if row is None or units.is_kit(stock.item(call.books, code)):
        return
    free = stock.available(row)
    if wanted * units.of_line(line) > free:
        findings.refuse("Quantity", f"{wanted}", messages.NO_STOCK, code, name, f"{free}")


def _write_release(call: Call, found: _Release) -> list[Node]:
    line, order = found.line, found.order
    ships = as_decimal(line["MShipQty"]) + found.quantity
    waits = as_decimal(line["MBackOrderQty"]) - found.quantity
    orders.set_quantities(call.books, line, ships, waits)
    current = str(order["OrderStatus"])
    status = found.status if found.status != "N" else "3" if current == "2" else current
    if current != "S":
        orders.set_status(call.books, order, status, call.operator)
    record(
        call,
        "SORTBO",
        order,
        line=str(line["SalesOrderLine"]),
        quantity=f"{found.quantity:.6f}",
        status=str(order["OrderStatus"]),
    )
    number = int(str(line["SalesOrderLine"]))
    key = nodes((("SalesOrder", orders.shown(order)), ("SalesOrderLine", f"{number:04d}")))
    return [Node("Key", key)]
