"""SORQRY: one sales order as SYSPRO shows it. Source: reference, section 4.1 and the recorded call.

The recorded reply has elements named by program (``SALSLS:Name``); none of those is read.
"""

from collections.abc import Mapping

from include.adapters.syspro.documents.reply import Unreadable, field, read_document
from include.adapters.syspro.documents.schema import Choice, Document, Element, Group, Key
from include.domain.erp_orders import same_key

_FLAGS = (
    "IncludeStockedLines", "IncludeNonStockedLines", "IncludeFreightLines", "IncludeMiscLines",
    "IncludeCommentLines", "IncludeCompletedLines", "IncludeSerials", "IncludeLots", "IncludeBins",
    "IncludeAttachedItems", "IncludeCustomForms", "IncludeDetailLineCustomForms",
)  # fmt: skip
QUERY = Document(
    "SORQRY",
    "Query",
    "SORQRY.XSD",
    (
        Group("Key", (Element("SalesOrder", Key(20), is_required=True),)),
        Group("Option", tuple(Element(f, Choice("Y N"), is_required=True) for f in _FLAGS)),
    ),
)
_READ = (
    "salesorder", "customer", "customerponumber", "orderstatus", "lastinvoice", "shippinginstrs",
    "orderdate", "currency",
)  # fmt: skip


def build(sales_order: str) -> str:
    """Ask for the head alone: lines of a large order would be read for nothing."""
    return QUERY.build({"Key": {"SalesOrder": sales_order}, "Option": dict.fromkeys(_FLAGS, "N")})


def parse(body: bytes, sales_order: str) -> Mapping[str, str]:
    """Return the head, named as the columns of SorMaster are, in lower case.

    Raises:
        CallFailed, Unreadable: it is no answer about this order.
    """
    tree = read_document(body, "sordetail")
    head = {name: field(tree, name) for name in _READ}
    if not same_key(sales_order, head["salesorder"]) or not head["orderstatus"]:
        raise Unreadable(f"an order query that is not about {sales_order!r}")
    return head
