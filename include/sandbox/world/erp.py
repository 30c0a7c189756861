"""What SYSPRO holds before anything is posted: masters, and the documents of the shop's orders.

Column names are SYSPRO's where they are known. ``CurrencyValue`` is the original value in
``PostCurrency``; a credit note's is negative.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING

from include.sandbox.world import dates, stock
from include.sandbox.world.facts import COMPANIES, MerchantFacts
from include.sandbox.world.model import Document
from include.sandbox.world.orders import CUSTOMERS, day_of_reference

if TYPE_CHECKING:
    from include.sandbox.world.world import World

TableRow = tuple[str, dict[str, object]]

_ACCOUNTS = (
    ("1000", "Bank", "A"),
    ("1150", "Card clearing", "A"),
    ("1160", "Funds in transit", "A"),
    ("1165", "Acquirer reserve", "A"),
    ("1170", "Disputes receivable", "A"),
    ("1200", "Trade debtors", "A"),
    ("2050", "Acquirer payable", "L"),
    ("2100", "Suspense", "L"),
    ("2200", "Sales tax payable", "L"),
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
    ("6158", "Fees: conversion", "E"),
    ("6160", "Settlement discount", "E"),
    ("6190", "FX rounding", "E"),
)
_CONTROL_ACCOUNTS = ("1200",)  # what AR posts to; a manual journal on it meets a warning
_BANK_CODES = {"USD": "BUS", "EUR": "BEU", "GBP": "BGB", "JPY": "BJP"}
_CLEARING_CODES = {"USD": "CLRUS", "EUR": "CLREU", "GBP": "CLRGB", "JPY": "CLRJP"}
_FOREIGN_CUSTOMERS = 10  # of each foreign currency a company trades in
_LAST_REFUND_DAY = 15  # after the order; a credit note carries the order's reference

# Customers that something is wrong with, beside the forty good ones.
_SPECIAL_CUSTOMERS: tuple[tuple[str, dict[str, object]], ...] = (
    ("C90001", {"Name": "On hold", "CustomerOnHold": "Y"}),
    ("C90002", {"Name": "Small limit", "CreditLimit": "10"}),
    ("C90003", {"Name": "Taxable", "TaxStatus": "N"}),
    ("C90004", {"Name": "Credit stopped by hand", "CreditStatus": "9"}),
)


def masters(company: str) -> Iterator[TableRow]:
    """Yield customers, accounts, stock, the acquirer as a supplier, and the banks of a company."""
    facts = COMPANIES[company]
    for number in range(1, CUSTOMERS + 1):
        yield "ArCustomer", _web_customer(facts, "C", number, facts.base_currency)
    for currency in facts.currencies:
        if currency != facts.base_currency:
            for number in range(1, _FOREIGN_CUSTOMERS + 1):
                yield "ArCustomer", _web_customer(facts, currency[0], number, currency)
    for key, changes in _SPECIAL_CUSTOMERS:
        plain = _web_customer(facts, "C", 1, facts.base_currency)
        yield "ArCustomer", {**plain, "Customer": key, "ShortName": key, "Email": "", **changes}
    yield from _codes(facts)
    yield from stock.rows(facts.base_currency)
    yield from _ledgers(company)


def _web_customer(
    facts: MerchantFacts, letter: str, number: int, currency: str
) -> dict[str, object]:
    limit = 15_000_000 if facts.base_currency == "JPY" else 100_000
    return {
        "Customer": f"{letter}{number:05d}",
        "Name": f"Web customer {number}",
        "ShortName": f"WEB{number}",
        "Currency": currency,
        "CustomerOnHold": "N",
        "CreditLimit": str(limit),
        "TermsCode": "CC",
        "Email": f"customer{number}@example.com",
        "CreditStatus": "0",
        "Branch": facts.branch,
        "Area": "",
        "Salesperson": "WEB",
        "TaxStatus": "E",
        "SalesWarehouse": "",
    }


def _codes(facts: MerchantFacts) -> Iterator[TableRow]:
    for code, description in (("CC", "Card, paid at once"), ("30", "Net 30 days")):
        yield "TblArTerms", {"TermsCode": code, "Description": description}
    for branch in ("10", "20", "30"):
        yield "SalBranch", {"Branch": branch, "Description": f"Branch {branch}"}
    for area in ("N", "E", "S", "W"):
        yield "SalArea", {"Area": area, "Description": f"Area {area}"}
    yield "SalSalesperson", {"Branch": facts.branch, "Salesperson": "WEB", "Name": "Web shop"}


def _ledgers(company: str) -> Iterator[TableRow]:
    facts = COMPANIES[company]
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
                "ControlAccFlag": "Y" if code in _CONTROL_ACCOUNTS else "N",
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
        yield (
            "CshBank",
            {
                "Bank": _CLEARING_CODES[currency],
                "Description": f"Card clearing {currency}",
                "Currency": currency,
                "CashGlCode": "1150",
                "BankAccount": "",
            },
        )


def days_of(column: str, value: str) -> list[date] | None:
    """Return the days whose rows can hold a value, told by our numbers; ``None``: any day.

    Order references, orders (5), invoices (1) and credit notes (8) tell their own day; a credit
    note carries reference and number of an order that is up to fifteen days older.
    """
    text = value.strip()
    if column == "CustomerPoNumber":
        placed = day_of_reference(text) if text else None
        return _with_refund_days(placed) if text else None
    digits = text.lstrip("0")
    if column not in ("SalesOrder", "Invoice", "LastInvoice") or not digits:
        return None
    heads = "5" if column == "SalesOrder" else "18"
    is_ours = len(digits) == 9 and digits.isascii() and digits.isdigit() and digits[0] in heads
    day = dates.day_of_number(int(digits[1:5])) if is_ours else None
    return _with_refund_days(day) if column == "SalesOrder" else [day] if day else []


def _with_refund_days(placed: date | None) -> list[date]:
    if placed is None:
        return []
    return [placed + timedelta(days=after) for after in range(_LAST_REFUND_DAY + 1)]


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
