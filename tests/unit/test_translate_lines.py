"""Lines change their shape on the way to SYSPRO, and never their sum."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.orders import LineKind, OrderLine
from include.domain.shops import KitMode, RateSource
from include.mappings.load import load_mappings
from include.services.translate.currencies import (
    BaseRate,
    ShopRates,
    check_customer_currency,
    dated_rate,
    syspro_rate,
)
from include.services.translate.lines import (
    erp_lines,
    fold_kits,
    merge_identical,
)
from tests.unit.shop_orders import translator, woo_order

US = translator("acme_us_web")


def _goods(
    number: int, net: int, quantity: int = 1, code: str = "TEA", parent: int = 0
) -> OrderLine:
    return OrderLine(
        number,
        LineKind.goods,
        f"Item {code}",
        quantity * 1_000_000,
        Money(net, "USD"),
        Money(net // 10, "USD"),
        stock_code=code,
        parent=parent,
    )


def _sums(lines: tuple[OrderLine, ...]) -> tuple[int, int]:
    return sum(line.net.minor for line in lines), sum(line.tax.minor for line in lines)


def test_a_kit_takes_its_components_money_where_syspro_explodes_it() -> None:
    lines = (_goods(1, 0, code="KIT"), _goods(2, 500, parent=1), _goods(3, 700, parent=1))
    folded = fold_kits((*lines, _goods(4, 100)))
    assert [line.number for line in folded] == [1, 4]
    assert folded[0].net == Money(1200, "USD")


def _spread(*lines: OrderLine) -> list[tuple[str, int, int]]:
    components = replace(US.shop, kits=KitMode.components, merge_identical_lines=False)
    found = erp_lines(lines, components)
    assert not any(line.parent for line in found)
    return [(line.stock_code or line.description, line.number, line.net.minor) for line in found]


def test_components_take_a_kits_money_and_the_kit_is_no_line() -> None:
    """59.00 of a box with two teas and a bowl, which have no prices: 39.33 and 19.67."""
    kit, tea = _goods(1, 5900, code="KIT"), _goods(2, 0, 2, parent=1)
    bowl = _goods(3, 0, code="CUP", parent=1)
    assert _spread(kit, tea, bowl) == [("TEA", 2, 3933), ("CUP", 3, 1967), ("Tax", 4, 590)]


def test_a_kits_money_is_divided_as_its_components_are_priced() -> None:
    """10.00 for wrapping, over a tea of 5.00 and a bowl of 15.00."""
    kit, tea = _goods(1, 1000, code="KIT"), _goods(2, 500, parent=1)
    bowl = _goods(3, 1500, code="CUP", parent=1)
    assert _spread(kit, tea, bowl) == [("TEA", 2, 750), ("CUP", 3, 2250), ("Tax", 4, 300)]


def test_a_kit_that_comes_without_components_stays_a_line() -> None:
    assert _spread(_goods(1, 5900, code="KIT")) == [("KIT", 1, 5900), ("Tax", 2, 590)]


@pytest.mark.parametrize(
    "lines",
    [
        (_goods(1, 2000), _goods(2, 1000, parent=1), _goods(3, 1328, parent=2)),
        (_goods(1, 1000, parent=2), _goods(2, 1000, parent=1)),
    ],
)
def test_a_sales_order_never_holds_less_than_was_sold(lines: tuple[OrderLine, ...]) -> None:
    with pytest.raises(Rejected, match=r"would hold .* USD net, and .* USD was sold"):
        erp_lines(lines, US.shop)


def test_a_bundle_of_woocommerce_is_a_kit_by_its_plugins_field() -> None:
    raw = woo_order()
    raw["line_items"][1]["bundled_by"] = "11"
    order = US.order(raw)
    assert order.lines[1].parent == 1
    numbers = [line.number for line in erp_lines(order.lines, US.shop)]
    assert numbers == [1, 3, 4, 5, 6]  # the last is the tax of a net shop
    raw["line_items"][1]["bundled_by"] = "99"
    with pytest.raises(Rejected, match=r"lines\[1\]\.parent_id is '99', which is no line"):
        US.order(raw)


def test_a_kit_inside_a_kit_is_refused() -> None:
    raw = woo_order()
    raw["line_items"][0]["bundled_by"] = "12"
    raw["line_items"][1]["bundled_by"] = "11"
    with pytest.raises(Rejected, match="a line that is a component itself"):
        US.order(raw)


def test_only_lines_of_one_price_are_joined() -> None:
    lines = (_goods(1, 1000, 2), _goods(2, 500), _goods(3, 600), _goods(4, 500, code="MUG"))
    merged = merge_identical(lines)
    assert [(line.number, line.quantity_millionths) for line in merged] == [
        (1, 3_000_000),
        (3, 1_000_000),
        (4, 1_000_000),
    ]
    assert _sums(merged) == _sums(lines)


def test_lines_that_joined_would_be_a_cent_off_stay_apart() -> None:
    """750 pieces of 10.04 cost 0.01339: 10.04 for 750, but 20.085 for 1,500, and not 20.08."""
    lines = tuple(replace(_goods(n, 1004, 750), tax=Money(0, "USD")) for n in (1, 2, 3))
    assert merge_identical(lines) == lines


LINES = st.lists(
    st.tuples(
        st.integers(0, 500_000),
        st.integers(1, 50),
        st.sampled_from(("TEA", "MUG", "KIT")),
        st.booleans(),
    ),
    min_size=1,
    max_size=30,
)


@given(LINES, st.sampled_from(KitMode), st.booleans())
def test_no_aggregation_ever_changes_the_sum(
    drawn: list[tuple[int, int, str, bool]], kits: KitMode, merges: bool
) -> None:
    lines = tuple(
        _goods(n, net, quantity, code, parent=1 if is_part and n > 1 else 0)
        for n, (net, quantity, code, is_part) in enumerate(drawn, 1)
    )
    shop = replace(US.shop, kits=kits, merge_identical_lines=merges)
    found = erp_lines(lines, shop)
    assert sum(_sums(found)) == sum(_sums(lines))
    assert [line.number for line in found] == sorted({line.number for line in found})


def test_a_dated_rate_multiplies_and_syspros_may_divide() -> None:
    euro = Money(10_000, "EUR")
    assert dated_rate(1_083_700).to_base(euro, "USD") == Money(10_837, "USD")
    assert syspro_rate("1.083700", "M", "TblCurrency").to_base(euro, "USD") == Money(10_837, "USD")
    # 100.00 EUR / 0.9228 = 108.365... USD
    assert syspro_rate("0.9228", "D", "TblCurrency").to_base(euro, "USD") == Money(10_837, "USD")
    assert syspro_rate("150", "M", "x").to_base(Money(1999, "USD"), "JPY") == Money(2998, "JPY")
    assert dated_rate(1_083_700).to_base(euro, "EUR") is euro


def test_half_a_cent_goes_to_the_even_one_either_way() -> None:
    assert dated_rate(500_000).to_base(Money(1, "EUR"), "USD") == Money(0, "USD")
    assert dated_rate(500_000).to_base(Money(3, "EUR"), "USD") == Money(2, "USD")
    half = syspro_rate("2", "D", "x")
    assert half.to_base(Money(1, "EUR"), "USD") == Money(0, "USD")
    assert half.to_base(Money(3, "EUR"), "USD") == Money(2, "USD")
    assert half.to_base(Money(-3, "EUR"), "USD") == Money(-2, "USD")


@pytest.mark.parametrize(("text", "way"), [("0", "M"), ("-1", "M"), ("1.0", "X"), ("", "M")])
def test_a_rate_that_is_none_is_refused(text: str, way: str) -> None:
    with pytest.raises(Rejected, match="is no rate"):
        syspro_rate(text, way, "TblCurrency")


def _no_table(currency: str) -> BaseRate:
    raise AssertionError(f"SYSPRO was asked for {currency}")


def test_a_shop_converts_by_the_source_that_its_mapping_names() -> None:
    mappings, day = load_mappings(), date(2026, 11, 3)
    dated = ShopRates(RateSource.dated, "GBP", mappings.fx_rate, _no_table, "shops.yaml:1")
    euro = Money(100_00, "EUR")
    assert dated.convert(euro, "GBP", day) == Money(86_82, "GBP")  # 0.868200 since 1 November
    assert dated.convert(euro, "GBP", date(2026, 10, 31)) == Money(87_06, "GBP")
    assert dated.convert(euro, "EUR", day) is euro
    own = ShopRates(
        RateSource.syspro,
        "GBP",
        mappings.fx_rate,
        lambda _: syspro_rate("1.25", "D", "TblCurrency"),
        "shops.yaml:1",
    )
    assert own.convert(euro, "GBP", day) == Money(80_00, "GBP")
    with pytest.raises(Rejected, match="SYSPRO's rates lead into GBP") as caught:
        own.convert(euro, "USD", day)
    assert "exchange_rates: dated" in caught.value.do


def test_a_rate_that_is_missing_or_too_old_is_never_guessed() -> None:
    mappings = load_mappings()
    dated = ShopRates(RateSource.dated, "GBP", mappings.fx_rate, _no_table, "shops.yaml:1")
    with pytest.raises(Rejected, match="there is no rate GBP to EUR") as caught:
        dated.convert(Money(1, "GBP"), "EUR", date(2026, 11, 3))  # the other way round is not it
    assert "Add the line '2026-11-03:" in caught.value.do
    with pytest.raises(Rejected, match="is too old on 2027-02-01"):
        dated.convert(Money(1, "EUR"), "GBP", date(2027, 2, 1))


def test_an_order_in_another_currency_than_its_customer_is_refused() -> None:
    check_customer_currency("USD", "USD", "W1")
    with pytest.raises(Rejected, match="the order is in EUR, customer W1 in USD"):
        check_customer_currency("EUR", "USD", "W1")
