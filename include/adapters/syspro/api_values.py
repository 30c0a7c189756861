"""What a field map of the JSON facade may name: the values of a command, by our words."""

from collections.abc import Mapping
from dataclasses import fields

from include.adapters.syspro.documents.schema import Amount, Kind, Price, Quantity
from include.adapters.syspro.documents.text import to_cp1252
from include.adapters.syspro.partners.order_document import charge_of, price_of
from include.adapters.syspro.partners.order_moves import SUSPENSE
from include.domain.erp_orders import AddCustomer, AddSalesOrder, ErpAddress, MoveSalesOrder
from include.domain.orders import LineKind, OrderLine


class DecimalText(str):
    """A number as text, which a facade may want without quotation marks."""

    __slots__ = ()


def order_values(order: AddSalesOrder, order_status: str) -> dict[str, object]:
    return {
        **plain_values(order),
        **address_values("ship", order.ship_to),
        "order_date": order.order_date.isoformat(),
        "amount": _decimal(Amount(), order.amount),
        "tax_status": "E" if order.is_untaxed else "",
        "order_status": SUSPENSE if order.is_suspended else order_status,
    }


def line_values(order: AddSalesOrder, line: OrderLine) -> dict[str, object]:
    return {
        "number": line.number,
        "kind": line.kind.value,
        "stock_code": line.stock_code,
        "description": to_cp1252(line.description),
        "quantity": _decimal(Quantity(), line.quantity_millionths),
        "unit": line.unit,
        # The unit price of a discount would be negative; its value says it all.
        "price": _decimal(Price(), price_of(order, line)) if line.stock_code else "",
        "value": _decimal(Amount(), charge_of(order, line)),
        "tax": _decimal(Amount(), line.tax),
        "warehouse": order.warehouse,
        **_codes(order, line),
    }


def _codes(order: AddSalesOrder, line: OrderLine) -> dict[str, object]:
    """Return SYSPRO's codes of a charge; goods have their own in its stock file."""
    if line.kind is LineKind.goods:
        return dict.fromkeys(("product_class", "charge_code", "tax_code"), "")
    charge = order.charge_for(line.kind)
    return {
        "product_class": charge.product_class,
        "charge_code": charge.charge_code,
        "tax_code": charge.tax_code,
    }


def plain_values(command: AddSalesOrder | MoveSalesOrder | AddCustomer) -> dict[str, object]:
    """Return the fields that are words or whole numbers, by name; SYSPRO's alphabet is small."""
    found = {one.name: getattr(command, one.name) for one in fields(command)}
    words = {name: to_cp1252(value) for name, value in found.items() if isinstance(value, str)}
    return words | {name: value for name, value in found.items() if isinstance(value, int)}


def address_values(side: str, address: ErpAddress) -> dict[str, object]:
    lines = {f"{side}_{number}": to_cp1252(line) for number, line in enumerate(address.lines, 1)}
    return {**lines, f"{side}_postal_code": to_cp1252(address.postal_code)}


def _decimal(kind: Kind, value: object) -> DecimalText:
    return DecimalText(kind.write(value, "facade"))


def text_of(values: Mapping[str, object], word: str) -> str:
    return word[1:] if word.startswith("=") else str(values[word])
