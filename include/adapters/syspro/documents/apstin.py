"""APSTIN: post a supplier's invoice. Source: reference, section 4.6.

A transaction of code I is refused where (Supplier, Invoice) exists: SYSPRO's own guard against a
second posting; of code C, a credit note, no guard is published. Values are never negative. The
reply's sub-ledger item may succeed while its GL journal failed.
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
    "APSTIN",
    "PostApInvoice",
    "APSTIN.XSD",
    (
        Group(
            "Parameters",
            (
                Element("PostingPeriod", Choice("C P B"), is_required=True),
                Element("IgnoreWarnings", Choice("N Y W"), is_required=True),
                Element("ApplyIfEntireDocumentValid", Choice("Y N"), is_required=True),
                Element("ValidateOnly", Choice("N Y"), is_required=True),
                Element("LedgerDistributionCurrency", Choice("L F"), is_required=True),
                Element("AutomaticTaxCalculation", Choice("N Y")),
                Element("IgnoreAnalysis", Choice("Y N"), is_required=True),
                Element("IncludeDimensionAnalysis", Choice("N Y")),
            ),
        ),
    ),
)
INVOICE = Document(
    "APSTIN",
    "PostApInvoice",
    "APSTINDOC.XSD",
    (
        Group(
            "Item",
            (
                Element("Supplier", Key(15), is_required=True),
                Element("TransactionCode", Choice("I A C D"), is_required=True),
                Element("Branch", Key(10)),
                Element("Invoice", Key(20), is_required=True),
                Element("TransactionValue", Amount(is_signed=False), is_required=True),
                Element("Notation", Note(50)),
                Element("TransactionReference", Key(30), is_required=True),
                Element("JournalNotation", Note(50)),
                Element("InvoiceDate", Day(), is_required=True),
                Element("ExchRateAtEntry", Rate()),
                Element("TaxBasis", Choice("E I")),
                Element("TaxCode", Key(3)),
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
)


@dataclass(frozen=True, slots=True)
class PostedInvoice:
    """What APSTIN answers."""

    year: str
    month: str
    journal: str
    entry: str
    supplier: str
    invoice: str
    gl_journal: str  # year/period/journal, or ''
    verdict: Verdict

    @property
    def their_key(self) -> str:
        return f"{self.year}/{self.month}/{self.journal}/{self.entry}"


def parse(body: bytes) -> PostedInvoice:
    """Read the reply.

    Raises:
        CallFailed, Unreadable: it is not one.
    """
    tree = read_document(body, "postapinvoice")
    taken = tree.find("item/transaction")
    return PostedInvoice(
        year=field(taken, "key/trnyear"),
        month=field(taken, "key/trnmonth"),
        journal=field(taken, "key/journal"),
        entry=field(taken, "key/entrynumber"),
        supplier=field(taken, "supplier"),
        invoice=field(taken, "invoice"),
        gl_journal=gl_key(tree),
        verdict=judge(tree, "itemsprocessed", "itemsinvalid"),
    )
