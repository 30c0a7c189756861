"""Whose account an order goes to: a person's link, our own code, or SYSPRO's customer by mail."""

import json

import pytest

from include.adapters.store import audit
from include.adapters.store.customer_links import SqlCustomerLinks
from include.adapters.store.orders import SqlOrders
from include.domain.erp_orders import CustomerCredit, CustomerMatch
from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.order_state import OrderState
from include.domain.orders import Order
from include.domain.people import id_key, mail_key
from include.services.effects.ports import EffectKind, Receipt
from tests.orders.conftest import Kit, make_order

MAIL = "ann@example.com"  # of every order of the kit
KNOWN = "0000042"


@pytest.fixture
def book(kit: Kit) -> SqlCustomerLinks:
    assert isinstance(kit.service.orders, SqlOrders)
    made = SqlCustomerLinks(kit.service.orders._engine, "cli:ann", lambda _c: kit.clock.now())
    kit.links, kit.links_by_mail = made, True
    return made


def account(
    customer: str, email: str = MAIL, *, is_on_hold: bool = False, currency: str = "USD"
) -> CustomerCredit:
    none = Money(0, currency)  # no limit
    return CustomerCredit(customer, True, is_on_hold, none, none, none, currency, email)


def shown(kit: Kit, *accounts: CustomerCredit) -> None:
    for one in accounts:
        kit.erp.credits[one.customer] = one
        kit.erp.matches.append(CustomerMatch(one.customer, one.email, one.currency))


def own_code(order: Order) -> str:
    return "W" + order.number.zfill(6)


def booked_to(kit: Kit, order: Order) -> str:
    """Return the customer whom the sales order was made for, as SYSPRO was told."""
    (sent,) = [
        json.loads(one.payload)["customer"]
        for one in kit.partner.truth.done
        if one.kind is EffectKind.sales_order and order.purchase_order in one.payload
    ]
    return str(sent)


def test_a_customer_of_the_same_mail_is_linked_and_its_hold_holds(
    kit: Kit, book: SqlCustomerLinks
) -> None:
    shown(kit, account(KNOWN, "Ann@Example.com", is_on_hold=True))
    order = make_order()
    saga = kit.run(order)
    assert (saga.facts.customer, saga.facts.credit, saga.facts.is_suspended) == (
        KNOWN,
        "on_hold",
        True,
    )
    assert booked_to(kit, order) == KNOWN
    assert kit.partner.truth.count(EffectKind.customer) == 0
    (link,) = book.listing("web")
    assert (link.shopper_key, link.currency, link.customer) == (mail_key(MAIL), "USD", KNOWN)


def test_the_link_stays_when_the_address_is_changed_in_syspro(
    kit: Kit, book: SqlCustomerLinks
) -> None:
    shown(kit, account(KNOWN))
    kit.run(make_order())
    kit.erp.matches.clear()
    kit.erp.credits[KNOWN] = account(KNOWN, "ann@work.example")
    assert kit.run(make_order()).facts.customer == KNOWN


def test_nobody_is_linked_where_the_shop_says_never(kit: Kit, book: SqlCustomerLinks) -> None:
    kit.links_by_mail = False
    shown(kit, account(KNOWN, is_on_hold=True))
    order = make_order()
    assert kit.run(order).facts.customer == own_code(order)
    assert kit.partner.truth.count(EffectKind.customer) == 1


def test_a_customer_in_another_currency_is_no_match(kit: Kit, book: SqlCustomerLinks) -> None:
    shown(kit, account(KNOWN, currency="GBP"))
    order = make_order()
    assert kit.run(order).facts.customer == own_code(order)
    assert book.listing() == []


