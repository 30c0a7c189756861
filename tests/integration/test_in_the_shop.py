"""What a shop's own people do in its admin: refunds that we are to move, orders put back."""

from dataclasses import replace
from datetime import date
from operator import methodcaller

import pytest
from sqlalchemy import select
from woocommerce import API

from include.adapters.store.order_tables import alerts
from include.domain.money import Money
from include.domain.order_state import OrderFacts, OrderState
from include.domain.orders import order_id_of
from include.services.effects.dead_letters import DeadLetter
from include.services.orders.sagas import Event
from include.services.shop.ports import ShopOrder, ShopRefund
from tests.integration.play import BEGIN, SHOP, SKU, Play
from tests.sandbox.shopping import KEY, SECRET
from tieout.desks.order_feeds import shop_sync


def shop(play: Play) -> API:
    return API(play.sandbox.urls()["shop"], KEY, SECRET)


def number_of(play: Play, order_id: str) -> str:
    return play.desks.service.orders.content(order_id).number


def refund_there(play: Play, order_id: str, amount: str) -> None:
    wanted = {"amount": amount, "api_refund": False}
    assert shop(play).post(f"orders/{number_of(play, order_id)}/refunds", wanted).ok


def refunded(play: Play, order_id: str) -> list[tuple[str, str]]:
    rows = play.desks.service.refunds.of_order(order_id)
    return [(row.origin, str(row.amount)) for row, _ in rows]


def letters_of(play: Play, order_id: str) -> list[str]:
    listed = play.desks.context.dead_letters.listing()
    return [one.reason for one in listed if (one.kind, one.key) == ("shop_changed", order_id)]


def unread(play: Play, order_id: str) -> list[DeadLetter]:
    item = ("shop_order", f"{SHOP}|{number_of(play, order_id)}")
    listed = play.desks.context.dead_letters.listing()
    return [one for one in listed if (one.kind, one.key) == item]


def test_a_refund_of_nothing_moves_nothing_and_asks_nobody(play: Play) -> None:
    """Goods came back, and their quantity is all that WooCommerce's refund says."""
    number, sync = number_of(play, play.take()), shop_sync(play.desks, SHOP)
    order = sync.reader.order(number)
    assert order is not None
    line = {"id": 1, "quantity": -1, "total": "0.00", "total_tax": "0.00"}
    for amount, moved in (("0.00", None), ("0.01", Money(1, "USD"))):
        raw = {"id": 9, "amount": amount, "reason": "", "line_items": [line]}
        assert sync.refund_amount(order, ShopRefund(SHOP, "9", raw)) == moved


def test_a_refund_that_cannot_be_moved_holds_up_no_other_and_is_told_once(play: Play) -> None:
    order_id, letters = play.take(), play.desks.context.dead_letters
    total = play.amount(order_id)
    play.desks.service.refund(
        order_id, total - Money(1_000, "USD"), origin="api", origin_key="1", who="shop", reason=""
    )
    refund_there(play, order_id, "15.00")  # ten are left
    refund_there(play, order_id, "8.00")
    play.poll_shop()
    assert ("shop", "8.00 USD") in refunded(play, order_id)
    (letter,) = letters.listing()
    assert "of 15.00 USD: 15.00 USD is more than the 10.00 USD" in letter.reason
    play.poll_shop()  # which reads what was changed last once more
    (letter,) = letters.listing()
    letters.resolve(letter.dead_letter_id, "ann", "paid by bank transfer")
    play.poll_shop()
    play.poll_shop()
    assert letters.listing() == []


def test_a_second_refund_refused_for_the_same_words_is_told_as_the_first_was(play: Play) -> None:
    order_id, resolve = play.take("review"), play.desks.context.dead_letters.resolve
    refund_there(play, order_id, "15.00")  # nothing is captured yet
    play.poll_shop()
    (letter,) = unread(play, order_id)
    assert letter.reason.count("nothing was captured") == 1
    resolve(letter.dead_letter_id, "ann", "paid by bank transfer")
    refund_there(play, order_id, "15.00")
    play.poll_shop()
    (letter,) = unread(play, order_id)
    assert letter.reason.count("of 15.00 USD: nothing was captured") == 2
    resolve(letter.dead_letter_id, "ann", "paid that one, too")
    play.poll_shop()
    assert unread(play, order_id) == []


