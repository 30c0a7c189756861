"""The header of a SORTOI document: who orders, under which number, and whether he may.

Source: SYSPRO reference, section 4.1.
"""

from dataclasses import dataclass
from decimal import Decimal
from xml.etree.ElementTree import Element

from include.sandbox.syspro import credit, messages
from include.sandbox.syspro.documents import (
    choice_field,
    date_field,
    field,
    text_field,
    value_field,
)
from include.sandbox.syspro.orders import ENDED, IN_PROCESS, find_customer, find_order, shown
from include.sandbox.syspro.posting import Call
from include.sandbox.syspro.tables import Row, Value
from include.sandbox.syspro.trouble import Trouble

LONGEST_PO = 30
BLANK = "{blank}"  # clears an element on change
# Element, SorMaster column, longest text.
TEXTS = (
    ("CustomerName", "CustomerName", 50),
    *((f"ShipAddress{n}", f"ShipAddress{n}", 40) for n in range(1, 6)),
    ("ShipPostalCode", "ShipPostalCode", 10),
    ("State", "State", 10),
    ("Nationality", "Nationality", 3),
    ("Email", "Email", 255),
    ("ShippingInstrs", "ShippingInstrs", 50),
    ("SpecialInstrs", "SpecialInstrs", 30),
    ("Warehouse", "Warehouse", 10),
    ("OrderType", "OrderType", 2),
    ("InvoiceTerms", "InvTermsOverride", 2),
    ("Salesperson", "Salesperson", 20),
    ("Branch", "Branch", 10),
    ("Area", "Area", 10),
    ("TaxExemptNumber", "TaxExemptNumber", 30),
)
# Codes that must be on file: element, table, column.
CODES = (
    ("InvoiceTerms", "TblArTerms", "TermsCode"),
    ("Salesperson", "SalSalesperson", "Salesperson"),
    ("Branch", "SalBranch", "Branch"),
    ("Area", "SalArea", "Area"),
)


@dataclass(frozen=True, slots=True)
class Header:
    """A header, read: the action, the customer and order it means, and the columns it gives."""

    part: Element
    action: str
    customer_po: str
    customer: Row | None
    order: Row | None  # what C and D are about
    values: Row


def read_header(call: Call, part: Element, trouble: Trouble) -> Header:
    """Check a header; what is wrong goes into ``trouble``."""
    action = trouble.check(part, choice_field, "OrderActionType", "ACD", "A") or "A"
    given = trouble.check(part, text_field, "CustomerPoNumber", longest=LONGEST_PO)
    customer_po = given or ""
    values = _read_values(call, part, trouble, is_change=action != "A")
    if action == "A":
        customer = _read_customer(call, part, trouble)
        if customer is not None and given is not None:
            _check_number(call, part, trouble, customer, customer_po)
        return Header(part, action, customer_po, customer, None, values)
    order = _read_order(call, part, trouble)
    renamed = trouble.check(part, text_field, "NewCustomerPoNumber", longest=LONGEST_PO)
    if renamed:
        values["CustomerPoNumber"] = renamed
    customer = find_customer(call.books, str(order["Customer"])) if order else None
    return Header(part, action, customer_po, customer, order, values)


def _read_values(call: Call, part: Element, trouble: Trouble, *, is_change: bool) -> Row:
    found: Row = {}
    for name, column, longest in TEXTS:
        text = trouble.check(part, text_field, name, longest=longest)
        if text:
            found[column] = "" if is_change and text == BLANK else text
    for name, table, column in CODES:
        code = field(part, name)
        if code and not is_on_file(call, table, column, code):
            trouble.refuse(part, messages.CODE_NOT_FOUND, name, code)
    alternate = field(part, "AlternateReference")
    if alternate and not is_on_file(call, "SalBranch", "Branch", alternate):
        trouble.refuse(part, messages.CODE_NOT_FOUND, "AlternateReference", alternate)
    for number in (1, 2, 3):
        name = f"OrderDiscPercent{number}"
        if field(part, name):
            percent: Value = trouble.check(part, value_field, name, whole=3) or Decimal(0)
            found[f"DiscPct{number}"] = percent
    if field(part, "RequestedShipDate"):
        wanted = trouble.check(part, date_field, "RequestedShipDate", None)
        found["ReqShipDate"] = wanted or ""
    status = trouble.check(part, choice_field, "TaxExemptionStatus", "ENO", "E")
    if call.options.is_order_tax_changeable and field(part, "TaxExemptionStatus"):
        found["TaxExemptFlag"] = status or ""
    return found


def is_on_file(call: Call, table: str, column: str, code: str) -> bool:
    return any(row[column] == code for row in call.books.tables.rows(table))


def _read_customer(call: Call, part: Element, trouble: Trouble) -> Row | None:
    key = trouble.check(part, text_field, "Customer", longest=15, is_needed=True) or ""
    customer = find_customer(call.books, key)
    if key and customer is None:
        trouble.refuse(part, messages.CUSTOMER_NOT_FOUND, key)
    if customer is None:
        return None
    currency, own = field(part, "Currency"), str(customer.get("Currency", ""))
    own = own or call.books.base_currency
    if currency not in ("", own):
        trouble.refuse(part, messages.CURRENCY_DIFFERS, currency, own, f"customer '{key}'")
    if credit.is_on_hold(customer):
        if call.parameter("WarnIfCustomerOnHold", "N") == "Y":
            trouble.warn(messages.CUSTOMER_ON_HOLD, key)
        else:
            trouble.refuse(part, messages.CUSTOMER_ON_HOLD, key)
    return customer


def _check_number(
    call: Call, part: Element, trouble: Trouble, customer: Row, customer_po: str
) -> None:
    """Y of ``CheckForCustomerPoNumbers`` asks for a number; the duplicate test is another switch.

    N refuses a second order under one number, A switches every test off; between them the company
    decides. What a blank means is not published: here, as Y.
    """
    if not customer_po:
        if call.parameter("CheckForCustomerPoNumbers", "N") == "Y":
            trouble.refuse(part, messages.PO_NEEDED)
        return
    allow = call.parameter("AllowDuplicateOrderNumbers", "Y")
    company = call.options.duplicate_po
    if allow == "A" or (allow != "N" and not company):
        return
    same = call.books.tables.matching(
        "SorMaster", Customer=str(customer["Customer"]), CustomerPoNumber=customer_po
    )
    orders = [row for row in same if row["DocumentType"] == "O"]
    if orders and company == "warn":
        trouble.warn(messages.DUPLICATE_PO, customer_po, shown(orders[0]))
    elif orders:
        trouble.refuse(part, messages.DUPLICATE_PO, customer_po, shown(orders[0]))


def _read_order(call: Call, part: Element, trouble: Trouble) -> Row | None:
    number = trouble.check(part, text_field, "SalesOrder", longest=20, is_needed=True) or ""
    order = find_order(call.books, number)
    if number and order is None:
        trouble.refuse(part, messages.ORDER_NOT_FOUND, number)
    if order is not None and order["OrderStatus"] in (*ENDED, IN_PROCESS):
        trouble.refuse(part, messages.ORDER_STATUS, shown(order), order["OrderStatus"])
    return order
