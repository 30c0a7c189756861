"""ARSTPY: payments, adjustments and miscellaneous receipts. A repeat posts again.

A payment is spread over documents (``InvoiceToPay``) and unapplied parts, each of which becomes a
pseudo-invoice ``_CRDnn`` of the customer. A negative value is a refund: it takes a credit note, or
an unapplied part, back to zero. The debit is the bank's own ledger code, the credit AR's control
account. Source: SYSPRO reference, section 4.4. Inferred: the sign of refunds, that a value beyond a
document's balance and a bank of another currency are refused, the document type of ``_CRDnn``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from xml.etree.ElementTree import Element

from include.sandbox.syspro import messages, orders, receivables
from include.sandbox.syspro.arstpy_write import (
    Adjustment,
    Payment,
    Receipt,
    Share,
    Unapplied,
    post_ledger,
    write,
)
from include.sandbox.syspro.books import as_decimal
from include.sandbox.syspro.documents import (
    Node,
    choice_field,
    date_field,
    root_node,
    text_field,
    value_field,
)
from include.sandbox.syspro.documents import field as text_at
from include.sandbox.syspro.posting import (
    Call,
    Checked,
    Findings,
    check_ledger_code,
    counters,
    gl_journal_node,
    read_period,
    refused_item,
    to_post,
    warning_nodes,
)
from include.sandbox.syspro.tables import Row

VERSION = "8.0.088"
KINDS = ("Payment", "Adjustments", "MiscellaneousReceipt")
ZERO = Decimal(0)

Ready = list[Payment | Adjustment | Receipt]


@dataclass(slots=True)
class _Balances:
    """What is left of documents within this document, so that two items cannot pay one twice."""

    taken: dict[int, Decimal] = field(default_factory=dict)

    def left(self, row: Row) -> Decimal:
        return as_decimal(row["InvoiceBal1"]) - self.taken.get(id(row), ZERO)

    def take(self, row: Row, value: Decimal) -> None:
        self.taken[id(row)] = self.taken.get(id(row), ZERO) + value


def post(call: Call) -> Node:
    """Check every item, post what the parameters allow as one AR journal."""
    with call.books.lock:
        document = Findings()
        period = read_period(call, document)
        balances = _Balances()
        items = [_check(call, e, document, balances) for e in call.document.findall("Item")]
        posting = {id(item) for item in to_post(call, items)}
        parts = [p for i in items if i.ready and id(i) in posting for p in i.ready]
        journal = call.books.next_number("ar journal", first=34) if parts else 0
        gl_number = post_ledger(call, parts, period, journal)
        replies: list[Node] = []
        for number, item in enumerate(items, start=1):
            if item.ready is None:
                replies.append(refused_item(number, item))
                _record_refusal(call, item.element)
            elif id(item) in posting:
                done = [write(call, p, period, journal, gl_number) for p in item.ready]
                replies.append(Node("Item", [*done, *warning_nodes(item.warnings)]))
            else:
                replies.append(Node("Item", [Node("ItemNumber", f"{number:06d}")]))
    block = [gl_journal_node(call, "ARSTPY", *period, gl_number)] if parts else []
    invalid = sum(item.ready is None for item in items)
    counts = counters(ItemsProcessed=len(posting), ItemsInvalid=invalid)
    return root_node("postarpayment", VERSION, [*replies, Node("StatusOfItems", [*block, *counts])])


def _record_refusal(call: Call, element: Element) -> None:
    for part in element:
        if part.tag in KINDS:
            reference = text_at(part, "Reference")
            call.record(
                f"ARSTPY {part.tag}", reference, committed=False, company=call.books.company
            )


def _check(call: Call, element: Element, document: Findings, balances: _Balances) -> Checked[Ready]:
    findings = Findings()
    findings.nodes += document.nodes
    found: Ready = []
    for part in element:
        if part.tag == "Payment":
            payment = _check_payment(call, part, findings, balances)
            found += [payment] if payment else []
        elif part.tag == "Adjustments":
            found += _check_adjustments(call, part, findings, balances)
        elif part.tag == "MiscellaneousReceipt":
            receipt = _check_receipt(call, part, findings)
            found += [receipt] if receipt else []
    if not found and not findings.nodes:
        findings.refuse("Payment", "", messages.IS_SPACES, "{Item}{Payment}")
    ready = None if findings.nodes else found
    return Checked(element, ready, findings.nodes, findings.warnings)


def _check_customer(call: Call, part: Element, findings: Findings) -> Row | None:
    key = findings.check(text_field, part, "Customer", longest=15, is_needed=True) or ""
    customer = orders.find_customer(call.books, key)
    if key and customer is None:
        findings.refuse("Customer", key, messages.CUSTOMER_NOT_FOUND, key)
    return customer


def _check_bank(call: Call, part: Element, findings: Findings, currency: str) -> Row | None:
    code = findings.check(text_field, part, "Bank", longest=15, is_needed=True) or ""
    bank = call.books.tables.find("CshBank", lambda row: row["Bank"] == code)
    if code and bank is None:
        findings.refuse("Bank", code, messages.BANK_NOT_FOUND, code)
    own = str((bank or {}).get("Currency") or call.books.base_currency)
    if bank is not None and currency and own != currency:
        findings.refuse("Bank", code, messages.CURRENCY_DIFFERS, own, currency, "the customer")
    return bank


def _check_payment(
    call: Call, part: Element, findings: Findings, balances: _Balances
) -> Payment | None:
    check = findings.check
    customer = _check_customer(call, part, findings)
    currency = str((customer or {}).get("Currency") or call.books.base_currency)
    bank = _check_bank(call, part, findings, currency if customer else "")
    value = check(value_field, part, "PaymentValue")
    check(choice_field, part, "PaymentType", "CSO", "C")
    shares = _check_shares(call, part, customer, findings, balances)
    unapplied = _check_unapplied(call, part, findings)
    reference = check(text_field, part, "Reference", longest=30) or ""
    narration = check(text_field, part, "PaymentNarration", longest=100) or ""
    notation = check(text_field, part, "JournalNotation", longest=100, is_needed=True) or ""
    day = check(date_field, part, "PaymentDate", call.books.today) or call.books.today
    if customer is None or bank is None or value is None:
        return None
    value = _spread(call, value, shares, unapplied, findings)
    return Payment(
        customer, bank, currency, value, shares, unapplied, reference, narration, notation, day
    )


def _check_shares(
    call: Call, part: Element, customer: Row | None, findings: Findings, balances: _Balances
) -> list[Share]:
    found: list[Share] = []
    for element in part.findall("InvoiceToPay"):
        inner = Findings()
        kind = inner.check(choice_field, element, "TransactionType", "ICD", "I") or "I"
        number = inner.check(text_field, element, "Invoice", longest=20, is_needed=True) or ""
        gross = inner.check(value_field, element, "GrossPaymentValue") or ZERO
        discount = ZERO
        if text_at(element, "DiscountValue"):
            discount = inner.check(value_field, element, "DiscountValue") or ZERO
        row = _document(call, customer, number, kind)
        if customer is not None and number and row is None:
            inner.refuse("Invoice", number, messages.INVOICE_NOT_FOUND, number)
        if row is not None:
            _check_balance(row, number, gross, balances, inner)
        if inner.nodes:
            findings.nodes.append(Node("InvoiceToPay", inner.nodes))
        elif row is not None:
            found.append(Share(row, gross, discount))
    return found


def _document(call: Call, customer: Row | None, number: str, kind: str) -> Row | None:
    if customer is None or not number:
        return None
    if number.upper().startswith("_CRD"):
        return receivables.find_document(call.books, customer, number)
    return receivables.find_document(call.books, customer, number, kind)


def _check_balance(
    row: Row, number: str, gross: Decimal, balances: _Balances, inner: Findings
) -> None:
    """A share has the sign of the balance it takes off, and is not larger."""
    left = balances.left(row)
    is_within = min(left, ZERO) <= gross <= max(left, ZERO)
    if not gross:
        inner.refuse("GrossPaymentValue", "0", messages.IS_ZERO, "GrossPaymentValue")
    elif not is_within:
        texts = (f"{gross:.2f}", f"{left:.2f}", number)
        inner.refuse("GrossPaymentValue", texts[0], messages.PAYMENT_EXCEEDS, *texts)
    else:
        balances.take(row, gross)


def _check_unapplied(call: Call, part: Element, findings: Findings) -> list[Unapplied]:
    found: list[Unapplied] = []
    for element in part.findall("UnappliedPayment"):
        inner = Findings()
        gross = inner.check(value_field, element, "GrossPaymentValue") or ZERO
        name = "CustomerPurchaseOrder"
        customer_po = inner.check(text_field, element, name, longest=30) or "Unapplied cash"
        rate = None
        if call.options.is_payment_rate_taken and text_at(element, "ExchangeRateToUse"):
            rate = inner.check(value_field, element, "ExchangeRateToUse", whole=6, decimals=6)
        if not gross and not inner.nodes:
            inner.refuse("GrossPaymentValue", "0", messages.IS_ZERO, "GrossPaymentValue")
        if inner.nodes:
            findings.nodes.append(Node("UnappliedPayment", inner.nodes))
        found.append(Unapplied(gross, customer_po, rate))
    return found


def _spread(
    call: Call,
    value: Decimal,
    shares: Sequence[Share],
    unapplied: list[Unapplied],
    findings: Findings,
) -> Decimal:
    """Compare value and parts as ``AutoCorrectPaymentValue`` asks; return the value to post."""
    parts = sum((s.gross - s.discount for s in shares), ZERO)
    parts += sum((u.gross for u in unapplied), ZERO)
    mode = call.parameter("AutoCorrectPaymentValue", "N")
    if mode == "Y":
        return parts
    rest = value - parts
    if mode == "U" and rest and (rest > 0) == (value > 0):
        unapplied.append(Unapplied(rest, "Unapplied cash"))
        return value
    if rest:
        texts = f"{value:.2f}", f"{parts:.2f}"
        findings.refuse("PaymentValue", texts[0], messages.PAYMENT_DIFFERS, *texts)
    return value


def _check_adjustments(
    call: Call, part: Element, findings: Findings, balances: _Balances
) -> list[Adjustment]:
    customer = _check_customer(call, part, findings)
    found: list[Adjustment] = []
    for element in part.findall("InvoiceToAdjust"):
        inner = Findings()
        kind = inner.check(choice_field, element, "TransactionType", "ICD", "I") or "I"
        number = inner.check(text_field, element, "Invoice", longest=20, is_needed=True) or ""
        value = inner.check(value_field, element, "AdjustmentValue")
        if value is not None and not value:
            inner.refuse("AdjustmentValue", "0", messages.IS_ZERO, "AdjustmentValue")
        code = _ledger_code(call, element, "AdjustmentLedgerCode", inner)
        reference = inner.check(text_field, element, "Reference", longest=30) or ""
        row = _document(call, customer, number, kind)
        if customer is not None and number and row is None:
            inner.refuse("Invoice", number, messages.INVOICE_NOT_FOUND, number)
        if inner.nodes:
            findings.nodes.append(Node("InvoiceToAdjust", inner.nodes))
        elif customer is not None and row is not None and value is not None:
            balances.take(row, -value)
            found.append(Adjustment(customer, row, value, code, reference, call.books.today))
    return found


def _ledger_code(call: Call, element: Element, name: str, findings: Findings) -> str:
    """Read a ledger code that stands under another name than ``LedgerCode``."""
    renamed = Element(element.tag)
    child = Element("LedgerCode")
    child.text = text_at(element, name)
    renamed.append(child)
    return check_ledger_code(call, findings, renamed)


def _check_receipt(call: Call, part: Element, findings: Findings) -> Receipt | None:
    check = findings.check
    currency = text_at(part, "Currency", call.books.base_currency)
    bank = _check_bank(call, part, findings, currency) if text_at(part, "Bank") else None
    value = check(value_field, part, "MiscellaneousReceiptValue")
    if value is not None and value < 0:
        name = "MiscellaneousReceiptValue"
        findings.warn(call, name, f"{value}", messages.IS_NEGATIVE, name)
    own = str((bank or {}).get("CashGlCode", ""))
    has_debit = bool(text_at(part, "DebitLedgerCode")) or not own
    debit = _ledger_code(call, part, "DebitLedgerCode", findings) if has_debit else own
    credit = _ledger_code(call, part, "CreditLedgerCode", findings)
    reference = check(text_field, part, "Reference", longest=30) or ""
    day: date | None = check(date_field, part, "MiscellaneousReceiptDate", call.books.today)
    if value is None or day is None:
        return None
    return Receipt(bank, currency, value, debit, credit, reference, day)
