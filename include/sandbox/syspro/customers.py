"""ARSSCS and ARSTCR: customers are added, changed and deleted, and their credit checked.

A key that is taken is refused as a duplicate, a missing one cannot be changed; a blank key is
numbered by SYSPRO where the company has that switched on (inferred). Which elements must be given
beside the name is not published; codes that are given must be on file.
Source: SYSPRO reference, section 4.2.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from xml.etree.ElementTree import Element

from include.sandbox.syspro import credit, items, messages, orders
from include.sandbox.syspro.books import as_decimal
from include.sandbox.syspro.columns import COLUMNS
from include.sandbox.syspro.documents import (
    Node,
    choice_field,
    field,
    nodes,
    text_field,
    value_field,
)
from include.sandbox.syspro.order_header import is_on_file
from include.sandbox.syspro.posting import Call, Findings
from include.sandbox.syspro.tables import Row, Value, padded_key, plain_key

FIRST_NUMBER = 100001
BLANK = "{blank}"
TEXTS = {
    "Name": 50,
    "ShortName": 20,
    "Salesperson": 20,
    "Branch": 10,
    "Area": 10,
    "TermsCode": 2,
    "Telephone": 20,
    "Contact": 50,
    "Email": 255,
    **{f"{kind}ToAddr{n}": 40 for kind in ("Sold", "Ship") for n in range(1, 6)},
    "SoldPostalCode": 10,
    "ShipPostalCode": 10,
    "State": 10,
    "Nationality": 3,
    "UserField1": 10,
    "SalesWarehouse": 10,
    "ShippingInstrs": 50,
    "SpecialInstrs": 30,
    "TaxExemptNumber": 30,
}
CHOICES = {"CustomerOnHold": "YN", "TaxStatus": "ENO", "CreditStatus": "0123456789"}
NUMBERS = {"CreditLimit": (12, 0), "UserField2": (12, 2)}
CODES = {
    "Branch": ("SalBranch", "Branch"),
    "Area": ("SalArea", "Area"),
    "TermsCode": ("TblArTerms", "TermsCode"),
    "Salesperson": ("SalSalesperson", "Salesperson"),
}
NEW_CUSTOMER: Row = {
    "CreditStatus": "0",
    "CreditLimit": Decimal(0),
    "CustomerOnHold": "N",
    "TaxStatus": "E",
    "TermsCode": "CC",
    "Salesperson": "WEB",
}


@dataclass(frozen=True, slots=True)
class _Entry:
    key: str
    row: Row | None
    values: Row


def setup(call: Call) -> Node:
    """ARSSCS, by the verb of the call: Add, Update or Delete."""
    course = items.Course(
        f"ARSSCS {call.function}",
        "setuparcustomer",
        "8.0.057",
        _check,
        _writer(call),
        lambda element: field(element, "Key/Customer"),
        is_all_or_nothing="Y",
        is_setup=True,
    )
    return items.run(call, course)


def _writer(call: Call) -> Callable[[Call, _Entry], list[Node]]:
    return {"Add": _add, "Update": _update}.get(call.function, _delete)


def _check(call: Call, element: Element, findings: Findings) -> _Entry | None:
    key = _check_key(call, element, findings)
    row = orders.find_customer(call.books, key)
    if call.function == "Add" and row is not None:
        findings.refuse("Customer", key, messages.DUPLICATE_KEY, "Customer", key)
    elif call.function != "Add" and key and row is None:
        findings.refuse("Customer", key, messages.CUSTOMER_NOT_FOUND, key)
    if call.function == "Delete":
        _check_unused(call, row, findings)
        return _Entry(key, row, {})
    if call.function == "Add":
        findings.check(text_field, element, "Name", longest=50, is_needed=True)
    return _Entry(key, row, _read_values(call, element, row, findings))


def _check_key(call: Call, element: Element, findings: Findings) -> str:
    part = element.find("Key")
    key = findings.check(text_field, element if part is None else part, "Customer", longest=15)
    is_numbered = call.function == "Add" and call.options.is_customer_auto_numbered
    if not key and not findings.nodes and not is_numbered:
        findings.refuse("Customer", "", messages.IS_SPACES, "{Key}{Customer}")
    return padded_key("Customer", key or "")


def _read_values(call: Call, element: Element, row: Row | None, findings: Findings) -> Row:
    check = findings.check
    found: Row = {}
    for name, longest in TEXTS.items():
        text = check(text_field, element, name, longest=longest)
        if text:
            found[name] = "" if text == BLANK else text
    for name, letters in CHOICES.items():
        if field(element, name):
            found[name] = check(choice_field, element, name, letters, "") or ""
    for name, (whole, decimals) in NUMBERS.items():
        if field(element, name):
            number: Value = check(
                value_field, element, name, whole=whole, decimals=decimals
            ) or Decimal(0)
            found[name] = number
    for name, (table, column) in CODES.items():
        code = found.get(name)
        if code and not is_on_file(call, table, column, str(code)):
            findings.refuse(name, str(code), messages.CODE_NOT_FOUND, name, code)
    currency = check(text_field, element, "Currency", longest=3)
    if currency:
        _check_currency(call, row, currency, findings)
        found["Currency"] = currency
    return found


def _check_currency(call: Call, row: Row | None, currency: str, findings: Findings) -> None:
    if call.books.rate(currency) is None:
        findings.refuse("Currency", currency, messages.NO_RATE, currency)
    elif row is not None and currency != row.get("Currency") and _has_trade(call, row):
        key = plain_key(str(row["Customer"]))
        findings.refuse("Currency", currency, messages.CURRENCY_FIXED, key)


def _has_trade(call: Call, row: Row) -> bool:
    key = str(row["Customer"])
    tables = call.books.tables
    return any(tables.get(table, Customer=key) for table in ("SorMaster", "ArInvoice"))


def _check_unused(call: Call, row: Row | None, findings: Findings) -> None:
    if row is not None and _has_trade(call, row):
        key = plain_key(str(row["Customer"]))
        findings.refuse("Customer", key, messages.HAS_TRANSACTIONS, key)


def _add(call: Call, entry: _Entry) -> list[Node]:
    books = call.books
    number = entry.key or f"{books.next_number('customer', first=FIRST_NUMBER):015d}"
    row: Row = dict.fromkeys(COLUMNS["ArCustomer"].split(), "")
    branch = next((r["Branch"] for r in books.tables.rows("SalSalesperson")), "")
    row |= {
        "Customer": number,
        "Branch": branch,
        "Currency": books.base_currency,
        "DateCustAdded": books.today,
        "OutstOrdVal": Decimal(0),
        "InvoiceCount": 0,
        **NEW_CUSTOMER,
        **entry.values,
    }
    row["ShortName"] = row["ShortName"] or str(row["Name"])[:20]
    books.tables.add("ArCustomer", row)
    return _done(call, row)


def _update(call: Call, entry: _Entry) -> list[Node]:
    row = entry.row or {}
    call.books.tables.change("ArCustomer", row, entry.values)
    return _done(call, row)


def _delete(call: Call, entry: _Entry) -> list[Node]:
    row = entry.row or {}
    done = _done(call, row)
    call.books.tables.remove("ArCustomer", row)
    return done


def _done(call: Call, row: Row) -> list[Node]:
    key = str(row["Customer"])
    call.record(
        f"ARSSCS {call.function}",
        key,
        committed=True,
        company=call.books.company,
        name=str(row["Name"]),
        currency=str(row["Currency"]),
        user_field_1=str(row.get("UserField1", "")),
    )
    return [Node("key", [Node("customer", plain_key(key))])]


@dataclass(frozen=True, slots=True)
class _Checked:
    row: Row


def check_credit(call: Call) -> Node:
    """ARSTCR: the credit status of each customer; its reply is named as the request."""
    course = items.Course(
        "ARSTCR",
        "arcreditcheck",
        "8.0.012",
        _find,
        _check_credit,
        lambda element: field(element, "Customer"),
        is_all_or_nothing="Y",
    )
    return items.run(call, course)


def _find(call: Call, element: Element, findings: Findings) -> _Checked | None:
    key = findings.check(text_field, element, "Customer", longest=15, is_needed=True) or ""
    row = orders.find_customer(call.books, key)
    if key and row is None:
        findings.refuse("Customer", key, messages.CUSTOMER_NOT_FOUND, key)
    return _Checked(row) if row is not None else None


def _check_credit(call: Call, found: _Checked) -> list[Node]:
    row = found.row
    owed = credit.balance(call.books, row)
    status = str(row.get("CreditStatus") or "0")
    if status != credit.STOPPED and not credit.is_enough(call.books, row, Decimal(0)):
        status = "6"
    elif status != credit.STOPPED:
        status = "0"
    call.books.tables.change("ArCustomer", row, {"CreditStatus": status})
    key = str(row["Customer"])
    call.record("ARSTCR", key, committed=True, company=call.books.company, status=status)
    facts = (
        ("Customer", plain_key(key)),
        ("CreditStatus", status),
        ("NewBalance", f"{owed:.2f}"),
        ("OldBalance", f"{as_decimal(owed):.2f}"),
    )
    return nodes(facts)
