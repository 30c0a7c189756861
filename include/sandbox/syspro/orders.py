"""What every sales order object does to an order: find it, value it, allocate, complete, cancel.

An order is its rows in SorMaster and SorDetail. Status codes: 1 open, 2 open back order,
3 released back order, 4 in warehouse, 8 ready to invoice, 9 complete, S suspense, a backslash for
cancelled. Line types: 1 stocked, 4 freight, 5 miscellaneous charge, 6 comment, 7 not stocked
(5 and 6 from the samples, the others inferred). Source: SYSPRO reference, section 4.1.
"""

from decimal import ROUND_HALF_UP, Decimal

from include.sandbox.syspro import stock, units
from include.sandbox.syspro.books import CENT, Books, as_decimal
from include.sandbox.syspro.tables import Row, Value, padded_key, plain_key

MERCHANDISE = ("1", "7")
ENDED = ("9", "\\", "*")
IN_PROCESS = "0"  # while a person has it open in order entry: whatever it was before
CANCELLED = "\\"
STATUS_NAMES = {
    "0": "Order in process",
    "1": "Open order",
    "2": "Open back order",
    "3": "Released back order",
    "4": "In warehouse",
    "8": "Ready to invoice",
    "9": "Complete",
    "F": "Forward order",
    "S": "In suspense",
    "*": "Cancelled during entry",
    "\\": "Cancelled",
}
ZERO = Decimal(0)
ONE_HUNDRED = Decimal(100)


def find_order(books: Books, number: str) -> Row | None:
    """Return an order by its number, padded or not; generated ones are complete."""
    if not number:
        return None
    return books.tables.seek("SorMaster", SalesOrder=padded_key("SalesOrder", number))


def find_customer(books: Books, key: str) -> Row | None:
    return books.tables.get("ArCustomer", Customer=padded_key("Customer", key)) if key else None


def lines_of(books: Books, order: Row) -> list[Row]:
    """Return the lines of an order by number."""
    found = books.tables.matching("SorDetail", SalesOrder=str(order["SalesOrder"]))
    return sorted(found, key=lambda line: int(str(line["SalesOrderLine"])))


def find_line(books: Books, order: Row, number: int) -> Row | None:
    return next((x for x in lines_of(books, order) if x["SalesOrderLine"] == number), None)


def shown(order: Row) -> str:
    """Return an order's number as objects show it."""
    return plain_key(str(order["SalesOrder"]))


def is_merchandise(line: Row) -> bool:
    return line["LineType"] in MERCHANDISE


def amount(order: Row, line: Row, quantity: Decimal) -> Decimal:
    """Return the value of a quantity of a line, discounts taken, to the minor unit."""
    step = Decimal(1) if order.get("Currency") == "JPY" else CENT
    if not is_merchandise(line):
        return as_decimal(line["NMscChargeValue"]).quantize(step, ROUND_HALF_UP)
    gross = quantity * as_decimal(line["MPrice"])
    discount = as_decimal(line["MDiscValue"])
    if line["MDiscValFlag"] == "U":
        gross -= discount * quantity
    elif line["MDiscValFlag"] == "V" and as_decimal(line["MOrderQty"]):
        gross -= discount * quantity / as_decimal(line["MOrderQty"])
    for row, names in ((line, "MDiscPct"), (order, "DiscPct")):
        for number in (1, 2, 3):
            gross *= 1 - as_decimal(row.get(f"{names}{number}")) / ONE_HUNDRED
    return gross.quantize(step, ROUND_HALF_UP)


def outstanding(books: Books, order: Row) -> Decimal:
    """Return the value of what is not invoiced yet."""
    return sum((open_amount(order, line) for line in lines_of(books, order)), ZERO)


def open_amount(order: Row, line: Row) -> Decimal:
    if line["LineType"] == "6" or line["NMscInvCharge"] == "Y":
        return ZERO
    if not is_merchandise(line):
        return amount(order, line, ZERO)
    return amount(order, line, open_quantity(line))


def open_quantity(line: Row) -> Decimal:
    """Return what is still to be invoiced of a line: to ship, dispatched, or on back order."""
    names = ("MShipQty", "MQtyDispatched", "MBackOrderQty")
    return sum((as_decimal(line[name]) for name in names), ZERO)


