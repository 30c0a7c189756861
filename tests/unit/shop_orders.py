"""Orders as two shops write them, and the translators that read them."""

import copy
from datetime import date
from typing import Any

from include.adapters.addresses import PostalAddresses
from include.mappings.load import load_mappings
from include.services.translate.translator import ShopTranslator

DAY = date(2026, 11, 3)
TRANSIENT = "1E3L8OUI2N6ZV3O5TK1Q4B8ZRQYHXJ0M"
_MAPPINGS = load_mappings()

_PERSON = {
    "first_name": "Zoë",
    "last_name": "Łukasik",
    "company": "",
    "address_1": "12 Elm Street",
    "address_2": "Flat 3",
    "city": "Springfield",
    "state": "IL",
    "postcode": "62701",
    "country": "US",
    "email": "Zoe@Example.com",
    "phone": "+1 217 555 0100",
}

# Two teas and a mug, 10 % off by one coupon, freight and gift wrapping; tax 8.25 %, line by line.
#   goods    2 x 14.50 = 29.00 + 2.39; 1 x 10.00 = 10.00 + 0.83
#   coupon   -2.90 - 0.24; -1.00 - 0.08 (of each line)
#   freight  7.95 + 0.66; wrapping 2.00 + 0.17
#   total    39.00 - 3.90 + 7.95 + 2.00 = 45.05; tax 3.22 - 0.32 + 0.66 + 0.17 = 3.73; 48.78
_WOO: dict[str, Any] = {
    "id": 1001,
    "number": "1001",
    "currency": "USD",
    "total": "48.78",
    "total_tax": "3.73",
    "customer_id": 0,
    "customer_note": "Leave at the door",
    "customer_ip_address": "192.0.2.10",
    "billing": _PERSON,
    "shipping": {name: "" for name in _PERSON if name != "email"},
    "line_items": [
        {
            "id": 11,
            "name": "Darjeeling 100 g",
            "sku": "TEA-1001",
            "quantity": 2,
            "subtotal": "29.00",
            "subtotal_tax": "2.39",
            "total": "26.10",
            "total_tax": "2.15",
            "price": 13.05,
        },
        {
            "id": 12,
            "name": "Mug",
            "sku": "CUP-4005",
            "quantity": 1,
            "subtotal": "10.00",
            "subtotal_tax": "0.83",
            "total": "9.00",
            "total_tax": "0.75",
            "price": 9.0,
        },
    ],
    "coupon_lines": [{"id": 13, "code": "welcome", "discount": "3.90", "discount_tax": "0.32"}],
    "shipping_lines": [
        {"id": 14, "method_title": "Flat rate", "total": "7.95", "total_tax": "0.66"}
    ],
    "fee_lines": [{"id": 15, "name": "Gift wrapping", "total": "2.00", "total_tax": "0.17"}],
    "meta_data": [{"id": 1, "key": "_cybersource_transient_token", "value": TRANSIENT}],
    "cart_hash": "5f4dcc3b5aa765d61d8327deb882cf99",
}

_GENERIC: dict[str, Any] = {
    "no": "UK-5001",
    "state": "paid",
    "placed": "2026-11-03T09:00:00Z",
    "changed": "2026-11-03T09:00:00Z",
    "currency": "GBP",
    "buyer": {
        "name": "Ada Example",
        "company": "Engines Ltd",
        "street": "2 Sample Lane",
        "street2": "",
        "town": "London",
        "county": "",
        "postcode": "sw1a2aa",
        "country": "GB",
        "mail": "ada@example.com",
        "phone": "+44 1632 960100",
    },
    "ship_to": {
        "name": "Bob Example",
        "company": "",
        "street": "5 Rue Exemple",
        "street2": "",
        "town": "Paris",
        "county": "",
        "postcode": "75001",
        "country": "FR",
        "mail": "",
        "phone": "",
    },
    "lines": [
        {
            "no": 1,
            "sku": "TEA-1001",
            "title": "Tea",
            "qty": "3",
            "unit_price": 1450,
            "net": 3625,
            "vat": 725,
        }
    ],
    "prices_hold_vat": True,
    "freight": {"net": 663, "vat": 132},
    "fees": [],
    "discount": {"code": "", "net": 0, "vat": 0},
    "total": {"net": 4288, "vat": 857, "gross": 5145},
    "payment": {"kind": "request_id", "value": "6871234567890123456789"},
    "remark": "",
    "remarks": [],
    "tags": {},
    "refunds": [],
}


def woo_order() -> dict[str, Any]:
    """Return a fresh WooCommerce order: 48.78 USD."""
    return copy.deepcopy(_WOO)


def generic_order() -> dict[str, Any]:
    """Return a fresh order of the generic shop: 51.45 GBP in whole pence."""
    return copy.deepcopy(_GENERIC)


def translator(shop_id: str) -> ShopTranslator:
    """Return a shop's translator over the shipped tables."""
    orders = _MAPPINGS.orders
    shop = orders.shop(shop_id, DAY)
    return ShopTranslator(
        shop=shop,
        merchant=_MAPPINGS.merchant(shop.merchant_id, DAY),
        rules=orders.order_rules(shop.merchant_id, DAY),
        fields=orders.field_map(shop.kind, DAY),
        status_of=lambda state: orders.shop_status(shop.kind, state, DAY),
        payment_of=lambda *said: orders.payment(*said, DAY, shop.language),
        ending_of=lambda *said: orders.ending(*said, DAY, shop.language),
        addresses=PostalAddresses(),
        fx_rate=_MAPPINGS.fx_rate,
        asks=orders.shop_asks(shop.kind, DAY),
    )
