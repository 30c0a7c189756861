"""INVQRY: one stock code in one warehouse. Source: reference, section 4.3 and the recorded call.

The warehouse filter is an element with attributes; under another name it is ignored in silence and
every warehouse comes back, so the answer is filtered here once more.
"""

from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from include.adapters.syspro.documents.comfnd import Row
from include.adapters.syspro.documents.reply import (
    Problem,
    Unreadable,
    field,
    problems,
    read_document,
    read_millionths,
)
from include.adapters.syspro.documents.schema import Choice, Document, Element, Group, Key
from include.domain.erp_orders import same_key
from include.domain.errors import Rejected

_FLAGS = (
    "IncludeHistory", "IncludeBins", "IncludeLots", "IncludeSerials", "IncludeMovements",
    "IncludeCustomForms", "IncludeEcc",
)  # fmt: skip
QUERY = Document(
    "INVQRY",
    "Query",
    "INVQRY.XSD",
    (
        Group("Key", (Element("StockCode", Key(30), is_required=True),)),
        Group("Option", tuple(Element(f, Choice("Y N"), is_required=True) for f in _FLAGS)),
    ),
)
_WAREHOUSE = Key(10)
_PRODUCT = (
    "stockcode", "kittype", "stockuom", "alternateuom", "convfactaltuom", "convmuldiv", "otheruom",
    "convfactothuom", "muldiv",
)  # fmt: skip


def build(stock_code: str, warehouse: str) -> str:
    named = _WAREHOUSE.write(warehouse, "INVQRY Query/Filter/Warehouse")
    filtered = f'<Filter><Warehouse FilterType="L" FilterValue={quoteattr(named)}/></Filter>'
    text = QUERY.build({"Key": {"StockCode": stock_code}, "Option": dict.fromkeys(_FLAGS, "N")})
    return text.replace("</Query>", f"{filtered}</Query>")


@dataclass(frozen=True, slots=True)
class Stock:
    """What SYSPRO says of one code."""

    available_millionths: int | None  # ``None``: it is not stocked in the warehouse
    product_row: Row  # its kit type and units, under the names of InvMaster


def parse(body: bytes, stock_code: str, warehouse: str) -> Stock | tuple[Problem, ...]:
    """Return what is known of the code, or complaints.

    Raises:
        CallFailed, Unreadable: it is no answer about this code.
    """
    tree = read_document(body, "invquery")
    found = problems(tree)
    if found:
        return found
    if not same_key(stock_code, field(tree, "stockitem/stockcode")):
        raise Unreadable(f"a stock answer that is not about {stock_code!r}")
    row = {name: field(tree, f"stockitem/{name}") for name in _PRODUCT}
    for item in tree.findall("warehouseitem"):
        if same_key(warehouse, field(item, "warehouse")):
            text = field(item, "availableqty")
            try:
                return Stock(read_millionths(text, "INVQRY AvailableQty"), row)
            except Rejected as fault:
                raise Unreadable(fault.what) from None
    return Stock(None, row)
