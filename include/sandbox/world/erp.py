"""What SYSPRO holds before anything is posted: masters, and the documents of the shop's orders.

Column names are SYSPRO's where they are known. ``CurrencyValue`` is the original value in
``PostCurrency``; a credit note's is negative.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from include.sandbox.world.facts import COMPANIES
from include.sandbox.world.model import Document
from include.sandbox.world.orders import CUSTOMERS

if TYPE_CHECKING:
    from include.sandbox.world.world import World

TableRow = tuple[str, dict[str, object]]

_ACCOUNTS = (
    ("1000", "Bank", "A"),
    ("1150", "Card clearing", "A"),
    ("1160", "Funds in transit", "A"),
    ("1165", "Acquirer reserve", "A"),
    ("1170", "Disputes receivable", "A"),
    ("2050", "Acquirer payable", "L"),
    ("2100", "Suspense", "L"),
    ("4000", "Sales", "R"),
    ("4010", "Refunds", "R"),
    ("6150", "Fees: interchange", "E"),
    ("6151", "Fees: assessment", "E"),
    ("6152", "Fees: per item", "E"),
    ("6153", "Fees: discount", "E"),
    ("6154", "Fees: service", "E"),
    ("6155", "Fees: chargebacks", "E"),
    ("6156", "Chargebacks lost", "E"),
    ("6157", "Acquirer adjustments", "E"),
    ("6190", "FX rounding", "E"),
)
_BANK_CODES = {"USD": "BUS", "EUR": "BEU", "GBP": "BGB", "JPY": "BJP"}


def masters(company: str) -> Iterator[TableRow]:
    """Yield customers, accounts, the acquirer as a supplier, and the banks of a company."""
    facts = COMPANIES[company]
    for number in range(1, CUSTOMERS + 1):
        yield (
            "ArCustomer",
            {
                "Customer": f"C{number:05d}",
                "Name": f"Web customer {number}",
                "ShortName": f"WEB{number}",
                "Currency": facts.base_currency,
                "CustomerOnHold": "N",
                "CreditLimit": "100000",
                "TermsCode": "CC",
                "Email": f"customer{number}@example.com",
            },
        )
    for code, description, kind in _ACCOUNTS:
        yield (
            "GenMaster",
            {
                "Company": company,
                "GlCode": code,
                "Description": description,
                "AccountType": kind,
                "CurrentBalance": "0.00",
                "PtdDrValue": "0.00",
                "PtdCrValue": "0.00",
                "ControlAccFlag": "N",
                "AccOnHldFlag": "N",
            },
        )
    yield (
        "ApSupplier",
        {
            "Supplier": "ACQ001",
            "SupplierName": "Sandbox Acquiring",
            "Currency": facts.base_currency,
            "OnHold": "N",
        },
    )
    for currency in facts.currencies:
        yield (
            "CshBank",
            {
                "Bank": _BANK_CODES[currency],
                "Description": f"Settlement account {currency}",
                "Currency": currency,
                "CashGlCode": "1000",
                "BankAccount": facts.bank_accounts[currency],
            },
        )


def documents(world: World, company: str, day: date) -> Iterator[TableRow]:
    """Yield the sales orders entered and the AR documents dated on one day."""
    trade = world.trade(COMPANIES[company].organization_id)
    for order in trade.orders(day):
        for document in order.documents:
            yield "SorMaster", _sales_order(document)
            yield "ArInvoice", _ar_row(document)
    for refund in trade.refunds(day):
        yield "ArInvoice", _ar_row(refund.document)


def _sales_order(document: Document) -> dict[str, object]:
    return {
        "SalesOrder": document.sales_order,
        "OrderStatus": "9",
        "OrderType": "O",
        "Customer": document.customer,
        "CustomerPoNumber": document.reference or "",
        "OrderDate": document.day.isoformat(),
        "Currency": document.currency,
        "LastInvoice": document.invoice,
        "CancelledFlag": "",
        "DocumentType": "O",
    }


def _ar_row(document: Document) -> dict[str, object]:
    facts = COMPANIES[document.company]
    return {
        "Customer": document.customer,
        "Invoice": document.invoice,
        "DocumentType": document.document_type,
        "InvoiceDate": document.day.isoformat(),
        "InvoiceYear": str(document.day.year),
        "InvoiceMonth": str(document.day.month),
        "CurrencyValue": _value(document),
        "PostCurrency": document.currency,
        "AccountCur": facts.base_currency,
        "OrigDiscValue": "0.00",
        "InvoiceBal1": "0.00",
        "CustomerPoNumber": document.reference or "",
        "SalesOrder": document.sales_order,
        "TermsCode": "CC",
        "Branch": facts.branch,
        "Area": "",
        "Salesperson": "WEB",
    }


def _value(document: Document) -> str:
    """Write the value as SYSPRO's decimal(14,2) does, yen included: ``5000.00``."""
    digits = 0 if document.currency == "JPY" else 2
    minor = document.amount_minor * 10 ** (2 - digits)
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02d}"