def test_a_refund_whose_amount_cannot_be_read_holds_up_no_other(play: Play) -> None:
    order_id = play.take()
    refund_there(play, order_id, "3.00")
    refund_there(play, order_id, "4.00")
    sync, desk = shop_sync(play.desks, SHOP), play.desks.of(SHOP).shop_hook.get_conn()

    def spoilt(order: ShopOrder, refund: ShopRefund) -> Money | None:
        is_first = refund.raw["amount"] == "3.00"
        refund = replace(refund, raw={**refund.raw, "amount": "3,00"}) if is_first else refund
        return desk.refund_seen(order, refund).amount

    replace(sync, refund_amount=spoilt).poll(BEGIN)
    assert refunded(play, order_id) == [("shop", "4.00 USD")]
    (letter,) = unread(play, order_id)
    assert "'3,00'" in letter.reason
    play.poll_shop()
    assert unread(play, order_id) == []


def test_refunds_that_are_too_old_are_told_each_with_its_amount_and_once(play: Play) -> None:
    order_id, orders = play.take(), play.desks.service.orders

    def age(facts: OrderFacts) -> OrderFacts:
        old = [replace(one, captured_date=date(2020, 1, 1)) for one in facts.captures]
        return replace(facts, captures=tuple(old))

    orders.amend(order_id, age, Event("a year has passed"))
    refund_there(play, order_id, "3.00")
    refund_there(play, order_id, "4.00")
    play.poll_shop()
    (letter,) = unread(play, order_id)
    assert all(f"Pay {one} USD back outside" in letter.next_action for one in ("3.00", "4.00"))
    assert "2020-01-01 is older than refund_days" in letter.reason  # whatever day it is read again


def alarms(play: Play) -> list[tuple[str, int]]:
    wanted = select(alerts.c.words, alerts.c.count).where(alerts.c.rule == "card_number_refused")
    with play.desks.context.store.connect() as connection:
        return [(row.words, row.count) for row in connection.execute(wanted)]


@pytest.mark.parametrize("is_polled", [True, False])
def test_a_card_number_put_into_an_order_known_already_is_alarmed_and_holds_up_no_refund(
    play: Play, is_polled: bool
) -> None:
    known = alarms(play)
    if is_polled:
        order_id = play.take()
    else:
        number, desk = play.shopper_orders(), play.desks.of(SHOP).shop_hook.get_conn()
        found = desk.order(number)
        order_id = order_id_of(SHOP, number)
        play.desks.service.place(shop_sync(play.desks, SHOP).translate(found), "web_shop")
        play.sweep()
    changed = {"customer_note": "her card is 4111 1111 1111 1111"}
    assert shop(play).put(f"orders/{number_of(play, order_id)}", changed).ok
    refund_there(play, order_id, "5.00")
    play.poll_shop()
    play.poll_shop()
    (letter,) = unread(play, order_id)
    assert letter.reason.startswith("the field customer_note holds a card number")
    assert letters_of(play, order_id) == []
    ((words, count),) = alarms(play)
    assert words.startswith(f"{SHOP}: the field customer_note holds a card number")
    assert count == sum(before for _, before in known) + 1
    assert refunded(play, order_id) == [("shop", "5.00 USD")]
    assert shop(play).put(f"orders/{number_of(play, order_id)}", {"customer_note": ""}).ok
    play.poll_shop()
    assert unread(play, order_id) == []


def test_a_card_number_in_an_order_cancelled_there_is_alarmed_and_cancels_it(play: Play) -> None:
    order_id, known = play.take(), alarms(play)
    changed = {"status": "cancelled", "customer_note": "her card is 4111.1111.1111.1111"}
    assert shop(play).put(f"orders/{number_of(play, order_id)}", changed).ok
    play.poll_shop()
    play.sweep()
    assert play.order(order_id).state == OrderState.cancelled
    (letter,) = unread(play, order_id)
    assert letter.reason.startswith("the field customer_note holds a card number")
    assert sum(count for _, count in alarms(play)) == sum(count for _, count in known) + 1
    assert shop(play).put(f"orders/{number_of(play, order_id)}", {"customer_note": ""}).ok
    play.poll_shop()
    assert unread(play, order_id) == []


@pytest.mark.parametrize("status", ["processing", "completed"])  # put back, or sent
def test_an_order_that_goes_on_in_the_shop_and_has_ended_here_is_told(
    play: Play, status: str
) -> None:
    order_id = play.take("review")
    number, api = number_of(play, order_id), shop(play)
    assert api.delete(f"orders/{number}", params={"force": "false"}).ok
    play.poll_shop()
    play.sweep()
    assert play.order(order_id).state == OrderState.cancelled
    play.poll_shop()
    assert letters_of(play, order_id) == []
    assert api.put(f"orders/{number}", {"status": status}).ok
    play.poll_shop()
    play.poll_shop()
    (reason,) = letters_of(play, order_id)
    assert f"it goes on there ({status!r}), and it has ended here: cancelled" in reason
    assert api.put(f"orders/{number}", {"status": "cancelled"}).ok
    play.poll_shop()
    assert letters_of(play, order_id) == []


