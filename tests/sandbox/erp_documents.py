"""e.net documents for tests of the sandbox, written by hand from the reference."""

from collections.abc import Mapping


def elements(values: Mapping[str, object]) -> str:
    return "".join(f"<{name}>{value}</{name}>" for name, value in values.items())


def stock_line(code: str = "TEA-1001", quantity: str = "2", **changes: str) -> str:
    facts = {
        "CustomerPoLine": "1",
        "LineActionType": "A",
        "StockCode": code,
        "OrderQty": quantity,
        "OrderUom": "EA",
        "Price": "14.50",
        "PriceUom": "EA",
        **changes,
    }
    return f"<StockLine>{elements({k: v for k, v in facts.items() if v})}</StockLine>"


def order(*lines: str, po: str = "PO-1", customer: str = "C00001", **heads: str) -> str:
    facts = {
        "CustomerPoNumber": po,
        "OrderActionType": "A",
        "Customer": customer,
        "OrderDate": "2026-11-03",
        **heads,
    }
    details = "".join(lines or (stock_line(),))
    return (
        "<SalesOrders><Orders>"
        f"<OrderHeader>{elements(facts)}</OrderHeader><OrderDetails>{details}</OrderDetails>"
        "</Orders></SalesOrders>"
    )


def import_parameters(**changes: str) -> str:
    facts = {
        "Process": "IMPORT",
        "AllowDuplicateOrderNumbers": "N",
        "CheckForCustomerPoNumbers": "Y",
        "IgnoreWarnings": "W",
        **changes,
    }
    return f"<SalesOrders><Parameters>{elements(facts)}</Parameters></SalesOrders>"


def parameters(root: str, **facts: str) -> str:
    return f"<{root}><Parameters>{elements(facts)}</Parameters></{root}>"


def items(root: str, *contents: Mapping[str, object]) -> str:
    return f"<{root}>{''.join(f'<Item>{elements(c)}</Item>' for c in contents)}</{root}>"
