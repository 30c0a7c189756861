"""What was bought, line by line: the Level II and III data of a payment, a capture or a refund.

The gateway passes it on and keeps none of it, so every capture and every refund carries its own,
and without ``purchaseLevel`` none is passed on at all.
Source: developer.cybersource.com, Level II/III guides, "Data Processing" and "Captures with Level
III Data", read 2026-11-27.
"""

from collections.abc import Sequence
from dataclasses import replace

from include.adapters.cybersource.answers import Json, text_of
from include.adapters.cybersource.partners.common import amount_details
from include.domain.money import Money, allocate, total
from include.domain.orders import QUANTITY_DIGITS, LineKind, OrderLine

PURCHASE_LEVEL = {"purchaseLevel": "3"}
_PRODUCT_CODES = {
    LineKind.goods: "default",
    LineKind.freight: "shipping_and_handling",
    LineKind.fee: "handling",
}
# The vendor's own longest values (swagger of 2020-02-17); what is longer is refused.
_TEXT, _UNIT, _PURCHASE_ORDER = 255, 12, 25
_MOST_LINES = 999
_TOLD = {"Y": True, "true": True, "N": False, "false": False}


def order_details(code: str, amount: Money, lines: Sequence[OrderLine]) -> dict[str, object]:
    """Return ``orderInformation`` without its people: the amount, and the lines it is made of.

    Args:
        code: the order's purchase order.
        amount: of the call.
        lines: whose gross sums to it; none where nobody knows what it was for.
    """
    if not lines:
        return {"amountDetails": amount_details(amount)}
    sums = _totals(lines, amount.currency)
    return {
        "amountDetails": amount_details(amount) | sums,
        "lineItems": [_line(line) for line in _items(lines)],
        "invoiceDetails": {
            "purchaseOrderNumber": purchase_order(code),
            "taxable": "taxAmount" in sums,
        },
    }


def purchase_order(code: str) -> str:
    """Return its end, should it be too long: the orders of a shop all begin alike."""
    return code[-_PURCHASE_ORDER:]


def is_passed_on(body: Json) -> bool | None:
    """Say whether the lines went on to the processor; ``None``: the answer does not tell."""
    path = ("orderInformation", "invoiceDetails")
    told = text_of(body, *path, "level3TransmissionStatus")
    return _TOLD.get(told or "")


def _totals(lines: Sequence[OrderLine], currency: str) -> dict[str, object]:
    """Tax, freight and discounts of the order; a line of its own cannot be negative."""
    tax = total((line.tax for line in lines), currency)
    freight = total((one.net for one in lines if one.kind is LineKind.freight), currency)
    discount = -total((one.net for one in lines if _is_off(one)), currency)
    sums = {"taxAmount": tax, "freightAmount": freight, "discountAmount": discount}
    return {name: money.decimal for name, money in sums.items() if money.minor > 0}


def _items(lines: Sequence[OrderLine]) -> list[OrderLine]:
    """Level III lines, none negative: the tax of a discount is taken off the others' tax.

    An issuer that adds the lines' tax up must come to ``taxAmount``.
    """
    sold, off = [], 0
    for line in lines[:_MOST_LINES]:
        if _is_off(line):
            off -= line.tax.minor
        else:
            sold.append(line)
    taxes = [max(line.tax.minor, 0) for line in sold]
    if not 0 < off <= sum(taxes):
        return sold
    parts = allocate(Money(off, sold[0].tax.currency), taxes)
    return [replace(line, tax=line.tax - part) for line, part in zip(sold, parts, strict=True)]


def _is_off(line: OrderLine) -> bool:
    return line.kind is LineKind.discount or line.net.minor < 0


def _line(line: OrderLine) -> dict[str, object]:
    """One line; a count that is not whole, or does not divide the net, is one piece of it all."""
    count, rest = divmod(line.quantity_millionths, 10**QUANTITY_DIGITS)
    if rest or count < 1 or line.net.minor % count:
        count = 1
    found: dict[str, object] = {
        "productCode": _PRODUCT_CODES[line.kind],
        "productName": line.description[:_TEXT],
        "productSku": (line.stock_code or line.kind.value)[:_TEXT],
        "quantity": count,
        "unitPrice": Money(line.net.minor // count, line.net.currency).decimal,
        "totalAmount": line.net.decimal,
        "unitOfMeasure": line.unit[:_UNIT],
        "amountIncludesTax": False,
    }
    if line.tax.minor > 0:
        found["taxAmount"] = line.tax.decimal
    return found