class Shelf:
    """Hands out what is free, so that two lines of one order never get the same piece."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._left: dict[tuple[str, str], Decimal] = {}

    def split(self, line: Row, wanted: Decimal, action: str) -> tuple[Decimal, Decimal]:
        """Split a quantity into what ships and what waits.

        F ships only a full quantity, A what there is, B nothing. A kit and its parts always wait.
        Quantities are in the line's own unit, of which only whole ones ship.
        """
        if line["LineType"] != "1":
            return wanted, ZERO
        place = str(line["MStockCode"]), str(line["MWarehouse"])
        if place not in self._left:
            row = stock.warehouse(self._books, *place)
            self._left[place] = max(stock.available(row), ZERO) if row else ZERO
        factor = units.of_line(line)
        free = self._left[place] if factor == 1 else self._left[place] // factor
        ships = wanted if free >= wanted else min(free, wanted) if action == "A" else ZERO
        if action == "B" or line["MParentKitType"]:
            ships = ZERO
        self._left[place] -= ships * factor
        return ships, wanted - ships


def set_quantities(books: Books, line: Row, ships: Decimal, waits: Decimal) -> None:
    """Set what ships and what waits, and move the warehouse's quantities with it."""
    move_goods(
        books,
        line,
        QtyAllocated=ships - as_decimal(line["MShipQty"]),
        QtyOnBackOrder=waits - as_decimal(line["MBackOrderQty"]),
    )
    values: dict[str, Value] = {
        "MShipQty": ships.quantize(stock.QUANTITY),
        "MBackOrderQty": waits.quantize(stock.QUANTITY),
    }
    books.tables.change("SorDetail", line, values)


def move_goods(books: Books, line: Row, **changes: Decimal) -> None:
    """Add to the warehouse's quantities, given in the line's own unit."""
    factor = units.of_line(line)
    counted = {name: change * factor for name, change in changes.items()}
    stock.move(books, str(line["MStockCode"]), str(line["MWarehouse"]), **counted)


def is_open(line: Row) -> bool:
    """Say whether a line still has something to invoice."""
    if line["LineType"] == "6":
        return False
    if is_merchandise(line):
        return bool(open_quantity(line))
    return line["NMscInvCharge"] != "Y"


def status_of_lines(lines: list[Row]) -> str:
    """Return the status that the lines give: open, on back order, or complete."""
    if not any(is_open(line) for line in lines):
        return "9"
    ships = [x for x in lines if is_merchandise(x) and as_decimal(x["MShipQty"])]
    waits = [x for x in lines if is_merchandise(x) and as_decimal(x["MBackOrderQty"])]
    return "2" if waits and not ships else "1"


def set_status(books: Books, order: Row, status: str, operator: str, **more: Value) -> None:
    """Give an order a status; the customer's outstanding orders are kept in step."""
    is_ended = status in ENDED
    values: dict[str, Value] = {
        "OrderStatus": status,
        "ActiveFlag": "N" if is_ended else "Y",
        "LastOperator": operator,
        **more,
    }
    books.tables.change("SorMaster", order, values)


def owe(books: Books, order: Row, change: Decimal) -> None:
    """Add to the customer's value of outstanding orders."""
    customer = find_customer(books, str(order["Customer"]))
    if customer is not None and order["DocumentType"] != "C" and change:
        total = as_decimal(customer.get("OutstOrdVal")) + change
        books.tables.change("ArCustomer", customer, {"OutstOrdVal": total})


def cancel(books: Books, order: Row, operator: str, reason: str = "") -> None:
    """Cancel what is open of an order; what was invoiced of it stays, and then it is complete."""
    before = outstanding(books, order)
    for line in lines_of(books, order):
        drop_line(books, line)
    is_invoiced = bool(order.get("LastInvoice"))
    status = "9" if is_invoiced else CANCELLED
    flag = "" if is_invoiced else "Y"
    set_status(
        books, order, status, operator, CancelledFlag=flag, SpecialInstrs=_why(order, reason)
    )
    owe(books, order, -before)


def _why(order: Row, reason: str) -> str:
    """Keep the reason where a person sees it: the tables have no column of their own for it."""
    return str(order.get("SpecialInstrs", "")) or (f"Cancelled {reason}" if reason else "")


def drop_line(books: Books, line: Row) -> None:
    """Free what a line holds; dispatched goods have left and stay."""
    if is_merchandise(line):
        set_quantities(books, line, ZERO, ZERO)
    elif line["LineType"] != "6":
        books.tables.change("SorDetail", line, {"NMscInvCharge": "Y"})
    books.tables.change("SorDetail", line, {"SalesOrderDetStat": "X"})
