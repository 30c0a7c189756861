"""Stock by warehouse, and INVQRY, the stock query.

Available is on hand less allocated. A filter under any other name than ``Filter/Warehouse`` is
ignored, and all warehouses come back. Source: SYSPRO reference, section 4.3 and the captured call.
"""

from decimal import Decimal
from xml.etree.ElementTree import Element

from include.sandbox.syspro import messages, units
from include.sandbox.syspro.books import Books, as_decimal
from include.sandbox.syspro.documents import CallFailed, Node, field, nodes, root_node
from include.sandbox.syspro.queries import Question
from include.sandbox.syspro.tables import Row, Value, fold

VERSION = "8.0.042"
QUANTITY = Decimal("0.000001")


def item(books: Books, code: str) -> Row | None:
    return books.tables.get("InvMaster", StockCode=code)


def list_price(books: Books, code: str) -> Decimal:
    """Return the list price in the base currency; zero where there is none."""
    return as_decimal((books.tables.get("InvPrice", StockCode=code) or {}).get("SellingPrice"))


def warehouse(books: Books, code: str, name: str) -> Row | None:
    return books.tables.get("InvWarehouse", StockCode=code, Warehouse=name)


def available(row: Row) -> Decimal:
    return as_decimal(row["QtyOnHand"]) - as_decimal(row["QtyAllocated"])


def move(books: Books, code: str, name: str, **changes: Decimal) -> None:
    """Add to quantities of a warehouse: ``QtyOnHand``, ``QtyAllocated`` and so on."""
    row = warehouse(books, code, name)
    if row is None or units.is_kit(item(books, code)):
        return  # a line that is not stocked moves nothing, nor does a kit: its parts do
    moved: dict[str, Value] = {
        column: (as_decimal(row.get(column)) + change).quantize(QUANTITY)
        for column, change in changes.items()
    }
    books.tables.change("InvWarehouse", row, moved)


def query(question: Question) -> Node:
    """INVQRY: one stock code with its warehouses."""
    code = field(question.document, "Key/StockCode")
    master = item(question.books, code)
    if master is None:
        text = messages.text_of(messages.STOCK_NOT_FOUND, code)
        raise CallFailed(f"ERROR: {text}")
    stored = str(master["StockCode"])
    rows = question.books.tables.matching("InvWarehouse", StockCode=stored)
    wanted = [row for row in rows if _is_wanted(row, question.document)]
    found = [_warehouse_item(row) for row in sorted(wanted, key=lambda r: str(r["Warehouse"]))]
    parts = [_stock_item(question.books, master), *found]
    return root_node("InvQuery", VERSION, [*parts, _totals(wanted)])


def _is_wanted(row: Row, document: Element) -> bool:
    found = document.find("Filter/Warehouse")
    if found is None:
        return True
    kind, value = found.get("FilterType", "A"), found.get("FilterValue", "")
    parts = [fold(part.strip()) for part in value.split(",")]
    name = fold(row["Warehouse"])
    if kind in ("L", "S"):
        return name in parts
    return parts[0] <= name <= parts[-1] if kind == "R" else True


def _stock_item(books: Books, row: Row) -> Node:
    price = list_price(books, str(row["StockCode"]))
    facts: list[tuple[str, object]] = [
        ("StockCode", row["StockCode"]),
        ("Description", row["Description"]),
        ("LongDesc", row["LongDesc"]),
        ("Decimals", f"{0:15d}"),
        ("StockUom", row["StockUom"]),
        ("AlternateUom", row["AlternateUom"]),
        ("ConvFactAltUom", f"{as_decimal(row['ConvFactAltUom']):13.6f}"),
        ("ConvMulDiv", row["ConvMulDiv"]),
        ("OtherUom", row["OtherUom"]),
        ("ConvFactOthUom", f"{as_decimal(row['ConvFactOthUom']):13.6f}"),
        ("MulDiv", row["MulDiv"]),
        ("PartCategory", "B"),
        ("ProductClass", row["ProductClass"]),
        ("TaxCode", row["TaxCode"]),
        ("Mass", f"{as_decimal(row['Mass']):20.6f}"),
        ("KitType", row["KitType"]),
        ("KitTypeDesc", "Kit" if units.is_kit(row) else "Not applicable"),
        ("WarehouseToUse", row["WarehouseToUse"]),
        ("ListPriceCode", row["ListPriceCode"]),
        ("SellingPrice", f"{price:17.5f}"),
        ("Edited_SellingPrice", f"{price:,.3f}"),
        ("SellingPriceCurrency", books.base_currency),
        ("StockOnHold", row["StockOnHold"]),
    ]
    return Node("StockItem", nodes(facts))


def _quantities(pairs: list[tuple[str, Decimal]]) -> list[Node]:
    """Write quantities as the service does: right-justified, with an edited twin."""
    found: list[Node] = []
    for name, value in pairs:
        found += [Node(name, f"{value:20.6f}"), Node(f"Edited_{name}", f"{value:,.3f}")]
    return found


def _warehouse_item(row: Row) -> Node:
    on_hand, allocated = as_decimal(row["QtyOnHand"]), as_decimal(row["QtyAllocated"])
    on_order, back_order = as_decimal(row["QtyOnOrder"]), as_decimal(row["QtyOnBackOrder"])
    zero = Decimal(0)
    pairs = [
        ("QtyOnHand", on_hand),
        ("AvailableQty", available(row)),
        ("QtyOnOrder", on_order),
        ("QtyInInspection", zero),
        ("MinimumQty", zero),
        ("MaximumQty", zero),
        ("QtyOnBackOrder", back_order),
        ("QtyAllocated", allocated),
        ("QtyInTransit", zero),
        ("QtyAllocatedWip", zero),
        ("FutureFree", available(row) + on_order - back_order),
        ("QuantityDispatchNotInvoiced", as_decimal(row["QtyDispatched"])),
    ]
    heads = nodes((("Warehouse", row["Warehouse"]), ("Description", f"{row['Warehouse']} stores")))
    tail = nodes(
        (("DefaultBin", row["DefaultBin"]), ("UnitCost", f"{as_decimal(row['UnitCost']):17.5f}"))
    )
    return Node("WarehouseItem", [*heads, *_quantities(pairs), *tail])


def _totals(rows: list[Row]) -> Node:
    names = ("QtyOnHand", "QtyAllocated", "QtyOnBackOrder", "QtyOnOrder")
    pairs = [(name, sum((as_decimal(r[name]) for r in rows), Decimal(0))) for name in names]
    free = sum((available(row) for row in rows), Decimal(0))
    return Node("WarehouseTotals", _quantities([*pairs, ("AvailableQty", free)]))
