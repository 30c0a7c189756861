"""A shop's order becomes ours, or a refusal that names its field; ours becomes SYSPRO's."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.canonical import from_json, to_json
from include.domain.card_numbers import CardNumberRefused
from include.domain.erp_orders import AddSalesOrder
from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.order_rules import OnShortStock
from include.domain.orders import (
    LineKind,
    Order,
    PaymentMethod,
)
from include.domain.shops import ChargeLine, TaxMode
from include.services.translate.erp_commands import allocation
from include.services.translate.shop_fields import read_order
from tests.unit.shop_orders import DAY, TRANSIENT, generic_order, translator, woo_order

US, UK = translator("acme_us_web"), translator("acme_uk_web")


def test_a_woocommerce_order_becomes_ours_to_the_cent() -> None:
    order = US.order(woo_order())
    assert (order.number, order.purchase_order, order.amount) == (
        "1001",
        "W1001",
        Money(4878, "USD"),
    )
    assert [(x.kind, x.net.minor, x.tax.minor) for x in order.lines] == [
        (LineKind.goods, 2900, 239),
        (LineKind.goods, 1000, 83),
        (LineKind.freight, 795, 66),
        (LineKind.fee, 200, 17),
        (LineKind.discount, -390, -32),
    ]
    assert order.lines[0].quantity_millionths == 2_000_000
    assert order.lines[4].description == "Discount welcome"
    assert order.payment.method is PaymentMethod.transient_token
    assert order.payment.transient_id == TRANSIENT
    assert order.payment.ip_address == "192.0.2.10"
    assert order.shopper.reference == ""  # customer 0 is a guest
    assert order.shopper.ship_to.lines == ("12 Elm Street", "Flat 3")  # the billing address
    assert from_json(Order, to_json(order)) == order


def test_the_same_json_gives_the_same_bytes() -> None:
    assert to_json(US.order(woo_order())) == to_json(US.order(woo_order()))


def test_a_generic_order_in_whole_pence_becomes_ours() -> None:
    order = UK.order(generic_order())
    assert (order.number, order.amount) == ("UK-5001", Money(5145, "GBP"))
    assert order.payment.request_id == "6871234567890123456789"
    assert order.shopper.bill_to.postal_code == "SW1A 2AA"
    assert order.shopper.ship_to.country == "FR"
    assert [line.gross.minor for line in order.lines] == [4350, 795]


Edit = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("edit", "what"),
    [
        (lambda o: o.pop("number") and o.pop("id"), "the field number is missing"),
        (lambda o: o.update(currency="EUR"), "currency is 'EUR'"),
        (lambda o: o.update(currency="BTC"), "currency is 'BTC'"),
        (lambda o: o.update(total="48.79"), "lines sum to 48.78 USD, the order says 48.79 USD"),
        (lambda o: o.update(total="48.781"), "amount is '48.781'"),
        (lambda o: o.update(total=48.78), "the field total is a number with a point"),
        (lambda o: o.update(total="1e3"), "amount is '1e3'"),
        (lambda o: o.update(total="-48.78"), "-48.78 USD is less than 1.00 USD"),
        (lambda o: o["line_items"][1].update(sku=""), "the field line_items[1].sku is empty"),
        (
            lambda o: o["line_items"][1].update(sku="CUP\u20ac"),
            "lines[1].stock_code is 'CUP\u20ac'",
        ),
        (lambda o: o["line_items"][0].update(quantity=0), "lines[0].quantity is '0'"),
        (lambda o: o["line_items"][0].update(quantity=-2), "lines[0].quantity is '-2'"),
        (lambda o: o["line_items"][0].update(quantity=10**7), "lines[0].quantity is '10000000'"),
        (lambda o: o["line_items"][0].update(quantity="NaN"), "lines[0].quantity is 'NaN'"),
        (lambda o: o["line_items"][0].update(subtotal="-29.00"), "lines[0].net is -29.00 USD"),
        (lambda o: o.update(line_items=[]), "the order has no goods"),
        (lambda o: o.update(line_items="x"), "the field line_items is no list"),
        (lambda o: o.update(line_items=[1]), "the field line_items[0] is no object"),
        (lambda o: o["billing"].pop("email"), "the field billing.email is missing"),
        (lambda o: o["billing"].update(email="zoe"), "shopper.email is 'zoe'"),
        (lambda o: o["billing"].update(email={"a": 1}), "billing.email is no single value"),
        (lambda o: o["billing"].update(country="XX"), "'XX' is no country"),
        (lambda o: o["billing"].update(postcode="627"), "'627' is no postal code"),
        (lambda o: o["billing"].update(city="a\x00b"), "billing.city holds a control character"),
        (lambda o: o.update(customer_ip_address="999.1.1.1"), "ip_address is '999.1.1.1'"),
        (lambda o: o.update(meta_data=[]), "the payment has no reference"),
        (
            lambda o: o["meta_data"].append({"key": "_cybersource_request_id", "value": "1" * 22}),
            "the payment has transient_id and request_id",
        ),
        (lambda o: o["meta_data"][0].update(value="a.b.c"), "transient_id is 'a.b.c'"),
        (lambda o: o.update(number="10 01"), "number is '10 01'"),
    ],
)
def test_a_wrong_order_is_refused_by_the_name_of_its_field(edit: Edit, what: str) -> None:
    raw = woo_order()
    edit(raw)
    with pytest.raises(Rejected) as caught:
        US.order(raw)
    assert what in caught.value.what
    assert caught.value.where.startswith("shop acme_us_web")
    assert caught.value.do


def test_a_missing_field_names_the_line_of_the_map_that_reads_it() -> None:
    raw = woo_order()
    del raw["billing"]["email"]
    with pytest.raises(Rejected, match=r"It is read as shop_fields\.yaml:\d+ says"):
        US.order(raw)


def test_a_total_that_is_off_by_one_lines_tax_names_that_line() -> None:
    raw = woo_order()
    raw["total"] = "48.12"  # the freight's tax of 0.66 was forgotten
    with pytest.raises(Rejected, match=r"line 3 \('Flat rate': tax 0\.66 USD\)"):
        US.order(raw)


def test_an_unknown_field_of_a_declared_shop_is_refused_by_its_path() -> None:
    raw = generic_order()
    raw["lines"][0]["colour"] = "blue"
    with pytest.raises(Rejected, match=r"the field lines\[0\]\.colour is not known") as caught:
        UK.order(raw)
    assert "shop_fields.yaml:" in caught.value.do
    ignored = woo_order()
    ignored["a_plugins_field"] = {"deep": [1]}
    US.order(ignored)


@pytest.mark.parametrize(
    "place",
    [
        lambda o, card: o.update(customer_note=f"my card {card}"),
        lambda o, card: o["billing"].update(company=card),
        lambda o, card: o.update(a_plugins_field=[{"x": int(card)}]),
        lambda o, card: o["meta_data"].append({"key": card, "value": ""}),
        lambda o, card: o.update({card: 1}),
    ],
)
def test_a_card_number_in_any_field_is_refused_and_not_repeated(
    place: Callable[[dict[str, Any], str], object],
) -> None:
    raw = woo_order()
    place(raw, "4111111111111111")
    with pytest.raises(CardNumberRefused) as caught:
        US.order(raw)
    assert "1111" not in str(caught.value)


def test_a_number_of_lines_beyond_the_rule_is_refused_and_500_pass() -> None:
    raw = woo_order()
    item = raw["line_items"][1] | {"total": "10.00", "total_tax": "0.83"}
    raw |= {"line_items": [item | {"id": i} for i in range(500)], "coupon_lines": []}
    raw |= {"shipping_lines": [], "fee_lines": [], "total": "5415.00"}  # 500 x 10.83
    order = US.order(raw)
    assert len(order.lines) == 500
    sent = US.add_sales_order(order, "W1", DAY, is_suspended=False)
    joined, tax = sent.lines  # identical lines are joined; a net shop's tax has its own line
    assert (tax.description, tax.gross.minor) == ("Tax", 41_500)
    assert joined.gross.minor + tax.gross.minor == order.amount.minor
    assert sent.lines[0].quantity_millionths == 500_000_000
    raw["line_items"].append(item)
    with pytest.raises(Rejected, match="501 lines, more than 500"):
        US.order(raw)


def test_a_fee_below_zero_is_a_discount() -> None:
    raw = woo_order()
    raw["fee_lines"][0] |= {"total": "-2.00", "total_tax": "-0.17"}
    raw["total"] = "44.44"  # 48.78 - 2 x 2.17
    kinds = [line.kind for line in US.order(raw).lines]
    assert kinds.count(LineKind.discount) == 2


def test_two_coupons_divide_what_was_really_taken_off() -> None:
    raw = woo_order()
    raw["coupon_lines"] = [  # their own sums are a cent too many, as shops round
        {"code": "a", "discount": "1.31", "discount_tax": "0.11"},
        {"code": "b", "discount": "2.60", "discount_tax": "0.21"},
    ]
    off = [line for line in US.order(raw).lines if line.kind is LineKind.discount]
    assert [line.description for line in off] == ["Discount a", "Discount b"]
    assert sum(line.net.minor for line in off) == -390
    assert sum(line.tax.minor for line in off) == -32


@pytest.mark.parametrize("code", ["TEA 1001", "#8-BOLT", "T" * 30])
def test_every_stock_code_that_the_api_takes_is_taken(code: str) -> None:
    sent = woo_order()
    sent["line_items"][0]["sku"] = code
    assert US.order(sent).lines[0].stock_code == code


def test_yen_has_no_minor_digits_and_a_unit_price_must_agree() -> None:
    shop = replace(US.shop, currencies=("JPY", "USD"), where="shops.yaml:1")
    yen = replace(US.rules, amounts={"JPY": US.rules.amounts["USD"]})
    request = read_order(woo_order(), US.fields, "order 1")
    line = {"kind": "goods", "description": "Tea", "stock_code": "TEA-1", "quantity": "3"}
    request |= {
        "currency": "JPY",
        "amount": "1000",
        "tax": "0",
        "lines": [{**line, "net": "1000", "tax": "0"}],
    }
    table = replace(US, shop=shop, rules=yen)
    assert table.order_of_request(request).amount == Money(1000, "JPY")
    request["lines"][0]["unit_price"] = "333.33333"  # 999.99999 rounds to 1000
    assert table.order_of_request(request).lines[0].net == Money(1000, "JPY")
    request["lines"][0]["unit_price"] = "333"
    with pytest.raises(Rejected, match=r"lines\[0\]\.unit_price times the quantity is not 1000"):
        table.order_of_request(request)


def test_an_amount_without_quotes_may_be_minor_units_and_is_refused() -> None:
    request = read_order(woo_order(), US.fields, "order 1")
    request["amount"] = 4878
    with pytest.raises(Rejected, match="amount is no text"):
        US.order_of_request(request)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(st.sampled_from(sorted(woo_order())), ANY)
def test_any_value_in_any_field_is_taken_or_refused_never_a_crash(name: str, value: Any) -> None:
    raw = woo_order()
    raw[name] = value
    try:
        order = US.order(raw)
    except Rejected:
        return
    assert order.amount == Money(4878, "USD")


@given(ANY)
def test_any_request_of_the_api_is_taken_or_refused_never_a_crash(value: Any) -> None:
    with pytest.raises(Rejected):
        US.order_of_request(value)


# To SYSPRO ----------------------------------------------------------------------------------------


def test_a_sales_order_holds_every_cent_of_the_order() -> None:
    order = US.order(woo_order())
    sent = US.add_sales_order(order, "W1", DAY, is_suspended=True)
    assert sent.amount == order.amount
    assert sum(line.gross.minor for line in sent.lines) == order.amount.minor
    assert sent.is_suspended
    assert (sent.purchase_order, sent.warehouse, sent.allocation) == ("W1001", "MAIN", "A")
    assert sent.special_instructions == "Leave at the door"
    assert (sent.prices_include_tax, sent.is_untaxed) == (False, True)
    assert UK.add_sales_order(
        UK.order(generic_order()), "G1", DAY, is_suspended=False
    ).prices_include_tax


def test_every_charge_goes_with_the_codes_of_the_shops_table() -> None:
    sent = US.add_sales_order(US.order(woo_order()), "W1", DAY, is_suspended=False)
    kinds = [line.kind for line in sent.lines if line.kind is not LineKind.goods]
    assert set(kinds) == {LineKind.freight, LineKind.fee, LineKind.discount, LineKind.tax}
    assert {kind.value: (one.line, one.product_class) for kind, one in sent.charges.items()} == {
        "freight": (ChargeLine.freight, ""),
        "discount": (ChargeLine.misc, "DISC"),
        "fee": (ChargeLine.misc, "_OTH"),
        "tax": (ChargeLine.misc, "TAX"),  # of net prices; not the class of other fees
    }
    assert from_json(AddSalesOrder, to_json(sent)) == sent
    british = UK.add_sales_order(UK.order(generic_order()), "G1", DAY, is_suspended=False)
    assert set(british.charges) == {LineKind.freight}  # prices include tax: it is no charge


def test_a_charge_that_the_table_does_not_know_names_the_line_to_add() -> None:
    table = replace(US, shop=replace(US.shop, charges={}))
    with pytest.raises(Rejected, match="freight is written") as caught:
        table.add_sales_order(table.order(woo_order()), "W1", DAY, is_suspended=False)
    assert "Add the line 'freight: {product_class:" in caught.value.do


def test_no_shop_sells_a_line_of_tax() -> None:
    request = read_order(woo_order(), US.fields, "order 1")
    request["lines"][0]["kind"] = "tax"
    with pytest.raises(Rejected, match=r"lines\[0\]\.kind is 'tax'"):
        US.order_of_request(request)


def test_a_shop_whose_tax_syspro_computes_sends_net_prices() -> None:
    table = replace(UK, shop=replace(UK.shop, tax=TaxMode.syspro))
    sent = table.add_sales_order(table.order(generic_order()), "G1", DAY, is_suspended=False)
    assert (sent.prices_include_tax, sent.is_untaxed) == (False, False)


@pytest.mark.parametrize(
    ("rule", "is_short", "expected"),
    [
        (OnShortStock.refuse, False, "F"),
        (OnShortStock.back_order, False, "A"),
        (OnShortStock.back_order, True, "B"),
        (OnShortStock.splits, True, "A"),
    ],
)
def test_short_stock_is_allocated_as_the_rule_says(
    rule: OnShortStock, is_short: bool, expected: str
) -> None:
    assert allocation(replace(US.rules, on_short_stock=rule), is_short=is_short) == expected


def test_what_syspro_has_no_room_for_is_named() -> None:
    raw = woo_order()
    raw["customer_note"] = "Please leave it with the neighbour at number 14"
    raw["line_items"][0]["name"] = "Darjeeling first flush, hand picked, in a box of tin, 100 g"
    raw["billing"]["first_name"] = "Wolfeschlegelsteinhausenbergerdorff Bartholomew"
    order = US.order(raw)
    assert US.left_out(US.order(woo_order())) == ()
    left = ("note", "name", "ship-to name", "description of line 1")
    assert US.left_out(order) == left
    sent = US.add_sales_order(order, "W1", DAY, is_suspended=False)
    assert sent.special_instructions == ""
    assert sent.lines[0].description == "Darjeeling first flush, hand picked, in a box of"


def test_a_receipt_goes_to_the_clearing_bank_of_its_currency() -> None:
    order = US.order(woo_order())
    booked = US.receipt(order, "W1", Money(-500, "USD"), DAY, "TO123")
    assert (booked.bank, booked.amount, booked.reference) == ("CLRUS", Money(-500, "USD"), "TO123")
    assert (booked.purchase_order, booked.posting_date) == ("W1001", DAY)
