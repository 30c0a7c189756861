"""WooCommerce order documents: made from a basket, changed by the API, totals always exact.

Amounts are text, dates come without a zone and again as ``_gmt``. Source: WooCommerce REST
documentation v3, "Orders".
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

from include.sandbox.shop.amounts import DIGITS, Priced, decimal_text, minor_of, shown
from include.sandbox.shop.basket import PAYMENT_META, SHOPPER, Basket, BasketLine
from include.sandbox.shop.clock import gmt_text, local_text
from include.sandbox.shop.errors import WooError, invalid_param

STATUSES = (
    "pending",
    "processing",
    "on-hold",
    "completed",
    "cancelled",
    "refunded",
    "failed",
    "trash",
    "checkout-draft",
)
PAID = frozenset({"processing", "completed"})
_ADDRESS = tuple(SHOPPER)
_TEXTS = ("customer_note", "payment_method", "payment_method_title", "transaction_id")

Order = dict[str, Any]
NextId = Callable[[], int]


def new_order(
    basket: Basket,
    next_id: NextId,
    products: Mapping[str, int],
    billing: Mapping[str, str],
    shipping: Mapping[str, str],
) -> Order:
    """Return an unsaved order; the caller adds id, dates and status."""
    order: Order = {
        "parent_id": 0,
        "currency": basket.currency,
        "version": "9.4.2",
        "prices_include_tax": basket.tax.is_in_price,
        "billing": address_of(billing),
        "shipping": {k: v for k, v in address_of(shipping or billing).items() if k != "email"},
        "payment_method": "cybersource",
        "payment_method_title": "Card",
        "transaction_id": "",
        "customer_id": 0,
        "customer_ip_address": "192.0.2.10",
        "customer_user_agent": "sandbox shopper",
        "customer_note": "",
        "created_via": "checkout",
        "date_paid": None,
        "date_paid_gmt": None,
        "date_completed": None,
        "date_completed_gmt": None,
        "cart_hash": "",
        "meta_data": [],
        "refunds": [],
    }
    price_order(order, basket, next_id, products)
    if not basket.total.gross:  # the checkout asks for no payment then
        order |= {"payment_method": "", "payment_method_title": ""}
    return order


TAX_ID = 1


def price_order(order: Order, basket: Basket, next_id: NextId, products: Mapping[str, int]) -> None:
    """Write a basket's lines and totals into an order."""
    currency = basket.currency
    freight, discount, total = basket.freight, basket.discount, basket.total
    order["line_items"] = [
        _line_item(line, currency, next_id(), products.get(line.sku, 0)) for line in basket.lines
    ]
    order["shipping_lines"] = []
    if freight.gross:
        line = {"id": next_id(), "method_title": basket.freight_title, "method_id": "flat_rate"}
        line |= {"instance_id": "1", **_taxed(freight, currency), "meta_data": []}
        order["shipping_lines"].append(line)
    order["fee_lines"] = []
    for name, fee in basket.fees:
        line = {"id": next_id(), "name": name, "tax_class": "", "tax_status": "taxable"}
        line |= {**_texts(currency, amount=fee.net), **_taxed(fee, currency)}
        order["fee_lines"].append({**line, "meta_data": []})
    order["coupon_lines"] = []
    if basket.coupon:
        line = {"id": next_id(), "code": basket.coupon.casefold(), "meta_data": []}
        line |= _texts(currency, discount=discount.net, discount_tax=discount.tax)
        order["coupon_lines"].append(line)
    cart_tax = total.tax - freight.tax
    line = {"id": next_id(), "rate_code": "TAX-1", "rate_id": TAX_ID, "label": "Tax"}
    line |= {"compound": False, "rate_percent": basket.tax.rate_bps // 100, "meta_data": []}
    line |= _texts(currency, tax_total=cart_tax, shipping_tax_total=freight.tax)
    order["tax_lines"] = [line]
    order |= _texts(
        currency,
        discount_total=discount.net,
        discount_tax=discount.tax,
        shipping_total=freight.net,
        shipping_tax=freight.tax,
        cart_tax=cart_tax,
        total=total.gross,
        total_tax=total.tax,
    )


def _line_item(line: BasketLine, currency: str, number: int, product_id: int) -> dict[str, Any]:
    return {
        "id": number,
        "name": line.name,
        "product_id": product_id,
        "variation_id": 0,
        "quantity": line.quantity,
        "tax_class": "",
        **_texts(currency, subtotal=line.before.net, subtotal_tax=line.before.tax),
        **_taxed(line.after, currency),
        "meta_data": [],
        "sku": line.sku,
        "price": unit_price(line.after.net, line.quantity, currency),
    }


def _taxed(found: Priced, currency: str) -> dict[str, Any]:
    texts = _texts(currency, total=found.net, total_tax=found.tax)
    taxes = [{"id": TAX_ID, "total": texts["total_tax"], "subtotal": ""}] if found.tax else []
    return {**texts, "taxes": taxes}


def _texts(currency: str, **amounts: Fraction) -> dict[str, str]:
    return {name: decimal_text(shown(minor), currency) for name, minor in amounts.items()}


def unit_price(net: Fraction, quantity: int, currency: str) -> Any:
    """Return net by quantity as a JSON number, unrounded: the one amount that is not text."""
    unit = net / (quantity * 10 ** DIGITS[currency])
    with localcontext(prec=16):
        return json.loads(str(Decimal(unit.numerator) / unit.denominator))


def address_of(given: Mapping[str, Any]) -> dict[str, str]:
    """Return every member of an address; what is not given is blank.

    Raises:
        WooError: 400, a member that is no text.
    """
    for name, value in given.items():
        if name in _ADDRESS and not isinstance(value, str):
            raise invalid_param(name, f"{name} is not of type string.")
    return {name: str(given.get(name, "")) for name in _ADDRESS}


def apply_changes(order: Order, given: Mapping[str, Any], next_id: NextId) -> None:
    """Take what ``PUT /orders/{id}`` may change beside status and lines.

    Raises:
        WooError: 400.
    """
    for side in ("billing", "shipping"):
        if isinstance(given.get(side), Mapping):
            changed = {k: v for k, v in given[side].items() if k in order[side]}
            order[side] |= {k: address_of({k: v})[k] for k, v in changed.items()}
    for name in _TEXTS:
        if name in given:
            order[name] = str(given[name])
    if "meta_data" in given:
        merge_meta(order["meta_data"], given["meta_data"], next_id)


def merge_meta(kept: list[dict[str, Any]], given: object, next_id: NextId) -> None:
    """Update by id, else by key, else append; a null value removes."""
    if not isinstance(given, list) or not all(isinstance(m, Mapping) for m in given):
        raise invalid_param("meta_data", "meta_data is not of type array.")
    for item in given:
        found = next(
            (m for m in kept if m["id"] == item.get("id") or m["key"] == item.get("key")), None
        )
        if found is not None and item.get("value", "") is None:
            kept.remove(found)
        elif found is not None:
            found |= {k: item[k] for k in ("key", "value") if k in item}
        elif "key" in item and item.get("value") is not None:
            kept.append({"id": next_id(), "key": str(item["key"]), "value": item.get("value", "")})


def set_status(order: Order, status: object, at: datetime, zone: str) -> None:
    """Change the status and the dates that hang on it."""
    order["status"] = status
    if status in PAID and order["date_paid"] is None:
        _stamp(order, "date_paid", at, zone)
    if status == "completed" and order["date_completed"] is None:
        _stamp(order, "date_completed", at, zone)


def touch(order: Order, at: datetime, zone: str) -> None:
    """Stamp as modified; a new order also as created."""
    if "date_created" not in order:
        _stamp(order, "date_created", at, zone)
    _stamp(order, "date_modified", at, zone)


def _stamp(order: Order, name: str, at: datetime, zone: str) -> None:
    order[name], order[f"{name}_gmt"] = local_text(at, zone), gmt_text(at)


def plant_payment(order: Order, kind: str, value: str, next_id: NextId) -> None:
    """Put the payment reference where the payment plugin keeps it."""
    if kind:
        merge_meta(order["meta_data"], [{"key": PAYMENT_META[kind], "value": value}], next_id)
    if kind == "request_id":
        order["transaction_id"] = value


def refund_of(
    order: Order, left_minor: int, given: Mapping[str, Any], next_id: NextId
) -> dict[str, Any]:
    """Return a refund document without its dates and who made it.

    Args:
        order: refunded in whole or in part.
        left_minor: what is not refunded yet.
        given: the body: amount, reason, api_refund, meta_data, line_items.
        next_id: gives ids.

    Raises:
        WooError: an amount that is none, or more than remains; a gateway that cannot.
    """
    currency = order["currency"]
    try:
        amount = minor_of(given.get("amount", ""), currency)
    except ValueError:
        raise invalid_param("amount", "amount is not a decimal.") from None
    if amount <= 0:
        text = "Refund amount must be greater than zero."
        raise WooError("woocommerce_rest_invalid_order_refund", text, 400)
    if amount > left_minor:
        raise WooError("woocommerce_rest_cannot_create_order_refund", "Invalid refund amount.", 500)
    if given.get("api_refund", True):
        # The shop's own plugin would refund here; in this sandbox only the product moves money.
        text = "The payment gateway for this order does not support automatic refunds."
        raise WooError("woocommerce_rest_cannot_create_order_refund", text, 500)
    refund: dict[str, Any] = {
        "id": next_id(),
        "parent_id": order["id"],
        "amount": decimal_text(amount, currency),
        "reason": str(given.get("reason", "")),
        "refunded_payment": False,
        "meta_data": [],
        "line_items": list(given.get("line_items", [])),
    }
    merge_meta(refund["meta_data"], given.get("meta_data", []), next_id)
    return refund
