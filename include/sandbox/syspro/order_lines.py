"""The lines of a SORTOI document: read, checked, and turned into SorDetail rows.

Source: SYSPRO reference, section 4.1. A price has 10.5 digits, a quantity 12.6; a tax code is
ignored in silence unless the company allows it to be changed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from xml.etree.ElementTree import Element

from include.sandbox.syspro import messages, stock, units
from include.sandbox.syspro.books import as_decimal
from include.sandbox.syspro.documents import (
    CallFailed,
    choice_field,
    date_field,
    field,
    int_text_field,
    text_field,
    value_field,
)
from include.sandbox.syspro.posting import Call
from include.sandbox.syspro.tables import Row, Value
from include.sandbox.syspro.trouble import Trouble

PRICE = Decimal("0.00001")
HIGHEST_LINE = 9999
LINE_TAGS = ("StockLine", "CommentLine", "MiscChargeLine", "FreightLine")


@dataclass(frozen=True, slots=True)
class LineAction:
    """One line of the document, ready: A adds ``values`` as a row, C changes, D cancels."""

    part: Element
    action: str
    number: int  # of the order line, for C and D
    values: Row
    allocation: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a line inherits: the header's warehouse, the customer's currency, the order if any."""

    call: Call
    trouble: Trouble
    warehouse: str
    currency: str
    lines: list[Row]


def read_lines(setting: Setting, details: Element | None) -> list[LineAction]:
    """Check every line in the order of the document."""
    parts = list(details) if details is not None else []
    found = [_read_line(setting, part) for part in parts if part.tag in LINE_TAGS]
    return [line for line in found if line is not None]


def _read_line(setting: Setting, part: Element) -> LineAction | None:
    trouble = setting.trouble
    _refuse_empty_load(part)
    action = trouble.check(part, choice_field, "LineActionType", "ACD", "A") or "A"
    number = trouble.check(part, int_text_field, "CustomerPoLine", 1, HIGHEST_LINE) or 0
    row = next((x for x in setting.lines if x["SalesOrderLine"] == number), None)
    if action != "A" and row is None:
        trouble.refuse(part, messages.LINE_NOT_FOUND, number, "the sales order")
        return None
    if action == "D":
        return LineAction(part, action, number, {})
    readers: dict[str, Callable[[Setting, Element, Row | None], Row]] = {
        "StockLine": _stock_line,
        "CommentLine": _comment_line,
        "MiscChargeLine": _misc_line,
        "FreightLine": _freight_line,
    }
    values = readers[part.tag](setting, part, row)
    default = setting.call.parameter("AllocationAction", "F")
    allocation = trouble.check(part, choice_field, "AllocationAction", "FBA", default) or default
    return LineAction(part, action, number, values, allocation)


def _refuse_empty_load(part: Element) -> None:
    """An empty DeliveryLoad breaks the object, as its release notes admit."""
    load = part.find("DeliveryLoad")
    if load is not None and not len(load):
        raise CallFailed("ERROR: Unexpected error while processing element 'DeliveryLoad'")


def empty_line(line_type: str) -> Row:
    """Return a line's columns with blanks and zeros: nothing is NULL in these tables."""
    zero = Decimal(0)
    texts = (
        "MStockCode MStockDes MWarehouse MOrderUom MStockingUom MPriceUom MPriceCode MDiscValFlag "
        "MProductClass MTaxCode MLineShipDate MCustRequestDat MCusSupStkCode MUserDef "
        "MParentKitType MBomFlag MInvoicePrinted MCreditOrderNo CreditReason NComment "
        "NMscProductCls NMscTaxCode NChargeCode NMscInvCharge SalesOrderDetStat"
    )
    amounts = (
        "MDiscPct1 MDiscPct2 MDiscPct3 MDiscValue NMscChargeValue NMscChargeCost NMscChargeQty"
    )
    found: Row = dict.fromkeys(texts.split(), "")
    found |= dict.fromkeys(amounts.split(), zero)
    quantities = ("MOrderQty", "MShipQty", "MBackOrderQty", "MQtyDispatched")
    found |= dict.fromkeys(quantities, zero.quantize(stock.QUANTITY))
    found |= dict.fromkeys(("MUnitCost", "MPrice"), zero.quantize(PRICE))
    found |= {"MQtyPer": zero, "MConvFactOrdUm": units.ONE}
    return {"LineType": line_type, "MCreditOrderLine": 0, "NCommentFromLin": 0, **found}


