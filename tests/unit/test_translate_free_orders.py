"""A shop's order that costs nothing becomes ours; one whose total is not known never is free."""

from dataclasses import replace
from typing import Any

import pytest

from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.order_state import OrderFacts, OrderState, Stop
from include.domain.orders import LineKind, PaymentMethod, PaymentSource
from tests.unit.shop_orders import DAY, TRANSIENT, generic_order, translator, woo_order

US, UK = translator("acme_us_web"), translator("acme_uk_web")


def free_woo() -> dict[str, Any]:
    """Two teas and a mug, and a coupon of all of it; no freight, no fee, no payment."""
    order = woo_order()
    for line in order["line_items"]:
        line.update(total="0.00", total_tax="0.00")
    coupon = {"id": 13, "code": "gift", "discount": "39.00", "discount_tax": "3.22"}
    order.update(coupon_lines=[coupon], shipping_lines=[], fee_lines=[], meta_data=[])
    return order | {"total": "0.00", "total_tax": "0.00", "payment_method": ""}


def free_generic() -> dict[str, Any]:
    order = generic_order()
    for line in order["lines"]:
        line.update(net=0, vat=0)
    order["freight"] = {"net": 0, "vat": 0}
    order.update(fees=[], total={"net": 0, "vat": 0, "gross": 0}, payment={"kind": "", "value": ""})
    return order


def test_a_free_order_of_woocommerce_keeps_its_lines_and_their_discount() -> None:
    order = US.order(free_woo())
    assert (order.amount, order.payment) == (Money(0, "USD"), PaymentSource(PaymentMethod.none))
    assert order.is_free
    assert [(x.kind, x.net.minor, x.tax.minor) for x in order.lines] == [
        (LineKind.goods, 2900, 239),
        (LineKind.goods, 1000, 83),
        (LineKind.discount, -3900, -322),
    ]
    sold = US.add_sales_order(order, "W1", DAY, is_suspended=False)
    assert sum(line.gross.minor for line in sold.lines) == 0


def test_the_shop_is_not_told_that_somebody_paid_for_it() -> None:
    free, facts = US.order(free_woo()), OrderFacts(is_free=True, invoices=("I1",))
    told = US.shop_update(free, facts, OrderState.completed)
    assert told.note == "Invoice I1 of 1001 is settled."
    called_off = replace(facts, invoices=(), stop=Stop("shop", "x", told="not wanted"))
    told = US.shop_update(free, called_off, OrderState.cancelled)
    assert told.note == "The order is cancelled: not wanted. No payment was made."


def test_a_free_order_of_a_json_shop_is_taken_too() -> None:
    order = UK.order(free_generic())
    assert (order.amount, order.is_free) == (Money(0, "GBP"), True)
    assert UK.checkout(free_generic(), "").is_free


def test_an_order_that_costs_something_is_not_free_without_a_payment() -> None:
    order = woo_order() | {"meta_data": [], "payment_method": ""}
    assert not US.checkout(order, "").is_free
    with pytest.raises(Rejected, match="the payment has no reference"):
        US.order(order)


@pytest.mark.parametrize("name", ["transient_token", "tms_token", "request_id"])
def test_a_free_order_that_names_a_payment_is_refused(name: str) -> None:
    values = {"transient_token": TRANSIENT, "tms_token": "C" * 32, "request_id": "7" * 22}
    paid = [{"key": f"_cybersource_{name}", "value": values[name]}]
    with pytest.raises(Rejected, match="it costs nothing, and names a payment"):
        US.order(free_woo() | {"meta_data": paid})


@pytest.mark.parametrize("total", [".", "0.", "0,00", "-0.00", "0.01", "nothing"])
def test_what_is_not_known_to_be_zero_is_not_free(total: str) -> None:
    assert not US.checkout(free_woo() | {"total": total}, "").is_free


@pytest.mark.parametrize("total", [None, ""])
def test_a_total_that_is_not_there_is_an_error(total: object) -> None:
    with pytest.raises(Rejected, match="the field total is empty"):
        US.checkout(free_woo() | {"total": total}, "")


def test_one_taken_free_that_shows_a_total_by_now_is_shown_as_it_is() -> None:
    taken = US.order(free_woo())
    shown = US.shown(woo_order(), taken, "")
    assert (shown.amount, shown.is_free) == (Money(4878, "USD"), False)


def test_one_that_was_paid_and_shows_nothing_by_now_is_no_error() -> None:
    taken = US.order(woo_order())
    assert US.shown(free_woo(), taken, "").amount == Money(0, "USD")
