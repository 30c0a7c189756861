"""APSTIN: supplier invoices and credit notes. An invoice that exists for the supplier is refused.

A credit note (code C) of a number that exists is not: no guard is published, so a repeat takes off
the same again. Adjustments and debits are not part of the sandbox and are refused by name. Values
of any code are positive. Source: SYSPRO reference, section 4.6.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from xml.etree.ElementTree import Element

from include.sandbox.syspro import messages
from include.sandbox.syspro.books import AP_CONTROL, Entry, JournalHead, to_base
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
from include.sandbox.syspro.posting import (
    Call,
    Checked,
    Findings,
    check_distribution,
    counters,
    gl_journal_node,
    read_period,
    refused_item,
    to_post,
    warning_nodes,
)
from include.sandbox.syspro.tables import Row, padded_key, plain_key

VERSION = "8.0.118"


@dataclass(frozen=True, slots=True)
class _Invoice:
    code: str  # I, or C: everything the other way round
    supplier: str
    invoice: str
    value: Decimal
    currency: str
    rate: Decimal  # from the distribution to the base currency
    invoice_date: date
    reference: str
    notation: str
    distribution: list[tuple[str, Decimal, str]]  # ledger code, value, notation


def post(call: Call) -> Node:
    """Check every item, post what the parameters allow as one AP journal."""
    with call.books.lock:
        document = Findings()
        year, period = read_period(call, document)
        seen: set[tuple[str, str]] = set()
        items = [_check(call, e, document, seen) for e in call.document.findall("Item")]
        posting = {id(item) for item in to_post(call, items)}
        invoices = [i.ready for i in items if i.ready is not None and id(i) in posting]
        journal = call.books.next_number("ap", first=17) if invoices else 0
        gl_number = _post_ledger(call, invoices, year, period, journal)
        replies = []
        entry_number = 0
        for number, item in enumerate(items, start=1):
            if item.ready is None:
                replies.append(refused_item(number, item))
                reference = field(item.element, "Invoice")
                call.record("APSTIN", reference, committed=False, company=call.books.company)
            elif id(item) in posting:
                entry_number += 1
                key = (year, period, journal, entry_number)
                replies.append(_write(call, item.ready, key, gl_number, item.warnings))
            else:
                replies.append(Node("Item", [Node("ItemNumber", f"{number:06d}")]))
    ledger = [gl_journal_node(call, "APSTIN", year, period, gl_number)] if invoices else []
    invalid = sum(item.ready is None for item in items)
    status = [*ledger, *counters(ItemsProcessed=len(invoices), ItemsInvalid=invalid)]
    return root_node("postapinvoice", VERSION, [*replies, Node("StatusOfItems", status)])


def _check(
    call: Call, element: Element, document: Findings, seen: set[tuple[str, str]]
) -> Checked[_Invoice]:
    findings = Findings()
    findings.nodes += document.nodes
    check = findings.check
    code = check(choice_field, element, "TransactionCode", "IC", "") or ""
    supplier = check(text_field, element, "Supplier", longest=15, is_needed=True) or ""
    row = _supplier(call, supplier)
    if supplier and row is None:
        findings.refuse("Supplier", supplier, messages.SUPPLIER_NOT_FOUND, supplier)
    invoice = check(text_field, element, "Invoice", longest=20, is_needed=True) or ""
    key = (padded_key("Supplier", supplier), invoice)  # the supplier's own number, never padded
    if code == "I" and invoice and (key in seen or _find(call, *key)):
        findings.refuse("Invoice", invoice, messages.DUPLICATE_KEY, "Invoice", invoice)
    seen.add(key)
    value = check(value_field, element, "TransactionValue") or Decimal(0)
    if value <= 0:
        findings.refuse(
            "TransactionValue", f"{value}", messages.NOT_ALLOWED, value, "TransactionValue"
        )
    currency = str((row or {}).get("Currency", "") or call.books.base_currency)
    rate = _check_rate(call, element, currency, findings)
    if call.parameter("LedgerDistributionCurrency", "L") == "L":
        # The distribution is in the local currency already: only its total is compared.
        local = to_base([value], rate)[0]
        distribution, rate = check_distribution(call, element, local, findings), Decimal(1)
    else:
        distribution = check_distribution(call, element, value, findings)
    found = _Invoice(
        code,
        supplier,
        invoice,
        value,
        currency,
        rate,
        check(date_field, element, "InvoiceDate", call.books.today) or call.books.today,
        check(text_field, element, "TransactionReference", longest=30) or "",
        check(text_field, element, "Notation", longest=100) or "",
        distribution,
    )
    check(text_field, element, "JournalNotation", longest=100)
    return Checked(element, None if findings.nodes else found, findings.nodes, findings.warnings)


def _check_rate(call: Call, element: Element, currency: str, findings: Findings) -> Decimal:
    if field(element, "ExchRateAtEntry"):
        rate = findings.check(value_field, element, "ExchRateAtEntry", whole=6, decimals=6)
        return rate or Decimal(1)
    known = call.books.rate(currency)
    if known is None:
        findings.refuse("ExchRateAtEntry", "", messages.NO_RATE, currency)
    return known or Decimal(1)


def _post_ledger(call: Call, invoices: list[_Invoice], year: int, period: int, journal: int) -> int:
    """Post the invoices' GL journal; 0 where there is none, or where it is switched to fail."""
    if not invoices or call.options.gl_journal_error.get("APSTIN"):
        return 0
    entries: list[Entry] = []
    for invoice in invoices:
        values = to_base([amount for _, amount, _ in invoice.distribution], invoice.rate)
        sign = -1 if invoice.code == "C" else 1
        for (code, _, notation), value in zip(invoice.distribution, values, strict=True):
            entries.append(Entry(code, sign * value, invoice.invoice, notation))
        entries.append(Entry(AP_CONTROL, -sign * sum(values, Decimal(0)), invoice.invoice))
    head = JournalHead(
        year,
        period,
        call.books.today,
        reference=f"AP {journal:05d}",
        source="AP",
        operator=call.operator,
    )
    return call.books.post_journal(head, entries)


