"""SORTOS: change a sales order's status: hold it (S) or release it. Source: reference, 4.1.

``OrderStatus`` is what we believe it is now; whether SYSPRO refuses another one is inferred, so the
status is read back as well.
"""

from dataclasses import dataclass

from include.adapters.syspro.documents.reply import field, read_document
from include.adapters.syspro.documents.schema import Choice, Document, Element, Group, Key, Note
from include.adapters.syspro.documents.verdict import Verdict, judge

PARAMETERS = Document(
    "SORTOS",
    "PostSorOrderStatus",
    "SORTOS.XSD",
    (
        Group(
            "Parameters",
            (
                Element("ValidateOnly", Choice("N Y"), is_required=True),
                Element("IgnoreWarnings", Choice("N Y W"), is_required=True),
                Element("ApplyIfEntireDocumentValid", Choice("Y N"), is_required=True),
                Element("WarnIfCustomerOnHold", Choice("N Y"), is_required=True),
            ),
        ),
    ),
)
CHANGE = Document(
    "SORTOS",
    "PostSorOrderStatus",
    "SORTOSDOC.XSD",
    (
        Group(
            "Item",
            (
                Element("SalesOrder", Key(20), is_required=True),
                Element("OrderStatus", Choice("0 1 2 3 4 8 9 F S")),
                Element("NewOrderStatus", Choice("1 2 3 4 8 9 S"), is_required=True),
                Element("CreditAuthority", Note(3)),
            ),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class ChangedStatus:
    """What SORTOS answers."""

    sales_order: str
    status: str
    verdict: Verdict


def parameters() -> str:
    return PARAMETERS.build(
        {
            "Parameters": {
                "ValidateOnly": "N",
                "IgnoreWarnings": "Y",
                "ApplyIfEntireDocumentValid": "Y",
                "WarnIfCustomerOnHold": "N",
            }
        }
    )


def parse(body: bytes) -> ChangedStatus:
    """Read the reply.

    Raises:
        CallFailed, Unreadable: it is not one.
    """
    tree = read_document(body, "postsororderstatus")
    order = tree.find("item/order")
    return ChangedStatus(
        sales_order=field(order, "salesorder"),
        status=field(order, "neworderstatus"),
        verdict=judge(tree, "itemsprocessed", "itemsinvalid"),
    )
