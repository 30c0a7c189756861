"""What ARSTPY writes: balances, history, cash book and one journal for the document."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from include.sandbox.syspro import receivables
from include.sandbox.syspro.books import (
    AR_CONTROL,
    BANK_LEDGER,
    CashEntry,
    Entry,
    JournalHead,
    to_base,
)
from include.sandbox.syspro.documents import Node, nodes
from include.sandbox.syspro.posting import Call
from include.sandbox.syspro.tables import Row, plain_key

DISCOUNT_LEDGER = "6160"
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a payment that takes a document's balance off."""

    document: Row
    gross: Decimal
    discount: Decimal


@dataclass(frozen=True, slots=True)
class Unapplied:
    """A part of a payment that is nobody's yet."""

    gross: Decimal
    customer_po: str
    rate: Decimal | None = None  # base units per unit, where the document says one


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment; all values in the customer's currency, negative for a refund."""

    customer: Row
    bank: Row
    currency: str
    value: Decimal
    shares: Sequence[Share]
    unapplied: Sequence[Unapplied]
    reference: str
    narration: str
    notation: str
    day: date


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A change of a document's balance; positive adds to what the customer owes."""

    customer: Row
    document: Row
    value: Decimal
    ledger_code: str
    reference: str
    day: date


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money that belongs to no customer."""

    bank: Row | None
    currency: str
    value: Decimal
    debit: str
    credit: str
    reference: str
    day: date


Part = Payment | Adjustment | Receipt


def post_ledger(call: Call, parts: Sequence[Part], period: tuple[int, int], journal: int) -> int:
    """Post the document's journal; 0 where there is none, or it is switched to fail."""
    if not parts or call.options.gl_journal_error.get("ARSTPY"):
        return 0
    entries = [entry for part in parts for entry in _entries(call, part) if entry.amount]
    if not entries:
        return 0
    first = parts[0]
    notation = first.notation if isinstance(first, Payment) else ""
    head = JournalHead(
        *period,
        first.day,
        reference=first.reference or f"AR {journal:05d}",
        notation=notation,
        source="AR",
        operator=call.operator,
    )
    return call.books.post_journal(head, entries)


def _entries(call: Call, part: Part) -> list[Entry]:
    if isinstance(part, Payment):
        rate = _rate_of(call, part)
        discount = sum((share.discount for share in part.shares), ZERO)
        value, discount = to_base([part.value, discount], rate)
        ledger = str(part.bank.get("CashGlCode") or BANK_LEDGER)
        reference, comment = part.reference, part.narration
        return [
            Entry(ledger, value, reference, comment, part.day),
            Entry(DISCOUNT_LEDGER, discount, reference, comment, part.day),
            Entry(AR_CONTROL, -(value + discount), reference, comment, part.day),
        ]
    if isinstance(part, Adjustment):
        currency = str(part.document.get("PostCurrency") or call.books.base_currency)
        (value,) = to_base([part.value], call.books.rate(currency) or Decimal(1))
        return [
            Entry(AR_CONTROL, value, part.reference),
            Entry(part.ledger_code, -value, part.reference),
        ]
    (value,) = to_base([part.value], call.books.rate(part.currency) or Decimal(1))
    return [
        Entry(part.debit, value, part.reference),
        Entry(part.credit, -value, part.reference),
    ]


def _rate_of(call: Call, payment: Payment) -> Decimal:
    """Return the rate that an unapplied part of a foreign payment says, or else the company's."""
    said = next((part.rate for part in payment.unapplied if part.rate), None)
    is_foreign = payment.currency != call.books.base_currency
    return (said if is_foreign else None) or call.books.rate(payment.currency) or Decimal(1)


def write(call: Call, part: Part, period: tuple[int, int], journal: int, gl_number: int) -> Node:
    """Write one part and return its reply."""
    if isinstance(part, Payment):
        name, customer, facts = (
            "Payment",
            part.customer,
            _write_payment(call, part, period, journal),
        )
        facts["gl_journal"] = str(gl_number)
    elif isinstance(part, Adjustment):
        name, customer = "Adjustments", part.customer
        receivables.settle(call.books, part.document, part.customer, -part.value)
        _apply(
            call, part.document, (-part.value, ZERO), (period, journal), part.reference, part.day
        )
        facts = {"value": f"{part.value:.2f}", "invoice": plain_key(str(part.document["Invoice"]))}
    else:
        name, customer = "MiscellaneousReceipt", {}
        facts = {"value": f"{part.value:.2f}", "debit": part.debit, "credit": part.credit}
    key = str(customer.get("Customer", ""))
    call.record(
        f"ARSTPY {name}",
        part.reference,
        committed=True,
        company=call.books.company,
        customer=key,
        year=period[0],
        period=period[1],
        journal=journal,
        date=part.day.isoformat(),
        **facts,
    )
    numbers = (
        ("TrnYear", f"{period[0]:04d}"),
        ("TrnMonth", f"{period[1]:02d}"),
        ("Journal", f"{journal:05d}"),
    )
    shown = Node("Customer", plain_key(key) if key else "")
    return Node(name, [Node("Key", nodes(numbers)), shown])


