"""Orders of a real shop that are not simply ours: paid otherwise, not paid yet, changed later."""

from dataclasses import replace

from sqlalchemy import delete
from woocommerce import API

from include.adapters.store.order_tables import payment_tokens
from include.domain.order_state import OrderState
from include.domain.orders import PaymentMethod, PaymentSource, order_id_of
from tests.integration.play import SHOP, SKU, Play
from tests.sandbox.shopping import KEY, SECRET

OTHER = "TEA-1002"


def order_in(play: Play, **facts: object) -> str:
    """Have a shopper order without a payment of ours; return the shop's number."""
    lines = facts.pop("lines", [{"sku": SKU, "quantity": 1}])
    placed = play.control("shop_place_order", shop=SHOP, lines=lines, **facts)
    return str(placed["order"]["number"])


def shop(play: Play) -> API:
    return API(play.sandbox.urls()["shop"], KEY, SECRET)


def is_known(play: Play, number: str) -> bool:
    book = play.desks.service.orders
    return book.find("acme_us", f"W{number}") == order_id_of(SHOP, number)


def test_an_order_paid_by_another_method_is_left_to_others(play: Play) -> None:
    number = order_in(play, payment_method="ppcp-gateway", payment_method_title="PayPal")
    told = play.poll_shop()
    assert "1 paid by 'ppcp-gateway'" in told
    assert not is_known(play, number)
    assert play.desks.context.dead_letters.listing() == []


def test_a_checkout_that_was_left_waits_until_it_is_paid(play: Play) -> None:
    number = order_in(play, status="pending")
    assert "1 'pending' and not paid yet" in play.poll_shop()
    assert not is_known(play, number)
    token = play.control("transient_token", count=1)["tokens"][0]["jti"]
    meta = [{"key": "_cybersource_transient_token", "value": token}]
    assert shop(play).put(f"orders/{number}", {"meta_data": meta}).ok
    play.poll_shop()
    assert is_known(play, number)
    play.sweep()
    assert play.order(order_id_of(SHOP, number)).state == OrderState.captured
    assert play.desks.context.dead_letters.listing() == []


def test_an_order_of_ours_without_a_payment_is_set_aside(play: Play) -> None:
    number = order_in(play, status="processing")
    play.poll_shop()
    (letter,) = play.desks.context.dead_letters.listing()
    assert letter.key == f"{SHOP}|{number}"
    assert "the payment has no reference" in letter.reason
    play.desks.context.dead_letters.resolve(letter.dead_letter_id, "cli:ann", "paid in cash")
    shop(play).put(f"orders/{number}", {"status": "failed"})


def test_another_address_or_other_goods_of_the_same_price_are_told(play: Play) -> None:
    product = {"sku": OTHER, "name": "Black tea", "price": "19.99", "stock": 500}
    play.control("shop_products", shop=SHOP, products=[product])
    order_id, letters = play.take(), play.desks.context.dead_letters
    number = play.desks.service.orders.content(order_id).number
    edit = {"shop": SHOP, "order": number}
    (line,) = shop(play).get(f"orders/{number}").json()["line_items"]
    play.control("shop_change_address", shipping={"address_1": "9 Hill Road"}, **edit)
    play.poll_shop()
    (letter,) = letters.listing()
    assert (letter.kind, letter.key) == ("shop_changed", order_id)
    assert letter.reason.startswith("it was changed in the shop after it was taken: it goes to")
    assert "Hill" not in str(letter)  # whoever may read letters need not know where people live
    gone, new = ({"sku": sku, "quantity": n} for sku, n in ((SKU, 0), (OTHER, line["quantity"])))
    play.control("shop_edit_order", lines=[gone, new], **edit)
    play.poll_shop()
    (letter,) = letters.listing()
    assert f"the goods are {line['quantity']} {OTHER} now" in letter.reason
    play.sweep()
    assert play.order(order_id).state == OrderState.captured  # it goes on as it was taken
    letters.resolve(letter.dead_letter_id, "cli:ann", "changed in SYSPRO")