def test_of_several_none_is_taken_until_a_person_says_which(
    kit: Kit, book: SqlCustomerLinks
) -> None:
    shown(kit, account(KNOWN), account("0000043"))
    order = make_order()
    saga = kit.run(order)
    assert saga.state == OrderState.stuck
    assert "2 customers have the shopper's mail address: 0000042, 0000043" in saga.reason
    assert kit.partner.truth.count(EffectKind.customer) == 0
    book.link("web", mail_key(MAIL), "USD", "0000043")
    kit.pass_time(hours=1)
    assert booked_to(kit, order) == "0000043"
    other = make_order()
    book.link("web", mail_key(MAIL), "USD", "")  # a new one of its own
    assert kit.run(other).facts.customer == own_code(other)
    assert kit.partner.truth.count(EffectKind.customer) == 1


def test_two_shoppers_who_meet_in_one_code_are_told_apart_by_mail(
    kit: Kit, book: SqlCustomerLinks
) -> None:
    order = make_order()
    kit.erp.credits[own_code(order)] = account(own_code(order), "bob@example.com")
    saga = kit.run(order)
    assert saga.state == OrderState.stuck
    assert "has another mail address in SYSPRO than the shopper" in saga.reason
    assert "bob" not in saga.reason
    assert kit.partner.truth.count(EffectKind.sales_order) == 0
    book.link("web", mail_key(MAIL), "USD", "")  # a clerk had corrected the address
    kit.pass_time(hours=1)
    assert booked_to(kit, order) == own_code(order)


@pytest.mark.parametrize("email", ["", "ANN@example.com", "ap@work.example; ann@example.com"])
def test_the_same_address_or_none_is_no_collision(
    kit: Kit, book: SqlCustomerLinks, email: str
) -> None:
    order = make_order()
    kit.erp.credits[own_code(order)] = account(own_code(order), email)
    assert kit.run(order).state == OrderState.captured
    assert booked_to(kit, order) == own_code(order)


def test_a_link_to_a_customer_that_is_gone_waits_for_a_person(
    kit: Kit, book: SqlCustomerLinks
) -> None:
    book.link("web", mail_key(MAIL), "USD", "0000099")
    order = make_order()
    saga = kit.run(order)
    assert saga.state == OrderState.stuck
    assert "linked to customer 0000099, which SYSPRO does not have" in saga.reason
    book.unlink("web", mail_key(MAIL), "USD")
    kit.pass_time(hours=1)
    assert booked_to(kit, order) == own_code(order)


def test_a_forgotten_sales_order_is_looked_for_at_the_linked_customer(
    kit: Kit, book: SqlCustomerLinks
) -> None:
    """At another one it would not be found, and would ship after its order was cancelled."""
    shown(kit, account(KNOWN))
    order = make_order()
    kit.place(order)
    kit.engine.is_doubted = lambda: True
    there = Receipt("000123", {"sales_order": "000123", "warnings": []})
    kit.partner.truth.answers[EffectKind.sales_order, order.purchase_order] = there
    kit.service.cancel(order.order_id, "shopper", "changed my mind")
    saga = kit.service.advance(order.order_id)
    assert saga.state == OrderState.cancelled, saga.reason
    assert (saga.facts.customer, saga.facts.sales_order) == (KNOWN, "000123")


def test_every_link_is_in_the_audit_trail_and_the_first_one_stands(
    kit: Kit, book: SqlCustomerLinks
) -> None:
    key = mail_key(MAIL)
    assert book.keep("web", key, "USD", KNOWN) == KNOWN
    assert book.keep("web", key, "USD", "0000043") == KNOWN
    book.link("web", id_key("815"), "USD", "0000044")
    assert book.find("web", [id_key("815"), key], "USD") == "0000044"
    assert book.find("web", [key], "EUR") is None
    book.unlink("web", key, "USD")
    with pytest.raises(Rejected, match="not linked in USD"):
        book.unlink("web", key, "USD")
    entries = audit.history(book.engine, f"shopper|web|{key}")
    assert [one.what for one in entries] == ["customer linked by mail", "customer unlinked"]
    assert MAIL not in "".join(one.subject + one.detail for one in entries)
