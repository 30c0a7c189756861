"""A shopper becomes SYSPRO's customer: under which code, by which name, reached how."""

from dataclasses import replace

import pytest

from include.domain.errors import Rejected
from include.domain.shops import CodeScheme, CustomerCodes, GuestPolicy
from include.services.translate.customers import customer_code
from tests.unit.shop_orders import DAY, translator, woo_order

US = translator("acme_us_web")


def test_a_customer_gets_the_shops_defaults_and_latin_letters() -> None:
    order = US.order(woo_order())
    added = US.add_customer(order, US.customer_code(order))
    assert added.name == "Zoë Lukasik"
    assert (added.company_id, added.branch, added.terms_code) == ("A", "10", "CC")
    assert (added.salesperson, added.tax_status, added.currency) == ("WEB", "E", "USD")
    assert added.sold_to.lines[:4] == (
        "12 Elm Street",
        "Flat 3",
        "Springfield, IL",
        "UNITED STATES",
    )
    assert added.sold_to.postal_code == "62701"
    assert added.email == order.shopper.email


@pytest.mark.parametrize("company", [" ", "\u200b"])
def test_a_name_in_which_nothing_can_be_read_is_not_the_customers(company: str) -> None:
    order = US.order(woo_order())
    shopper = replace(order.shopper, bill_to=replace(order.shopper.bill_to, company=company))
    assert US.add_customer(replace(order, shopper=shopper), "C1").name == "Zoë Lukasik"
    nobody = replace(shopper, name=" ", bill_to=replace(shopper.bill_to, name=company))
    assert US.add_customer(replace(order, shopper=nobody), "C1").name == shopper.email


@pytest.mark.parametrize("email", ["łukasz@example.com", "ann@ёлка.example", "a" * 251 + "@x.yz"])
def test_a_mail_address_that_syspro_cannot_hold_is_not_made_another_persons(email: str) -> None:
    """In other letters the shopper's next order would meet a customer of another address."""
    order = US.order(woo_order())
    order = replace(order, shopper=replace(order.shopper, email=email))
    added = US.add_customer(order, "W1")
    sent = US.add_sales_order(order, "W1", DAY, is_suspended=False)
    assert (added.email, sent.email) == ("", "")
    assert US.left_out(order) == ("e-mail",)


def test_a_customer_code_is_the_same_for_ever_and_another_in_another_currency() -> None:
    order = US.order(woo_order())
    code = US.customer_code(order)
    assert len(code) == 15
    assert code == "WTGRCIOV6OQLEQD"  # written down: changing it would open a second account
    shouting = replace(order.shopper, email="ZOE@EXAMPLE.COM ")
    assert customer_code(US.shop, shouting, "USD") == code
    assert customer_code(US.shop, order.shopper, "EUR") != code
    short = replace(US.shop, customer_codes=CustomerCodes(CodeScheme.digest, "W", 7))
    assert customer_code(short, order.shopper, "USD") == code[:7]


def test_a_shops_own_customer_number_is_used_where_it_fits() -> None:
    numbered = replace(US.shop, customer_codes=CustomerCodes(CodeScheme.number, "W", 7))
    shopper = replace(US.order(woo_order()).shopper, reference="815")
    assert customer_code(numbered, shopper, "USD") == "W815"
    assert customer_code(numbered, shopper, "EUR") == "WEUR815"
    long = replace(shopper, reference="1234567")
    assert len(customer_code(numbered, long, "USD")) == 7
    assert customer_code(numbered, long, "USD") != "W1234567"


def test_guests_may_share_a_house_account() -> None:
    shop = replace(US.shop, guests=GuestPolicy.house_account, house_accounts={"USD": "WEBUSD"})
    shopper = US.order(woo_order()).shopper
    assert customer_code(shop, shopper, "USD") == "WEBUSD"
    assert customer_code(shop, replace(shopper, reference="7"), "USD").startswith("W")
    with pytest.raises(Rejected, match="no house account in EUR"):
        customer_code(shop, shopper, "EUR")
