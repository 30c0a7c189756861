"""Tax that a shop rounds once for the whole order, and shows rounded for each of its lines."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.errors import Rejected
from include.domain.orders import Order
from include.sandbox.shop.amounts import TaxRule
from include.sandbox.shop.basket import SHOPPER, fill_basket
from include.sandbox.shop.orders import new_order, plant_payment
from tests.unit.shop_orders import TRANSIENT, translator

US = translator("acme_us_web")
LATE = {"tax_bps": 725, "round_tax_at_subtotal": True}


def sold(*prices: str, **facts: Any) -> dict[str, Any]:
    """Return an order as the sandbox's shop writes it, of one piece each."""
    lines = [{"sku": "A100", "price": price} for price in prices]
    numbers = itertools.count(1)
    asked = {"lines": lines, "tax_bps": 725, **facts}
    basket = fill_basket(asked, {}, "USD", TaxRule(825, is_in_price=False))
    order = new_order(basket, lambda: next(numbers), {}, SHOPPER, {}) | {"id": 1, "number": "1"}
    plant_payment(order, "transient_token", TRANSIENT, lambda: next(numbers))
    return order


def amounts(order: Order) -> list[tuple[int, int]]:
    return [(line.net.minor, line.tax.minor) for line in order.lines]


def test_the_cent_that_an_orders_tax_has_more_than_its_lines_is_a_lines() -> None:
    """9.99 at 7.25 % is 0.724275 of tax: 0.72 a line, and 2.172825 of three, 2.17."""
    raw = sold("9.99", "9.99", "9.99", **LATE)
    assert [line["total_tax"] for line in raw["line_items"]] == ["0.72", "0.72", "0.72"]
    assert (raw["total_tax"], raw["total"]) == ("2.17", "32.14")
    assert amounts(US.order(raw)) == [(999, 73), (999, 72), (999, 72)]


def test_tax_that_no_rounding_explains_is_refused() -> None:
    """Two lines can be a cent off, and not two."""
    raw = sold("9.99", "9.99", **LATE)
    for total_tax, total in (("1.46", "21.44"), ("1.45", "21.44"), ("1.42", "21.40")):
        with pytest.raises(Rejected, match=r"the lines sum to 21\.42 USD") as caught:
            US.order(raw | {"total_tax": total_tax, "total": total})
        assert f"the order says {total} USD" in caught.value.what
    with pytest.raises(Rejected, match=r"the lines sum to 19\.98 USD, the order says 19\.99"):
        US.order(sold("9.99", "9.99", tax_bps=0) | {"total_tax": "0.01", "total": "19.99"})


def test_tax_that_is_too_small_to_show_adds_up_all_the_same() -> None:
    """0.05 at 7.25 % is 0.003625 of tax: none shows, and two make 0.72 the order's 0.73."""
    raw = sold("9.99", "0.05", "0.05", **LATE)
    assert [line["total_tax"] for line in raw["line_items"]] == ["0.72", "0.00", "0.00"]
    assert (raw["total_tax"], raw["total"]) == ("0.73", "10.82")
    assert amounts(US.order(raw)) == [(999, 73), (5, 0), (5, 0)]
    raw = sold(*["0.06"] * 20, **LATE)  # 0.00435 each
    assert (raw["total_tax"], raw["total"]) == ("0.09", "1.29")
    assert sum(tax for _, tax in amounts(US.order(raw))) == 9


def test_tax_of_a_line_that_would_show_it_is_refused() -> None:
    """20.00 without tax has none: a rate of 7.25 % would be 1.45."""
    raw = sold("9.99", "20.00", **LATE)
    raw["line_items"][1] |= {"subtotal_tax": "0.00", "total_tax": "0.00"}
    with pytest.raises(Rejected, match=r"the lines sum to 30\.71 USD, the order says 30\.72"):
        US.order(raw | {"total_tax": "0.73", "total": "30.72"})


def test_prices_that_hold_their_tax_are_taken_apart_unrounded() -> None:
    """9.99 with 20 % inside is 8.325 and 1.665: shown 8.33 and 1.67, a cent more than it costs."""
    raw = sold("9.99", prices_include_tax=True, **LATE | {"tax_bps": 2000})
    line = raw["line_items"][0]
    assert (line["total"], line["total_tax"], raw["total"]) == ("8.33", "1.67", "9.99")
    assert amounts(US.order(raw)) == [(832, 167)]


@given(
    prices=st.lists(st.integers(1, 9999), min_size=1, max_size=30),
    off=st.integers(0, 90),
    freight=st.just(0) | st.integers(100, 999),  # ten cents show no tax at all
    rate=st.sampled_from([500, 725, 825, 1900, 2000]),
    is_in_price=st.booleans(),
)
def test_whatever_a_shop_sells_so_is_taken_with_its_total_and_its_tax(
    prices: list[int], off: int, freight: int, rate: int, is_in_price: bool
) -> None:
    raw = sold(
        *(f"{price // 100}.{price % 100:02}" for price in prices),
        discount=str(off * sum(prices) // 10_000),  # in whole dollars
        freight=f"{freight // 100}.{freight % 100:02}",
        prices_include_tax=is_in_price,
        tax_bps=rate,
        round_tax_at_subtotal=True,
    )
    if int(raw["total"].replace(".", "")) < 100:
        return  # less than the merchant takes
    order = US.order(raw)
    assert order.amount.decimal == raw["total"]
    tax = sum(line.tax.minor for line in order.lines)
    assert f"{tax // 100}.{tax % 100:02}" == raw["total_tax"]