def _stock_line(setting: Setting, part: Element, row: Row | None) -> Row:
    check = setting.trouble.check
    found = empty_line("1") if row is None else dict(row)
    if row is None:
        _identify(setting, part, found)
    _quantity(setting, part, found, is_needed=row is None)
    _price(setting, part, found, is_new=row is None)
    for number in (1, 2, 3):
        name = f"LineDiscPercent{number}"
        if field(part, name):
            found[f"MDiscPct{number}"] = check(part, value_field, name, whole=3) or Decimal(0)
    if field(part, "LineDiscValue"):
        found["MDiscValue"] = check(part, value_field, "LineDiscValue") or Decimal(0)
        found["MDiscValFlag"] = check(part, choice_field, "LineDiscValFlag", "VU", "V") or "V"
    if setting.call.options.is_line_tax_changeable and field(part, "StockTaxCode"):
        found["MTaxCode"] = check(part, text_field, "StockTaxCode", longest=3) or ""
    if field(part, "UserDefined"):
        found["MUserDef"] = check(part, text_field, "UserDefined", longest=4) or ""
    for name, column in (("LineShipDate", "MLineShipDate"), ("CustRequestDate", "MCustRequestDat")):
        if field(part, name):
            found[column] = check(part, date_field, name, None) or ""
    if field(part, "CustomersPartNumber"):
        found["MCusSupStkCode"] = check(part, text_field, "CustomersPartNumber", longest=30) or ""
    return found


def _identify(setting: Setting, part: Element, found: Row) -> None:
    """Fill in stock code and warehouse of a new line."""
    books, trouble = setting.call.books, setting.trouble
    code = trouble.check(part, text_field, "StockCode", longest=30, is_needed=True) or ""
    master = stock.item(books, code)
    description = trouble.check(part, text_field, "StockDescription", longest=50) or ""
    if master is None:
        _identify_not_stocked(setting, part, found, code, description)
        return
    own = trouble.check(part, text_field, "Warehouse", longest=10) or setting.warehouse
    warehouse = own or str(master["WarehouseToUse"])
    code = str(master["StockCode"])
    place = stock.warehouse(books, code, warehouse)
    if place is None:
        trouble.refuse(part, messages.NOT_STOCKED, code, warehouse)
    found |= {
        "MStockCode": code,
        "MStockDes": str(master["Description"]),
        "MWarehouse": str(place["Warehouse"]) if place else warehouse,
        "MStockingUom": str(master["StockUom"]),
        "MProductClass": str(master["ProductClass"]),
        "MTaxCode": str(master["TaxCode"]),
        "MParentKitType": str(master["KitType"]) if units.is_kit(master) else "",
        "MBomFlag": units.PARENT if units.is_kit(master) else "",
        "MUnitCost": as_decimal((place or {}).get("UnitCost")),
    }


def _identify_not_stocked(
    setting: Setting, part: Element, found: Row, code: str, description: str
) -> None:
    is_allowed = setting.call.parameter("AllowNonStockItems", "N") in ("Y", "S")
    if code and not (is_allowed and description):
        setting.trouble.refuse(part, messages.STOCK_NOT_FOUND, code)
    product_class = field(part, "NsProductClass") or field(part, "ProductClass")
    found |= {
        "LineType": "7",
        "MStockCode": code,
        "MStockDes": description,
        "MStockingUom": field(part, "OrderUom"),
        "MProductClass": product_class,
    }


def _quantity(setting: Setting, part: Element, found: Row, *, is_needed: bool) -> None:
    trouble = setting.trouble
    if not field(part, "OrderQty"):
        if is_needed:
            trouble.refuse(part, messages.IS_SPACES, "{StockLine}{OrderQty}")
    else:
        quantity = trouble.check(part, value_field, "OrderQty", whole=12, decimals=6)
        if quantity is not None and quantity <= 0:
            number = messages.IS_NEGATIVE if quantity else messages.IS_ZERO
            trouble.refuse(part, number, "OrderQty")
        found["MOrderQty"] = (quantity or Decimal(0)).quantize(stock.QUANTITY)
    unit = trouble.check(part, text_field, "OrderUom", longest=10, is_needed=is_needed) or ""
    master = stock.item(setting.call.books, str(found["MStockCode"]))
    factor = units.factor(master, unit) if master is not None and unit else units.ONE
    if factor is None:
        trouble.refuse(part, messages.NOT_ALLOWED, unit, "OrderUom")
    if unit:
        found["MConvFactOrdUm"] = factor or units.ONE
    found["MOrderUom"] = unit.upper() or found["MOrderUom"]


