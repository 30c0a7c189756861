"""CSHTWD: post a cash-book deposit or withdrawal. Source: reference, section 4.6.

``Reconciled`` is always sent: a reconciliation element left out toggles the state instead of
keeping it. The bank's own GL account is booked by SYSPRO from the bank code; the distribution
holds the other side.
"""

from dataclasses import dataclass

from include.adapters.syspro.documents.reply import field, read_document
from include.adapters.syspro.documents.schema import (
    Amount,
    Choice,
    Day,
    Document,
    Element,
    Group,
    Key,
    Note,
    Rate,
)
from include.adapters.syspro.documents.verdict import Verdict, gl_key, judge

PARAMETERS = Document(
    "CSHTWD",
    "PostCbDepositsWithdrawals",
    "CSHTWD.XSD",
    (
        Group(
            "Parameters",
            (
                Element("PostingPeriod", Choice("C P B"), is_required=True),
                Element("IgnoreWarnings", Choice("N Y W"), is_required=True),
                Element("ApplyIfEntireDocumentValid", Choice("Y N"), is_required=True),
                Element("ValidateOnly", Choice("N Y"), is_required=True),
                Element("IgnoreAnalysis", Choice("Y N"), is_required=True),
                Element("Taxable", Choice("Y N"), is_required=True),
                Element("IncludeDimensionAnalysis", Choice("N Y")),
            ),
        ),
    ),
)
ENTRY = Document(
    "CSHTWD",
    "PostCbDepositsWithdrawals",
    "CSHTWDDOC.XSD",
    (
        Group(
            "Item",
            (
                Group(
                    "AddTransaction",
                    (
                        Element("Bank", Key(15), is_required=True),
                        Element("DepositOrWithdrawal", Choice("D W"), is_required=True),
                        Element("Reconciled", Choice("N Y"), is_required=True),
                        Element("Reference", Key(30), is_required=True),
                        Element("TransactionValue", Amount(is_signed=False), is_required=True),
                        Element("TransactionDate", Day(), is_required=True),
                        Element("Narration", Note(50)),
                        Element("WithdrawalType", Choice("N M E")),
                        Element("PostingCurrency", Key(3)),
                        Element("ExchangeRate", Rate()),
                        Group(
                            "LedgerDistribution",
                            (
                                Element("LedgerCode", Key(35), is_required=True),
                                Element("LedgerTaxCode", Key(3)),
                                Element("LedgerNotation", Note(50)),
                                Element("LedgerValue", Amount(), is_required=True),
                            ),
                            repeats=True,
                        ),
                    ),
                ),
            ),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class PostedEntry:
    """What CSHTWD answers."""

    bank: str
    year: str
    month: str
    journal: str
    gl_journal: str  # year/period/journal, or ''
    verdict: Verdict


def parse(body: bytes) -> PostedEntry:
    """Read the reply.

    Raises:
        CallFailed, Unreadable: it is not one.
    """
    tree = read_document(body, "postcbdepositswithdrawals")
    key = tree.find("item/addtransaction/key")
    return PostedEntry(
        bank=field(key, "bank"),
        year=field(key, "cbtrnyear"),
        month=field(key, "cbtrnmonth"),
        journal=field(key, "journal"),
        gl_journal=gl_key(tree),
        verdict=judge(tree, "itemsprocessed", "itemsinvalid"),
    )
