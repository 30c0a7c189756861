"""What a sales order holds is what was sold, to the cent; else nobody's money is asked for."""

from dataclasses import replace
from typing import Any

import pytest

from include.domain.errors import Rejected
from include.domain.money import Money
from include.services.translate.translator import ShopTranslator
from tests.unit.shop_orders import translator, woo_order

US = translator("acme_us_web")
HUGE = replace(US.rules, max_quantity=100_000)


def table(currency: str, **shop: Any) -> ShopTranslator:
    """Return the shop's tables with another currency, and room for 100,000 pieces."""
    amounts = {currency: US.rules.amounts["USD"]}
    return replace(
        US,
        shop=replace(US.shop, currencies=(currency,), **shop),
        rules=replace(HUGE, amounts=amounts),
    )


def sold(currency: str, quantity: int, net: str, tax: str, total: str) -> dict[str, Any]:
    line = {"id": 1, "name": "Screws", "sku": "SCREW-4", "quantity": quantity}
    line |= {"subtotal": net, "subtotal_tax": tax, "total": net, "total_tax": tax}
    lists = {name: list[Any]() for name in ("coupon_lines", "shipping_lines", "fee_lines")}
    amounts = {"currency": currency, "total": total, "total_tax": tax}
    return woo_order() | lists | amounts | {"line_items": [line]}


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        # 0.01339 x 1500 is 20.085.
        (sold("USD", 1500, "20.08", "0", "20.08"), "line 1 is 20.08 USD for 1500, which SYSPRO"),
        (sold("KWD", 1, "12.345", "0", "12.345"), "line 1 is 12.345 KWD for 1, which SYSPRO"),
        (sold("KWD", 1, "12.34", "0.617", "12.957"), "line 2 is 0.617 KWD for 1, which SYSPRO"),
    ],
)
def test_an_order_that_syspro_would_round_is_refused_before_it_is_paid(
    raw: dict[str, Any], what: str
) -> None:
    tables = table(raw["currency"])
    with pytest.raises(Rejected, match="a price has 5 decimals there, and a value 2") as caught:
        tables.normalized(tables.order(raw))
    assert caught.value.what.startswith(what)
    assert caught.value.where == "order 1001"


def test_what_the_price_of_a_piece_keeps_is_the_tax_too_where_prices_hold_it() -> None:
    """19.98 and 0.10 of tax for 1,500: 0.01332 net is 19.98, and 0.01339 gross is 20.085."""
    raw = sold("USD", 1500, "19.98", "0.10", "20.08")
    net = table("USD")
    assert net.normalized(net.order(raw)).amount == Money(2008, "USD")
    gross = table("USD", prices_include_tax=True)
    with pytest.raises(Rejected, match=r"line 1 is 20\.08 USD for 1500"):
        gross.normalized(gross.order(raw))


@pytest.mark.parametrize(
    "raw",
    [
        sold("USD", 1000, "10.01", "0.83", "10.84"),
        sold("JPY", 7, "1000", "100", "1100"),
        sold("KWD", 2, "12.340", "0.620", "12.960"),
        sold("USD", 333, "1000.00", "0", "1000.00"),
    ],
)
def test_an_order_that_syspro_holds_exactly_is_taken(raw: dict[str, Any]) -> None:
    tables = table(raw["currency"])
    order = tables.order(raw)
    assert tables.normalized(order) == order


def test_discount_and_tax_are_lines_that_must_have_a_number_too() -> None:
    raw = sold("USD", 1, "1.00", "0.08", "")
    (line,) = raw["line_items"]
    line |= {"total": "0.50", "total_tax": "0.04"}
    tables = table("USD")
    tables = replace(tables, rules=replace(tables.rules, max_lines=9999))
    for count, last in ((9_997, 9_999), (9_998, 10_000)):
        lines = [line | {"id": n, "sku": f"SCREW-{n}"} for n in range(count)]
        minor = 54 * count
        amounts = {"total": f"{minor // 100}.{minor % 100:02}", "total_tax": ""}
        order = tables.order(raw | amounts | {"line_items": lines})
        if last <= 9_999:
            assert tables.normalized(order) == order
            continue
        with pytest.raises(Rejected, match="would have a line 10000, and 9999 is the last"):
            tables.normalized(order)
