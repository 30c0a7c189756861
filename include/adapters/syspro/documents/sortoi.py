"""SORTOI: import a sales order. Source: reference, sections 0 (4) and 4.1.

The answer is read in three steps, since each alone has misled an integration: a complaint anywhere
comes first, then the order number, and only then the counter: a clean import names no number, and a
refused one may count itself as processed. What is only validated says by a status of its own
whether it would be taken.
"""

from dataclasses import dataclass

from include.adapters.syspro.documents.reply import Problem, count, field, problems, read_document
from include.adapters.syspro.documents.schema import (
    Amount,
    Choice,
    Day,
    Document,
    Element,
    Group,
    Key,
    Mixed,
    Note,
    Price,
    Quantity,
    Whole,
)
from include.adapters.syspro.documents.verdict import Answer, Verdict

PARAMETERS = Document(
    "SORTOI",
    "SalesOrders",
    "SORTOI.XSD",
    (
        Group(
            "Parameters",
            (
                Element("Process", Choice("VALIDATE IMPORT"), is_required=True),
                Element("TypeOfOrder", Choice("ORD FWD SCH IBT BIL"), is_required=True),
                Element("OrderStatus", Choice("1 4 8 S"), is_required=True),
                Element("AllowNonStockItems", Choice("Y N S"), is_required=True),
                Element("AcceptOrdersIfNoCredit", Choice("Y N"), is_required=True),
                # All that SYSPRO says of a failed credit check.
                Element("CreditFailMessage", Key(30), is_required=True),
                # Two names that mislead: the first decides whether a customer's PO may repeat, the
                # second only whether there must be one.
                Element("AllowDuplicateOrderNumbers", Choice("N Y A"), is_required=True),
                Element("CheckForCustomerPoNumbers", Choice("Y N C"), is_required=True),
                Element("AlwaysUsePriceEntered", Choice("Y N"), is_required=True),
                Element("AllowZeroPrice", Choice("Y N"), is_required=True),
                Element("AllocationAction", Choice("F B A"), is_required=True),
                Element("IgnoreWarnings", Choice("N Y W"), is_required=True),
                Element("WarnIfCustomerOnHold", Choice("N Y"), is_required=True),
                Element("AllowManualOrderNumberToBeUsed", Choice("N Y"), is_required=True),
            ),
        ),
    ),
)
_LINE = (
    Element("CustomerPoLine", Whole(maximum=9999), is_required=True),
    Element("LineActionType", Choice("A C D"), is_required=True),
)
_LINES = (
    Group(
        "StockLine",
        (
            *_LINE,
            Element("StockCode", Key(30), is_required=True),
            Element("Warehouse", Key(10)),
            Element("OrderQty", Quantity(), is_required=True),
            Element("OrderUom", Key(10), is_required=True),
            Element("Price", Price(), is_required=True),
            Element("PriceUom", Key(10), is_required=True),
            Element("StockTaxCode", Key(3)),
        ),
    ),
    Group(
        "MiscChargeLine",
        (
            *_LINE,
            Element("MiscChargeValue", Amount(), is_required=True),
            Element("MiscQuantity", Quantity(), is_required=True),
            Element("MiscProductClass", Key(20)),
            Element("MiscTaxCode", Key(3)),
            Element("MiscDescription", Note(50)),
            Element("MiscChargeCode", Key(6)),
        ),
    ),
    Group(
        "FreightLine",
        (
            *_LINE,
            Element("FreightValue", Amount(), is_required=True),
            Element("FreightTaxCode", Key(3)),
        ),
    ),
)
ORDER = Document(
    "SORTOI",
    "SalesOrders",
    "SORTOIDOC.XSD",
    (
        Group("TransmissionHeader", (Element("TransmissionReference", Key(14)),)),
        Group(
            "Orders",
            (
                Group(
                    "OrderHeader",
                    (
                        Element("CustomerPoNumber", Key(30), is_required=True),
                        Element("OrderActionType", Choice("A C D"), is_required=True),
                        Element("Customer", Key(15), is_required=True),
                        Element("OrderDate", Day(), is_required=True),
                        Element("Currency", Key(3)),
                        Element("ShippingInstrs", Note(50)),
                        Element("CustomerName", Note(50)),
                        Element("ShipAddress1", Note(40)),
                        Element("ShipAddress2", Note(40)),
                        Element("ShipAddress3", Note(40)),
                        Element("ShipAddress4", Note(40)),
                        Element("ShipAddress5", Note(40)),
                        Element("ShipPostalCode", Note(10)),
                        Element("Email", Note(255)),
                        Element("Warehouse", Key(10)),
                        Element("SpecialInstrs", Note(30)),
                        Element("OrderType", Key(2)),
                        Element("TaxExemptionStatus", Choice("E N O")),
                    ),
                ),
                # By their numbers whatever their kind: unsorted lines upset the object.
                Group("OrderDetails", (Mixed("Lines", _LINES),)),
            ),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class ImportedOrder:
    """What SORTOI answers; a taken order may have no number, which is then read back."""

    sales_order: str
    purchase_order: str
    warnings: tuple[str, ...]
    verdict: Verdict
    is_reasonless: bool = False  # refused without a text, an inferred shape


def parse(body: bytes) -> ImportedOrder:
    """Read the reply to one order.

    Raises:
        CallFailed, Unreadable: it is not one.
    """
    tree = read_document(body, "salesorders")
    found = problems(tree)
    order, status = tree.find("order"), tree.find("statusofitems")
    number = field(order, "salesorder").strip()
    is_empty = order is not None and not number.strip("0")
    is_sent_back = tree.find("orders") is not None  # whole, as only a refused document is
    rejected = count(status, "itemsrejectedwithwarnings")
    # Only where nothing was to be imported: Successful or Failed.
    validated = field(tree, "validationstatus/status").lower()
    warnings = tuple(
        (one.text or "").strip()
        for name in ("warningdescription", "backordercomment")
        for one in tree.iter(name)
        if (one.text or "").strip()
    )
    answer = _answer(
        is_named=bool(number.strip("0")),
        complains=bool(found or rejected or is_empty or is_sent_back or validated == "failed"),
        is_counted=validated == "successful"
        or (count(status, "itemsprocessed") == 1 and rejected == 0),
    )
    if answer is Answer.refused:
        found = found or tuple(Problem("order", "", text) for text in warnings)
    return ImportedOrder(
        sales_order="" if is_empty else number,
        purchase_order=field(order, "customerponumber"),
        warnings=warnings,
        verdict=Verdict(answer, found),
        is_reasonless=answer is Answer.refused and not found,
    )


def _answer(*, is_named: bool, complains: bool, is_counted: bool) -> Answer:
    """Say what a reply means; a number beside a complaint, or neither and no count, is unclear."""
    if is_named:
        return Answer.unclear if complains else Answer.taken
    if complains:
        return Answer.refused
    return Answer.taken if is_counted else Answer.unclear
