"""An order that was taken, and a shop that shows the stock codes of its goods no more."""

import re
from dataclasses import replace
from typing import Any

import pytest

from include.domain.errors import Rejected
from include.domain.orders import changes
from tests.unit.shop_orders import translator, woo_order

US = translator("acme_us_web")


def told(raw: dict[str, Any]) -> tuple[str, ...]:
    taken = US.order(woo_order())
    return changes(taken, US.shown(raw, taken, "the shop"), money_only=False)


@pytest.mark.parametrize("sku", [None, "", "TEA-1001-NEW", "no / code \u2014 at all"])
def test_a_line_whose_product_was_deleted_or_renamed_is_the_line_that_was_taken(
    sku: str | None,
) -> None:
    raw = woo_order()
    raw["line_items"][0]["sku"] = sku
    assert told(raw) == ()


def test_lines_that_have_lost_their_codes_are_told_apart_by_all_the_rest() -> None:
    raw = woo_order()
    for line in raw["line_items"]:
        line["sku"] = None
    raw["line_items"].reverse()
    assert told(raw) == ()


def test_other_goods_in_the_place_of_a_line_are_told() -> None:
    raw = woo_order()
    first = raw["line_items"][0]
    first["sku"], first["name"] = "MUG-7", "Another mug"
    (words,) = told(raw)
    assert "MUG-7" in words.partition(", and were")[0]


def test_another_quantity_of_what_has_lost_its_code_cannot_be_read() -> None:
    raw = woo_order()
    first = raw["line_items"][0]
    first["sku"], first["quantity"] = None, first["quantity"] + 1
    with pytest.raises(Rejected, match=re.escape("line_items[0].sku is empty")):
        told(raw)


def test_a_shop_whose_goods_have_no_code_shows_what_its_api_client_has_ordered() -> None:
    taken, (goods, *others) = US.order(woo_order()), US.fields.lines
    bare = {name: rule for name, rule in goods.fields.items() if name != "stock_code"}
    fields = replace(US.fields, lines=(replace(goods, fields=bare), *others))
    shown = replace(US, fields=fields).shown(woo_order(), taken, "the shop")
    assert changes(taken, shown, money_only=False) == ()
