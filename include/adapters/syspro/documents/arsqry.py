"""ARSQRY: a customer's account: limit, balance, payments. Source: reference, sections 4.2 and 5.

Element names are those of the reassembled reply. A payment shows its reference twice: in the list
of payments, and below the invoice it pays.
"""

from dataclasses import dataclass
from xml.etree.ElementTree import Element as Tree

from include.adapters.syspro.documents.reply import (
    Problem,
    Unreadable,
    field,
    problems,
    read_document,
)
from include.adapters.syspro.documents.schema import Choice, Document, Element, Group, Key
from include.domain.erp_orders import same_key

QUERY = Document(
    "ARSQRY",
    "Query",
    "ARSQRY.XSD",
    (
        Group("Key", (Element("Customer", Key(15), is_required=True),)),
        Group(
            "Option",
            (
                Element("IncludeFutures", Choice("N Y"), is_required=True),
                Element("IncludeTransactions", Choice("N Y"), is_required=True),
                Element("IncludeCheckPayments", Choice("N Y"), is_required=True),
                Element("IncludePostDated", Choice("N Y"), is_required=True),
                Element("IncludeZeroBalances", Choice("N Y"), is_required=True),
                Element("IncludeCustomForms", Choice("N Y"), is_required=True),
                Element("AsOfPeriod", Choice("C P 2"), is_required=True),
            ),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment, as text."""

    reference: str
    value_text: str
    date_text: str
    invoice: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """What SYSPRO says of a customer, as text; amounts are in the customer's currency."""

    currency: str
    on_hold: str
    credit_status: str
    email: str
    limit_text: str
    balance_text: str
    orders_text: str
    payments: tuple[Payment, ...]


def build(customer: str, as_of: str = "C", *, with_payments: bool) -> str:
    """Ask for the account as of period C, P or 2.

    Payments come with what they paid, whether or not a balance is left.
    """
    flag = "Y" if with_payments else "N"
    return QUERY.build(
        {
            "Key": {"Customer": customer},
            "Option": {
                "IncludeFutures": "Y",
                "IncludeTransactions": flag,
                "IncludeCheckPayments": flag,
                "IncludePostDated": "N",
                "IncludeZeroBalances": flag,
                "IncludeCustomForms": "N",
                "AsOfPeriod": as_of,
            },
        }
    )


def parse(body: bytes, customer: str) -> Account | tuple[Problem, ...]:
    """Return the account, or SYSPRO's complaints.

    Raises:
        CallFailed, Unreadable: no answer about this customer.
    """
    tree = read_document(body, "arstatement")
    found = problems(tree)
    if found:
        return found
    head = tree.find("header")
    if not same_key(customer, field(head, "customer")):
        raise Unreadable(f"an account that is not {customer!r}'s")
    return Account(
        currency=field(head, "currency"),
        on_hold=field(head, "customeronhold").upper(),
        credit_status=field(head, "creditstatus"),
        email=field(head, "email"),
        limit_text=field(head, "creditlimit"),
        balance_text=field(tree, "totalsection/currentbalance"),
        orders_text=field(head, "outstordval"),
        payments=(*_payments(tree), *_paid_invoices(tree)),
    )


def _payments(tree: Tree) -> list[Payment]:
    return [
        Payment(field(one, "chequereference"), field(one, "payvalue"), field(one, "paydate"))
        for one in tree.iter("paydetail")
    ]


def _paid_invoices(tree: Tree) -> list[Payment]:
    return [
        Payment(
            field(one, "reference"),
            field(one, "trnvalue"),
            field(one, "journaldate"),
            field(invoice, "invoice"),
        )
        for invoice in tree.iter("invoicedetail")
        for one in invoice.findall("transdetail")
    ]
