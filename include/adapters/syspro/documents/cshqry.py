"""CSHQRY: the transactions of one bank; how a cash-book entry is found again.

Source: reference, section 4.6 and 5; element names from the reassembled reply.
"""

from dataclasses import dataclass

from include.adapters.syspro.documents.reply import (
    Unreadable,
    demand_no_problem,
    field,
    read_document,
)
from include.adapters.syspro.documents.schema import Choice, Document, Element, Group, Key
from include.domain.erp_orders import same_key

QUERY = Document(
    "CSHQRY",
    "Query",
    "CSHQRY.XSD",
    (
        Group("Key", (Element("Bank", Key(15), is_required=True),)),
        Group(
            "Option",
            (
                Element("IncludeDeposits", Choice("Y N"), is_required=True),
                Element("IncludeWithdrawals", Choice("Y N"), is_required=True),
                Element("IncludeReconciled", Choice("Y N"), is_required=True),
                Element("IncludeUnreconciled", Choice("Y N"), is_required=True),
                Element("DateSequence", Choice("E T")),
                Element("IncludeCurrencyInfo", Choice("Y N"), is_required=True),
                Element("AsOfPeriod", Choice("C P B"), is_required=True),
                Element("TrnToView", Choice("A"), is_required=True),
                Element("IncludeApInfo", Choice("N Y")),
                Element("IncludeArInfo", Choice("N Y")),
                Element("ExcludeTransactions", Choice("N Y")),
            ),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class BankTransaction:
    """One transaction, as text; ``trn_type`` says deposit or withdrawal."""

    year: str
    month: str
    trn_type: str
    reference: str
    value_text: str
    date_text: str
    journal: str


def build(bank: str, as_of: str = "C", *, has_transactions: bool = True) -> str:
    """Ask for a bank as of period C, P or B; with its transactions, or what it is kept in."""
    return QUERY.build(
        {
            "Key": {"Bank": bank},
            "Option": {
                "IncludeDeposits": "Y",
                "IncludeWithdrawals": "Y",
                "IncludeReconciled": "Y",
                "IncludeUnreconciled": "Y",
                "DateSequence": "E",
                "IncludeCurrencyInfo": "N",
                "AsOfPeriod": as_of,
                "TrnToView": "A",
                "IncludeApInfo": "N",
                "IncludeArInfo": "N",
                "ExcludeTransactions": "N" if has_transactions else "Y",
            },
        }
    )


def currency_of(body: bytes, bank: str) -> str:
    """Read the currency in which ``bank`` is kept; '' where the answer does not say.

    Raises:
        CallFailed, Unreadable: no answer, or the answer for another bank.
    """
    items = read_document(body, "cshtrnquery").findall("bankitem")
    named = [item for item in items if same_key(bank, field(item, "bank"))]
    if len(named) != 1:
        raise Unreadable(f"the answer shows {len(named)} banks of code {bank!r}")
    return field(named[0], "currency")


def parse(body: bytes, bank: str) -> tuple[BankTransaction, ...]:
    """Read the transactions of ``bank``; none at all is a valid answer.

    Raises:
        CallFailed, Unreadable: no answer, one that complains, or the answer for another bank.
    """
    tree = read_document(body, "cshtrnquery")
    demand_no_problem(tree)
    items = tree.findall("bankitem")
    if not items or any(not same_key(bank, field(item, "bank")) for item in items):
        raise Unreadable(f"a cash-book answer that is not about bank {bank!r}")
    return tuple(
        BankTransaction(
            year=field(entry, "cbtrnyear"),
            month=field(entry, "cbtrnmonth"),
            trn_type=field(entry, "trntype"),
            reference=field(entry, "trnreference"),
            value_text=field(entry, "trnvalue"),
            date_text=field(entry, "trndate"),
            journal=field(entry, "journal"),
        )
        for item in items
        for entry in item.findall("cshtrnitem")
    )