def test_a_total_changed_in_the_shop_is_told_once_and_closed_when_it_is_taken_back(
    play: Play,
) -> None:
    order_id = play.take()
    number, amount = play.desks.service.orders.content(order_id).number, play.amount(order_id)
    edit = {"shop": SHOP, "order": number}
    play.control("shop_edit_order", lines=[{"sku": SKU, "quantity": 3}], **edit)
    for _ in range(2):
        play.poll_shop()
    (letter,) = play.desks.context.dead_letters.listing()
    assert (letter.kind, letter.key) == ("shop_changed", order_id)
    assert f"it was taken at {amount}" in letter.reason
    play.desks.context.dead_letters.resolve(letter.dead_letter_id, "cli:ann", "seen")
    play.poll_shop()
    assert play.desks.context.dead_letters.listing() == []  # resolved is resolved
    play.control("shop_edit_order", lines=[{"sku": SKU, "quantity": 4}], **edit)
    play.poll_shop()
    assert len(play.desks.context.dead_letters.listing()) == 1
    play.control("shop_edit_order", lines=[{"sku": SKU, "quantity": 2}], **edit)
    play.poll_shop()
    assert play.desks.context.dead_letters.listing() == []
    assert play.order(order_id).state == OrderState.captured


def test_an_order_of_the_api_may_be_worded_otherwise_in_the_shop(play: Play) -> None:
    order_id = play.take()
    order, letters = play.desks.service.orders.content(order_id), play.desks.context.dead_letters
    number = order_in(play, status="pending", lines=[{"sku": SKU, "quantity": 2}])
    home = replace(order.shopper.ship_to, lines=("1 Other Street",))
    by_api = replace(
        order,
        order_id=order_id_of(SHOP, number),
        number=number,
        purchase_order=f"W{number}",
        shopper=replace(order.shopper, ship_to=home),
    )
    token = play.control("transient_token", count=1)["tokens"][0]["jti"]
    paid = PaymentSource(PaymentMethod.transient_token, transient_id=token)
    saga, is_new = play.desks.service.place(replace(by_api, payment=paid), "web_shop")
    assert (is_new, saga.state) == (True, OrderState.authorized)
    play.poll_shop()
    assert letters.listing() == []
    edit = {"shop": SHOP, "order": number}
    play.control("shop_edit_order", lines=[{"sku": SKU, "quantity": 3}], **edit)
    play.poll_shop()
    (letter,) = letters.listing()
    assert "the total is" in letter.reason
    assert "address" not in letter.reason
    letters.resolve(letter.dead_letter_id, "cli:ann", "seen")
    abroad = {"billing": {"country": "XX"}, "shipping": {"country": "XX"}}
    assert shop(play).put(f"orders/{number}", abroad).ok  # the rest of it cannot be read any more
    play.poll_shop()
    assert letters.listing() == []
    play.control("shop_edit_order", lines=[{"sku": SKU, "quantity": 4}], **edit)
    play.poll_shop()
    (letter,) = letters.listing()
    assert letter.reason.startswith("it was changed in the shop after it was taken: the total is")
    letters.resolve(letter.dead_letter_id, "cli:ann", "seen")


def test_an_order_that_names_another_shoppers_stored_card_charges_nobody(play: Play) -> None:
    """The shop's plugin mixed two shoppers up; no order of ours has told whose the card is."""
    keep = [{"key": "_cybersource_keep_card", "value": "yes"}]
    first = play.take(billing={"email": "eve@example.com"}, meta_data=keep)
    payment = play.order(first).facts.payment
    assert payment is not None
    assert payment.stored is not None
    store = play.desks.context.store
    with store.begin() as connection:
        connection.execute(delete(payment_tokens))
    named = {"kind": "tms_token", "value": payment.stored.customer_token}
    number = order_in(play, payment=named, billing={"email": "bob@example.com"})
    play.poll_shop()
    assert not is_known(play, number)
    (letter,) = play.desks.context.dead_letters.listing()
    assert letter.key == f"{SHOP}|{number}"
    assert letter.reason.startswith("the stored payment that it names is another shopper's")
    play.desks.context.dead_letters.resolve(letter.dead_letter_id, "cli:ann", "paid anew")
    shop(play).put(f"orders/{number}", {"status": "failed"})
    again = order_in(play, payment=named, billing={"email": "Eve@example.com"})
    play.poll_shop()
    play.sweep()
    assert play.order(order_id_of(SHOP, again)).state == OrderState.captured
