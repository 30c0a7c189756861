"""SORTOX: cancel a sales order. Source: reference, section 4.1.

Without a line number the whole order is cancelled (inferred from the object's title), so the order
is read back afterwards.
"""

from dataclasses import dataclass

from include.adapters.syspro.documents.reply import field, read_document
from include.adapters.syspro.documents.schema import Choice, Document, Element, Group, Key
from include.adapters.syspro.documents.verdict import Verdict, judge

PARAMETERS = Document(
    "SORTOX",
    "PostSalesOrderCancel",
    "SORTOX.XSD",
    (
        Group(
            "Parameters",
            (
                Element("IgnoreWarnings", Choice("N Y W"), is_required=True),
                Element("ApplyIfEntireDocumentValid", Choice("Y N"), is_required=True),
                Element("ValidateOnly", Choice("N Y"), is_required=True),
                Element("CancelAttachedComments", Choice("N Y"), is_required=True),
            ),
        ),
    ),
)
CANCEL = Document(
    "SORTOX",
    "PostSalesOrderCancel",
    "SORTOXDOC.XSD",
    (
        Group(
            "Item",
            (
                Element("SalesOrder", Key(20), is_required=True),
                Element("SalesOrderLine", Key(4)),
                Element("MarkLineComplete", Choice("N Y"), is_required=True),
                Element("CancelReasonCode", Key(6)),
            ),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class CancelledOrder:
    """What SORTOX answers."""

    sales_order: str
    is_cancelled: bool
    verdict: Verdict


def parameters() -> str:
    return PARAMETERS.build(
        {
            "Parameters": {
                "IgnoreWarnings": "Y",
                "ApplyIfEntireDocumentValid": "Y",
                "ValidateOnly": "N",
                "CancelAttachedComments": "Y",
            }
        }
    )


def parse(body: bytes) -> CancelledOrder:
    """Read the reply.

    Raises:
        CallFailed, Unreadable: it is not one.
    """
    tree = read_document(body, "postsalesordercancel")
    item = tree.find("item")
    return CancelledOrder(
        sales_order=field(item, "salesorder"),
        is_cancelled=field(item, "cancelled").upper() == "Y",
        verdict=judge(tree, "itemsprocessed", "itemsinvalid"),
    )