def test_what_is_cancelled_in_the_shop_is_not_set_back_before_we_hear_of_it(play: Play) -> None:
    number = play.shopper_orders()
    play.poll_shop()
    order_id = order_id_of(SHOP, number)
    assert shop(play).put(f"orders/{number}", {"status": "cancelled"}).ok
    play.sweep()  # which tells the shop that it is booked and captured
    assert play.order(order_id).state == OrderState.captured
    assert play.shop_status(order_id) == "cancelled"
    play.poll_shop()
    play.sweep()
    assert play.order(order_id).state == OrderState.cancelled
    assert play.shop_status(order_id) == "cancelled"


def test_what_is_refunded_whole_in_the_shop_before_it_is_invoiced_is_called_off(play: Play) -> None:
    order_id = play.take()
    sales_order = play.order(order_id).facts.sales_order
    refund_there(play, order_id, play.amount(order_id).decimal)
    play.poll_shop()
    play.sweep()
    assert play.order(order_id).state == OrderState.cancelled
    found = play.desks.of(SHOP).erp.orders.order(sales_order=sales_order)
    assert found is not None
    assert found.is_cancelled
    assert refunded(play, order_id) == [("shop", str(play.amount(order_id)))]
    assert play.shop_status(order_id) == "cancelled"
    letters = play.desks.context.dead_letters.listing()
    assert [one for one in letters if one.key == order_id] == []


def test_what_was_refunded_whole_and_has_left_is_told_and_paid_by_no_receipt(play: Play) -> None:
    order_id = play.take()
    play.clerk("invoice", sales_order=play.order(order_id).facts.sales_order)  # not heard of yet
    refund_there(play, order_id, play.amount(order_id).decimal)
    play.poll_shop()
    play.sweep()
    play.poll_erp()
    play.sweep()
    assert play.order(order_id).state == OrderState.completed
    assert play.shop_status(order_id) == "refunded"
    assert play.owed(order_id) == play.amount(order_id)  # the customer owes it
    letters = play.desks.context.dead_letters.listing()
    told = {one.kind for one in letters if one.key.startswith(order_id)}
    assert "shipped_refunded" in told
    assert shop(play).put(f"orders/{number_of(play, order_id)}", {"status": "cancelled"}).ok
    play.poll_shop()  # as late as the refund, which a letter has told already
    assert unread(play, order_id) == []


def test_a_parcel_that_left_while_the_order_was_stuck_makes_the_next_no_old_news(
    play: Play,
) -> None:
    order_id, orders = play.take(), play.desks.service.orders
    number, sales_order = number_of(play, order_id), play.order(order_id).facts.sales_order
    for problem, tracking in (("no", "1Z999AA10123456784"), ("", "1Z999AA10123456785")):
        orders.amend(order_id, methodcaller("with_problem", problem), Event("seen"))
        via = f"UPS Ground {tracking}"
        play.clerk("ship", sales_order=sales_order, lines={"1": 1}, carrier=via)
        play.poll_erp()
        notes = shop(play).get(f"orders/{number}/notes").json()
        assert [one["customer_note"] for one in notes if tracking in one["note"]] == [True]
    found = shop(play).get(f"orders/{number}").json()["meta_data"]
    assert [one["value"] for one in found if one["key"] == "tracking_number"] == [tracking]


@pytest.mark.parametrize("has_left", [False, True])
def test_a_product_that_is_deleted_or_renamed_changes_no_order_that_was_taken(
    play: Play, has_left: bool
) -> None:
    api, product = shop(play), {"sku": SKU, "name": "Green tea", "price": "19.99", "stock": 500}
    (made,) = play.control("shop_products", shop=SHOP, products=[product])["products"]
    order_id = play.take()
    if has_left:
        play.clerk("invoice", sales_order=play.order(order_id).facts.sales_order)
        play.poll_erp()
        play.sweep()
    for change in ({"update": [{"id": made["id"], "sku": "TEA-NEW"}]}, {"delete": [made["id"]]}):
        assert api.post("products/batch", change).ok
        note = {"customer_note": f"touched by {[*change]}"}
        assert api.put(f"orders/{number_of(play, order_id)}", note).ok
        play.poll_shop()
        assert letters_of(play, order_id) == []
    play.control("shop_products", shop=SHOP, products=[product])


def test_what_has_left_and_cannot_be_read_any_more_is_nobodys_business(play: Play) -> None:
    order_id = play.take()
    play.clerk("invoice", sales_order=play.order(order_id).facts.sales_order)
    play.poll_erp()
    play.sweep()
    gone = {"billing": {"country": "XX"}, "shipping": {"country": "XX"}}
    assert shop(play).put(f"orders/{number_of(play, order_id)}", gone).ok
    play.poll_shop()
    assert letters_of(play, order_id) == []
