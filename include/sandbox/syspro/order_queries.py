"""SORQRY and SORQSO: one order with its lines, and a list of orders.

Element names are those of the captured call and the skeletons. Source: SYSPRO reference, 4.1.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from xml.etree.ElementTree import Element

from include.sandbox.syspro import forms, messages, orders
from include.sandbox.syspro.books import Books, as_decimal
from include.sandbox.syspro.documents import (
    CallFailed,
    Node,
    field,
    int_field,
    nodes,
    root_node,
)
from include.sandbox.syspro.queries import Question, system_information
from include.sandbox.syspro.tables import Lookup, Row, fold, padded_key, plain_key

VERSION = "8.0.053"
# Read as elements with a colon: the names of other programs' fields.
NAMESPACES = tuple(
    (f"xmlns:{name}", name) for name in ("SALARE", "SALSLS", "TBLART", "SALBRN", "TBLCUR")
)
PLAIN = (
    "ShipAddress1 ShipAddress2 ShipAddress3 ShipAddress4 ShipAddress5 ShipPostalCode State "
    "Nationality Email LastDelNote DeliveryNote NumDispatches Operator LastOperator CreditAuthority"
).split()


def one(question: Question) -> Node:
    """SORQRY: by order, or by the invoice it became."""
    document, books = question.document, question.books
    order = _asked_for(books, document)
    found = _header(books, order)
    if field(document, "Option/IncludeCustomForms", "N") == "Y":
        found.append(forms.block(books, "ORD", str(order["SalesOrder"])))
    lines = [_line(order, line) for line in orders.lines_of(books, order)]
    shown = [line for line in lines if _is_asked(document, line)]
    return root_node("SorDetail", VERSION, [*found, *shown], NAMESPACES)


def _asked_for(books: Books, document: Element) -> Row:
    number, invoice = field(document, "Key/SalesOrder"), field(document, "Key/Invoice")
    order = orders.find_order(books, number)
    if not number and invoice:
        row = books.tables.seek("ArInvoice", Invoice=padded_key("Invoice", invoice))
        order = orders.find_order(books, str((row or {}).get("SalesOrder", "")))
    if order is None:
        text = messages.text_of(messages.ORDER_NOT_FOUND, number or invoice)
        raise CallFailed(f"ERROR: {text}")
    return order


def _header(books: Books, order: Row) -> list[Node]:
    status = str(order["OrderStatus"])
    customer = orders.find_customer(books, str(order["Customer"])) or {}
    terms = str(order.get("InvTermsOverride", ""))
    facts: list[tuple[str, object]] = [
        ("SalesOrder", orders.shown(order)),
        ("DocumentType", order["DocumentType"]),
        ("DocumentTypeDesc", "Credit note" if order["DocumentType"] == "C" else "Order"),
        ("Customer", plain_key(str(order["Customer"]))),
        ("CustomerName", order.get("CustomerName", "") or customer.get("Name", "")),
        ("TaxStatusCode", order.get("TaxExemptFlag", "")),
        ("Salesperson", order.get("Salesperson", "")),
        *((f"DiscPct{n}", f"{as_decimal(order.get(f'DiscPct{n}')):.2f}") for n in (1, 2, 3)),
        ("SALSLS:Name", _name(books, "SalSalesperson", "Salesperson", order, "Name")),
        ("OrderStatus", status),
        ("OrderStatusDesc", orders.STATUS_NAMES.get(status, "")),
        ("CustomerPoNumber", order["CustomerPoNumber"]),
        ("OrderDate", order["OrderDate"]),
        ("ReqShipDate", order.get("ReqShipDate", "")),
        ("ShippingInstrs", order.get("ShippingInstrs", "")),
        ("SpecialInstrs", order.get("SpecialInstrs", "")),
        ("InvTermsOverride", terms),
        ("LastInvoice", plain_key(str(order["LastInvoice"])) if order["LastInvoice"] else ""),
        ("DateLastInvPrt", order.get("DateLastInvPrt", "")),
        ("TBLART:Description", _name(books, "TblArTerms", "TermsCode", {"TermsCode": terms})),
        ("Branch", order.get("Branch", "")),
        ("SALBRN:Description", _name(books, "SalBranch", "Branch", order)),
        ("OrderType", order.get("OrderType", "")),
        ("Area", order.get("Area", "")),
        ("SALARE:Description", _name(books, "SalArea", "Area", order)),
        ("Currency", order["Currency"]),
        ("ExchangeRate", f"{1:13.6f}"),
        ("Edited_ExchangeRate", "1.000000"),
        *((name, order.get(name, "")) for name in PLAIN),
    ]
    return nodes(facts)


def _name(books: Books, table: str, column: str, row: Row, wanted: str = "Description") -> str:
    code = row.get(column, "")
    found = books.tables.find(table, lambda r: r[column] == code) if code else None
    return str((found or {}).get(wanted, ""))


def _line(order: Row, line: Row) -> Node:
    kinds = {"4": "Freight", "5": "MiscCharge", "6": "CommentLine"}
    kind = kinds.get(str(line["LineType"]), "Merchandise")
    number = ("SalesOrderLine", f"{line['SalesOrderLine']:04d}")
    if kind == "Merchandise":
        return Node("SalesOrderLine", [Node(kind, [*nodes((number,)), *_merchandise(order, line)])])
    facts: list[tuple[str, object]] = [
        number,
        ("NComment", line["NComment"]),
        ("NCommentFromLin", f"{line['NCommentFromLin']:04d}"),
    ]
    if kind != "CommentLine":
        value = as_decimal(line["NMscChargeValue"])
        facts += [("NMscChargeValue", f"{value:15.2f}"), ("NMscInvCharge", line["NMscInvCharge"])]
    return Node("SalesOrderLine", [Node(kind, nodes(facts))])


def _merchandise(order: Row, line: Row) -> list[Node]:
    names = (
        "MStockCode MStockDes MWarehouse MOrderUom MStockingUom MPriceUom MProductClass MTaxCode"
    )
    facts: list[tuple[str, object]] = [(name, line[name]) for name in names.split()]
    for name in ("MOrderQty", "MShipQty", "MBackOrderQty", "MQtyDispatched"):
        facts.append((name, f"{as_decimal(line[name]):20.6f}"))
    value = orders.amount(order, line, as_decimal(line["MOrderQty"]))
    facts += [
        ("MPrice", f"{as_decimal(line['MPrice']):17.5f}"),
        *((f"MDiscPct{n}", f"{as_decimal(line[f'MDiscPct{n}']):6.2f}") for n in (1, 2, 3)),
        ("MDiscValue", f"{as_decimal(line['MDiscValue']):15.2f}"),
        ("MLineShipDate", line["MLineShipDate"]),
        ("MUserDef", line["MUserDef"]),
        ("OrderLineValue", f"{value:15.2f}"),
        ("SalesOrderDetStat", line["SalesOrderDetStat"]),
    ]
    return nodes(facts)


def _is_asked(document: Element, line: Node) -> bool:
    kind = line.content[0].name if not isinstance(line.content, str) else ""
    options = {
        "Merchandise": "IncludeStockedLines",
        "Freight": "IncludeFreightLines",
        "MiscCharge": "IncludeMiscLines",
        "CommentLine": "IncludeCommentLines",
    }
    return field(document, f"Option/{options.get(kind, '')}", "Y") == "Y"


class _Filter(NamedTuple):
    """One filter of a list: its column, the kind (A, S, R or L) and the values."""

    column: str
    kind: str
    values: list[str]

    def holds(self, row: Row) -> bool:
        if self.kind == "A":
            return True
        stored = row.get(self.column, "")
        value = stored.isoformat() if isinstance(stored, date) else fold(stored)
        folded = [fold(padded_key(self.column, v)) for v in self.values]
        if self.kind == "R":
            return folded[0] <= value <= folded[-1]
        return value in folded


FILTERS = {
    "Salesperson": "Salesperson",
    "Branch": "Branch",
    "Customer": "Customer",
    "OrderType": "OrderType",
    "CustomerPo": "CustomerPoNumber",
    "SalesOrder": "SalesOrder",
    "OrderDate": "OrderDate",
    "OrderStatus": "OrderStatus",
    "GeographicArea": "Area",
    "RequestedShipDate": "ReqShipDate",
}


def listed(question: Question) -> Node:
    """SORQSO: the orders that fit every filter, by number."""
    document = question.document
    filters = [_filter(part) for part in document.findall("Filter/*") if part.tag in FILTERS]
    rows = [row for row in _candidates(question.books, filters) if _fits(document, row, filters)]
    rows.sort(key=lambda row: str(row["SalesOrder"]))
    start = padded_key("SalesOrder", field(document, "Option/StartAtOrder"))
    limit = int_field(document, "Option/ReturnOrders", 1000) or 1000
    page = [row for row in rows if str(row["SalesOrder"]) >= start][:limit]
    found = [Node("SalesOrderItem", nodes(_listed(question.books, row))) for row in page]
    return root_node("SorQuery", VERSION, [system_information(question), *found])


def _filter(part: Element) -> _Filter:
    values = [value.strip() for value in part.get("FilterValue", "").split(",")]
    return _Filter(FILTERS[part.tag], part.get("FilterType", "A") or "A", values)


def _candidates(books: Books, filters: Sequence[_Filter]) -> Sequence[Row]:
    """Use an index or the days where a filter allows it."""
    first = last = None
    plan = None
    for found in filters:
        is_list = found.kind in ("S", "L")
        if found.column in ("SalesOrder", "CustomerPoNumber") and is_list:
            values = (padded_key(found.column, v) for v in found.values)
            plan = [[Lookup(found.column, value)] for value in values]
        elif found.column == "OrderDate" and found.kind != "A":
            first, last = _day(found.values[0]), _day(found.values[-1])
    return list(books.tables.select("SorMaster", plan, first, last))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        wrong = messages.text_of(messages.NOT_A_DATE, text, "OrderDate")
        raise CallFailed(f"ERROR: {wrong}") from None


def _fits(document: Element, row: Row, filters: Sequence[_Filter]) -> bool:
    status = row["OrderStatus"]
    for wanted, name in (("9", "Completed"), ("\\", "Cancelled"), ("F", "Forward")):
        if status == wanted and field(document, f"Option/Include{name}Orders", "N") != "Y":
            return False
    return all(found.holds(row) for found in filters)


def _listed(books: Books, row: Row) -> list[tuple[str, object]]:
    customer = orders.find_customer(books, str(row["Customer"])) or {}
    return [
        ("SalesOrder", orders.shown(row)),
        ("Customer", plain_key(str(row["Customer"]))),
        ("CustomerName", row.get("CustomerName", "") or customer.get("Name", "")),
        ("OrderStatus", row["OrderStatus"]),
        ("Branch", row.get("Branch", "")),
        ("OrderType", row.get("OrderType", "")),
        ("Area", row.get("Area", "")),
        ("NextDetailLine", row.get("NextDetailLine", "")),
        ("DocumentType", "ORD" if row["DocumentType"] == "O" else "CRN"),
        ("Salesperson", row.get("Salesperson", "")),
        ("Currency", row["Currency"]),
        ("CustomerPoNumber", row["CustomerPoNumber"]),
        ("ShippingInstrs", row.get("ShippingInstrs", "")),
        ("SpecialInstrs", row.get("SpecialInstrs", "")),
        ("OrderDate", row["OrderDate"]),
        ("ReqShipDate", row.get("ReqShipDate", "")),
    ]
