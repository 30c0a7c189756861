"""Whose a stored payment is: two shops of one merchant may give one id to two people."""

from dataclasses import replace

import pytest

from include.adapters.store.payment_tokens import SqlTokenBook
from include.domain.canonical import from_json
from include.domain.orders import Order, PaymentMethod, PaymentSource
from include.domain.payments import Authorize, StoredToken
from include.domain.people import shopper_keys
from include.services.profiles.ports import Buyer, KeptToken, ShopperLink
from include.services.profiles.whose_token import WhoseToken
from tests.care.conftest import Care
from tests.orders.conftest import make_order

TOKEN = StoredToken("C" * 32, "I" * 32)


def order_of(email: str, reference: str = "", shop_id: str = "web") -> Order:
    """Make an order that names the stored payment."""
    order = make_order(
        payment=PaymentSource(PaymentMethod.stored_token, customer_token=TOKEN.customer_token)
    )
    shopper = replace(order.shopper, email=email, reference=reference)
    return replace(order, shop_id=shop_id, shopper=shopper)


@pytest.mark.parametrize(
    ("told", "email", "shop_id", "is_another"),
    [
        # As we tell the gateway: shop and id.
        (Buyer("web:17", "ann@x.example"), "bob@x.example", "b2b", True),
        (Buyer("web:17", "ann@x.example"), "ann@x.example", "b2b", False),  # one address
        (Buyer("web:17", "ann@x.example"), "ann@new.example", "web", False),  # a new address
        (Buyer("web:17", ""), "bob@x.example", "b2b", True),
        # As a shop of its own tells it: the id alone, which is one of each shop's.
        (Buyer("17", "ann@x.example"), "bob@x.example", "b2b", True),
        (Buyer("17", "ann@x.example"), "ann@x.example", "web", False),
        (Buyer("17", ""), "bob@x.example", "b2b", False),  # nobody knows: the shop's word stands
        (Buyer("18", ""), "bob@x.example", "web", True),
    ],
)
def test_an_id_counts_in_its_own_shop_alone(
    care: Care, told: Buyer, email: str, shop_id: str, is_another: bool
) -> None:
    care.vault.held[TOKEN.customer_token] = (TOKEN,)
    care.vault.buyers[TOKEN.customer_token] = told
    judge = WhoseToken(care.book, lambda _shop: care.vault, lambda _shop: True)
    assert judge.is_of_another(order_of(email, "17", shop_id)) is is_another


def test_the_gateway_is_told_shop_and_shopper(care: Care) -> None:
    order = make_order()
    known = replace(order, shopper=replace(order.shopper, reference="17"))
    care.kit.run(known)
    asked = from_json(Authorize, care.kit.partner.truth.done[0].payload)
    assert (asked.buyer, order.buyer) == ("web:17", "")  # a guest has no name


def test_where_a_merchant_has_one_shop_a_bare_id_is_enough(care: Care) -> None:
    care.vault.held[TOKEN.customer_token] = (TOKEN,)
    care.vault.buyers[TOKEN.customer_token] = Buyer("17", "ann@x.example")
    judge = WhoseToken(care.book, lambda _shop: care.vault, lambda _shop: False)
    assert not judge.is_of_another(order_of("ann@new.example", "17"))


def kept(book: SqlTokenBook, order: Order) -> None:
    """Keep the stored payment for a customer of SYSPRO, and link the order's shopper to that."""
    links = [ShopperLink(order.shop_id, key, "A", "HOUSE") for key in shopper_keys(order.shopper)]
    book.keep(KeptToken("acme_us", TOKEN, "A", "HOUSE"), links)


def test_a_house_account_does_not_say_which_guest_a_card_is_of(care: Care) -> None:
    ann, bob, eve = (order_of(f"{name}@x.example") for name in ("ann", "bob", "eve"))
    kept(care.book, ann)
    assert care.book.is_of_another(ann) is False
    kept(care.book, bob)  # another guest of the same account
    assert care.book.is_of_another(bob) is None  # the gateway is asked
    assert care.book.is_of_another(eve) is True
    care.vault.held[TOKEN.customer_token] = (TOKEN,)
    care.vault.buyers[TOKEN.customer_token] = Buyer("", "ann@x.example")
    judge = WhoseToken(care.book, lambda _shop: care.vault, lambda _shop: True)
    assert judge.is_of_another(bob)
    assert not judge.is_of_another(ann)


def test_who_has_a_new_address_is_still_one_person(care: Care) -> None:
    kept(care.book, order_of("ann@x.example", "17"))
    kept(care.book, order_of("ann@new.example", "17"))
    assert care.book.is_of_another(order_of("ann@new.example", "17")) is False
    kept(care.book, order_of("bob@x.example", "17", "b2b"))  # joined with another shop's
    assert care.book.is_of_another(order_of("bob@x.example", "17", "b2b")) is None


def test_a_guest_who_is_linked_to_the_customer_of_another_is_not_taken_for_them(care: Care) -> None:
    """By ``customers link``, say: both buy for one company."""
    kept(care.book, order_of("ann@x.example", "17"))
    kept(care.book, order_of("bob@x.example"))
    care.vault.held[TOKEN.customer_token] = (TOKEN,)
    care.vault.buyers[TOKEN.customer_token] = Buyer("web:17", "ann@x.example")
    judge = WhoseToken(care.book, lambda _shop: care.vault, lambda _shop: True)
    assert judge.is_of_another(order_of("bob@x.example"))
    assert not judge.is_of_another(order_of("ann@x.example", "17"))
    assert not judge.is_of_another(order_of("ann@x.example"))
