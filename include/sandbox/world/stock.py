"""What the shop sells, as SYSPRO stocks it: forty products, their prices and quantities.

Prices are in the company's base currency. Some products are short, some are out, one is sold by the
case as well, and one is a kit: it has no stock of its own, only its parts have.
"""

from collections.abc import Iterator

TableRow = tuple[str, dict[str, object]]

WAREHOUSES = ("MAIN", "EAST")
UNITS = {"USD": 1, "GBP": 1, "EUR": 1, "JPY": 150}  # of the base currency in one of the list

# Stock code, description, list price in cents, quantity in MAIN, quantity in EAST. A quantity of -1
# means that the warehouse does not stock it.
_PRODUCTS = (
    ("TEA-1001", "Darjeeling first flush 100 g", 1450, 5_000, 800),
    ("TEA-1002", "Assam breakfast 250 g", 1290, 5_000, 800),
    ("TEA-1003", "Earl Grey 100 g", 990, 5_000, 800),
    ("TEA-1004", "Sencha 100 g", 1680, 5_000, 800),
    ("TEA-1005", "Gyokuro 50 g", 3400, 400, 0),
    ("TEA-1006", "Matcha ceremonial 30 g", 2950, 12, 3),
    ("TEA-1007", "White peony 50 g", 2200, 5_000, -1),
    ("TEA-1008", "Lapsang souchong 100 g", 1150, 5_000, -1),
    ("TEA-1009", "Rooibos 250 g", 890, 5_000, 800),
    ("TEA-1010", "Peppermint 100 g", 750, 5_000, 800),
    ("TEA-1011", "Chamomile 100 g", 750, 5_000, 800),
    ("TEA-1012", "Oolong tie guan yin 100 g", 2480, 5_000, 800),
    ("TEA-1013", "Pu-erh cake 357 g", 5600, 4, 0),
    ("TEA-1014", "Jasmine pearls 100 g", 2100, 0, 0),
    ("COF-2001", "Espresso blend 1 kg", 2890, 5_000, 800),
    ("COF-2002", "House filter 1 kg", 2490, 5_000, 800),
    ("COF-2003", "Ethiopia Yirgacheffe 250 g", 1350, 5_000, 800),
    ("COF-2004", "Kenya AA 250 g", 1490, 5_000, 800),
    ("COF-2005", "Decaf Colombia 250 g", 1290, 5_000, 800),
    ("COF-2006", "Geisha reserve 100 g", 4800, 2, 0),
    ("COF-2007", "Cold brew bags, 10", 1690, 5_000, -1),
    ("COF-2008", "Green beans 1 kg", 1590, 0, 0),
    ("POT-3001", "Cast iron teapot 0.8 l", 8900, 150, 20),
    ("POT-3002", "Glass teapot 1.2 l", 3490, 900, 120),
    ("POT-3003", "Porcelain teapot 1 l", 4290, 900, 120),
    ("POT-3004", "Yixing clay teapot", 12500, 1, 0),
    ("POT-3005", "French press 1 l", 2990, 900, 120),
    ("POT-3006", "Pour-over dripper", 1890, 900, 120),
    ("POT-3007", "Moka pot, 6 cups", 3690, 0, 0),
    ("CUP-4001", "Tea bowl", 1490, 2_000, 300),
    ("CUP-4002", "Espresso cups, set of 6", 4590, 600, 80),
    ("CUP-4003", "Travel mug 0.4 l", 2390, 2_000, 300),
    ("CUP-4004", "Double wall glass, pair", 2190, 2_000, 300),
    ("CUP-4005", "Mug, limited print", 1790, 5, 0),
    ("ACC-5001", "Paper filters, 100", 590, 20_000, 2_000),
    ("ACC-5002", "Tea infuser", 890, 5_000, 800),
    ("ACC-5003", "Bamboo whisk", 1590, 700, 60),
    ("ACC-5004", "Hand grinder", 6900, 220, 30),
    ("ACC-5005", "Digital scale", 3900, 220, 30),
    ("KIT-9001", "Tea lover's gift box", 5900, 0, 0),
)
# Of the bill of materials: parent, route, part, quantity, and whether an order may leave it out.
_PARTS = (
    ("KIT-9001", "0", "TEA-1001", "1", "N"),
    ("KIT-9001", "0", "CUP-4001", "2", "N"),
    ("KIT-9001", "0", "ACC-5002", "1", "N"),
    ("KIT-9001", "0", "ACC-5003", "1", "Y"),
    ("KIT-9001", "1", "TEA-1002", "1", "N"),
)
_CASES = {"ACC-5001": 12}  # code to how many make a CS
LOAD_ITEM = ("ACC-5999", "Gift wrapping", 250, 100_000_000, 100_000_000)  # never runs out


def rows(base_currency: str) -> Iterator[TableRow]:
    """Yield InvMaster, InvPrice, InvWarehouse and BomStructure rows of a company."""
    for code, description, cents, main, east in (*_PRODUCTS, LOAD_ITEM):
        price = _price(cents, base_currency)
        yield (
            "InvMaster",
            {
                "StockCode": code,
                "Description": description,
                "LongDesc": "",
                "StockUom": "EA",
                "AlternateUom": "CS" if code in _CASES else "EA",
                "ConvFactAltUom": f"{_CASES.get(code, 1)}.000000",
                "ConvMulDiv": "M",
                "OtherUom": "EA",
                "ConvFactOthUom": "1.000000",
                "MulDiv": "M",
                "ProductClass": code[:3],
                "TaxCode": "A",
                "KitType": "K" if code.startswith("KIT") else "N",
                "Mass": "0.500000",
                "WarehouseToUse": "MAIN",
                "ListPriceCode": "A",
                "StockOnHold": "",
            },
        )
        yield (
            "InvPrice",
            {"StockCode": code, "PriceCode": "A", "SellingPrice": price, "PriceBasis": "S"},
        )
        for warehouse, quantity in zip(WAREHOUSES, (main, east), strict=True):
            if quantity >= 0:
                yield "InvWarehouse", _warehouse(code, warehouse, quantity, price)
    for number, (parent, route, part, quantity_per, optional) in enumerate(_PARTS, start=1):
        yield (
            "BomStructure",
            {
                "ParentPart": parent,
                "Route": route,
                "SequenceNum": f"{number:06d}",
                "Component": part,
                "QtyPer": f"{quantity_per}.000000",
                "SoOptionFlag": optional,
            },
        )


def _price(cents: int, currency: str) -> str:
    """Write a list price with five decimals; yen prices are whole."""
    whole = cents * UNITS[currency]
    return f"{whole // 100}.00000" if currency == "JPY" else f"{whole // 100}.{whole % 100:02d}000"


def _warehouse(code: str, warehouse: str, quantity: int, price: str) -> dict[str, object]:
    zero = "0.000000"
    return {
        "StockCode": code,
        "Warehouse": warehouse,
        "QtyOnHand": f"{quantity}.000000",
        "QtyAllocated": zero,
        "QtyOnOrder": zero,
        "QtyOnBackOrder": zero,
        "QtyDispatched": zero,
        "UnitCost": price,
        "DefaultBin": warehouse,
    }
