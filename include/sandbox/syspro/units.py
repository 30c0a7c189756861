"""Units of measure and kits: what a line's quantity is in stock, and which parts a kit brings.

A stock code is counted in its stocking unit; two more may be sold, each with a factor and M or D.
A kit is exploded into its parts, one level deep; optional parts are left out. Source: SYSPRO
reference, the captured INVQRY, and help.syspro.com, program IMP04B.
"""

from decimal import Decimal

from include.sandbox.syspro.books import Books, as_decimal
from include.sandbox.syspro.tables import Row

KITS = ("K", "S")
PARENT, COMPONENT = "P", "C"  # SorDetail.MBomFlag
ONE = Decimal(1)
_OTHERS = (
    ("AlternateUom", "ConvFactAltUom", "ConvMulDiv"),
    ("OtherUom", "ConvFactOthUom", "MulDiv"),
)


def is_kit(master: Row | None) -> bool:
    return master is not None and master["KitType"] in KITS


def factor(master: Row, unit: str) -> Decimal | None:
    """Return how many stocking units one of a unit is; ``None``: it is not one of this code."""
    if unit.upper() == str(master["StockUom"]).upper():
        return ONE
    for name, number, way in _OTHERS:
        if unit.upper() == str(master[name]).upper():
            count = as_decimal(master[number])
            return (ONE / count if master[way] == "D" else count) if count else None
    return None


def of_line(line: Row) -> Decimal:
    """Return how many stocking units one of a line's order unit is."""
    return as_decimal(line.get("MConvFactOrdUm")) or ONE


def parts(books: Books, kit: str) -> list[tuple[Row, Decimal]]:
    """Return the parts that a sales order takes: rows of InvMaster, with the quantity per kit."""
    rows = books.tables.matching("BomStructure", ParentPart=kit)
    taken = [row for row in rows if row["Route"] == "0" and row["SoOptionFlag"] != "Y"]
    found: list[tuple[Row, Decimal]] = []
    for row in taken:
        master = books.tables.get("InvMaster", StockCode=str(row["Component"]))
        if master is not None:
            found.append((master, as_decimal(row["QtyPer"])))
    return found