def _write(
    call: Call,
    invoice: _Invoice,
    key: tuple[int, int, int, int],
    gl_number: int,
    warnings: list[str],
) -> Node:
    year, period, journal, entry_number = key
    supplier = padded_key("Supplier", invoice.supplier)
    value = -invoice.value if invoice.code == "C" else invoice.value
    before = _find(call, supplier, invoice.invoice)
    if before is not None:  # a second credit note of one number
        value += Decimal(str(before["OrigInvValue"]))
        call.books.tables.remove("ApInvoice", before)
    call.books.tables.add(
        "ApInvoice",
        {
            "Supplier": supplier,
            "Invoice": invoice.invoice,
            "OrigInvValue": value,
            "MthInvBal1": value,
            "MthInvBal2": Decimal(0),
            "MthInvBal3": Decimal(0),
            "InvoiceDate": invoice.invoice_date,
            "Reference": invoice.reference,
            "Journal": journal,
            "Currency": invoice.currency,
        },
    )
    call.record(
        "APSTIN",
        invoice.invoice,
        committed=True,
        company=call.books.company,
        supplier=invoice.supplier,
        year=year,
        period=period,
        journal=journal,
        gl_journal=gl_number,
        value=f"{invoice.value:.2f}",
        lines=[{"gl_code": c, "amount": f"{a:.2f}"} for c, a, _ in invoice.distribution],
    )
    numbers = (
        ("TrnYear", f"{year:04d}"),
        ("TrnMonth", f"{period:02d}"),
        ("Journal", f"{journal:05d}"),
        ("EntryNumber", f"{entry_number:03d}"),
    )
    facts = (
        ("Supplier", plain_key(invoice.supplier)),
        ("Invoice", invoice.invoice),
        ("TransactionCode", invoice.code),
    )
    transaction = Node("Transaction", [Node("Key", nodes(numbers)), *nodes(facts)])
    return Node("Item", [transaction, *warning_nodes(warnings)])


def _supplier(call: Call, supplier: str) -> dict[str, object] | None:
    key = padded_key("Supplier", supplier)
    row = call.books.tables.find("ApSupplier", lambda found: found["Supplier"] == key)
    return dict(row) if row is not None else None


def _find(call: Call, supplier: str, invoice: str) -> Row | None:
    return call.books.tables.find(
        "ApInvoice",
        lambda row: row["Supplier"] == supplier and row["Invoice"] == invoice,
    )
