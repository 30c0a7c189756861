"""ARSTPY: book a customer's payment. Source: reference, sections 4.4 and 5.

A repeat is a second payment. An unapplied payment makes a pseudo-invoice ``_CRDnn`` whose customer
PO is ours to set, and so a place where it can be found again. The item may succeed while its GL
journal failed. A payment of 0.00 may set one document against another: its shares are signed and
cancel out.
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
    "ARSTPY",
    "PostArPayment",
    "ARSTPY.XSD",
    (
        Group(
            "Parameters",
            (
                Element("PostingPeriod", Choice("C P B"), is_required=True),
                Element("IgnoreWarnings", Choice("N Y W"), is_required=True),
                Element("ApplyIfEntireDocumentValid", Choice("Y N"), is_required=True),
                Element("ValidateOnly", Choice("N Y"), is_required=True),
                # N: what is not distributed is an error; Y and U would change what was meant.
                Element("AutoCorrectPaymentValue", Choice("N Y U"), is_required=True),
                Element("IntegrateToCashBookInDetail", Choice("N Y"), is_required=True),
                Element("AutoCalculateTax", Choice("N Y"), is_required=True),
                Element("IgnoreAnalysis", Choice("Y N"), is_required=True),
            ),
        ),
    ),
)
PAYMENT = Document(
    "ARSTPY",
    "PostArPayment",
    "ARSTPYDOC.XSD",
    (
        Group(
            "Item",
            (
                Group(
                    "Payment",
                    (
                        Element("Customer", Key(15), is_required=True),
                        Element("PaymentValue", Amount(), is_required=True),
                        Element("Reference", Key(30), is_required=True),
                        Element("PaymentDate", Day(), is_required=True),
                        Element("JournalNotation", Note(50), is_required=True),
                        Element("PaymentNarration", Note(50)),
                        Element("Bank", Key(15), is_required=True),
                        Element("PaymentType", Choice("C S O"), is_required=True),
                        Group(
                            "InvoiceToPay",
                            (
                                Element("TransactionType", Choice("I C D"), is_required=True),
                                Element("Invoice", Key(20), is_required=True),
                                Element("GrossPaymentValue", Amount(), is_required=True),
                            ),
                            repeats=True,
                            is_required=False,
                        ),
                        Group(
                            "UnappliedPayment",
                            (
                                Element("GrossPaymentValue", Amount(), is_required=True),
                                Element("ExchangeRateToUse", Rate()),
                                Element("CustomerPurchaseOrder", Key(30), is_required=True),
                            ),
                            is_required=False,
                        ),
                    ),
                ),
            ),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class PostedPayment:
    """What ARSTPY answers."""

    year: str
    month: str
    journal: str
    customer: str
    gl_journal: str  # year/period/journal, or ''
    verdict: Verdict


def parse(body: bytes) -> PostedPayment:
    """Read the reply.

    Raises:
        CallFailed, Unreadable: it is not one.
    """
    tree = read_document(body, "postarpayment")
    payment = tree.find("item/payment")
    return PostedPayment(
        year=field(payment, "key/trnyear"),
        month=field(payment, "key/trnmonth"),
        journal=field(payment, "key/journal"),
        customer=field(payment, "customer"),
        gl_journal=gl_key(tree),
        verdict=judge(tree, "itemsprocessed", "itemsinvalid"),
    )
