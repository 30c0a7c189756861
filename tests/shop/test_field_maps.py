"""The shipped field maps read what both shops really say, to the cent."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from include.domain.shops import ShopKind
from include.mappings.load import load_mappings
from include.sandbox.shop.generic import STATES
from include.sandbox.shop.orders import STATUSES
from include.services.translate.shop_fields import read_order
from tests.shop.conftest import Bench

DAY = date(2026, 11, 3)

ORDER: dict[str, Any] = {
    "lines": [
        {"sku": "A100", "quantity": 3, "price": "19.99"},
        {"sku": "B200", "quantity": 1, "price": "5.00"},
    ],
    "freight": "4.95",
    "discount": "10.00",
    "fees": [{"name": "Gift wrap", "amount": "2.50"}],
    "payment": {"kind": "tms_token", "value": "70100000"},
    "customer_note": "Ring twice.",
}


def test_an_order_of_each_shop_is_read_whole_and_its_lines_sum_to_its_amount(
    bench: Bench,
) -> None:
    kind = ShopKind.woocommerce if bench.is_woo else ShopKind.generic
    fields = load_mappings().orders.field_map(kind, DAY)
    number = bench.order(**ORDER)
    request = read_order(bench.desk.order(number).raw, fields, "test")
    assert (request["number"], request["note"]) == (number, "Ring twice.")
    assert request["payment"]["customer_id"] == "70100000"
    taken = [line for line in request["lines"] if line["kind"] != "discount"]
    assert {line["kind"] for line in taken} == {"goods", "freight", "fee"}
    parts = [
        Decimal(line.get(f"{name}_after_discount", line[name]))
        for line in taken
        for name in ("net", "tax")
    ]
    assert sum(parts) == Decimal(request["amount"])


def test_an_order_with_a_history_is_still_read(bench: Bench) -> None:
    kind = ShopKind.woocommerce if bench.is_woo else ShopKind.generic
    number = bench.order(**ORDER)
    shop, facts = bench.shop_id, {"order": number}
    bench.sandbox.control("shop_request_refund", shop=shop, amount="1.00", reason="x", **facts)
    bench.sandbox.control("shop_change_address", shop=shop, shipping={"city": "Bath"}, **facts)
    request = read_order(
        bench.desk.order(number).raw, load_mappings().orders.field_map(kind, DAY), "test"
    )
    assert request["shopper"]["ship_to"]["city"] == "Bath"


@pytest.mark.parametrize(
    ("kind", "known"), [(ShopKind.woocommerce, STATUSES), (ShopKind.generic, STATES)]
)
def test_every_status_that_a_shop_is_told_is_one_it_knows(
    kind: ShopKind, known: tuple[str, ...]
) -> None:
    tables = load_mappings().orders
    (shop,) = [s for s in (tables.shop(i, DAY) for i in SHOPS) if s.kind is kind]
    told = {
        tables.shop_status(kind, state, DAY).status for state in shop.statuses_pushed - {"refunded"}
    }
    assert told <= {*known, ""}


SHOPS = ("acme_us_web", "acme_uk_web")
