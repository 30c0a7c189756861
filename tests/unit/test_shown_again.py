"""An order that was taken, and a shop that shows the stock codes of its goods no more."""

import re
from dataclasses import replace
from typing import Any

import pytest

from include.domain.errors import Rejected
from include.domain.orders import Order, PayerAuthentication, PaymentMethod, PaymentSource, changes
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


TOKEN, OTHER = "_cybersource_transient_token", "7F" * 32
ON_FILE, CARD, REQUEST = (
    "_cybersource_tms_token",
    "_cybersource_tms_instrument",
    "_cybersource_request_id",
)
CUSTOMER, FIRST, SECOND = "A" * 32, "1" * 32, "2" * 32


FROM = "192.0.2.10"  # where its shopper was, as the shop shows it


def paid(tried: list[PaymentSource], **meta: str) -> Order:
    raw, taken = woo_order(), US.order(woo_order())
    shown = {one["key"]: one for one in raw["meta_data"]}
    shown |= {key: {"key": key, "value": value} for key, value in meta.items()}
    raw["meta_data"] = list(shown.values())
    return US.paid_again(raw, taken, [taken.payment, *tried], "the shop")


def on_file(instrument: str) -> PaymentSource:
    return PaymentSource(
        PaymentMethod.stored_token,
        customer_token=CUSTOMER,
        instrument_token=instrument,
        ip_address=FROM,
    )


def test_what_pays_now_is_told_from_what_was_tried_and_stands_beside_it() -> None:
    keep = {"_cybersource_keep_card": "yes"}
    assert paid([], **{ON_FILE: CUSTOMER, CARD: FIRST}, **keep).payment == on_file(FIRST)
    with_other = {ON_FILE: CUSTOMER, CARD: SECOND}
    assert paid([on_file(FIRST)], **with_other).payment == on_file(SECOND)
    new = paid([on_file(FIRST)], **{ON_FILE: CUSTOMER, CARD: FIRST, TOKEN: OTHER}, **keep)
    assert new.payment == PaymentSource(
        PaymentMethod.transient_token, transient_id=OTHER, keep=True, ip_address=FROM
    )
    own = paid([on_file(FIRST)], **{ON_FILE: CUSTOMER, CARD: FIRST, REQUEST: "7" * 22})
    assert own.payment == PaymentSource(
        PaymentMethod.authorized, request_id="7" * 22, ip_address=FROM
    )


def test_a_proof_of_the_card_that_was_declined_proves_no_other() -> None:
    """The gateway would refuse the other card for it."""
    spent, proof = "4Q0DcXvR7tYbNf2LsJm9", "_cybersource_authentication_id"
    first = PaymentSource(
        PaymentMethod.transient_token,
        transient_id="6E" * 32,
        authentication=PayerAuthentication(spent),
    )
    assert paid([first], **{TOKEN: OTHER, proof: spent}).payment.authentication is None
    fresh = paid([first], **{TOKEN: OTHER, proof: "9" * 20}).payment.authentication
    assert fresh == PayerAuthentication("9" * 20)
    again = paid([first], **{TOKEN: first.transient_id, proof: spent}).payment
    assert again.authentication == first.authentication  # a repeat, and known as one


def test_of_two_payments_that_were_not_tried_nobody_chooses() -> None:
    with pytest.raises(Rejected, match="the payment has transient_id and customer_id"):
        paid([], **{ON_FILE: CUSTOMER, TOKEN: OTHER})


def test_where_nothing_new_is_named_it_is_paid_as_before() -> None:
    assert paid([]).payment == US.order(woo_order()).payment


def test_a_product_that_was_renamed_is_paid_for_as_it_was_taken() -> None:
    raw, taken = woo_order(), US.order(woo_order())
    raw["line_items"][0]["sku"] = "TEA-1001-NEW"
    shown = US.paid_again(raw, taken, [], "the shop")
    assert changes(taken, shown, money_only=False) == ()
