"""ARSTIN: a debit note without stock, how some sites book the money leg of a refund.

Its value is never negative, and a number of ours guards against a second one (inferred). Its
counters have names of their own. Source: reference, sections 2, 4.4 and 5.
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
)
from include.adapters.syspro.documents.verdict import Verdict, gl_key, judge

PARAMETERS = Document(
    "ARSTIN",
    "PostArInvoices",
    "ARSTIN.XSD",
    (
        Group(
            "Parameters",
            (
                Element("IgnoreWarnings", Choice("N Y W"), is_required=True),
                Element("ApplyIfEntireDocumentValid", Choice("Y N"), is_required=True),
                Element("ValidateOnly", Choice("N Y"), is_required=True),
                Element("PostingPeriod", Choice("C P B"), is_required=True),
                Element("AutomaticTaxCalculation", Choice("N Y"), is_required=True),
            ),
        ),
    ),
)
NOTE = Document(
    "ARSTIN",
    "PostArInvoices",
    "ARSTINDOC.XSD",
    (
        Group(
            "Item",
            (
                Element("TransactionType", Choice("I C D"), is_required=True),
                Element("Customer", Key(15), is_required=True),
                Element("PostToExistingInvoice", Choice("N Y"), is_required=True),
                Element("GenerateInvoiceNumber", Choice("N Y"), is_required=True),
                Element("Invoice", Key(20), is_required=True),
                Element("InvoiceDate", Day(), is_required=True),
                Element("Reference", Key(30), is_required=True),
                Element("InvoiceValue", Amount(is_signed=False), is_required=True),
                Element("ProductClass", Key(20), is_required=True),
            ),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class PostedNote:
    """What ARSTIN answers."""

    customer: str
    invoice: str
    gl_journal: str
    verdict: Verdict


def parse(body: bytes) -> PostedNote:
    """Read the reply.

    Raises:
        CallFailed, Unreadable: it is not one.
    """
    tree = read_document(body, "postarinvoices")
    item = tree.find("item")
    return PostedNote(
        customer=field(item, "customer"),
        invoice=field(item, "invoice"),
        gl_journal=gl_key(tree),
        verdict=judge(tree, "itemsvalidated", "invaliditems"),
    )
