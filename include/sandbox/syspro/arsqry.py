"""ARSQRY: one customer with credit, open documents, payments and balances.

Element names are those of the skeleton. Ages are counted from the invoice date. Documents that are
paid appear on request only; the generated ones, all paid, are not listed.
Source: SYSPRO reference, section 4.2.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from include.sandbox.syspro import credit, forms, messages, orders
from include.sandbox.syspro.books import NAMES, Books, as_decimal
from include.sandbox.syspro.documents import CallFailed, Node, field, nodes, root_node
from include.sandbox.syspro.queries import Question, system_information
from include.sandbox.syspro.tables import Row, plain_key

VERSION = "8.0.061"
AGES = ("Current", "Days30", "Days60", "Days90", "Days120", "Days150", "Days180")
HEADER = (
    "Name SoldToAddr1 SoldToAddr2 SoldToAddr3 SoldToAddr4 SoldToAddr5 SoldPostalCode TermsCode "
    "Currency Contact CreditStatus InvoiceCount Salesperson Area TaxStatus SpecialInstrs "
    "DateLastSale DateLastPay ShortName Telephone UserField1 UserField2 ShippingInstrs "
    "DateCustAdded Nationality CustomerOnHold Email ShipToAddr1 ShipToAddr2 ShipToAddr3 "
    "ShipToAddr4 ShipToAddr5 ShipPostalCode TaxExemptNumber Branch"
).split()
ZERO = Decimal(0)


def query(question: Question) -> Node:
    """Answer ARSQRY."""
    document, books = question.document, question.books
    key = field(document, "Key/Customer")
    customer = orders.find_customer(books, key)
    if customer is None:
        text = messages.text_of(messages.CUSTOMER_NOT_FOUND, key)
        raise CallFailed(f"ERROR: {text}")
    header = _header(books, customer)
    if field(document, "Option/IncludeCustomForms", "N") == "Y":
        header.append(forms.block(books, "CUS", str(customer["Customer"])))
    parts = [system_information(question), Node("Header", header)]
    open_rows = _documents(books, customer)
    if field(document, "Option/IncludeTransactions", "Y") == "Y":
        has_paid = field(document, "Option/IncludeZeroBalances", "N") == "Y"
        wanted = [r for r in open_rows if has_paid or as_decimal(r["InvoiceBal1"])]
        as_of = field(document, "Option/AsOfPeriod")
        parts += [_invoice(books, row, as_of) for row in wanted]
    if field(document, "Option/IncludeCheckPayments", "Y") == "Y":
        parts += _payments(books, customer, field(document, "Option/AsOfPeriod"))
    return root_node("ARStatement", VERSION, [*parts, _totals(books, customer, open_rows)])


def _documents(books: Books, customer: Row) -> list[Row]:
    return books.tables.matching("ArInvoice", Customer=str(customer["Customer"]))


def _header(books: Books, customer: Row) -> list[Node]:
    facts: list[tuple[str, object]] = [
        ("CompanyName", NAMES[books.company]),
        ("Customer", plain_key(str(customer["Customer"]))),
        *((name, customer.get(name, "")) for name in HEADER),
        ("StatementDate", books.today),
        ("CreditLimit", f"{as_decimal(customer.get('CreditLimit')):12.0f}"),
        ("CreditCheckFlag", "Y" if as_decimal(customer.get("CreditLimit")) else "N"),
        ("OutstOrdVal", f"{as_decimal(customer.get('OutstOrdVal')):15.2f}"),
        ("BalanceType", "I"),
    ]
    return nodes(facts)


def _invoice(books: Books, row: Row, as_of: str) -> Node:
    facts: list[tuple[str, object]] = [
        ("DocumentType", row["DocumentType"]),
        ("Invoice", plain_key(str(row["Invoice"]))),
        ("InvoiceDate", row["InvoiceDate"]),
        ("CustomerPoNumber", row["CustomerPoNumber"]),
        ("CurrencyValue", f"{as_decimal(row['CurrencyValue']):15.2f}"),
        ("InvoiceBal", f"{as_decimal(row['InvoiceBal1']):15.2f}"),
        ("Branch", row["Branch"]),
        ("SalesOrder", plain_key(str(row["SalesOrder"])) if row["SalesOrder"] else ""),
    ]
    wanted = {name: str(row[name]) for name in ("Customer", "Invoice", "DocumentType")}
    payments = [
        paid
        for paid in books.tables.matching("ArInvoicePay", **wanted)
        if books.periods.is_listed(as_of, (int(str(paid["TrnYear"])), int(str(paid["TrnMonth"]))))
    ]
    return Node("InvoiceDetail", [*nodes(facts), *(_transaction(p) for p in payments)])


def _transaction(row: Row) -> Node:
    facts = (
        ("Reference", row["Reference"]),
        ("TrnValue", f"{as_decimal(row['TrnValue']):15.2f}"),
        ("JournalDate", row["JournalDate"]),
        ("DiscValue", f"{as_decimal(row['DiscValue']):15.2f}"),
    )
    return Node("TransDetail", nodes(facts))


def _payments(books: Books, customer: Row, as_of: str) -> list[Node]:
    found = []
    for row in books.tables.matching("ArPayHistory", Customer=str(customer["Customer"])):
        month = int(str(row["PaymYear"])), int(str(row["PaymMonth"]))
        if not books.periods.is_listed(as_of, month):
            continue
        facts = (
            ("ChequeReference", row["Reference"]),
            ("PayDate", row["PayDate"]),
            ("PayValue", f"{as_decimal(row['PayValue']):15.2f}"),
            ("PaymYear", row["PaymYear"]),
            ("PaymMonth", f"{row['PaymMonth']:02d}"),
        )
        found.append(Node("PayDetail", nodes(facts)))
    return found


def _totals(books: Books, customer: Row, rows: Sequence[Row]) -> Node:
    ages = dict.fromkeys(AGES, ZERO)
    for row in rows:
        day = row["InvoiceDate"]
        days = (books.today - day).days if isinstance(day, date) else 0
        ages[AGES[min(max(days, 0) // 30, len(AGES) - 1)]] += as_decimal(row["InvoiceBal1"])
    credits = sum((min(as_decimal(r["InvoiceBal1"]), ZERO) for r in rows), ZERO)
    owed = credit.balance(books, customer)
    pairs = [("CurrentBalance", owed), *ages.items(), ("CreditBalance", credits)]
    facts = [("BalBroughtFwd", f"{ZERO:15.2f}"), *((n, f"{v:15.2f}") for n, v in pairs)]
    return Node("TotalSection", nodes(facts))
