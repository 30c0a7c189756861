"""ARSTIN: invoices, debit and credit notes without stock. A given number that exists is refused.

Values are never negative. ``Reference`` is kept as the customer's order number, where the AR
documents show it (inferred from the sample's text). Source: SYSPRO reference, section 4.4.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from xml.etree.ElementTree import Element

from include.sandbox.syspro import messages, orders, receivables
from include.sandbox.syspro.documents import (
    Node,
    choice_field,
    date_field,
    field,
    nodes,
    root_node,
    text_field,
    value_field,
)
from include.sandbox.syspro.items import check_item
from include.sandbox.syspro.posting import Call, Checked, Findings, read_period, to_post
from include.sandbox.syspro.receivables import Document
from include.sandbox.syspro.tables import Row, padded_key, plain_key

VERSION = "8.0.066"


@dataclass(frozen=True, slots=True)
class _Entry:
    document: Document
    kind: str  # the transaction: a credit note can be posted to an invoice
    existing: Row | None
    is_numbered: bool  # SYSPRO gives the number


def post(call: Call) -> Node:
    """Check every item, and post what the parameters allow."""
    with call.books.lock:
        document = Findings()
        period = read_period(call, document)
        parts = call.document.findall("Item")
        items = [check_item(call, _check, part, document) for part in parts]
        posting = {id(item) for item in to_post(call, items)}
        register = call.books.next_number("ar register", first=107) if posting else 0
        replies = []
        for number, item in enumerate(items, start=1):
            content: list[Node] = item.errors
            if item.ready is None:
                _record_refusal(call, item)
            elif id(item) in posting:
                content = _write(call, item.ready, period, register)
            replies.append(Node("Item", [*content, Node("ItemNumber", f"{number:06d}")]))
    invalid = sum(item.ready is None for item in items)
    counts = (("ItemsValidated", len(items) - invalid), ("InvalidItems", invalid))
    status = Node("StatusOfItems", [Node(name, f"{count:06d}") for name, count in counts])
    return root_node("postarinvoices", VERSION, [*replies, status])


def _record_refusal(call: Call, item: Checked[_Entry]) -> None:
    kind, reference = field(item.element, "TransactionType"), field(item.element, "Reference")
    call.record(f"ARSTIN {kind}", reference, committed=False, company=call.books.company)


def _check(call: Call, element: Element, findings: Findings) -> _Entry | None:
    check = findings.check
    kind = check(choice_field, element, "TransactionType", "ICD", "") or ""
    key = check(text_field, element, "Customer", longest=15, is_needed=True) or ""
    customer = orders.find_customer(call.books, key)
    if key and customer is None:
        findings.refuse("Customer", key, messages.CUSTOMER_NOT_FOUND, key)
    net = _value(element, "InvoiceValue", findings, is_needed=True)
    tax = _value(element, "TaxValue", findings)
    check(text_field, element, "ProductClass", longest=20, is_needed=True)
    day = check(date_field, element, "InvoiceDate", call.books.today) or call.books.today
    reference = check(text_field, element, "Reference", longest=30) or ""
    is_numbered = check(choice_field, element, "GenerateInvoiceNumber", "YN", "N") == "Y"
    existing, number = _check_number(call, element, customer, kind, findings)
    if customer is None or not kind:
        return None
    document = Document(
        customer,
        padded_key("Invoice", number),
        kind,
        day,
        net - tax,
        tax,
        str(customer.get("Currency") or call.books.base_currency),
        reference,
        terms=field(element, "InvoiceTerms"),
        branch=field(element, "Branch"),
        area=field(element, "GeographicArea"),
        salesperson=field(element, "Salesperson"),
    )
    return _Entry(document, kind, existing, is_numbered)


def _value(element: Element, name: str, findings: Findings, *, is_needed: bool = False) -> Decimal:
    if not field(element, name) and not is_needed:
        return Decimal(0)
    value = findings.check(value_field, element, name) or Decimal(0)
    if value < 0:
        findings.refuse(name, f"{value}", messages.IS_NEGATIVE, name)
    return value


def _check_number(
    call: Call, element: Element, customer: Row | None, kind: str, findings: Findings
) -> tuple[Row | None, str]:
    """Return the existing invoice a note is posted to, and the number given."""
    number = findings.check(text_field, element, "Invoice", longest=20) or ""
    if field(element, "GenerateInvoiceNumber", "N") == "Y":
        return None, ""
    if not number:
        findings.refuse("Invoice", "", messages.IS_SPACES, "{Item}{Invoice}")
        return None, ""
    if customer is None:
        return None, number
    if kind in ("C", "D") and field(element, "PostToExistingInvoice", "N") == "Y":
        existing = receivables.find_document(call.books, customer, number, "I")
        if existing is None:
            findings.refuse("Invoice", number, messages.INVOICE_NOT_FOUND, number)
        return existing, number
    if receivables.find_document(call.books, customer, number, kind) is not None:
        findings.refuse("Invoice", number, messages.DUPLICATE_KEY, "Invoice", number)
    return None, number


def _write(call: Call, entry: _Entry, period: tuple[int, int], register: int) -> list[Node]:
    books, document = call.books, entry.document
    if entry.is_numbered:
        document = replace(document, invoice=receivables.next_invoice(books))
    if entry.existing is not None:
        receivables.settle(books, entry.existing, document.customer, -document.signed)
    else:
        receivables.add_document(books, document, period)
    gl_number = receivables.post_ledger(call, "ARSTIN", [document], period, register)
    invoice = plain_key(document.invoice)
    call.record(
        f"ARSTIN {entry.kind}",
        document.customer_po,
        committed=True,
        company=books.company,
        customer=str(document.customer["Customer"]),
        invoice=invoice,
        currency=document.currency,
        value=f"{document.signed:.2f}",
        gl_journal=gl_number,
    )
    facts = (
        ("Customer", plain_key(str(document.customer["Customer"]))),
        ("Invoice", invoice),
        ("DocumentType", "I" if entry.existing is not None else entry.kind),
        ("TransactionType", entry.kind),
    )
    return nodes(facts)