def _price(setting: Setting, part: Element, found: Row, *, is_new: bool) -> None:
    trouble, books = setting.trouble, setting.call.books
    # Whose price N takes is not published (inferred): here the list's, as of a line without one.
    is_ours = setting.call.parameter("AlwaysUsePriceEntered", "Y") != "N"
    if field(part, "Price") and (is_ours or not is_new):
        price = trouble.check(part, value_field, "Price", whole=10, decimals=5)
        if price is not None and price < 0:
            trouble.refuse(part, messages.IS_NEGATIVE, "Price")
        trouble.check(part, text_field, "PriceUom", longest=10, is_needed=True)
        found["MPrice"] = (price or Decimal(0)).quantize(PRICE)
        is_bad = price is None
    elif is_new:
        rate = books.rate(setting.currency) or Decimal(1)
        list_price = stock.list_price(books, str(found["MStockCode"]))
        found["MPrice"] = (list_price * units.of_line(found) / rate).quantize(PRICE)
        found["MPriceCode"], is_bad = "A", False
    else:
        return
    found["MPriceUom"] = field(part, "PriceUom").upper() or found["MOrderUom"]
    master = stock.item(books, str(found["MStockCode"]))
    per = units.factor(master, str(found["MPriceUom"])) if master is not None else None
    if per is not None and per != units.of_line(found):  # as no client of ours does: not imitated
        trouble.refuse(part, messages.NOT_ALLOWED, found["MPriceUom"], "PriceUom")
    allowed = setting.call.parameter("AllowZeroPrice", "N") == "Y"
    if not is_bad and not found["MPrice"] and not allowed:
        trouble.refuse(part, messages.ZERO_PRICE, found["MStockCode"])


def _comment_line(setting: Setting, part: Element, row: Row | None) -> Row:
    found = empty_line("6") if row is None else dict(row)
    text = setting.trouble.check(part, text_field, "Comment", longest=100, is_needed=row is None)
    attached = setting.trouble.check(part, int_text_field, "AttachedLineNumber", 0, HIGHEST_LINE)
    found["NComment"] = text or found["NComment"]
    found["NCommentFromLin"] = attached or found["NCommentFromLin"]
    return found


def _misc_line(setting: Setting, part: Element, row: Row | None) -> Row:
    found = empty_line("5") if row is None else dict(row)
    check = setting.trouble.check
    _charge(setting, part, found, "MiscChargeValue", "MiscChargeCost")
    texts: tuple[tuple[str, str, int], ...] = (
        ("MiscDescription", "NComment", 50),
        ("MiscProductClass", "NMscProductCls", 20),
        ("MiscChargeCode", "NChargeCode", 6),
        ("MiscTaxCode", "NMscTaxCode", 3),
    )
    for name, column, longest in texts:
        if field(part, name):
            found[column] = check(part, text_field, name, longest=longest) or ""
    if field(part, "MiscQuantity"):
        quantity = check(part, value_field, "MiscQuantity", whole=12, decimals=6)
        found["NMscChargeQty"] = quantity or Decimal(0)
    return found


def _freight_line(setting: Setting, part: Element, row: Row | None) -> Row:
    found = empty_line("4") if row is None else dict(row)
    _charge(setting, part, found, "FreightValue", "FreightCost")
    found["NComment"] = found["NComment"] or "Freight"
    if field(part, "FreightTaxCode"):
        check = setting.trouble.check
        found["NMscTaxCode"] = check(part, text_field, "FreightTaxCode", longest=3) or ""
    return found


def _charge(setting: Setting, part: Element, found: Row, value: str, cost: str) -> None:
    """Read a charge; a negative one is a discount written as a line."""
    columns: tuple[tuple[str, str], ...] = ((value, "NMscChargeValue"), (cost, "NMscChargeCost"))
    for name, column in columns:
        if field(part, name):
            amount: Value = setting.trouble.check(part, value_field, name) or Decimal(0)
            found[column] = amount
    if not found["NMscChargeValue"] and not field(part, value):
        setting.trouble.refuse(part, messages.IS_SPACES, f"{{{part.tag}}}{{{value}}}")
