"""Orders that the shop has sold and nobody here can take: a person is told, and of no others."""

from dataclasses import replace
from datetime import date

from woocommerce import API

from include.domain.order_state import OrderState
from include.domain.orders import order_id_of
from include.services.effects.dead_letters import DeadLetter
from include.services.next_actions import suggest
from tests.integration.play import BEGIN, SHOP, SKU, Play
from tests.sandbox.shopping import KEY, SECRET
from tieout.desks.order_feeds import shop_sync


def letters_of(play: Play, number: str) -> list[DeadLetter]:
    listed = play.desks.context.dead_letters.listing()
    return [one for one in listed if (one.kind, one.key) == ("shop_order", f"{SHOP}|{number}")]


def set_status(play: Play, number: str, status: str) -> None:
    api = API(play.sandbox.urls()["shop"], KEY, SECRET)
    assert api.put(f"orders/{number}", {"status": status}).ok


def gets_free(play: Play, **more: str) -> str:
    lines = [{"sku": SKU, "quantity": 1}]
    return str(
        play.control("shop_place_order", shop=SHOP, lines=lines, discount="19.99", **more)["order"][
            "number"
        ]
    )


def test_an_order_completed_before_a_poll_saw_it_is_told_and_taken_once_set_back(
    play: Play,
) -> None:
    number = play.shopper_orders(status="completed")
    play.poll_shop()
    play.poll_shop()
    (letter,) = letters_of(play, number)
    assert letter.reason.startswith("it is sold in the shop, and was never taken here")
    assert suggest(letter).startswith("Set it back")
    set_status(play, number, "processing")
    play.poll_shop()
    play.sweep()
    assert letters_of(play, number) == []
    assert play.order(order_id_of(SHOP, number)).state == OrderState.captured


def test_a_letter_about_one_that_was_seen_to_otherwise_stays_resolved(play: Play) -> None:
    number = play.shopper_orders(status="completed")
    play.poll_shop()
    (letter,) = letters_of(play, number)
    play.desks.context.dead_letters.resolve(letter.dead_letter_id, "ann", "paid in cash")
    play.poll_shop()
    assert letters_of(play, number) == []


def test_what_others_are_paid_for_or_was_placed_before_the_shop_came_is_passed_over(
    play: Play,
) -> None:
    theirs = play.shopper_orders(status="completed", payment_method="bacs")
    free = gets_free(play, payment_method="bacs")
    old = play.shopper_orders(status="completed")
    sync = replace(shop_sync(play.desks, SHOP), began=date(2026, 11, 5))
    said = str(sync.poll(BEGIN))
    assert [letters_of(play, number) for number in (theirs, free, old)] == [[], [], []]
    assert "'completed' and placed before 2026-11-05" in said
    assert "2 paid by 'bacs'" in said
