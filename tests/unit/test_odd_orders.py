"""Orders as shops and their plugins really write them: still taken, and to the cent."""

from dataclasses import replace
from typing import Any

import pytest

from include.domain.errors import Rejected
from include.domain.shops import KitMode
from tests.unit.shop_orders import DAY, generic_order, translator, woo_order

US, UK = translator("acme_us_web"), translator("acme_uk_web")


def test_a_list_of_the_generic_shop_may_be_null_where_there_is_nothing() -> None:
    raw = generic_order() | {"freight": None, "fees": None}
    raw["total"] = {"net": 3625, "vat": 725, "gross": 4350}
    assert [line.gross.minor for line in UK.order(raw).lines] == [4350]
    with pytest.raises(Rejected, match="the order has no goods"):
        UK.order(raw | {"lines": None})
    with pytest.raises(Rejected, match="the field rebates is not known"):
        UK.order(raw | {"rebates": None})


def test_a_company_that_names_no_person_is_who_it_ships_to() -> None:
    raw = woo_order()
    raw["billing"] |= {"first_name": "", "last_name": "", "company": "Engines Ltd"}
    raw["shipping"] |= {"address_1": "5 Oak Road", "city": "Springfield", "state": "IL"}
    raw["shipping"] |= {"postcode": "62702", "country": "US"}
    order = US.order(raw)
    assert order.shopper.ship_to.name == "Engines Ltd"
    assert order.shopper.ship_to.lines == ("5 Oak Road",)


@pytest.mark.parametrize("field", ["bundled_by", "composite_parent"])
def test_a_component_of_either_kit_plugin_is_no_line_beside_its_kit(field: str) -> None:
    raw = woo_order()
    raw["line_items"][0] |= {"bundled_by": "", "composite_parent": ""}
    raw["line_items"][1][field] = 11
    assert _sold(raw, KitMode.exploded_by_syspro) == [("TEA-1001", 2, 3900)]
    assert _sold(raw, KitMode.components) == [("CUP-4005", 1, 3900)]


def _sold(raw: dict[str, Any], kits: KitMode) -> list[tuple[str, int, int]]:
    shop = replace(US, shop=replace(US.shop, kits=kits))
    sent = shop.add_sales_order(shop.order(raw), "W1", DAY, is_suspended=False)
    return [
        (line.stock_code, line.quantity_millionths // 1_000_000, line.net.minor)
        for line in sent.lines
        if line.stock_code
    ]


def test_two_lines_of_one_id_are_refused_for_a_component_could_belong_to_either() -> None:
    raw = woo_order()
    raw["line_items"][1]["id"] = 11
    with pytest.raises(Rejected, match=r"lines\[1\]\.id is '11', as of another line"):
        US.order(raw)


def test_a_shipping_method_or_a_fee_without_a_title_is_paid_for_all_the_same() -> None:
    raw = woo_order()
    raw["shipping_lines"][0]["method_title"] = raw["fee_lines"][0]["name"] = ""
    shown = [(line.description, line.net.minor) for line in US.order(raw).lines[2:4]]
    assert shown == [("Shipping", 795), ("Fee", 200)]
