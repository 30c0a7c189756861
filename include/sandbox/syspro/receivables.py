"""AR documents: invoices, debit and credit notes, the journal behind them, and the balances.

An invoice is positive, a credit note negative, as the generated ones are. The ledger is debited at
the AR control account and credited at sales, a credit note the other way round at refunds; cost of
sales and stock value are not posted. Tax rates are invented.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from include.sandbox.syspro import credit
from include.sandbox.syspro.books import (
    AR_CONTROL,
    CENT,
    Books,
    Entry,
    JournalHead,
    as_decimal,
    to_base,
)
from include.sandbox.syspro.order_columns import AR_INVOICE
from include.sandbox.syspro.posting import Call
from include.sandbox.syspro.tables import Row, padded_key

SALES, REFUNDS, TAX = "4000", "4010", "2200"
FIRST_INVOICE = 100501
TAX_RATES = {"USD": "0.0825", "GBP": "0.20", "EUR": "0.20", "JPY": "0.10"}
UNTAXED_CODES = ("Z",)  # of a stock code or a charge
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Document:
    """One AR document to write; ``net`` and ``tax`` are unsigned, in its own currency."""

    customer: Row
    invoice: str  # as stored
    kind: str  # I, D or C
    day: date
    net: Decimal
    tax: Decimal
    currency: str
    customer_po: str = ""
    sales_order: str = ""
    terms: str = ""
    branch: str = ""
    area: str = ""
    salesperson: str = ""

    @property
    def signed(self) -> Decimal:
        gross = self.net + self.tax
        return -gross if self.kind == "C" else gross


def next_invoice(books: Books) -> str:
    return f"{books.next_number('ar invoice', first=FIRST_INVOICE):015d}"


def find_document(books: Books, customer: Row, invoice: str, kind: str = "") -> Row | None:
    """Return a live AR document of a customer; the generated ones are paid and not posted to."""
    wanted = {"Customer": str(customer["Customer"])}
    if kind:
        wanted["DocumentType"] = kind
    return books.tables.get("ArInvoice", Invoice=padded_key("Invoice", invoice), **wanted)


def tax_of(order: Row, line: Row, net: Decimal) -> Decimal:
    """Return the tax SYSPRO adds for a taxable customer; an exempt one (E) pays none."""
    code = line["MTaxCode"] or line["NMscTaxCode"]
    if order.get("TaxExemptFlag") != "N" or code in UNTAXED_CODES:
        return ZERO
    currency = str(order["Currency"])
    step = Decimal(1) if currency == "JPY" else CENT
    return (net * Decimal(TAX_RATES.get(currency, "0"))).quantize(step, ROUND_HALF_UP)


def add_document(books: Books, document: Document, period: tuple[int, int]) -> Row:
    """Write the ArInvoice row and move the customer's balance."""
    row: Row = dict.fromkeys(AR_INVOICE.split(), "")
    customer = document.customer
    row |= {
        "Customer": str(customer["Customer"]),
        "Invoice": document.invoice,
        "DocumentType": document.kind,
        "InvoiceDate": document.day,
        "InvoiceYear": period[0],
        "InvoiceMonth": period[1],
        "CurrencyValue": document.signed,
        "InvoiceBal1": document.signed,
        "PostCurrency": document.currency,
        "AccountCur": books.base_currency,
        "OrigDiscValue": ZERO,
        "TaxPortion": document.tax,
        "CustomerPoNumber": document.customer_po,
        "SalesOrder": document.sales_order,
        "TermsCode": document.terms or str(customer.get("TermsCode", "")),
        "Branch": document.branch or str(customer.get("Branch", "")),
        "Area": document.area or str(customer.get("Area", "")),
        "Salesperson": document.salesperson or str(customer.get("Salesperson", "")),
        "NextPaymEntry": 1,
    }
    books.tables.add("ArInvoice", row)
    credit.add_to_balance(books, customer, document.signed)
    count = int(str(customer.get("InvoiceCount") or 0)) + 1
    books.tables.change(
        "ArCustomer", customer, {"InvoiceCount": count, "DateLastSale": document.day}
    )
    return row


def post_ledger(
    call: Call, verb: str, documents: Sequence[Document], period: tuple[int, int], register: int
) -> int:
    """Post one journal for AR documents; 0 where there is none, or it is switched to fail."""
    if not documents or call.options.gl_journal_error.get(verb):
        return 0
    entries: list[Entry] = []
    for document in documents:
        rate = call.books.rate(document.currency) or Decimal(1)
        net, tax = to_base([document.net, document.tax], rate)
        sign, sales = (-1, REFUNDS) if document.kind == "C" else (1, SALES)
        parts = ((AR_CONTROL, net + tax), (sales, -net), (TAX, -tax))
        comment = document.customer_po
        entries += [
            Entry(code, sign * value, document.invoice.lstrip("0"), comment, document.day)
            for code, value in parts
            if value
        ]
    if not entries:
        return 0
    head = JournalHead(
        *period,
        documents[0].day,
        reference=f"AR {register:05d}",
        source="AR",
        operator=call.operator,
    )
    return call.books.post_journal(head, entries)


def settle(books: Books, document: Row, customer: Row, change: Decimal) -> None:
    """Take a payment or an adjustment off a document's balance and the customer's."""
    left = as_decimal(document["InvoiceBal1"]) - change
    number = int(str(document.get("NextPaymEntry") or 1)) + 1
    values: Row = {"InvoiceBal1": left, "NextPaymEntry": number}
    books.tables.change("ArInvoice", document, values)
    credit.add_to_balance(books, customer, -change)