def _write_payment(
    call: Call, payment: Payment, period: tuple[int, int], journal: int
) -> dict[str, str]:
    books = call.books
    key = str(payment.customer["Customer"])
    for share in payment.shares:
        receivables.settle(books, share.document, payment.customer, share.gross)
        amounts = (share.gross, share.discount)
        where = (period, journal)
        _apply(call, share.document, amounts, where, payment.reference, payment.day)
        _cash_payment(call, payment, share.document, amounts, journal)
    made = [_leave_unapplied(call, payment, part, period) for part in payment.unapplied]
    books.tables.add(
        "ArPayHistory",
        {
            "Customer": key,
            "PaymYear": period[0],
            "PaymMonth": period[1],
            "Journal": journal,
            "EntryNumber": books.next_number(f"ar journal {journal}"),
            "Reference": payment.reference,
            "PayDate": payment.day,
            "PayValue": payment.value,
            "Currency": payment.currency,
            "Bank": str(payment.bank["Bank"]),
            "PaymentType": "C",
            "PaymentNarration": payment.narration,
            "JournalNotation": payment.notation,
        },
    )
    books.tables.change("ArCustomer", payment.customer, {"DateLastPay": payment.day})
    _enter_cash(call, payment, period, journal)
    paid = [plain_key(str(share.document["Invoice"])) for share in payment.shares]
    return {
        "currency": payment.currency,
        "value": f"{payment.value:.2f}",
        "bank": str(payment.bank["Bank"]),
        "invoices": ",".join(paid),
        "unapplied": ",".join(made),
        "customer_po": ",".join(part.customer_po for part in payment.unapplied),
    }


def _apply(
    call: Call,
    document: Row,
    amounts: tuple[Decimal, Decimal],
    where: tuple[tuple[int, int], int],
    reference: str,
    day: date,
) -> None:
    """Leave a trace of what took a document's balance off."""
    (year, month), journal = where
    call.books.tables.add(
        "ArInvoicePay",
        {
            "Customer": document["Customer"],
            "Invoice": document["Invoice"],
            "DocumentType": document["DocumentType"],
            "EntryNumber": int(str(document.get("NextPaymEntry") or 1)) - 1,
            "TrnYear": year,
            "TrnMonth": month,
            "Journal": journal,
            "JournalDate": day,
            "Reference": reference,
            "TrnValue": amounts[0],
            "DiscValue": amounts[1],
        },
    )


def _cash_payment(
    call: Call,
    payment: Payment,
    document: Row,
    amounts: tuple[Decimal, Decimal],
    journal: int,
) -> None:
    call.books.tables.add(
        "CshArPayments",
        {
            "Bank": str(payment.bank["Bank"]),
            "CbTrnDate": payment.day,
            "Customer": document["Customer"],
            "Invoice": document["Invoice"],
            "DocumentType": document["DocumentType"],
            "GrossPayment": amounts[0],
            "DiscountAllowed": amounts[1],
            "NetPayment": amounts[0] - amounts[1],
            "PaymentNumber": journal,
        },
    )


def _leave_unapplied(call: Call, payment: Payment, part: Unapplied, period: tuple[int, int]) -> str:
    """Write the pseudo-invoice of an unapplied part: a credit, numbered per customer."""
    key = str(payment.customer["Customer"])
    name = f"_CRD{call.books.next_number(f'unapplied {key}'):02d}"
    kind = call.options.unapplied_document_type
    # A document is written by its unsigned value: C turns it into a credit.
    sign = 1 if kind == "C" else -1
    document = receivables.Document(
        payment.customer,
        name,
        kind,
        payment.day,
        sign * part.gross,
        ZERO,
        payment.currency,
        part.customer_po,
    )
    receivables.add_document(call.books, document, period)
    return name


def _enter_cash(call: Call, payment: Payment, period: tuple[int, int], journal: int) -> None:
    books = call.books
    if not payment.value:
        return  # one document set against another moves no money
    now = datetime.now(UTC)
    books.cash.append(
        CashEntry(
            str(payment.bank["Bank"]),
            *period,
            now.date(),
            f"{now:%H%M%S}{books.next_number('cash time') % 100:02d}",
            journal,
            1,
            "D" if payment.value > 0 else "W",
            payment.reference,
            abs(payment.value),
            payment.day,
            payment.narration,
            "",
            is_reconciled=False,
            gl_journal=0,
        )
    )
