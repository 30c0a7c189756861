"""*Pay* on a failed order, WooCommerce's way after a decline: the same number, another card."""

from typing import Any

import pytest
from woocommerce import API

from include.domain.order_state import OrderState
from include.domain.orders import order_id_of
from include.services.effects.dead_letters import DeadLetter
from include.services.effects.ports import EffectKind
from tests.integration.play import BEGIN, SHOP, SKU, Play
from tests.sandbox.shopping import KEY, SECRET
from tieout.desks.order_feeds import decision_poll


def shop(play: Play) -> API:
    return API(play.sandbox.urls()["shop"], KEY, SECRET)


def number_of(play: Play, order_id: str) -> str:
    return play.desks.service.orders.content(order_id).number


def pays(play: Play, order_id: str, outcome: str = "", status: str = "processing") -> str:
    """Let the shopper pay a failed order with another card; return its token."""
    asked = {"outcome": outcome} if outcome else {}
    token = str(play.control("transient_token", count=1, **asked)["tokens"][0]["jti"])
    meta = [{"key": "_cybersource_transient_token", "value": token}]
    changed: dict[str, Any] = {"status": status, "meta_data": meta}
    assert shop(play).put(f"orders/{number_of(play, order_id)}", changed).ok
    return token


def letters(play: Play) -> list[DeadLetter]:
    return list(play.desks.context.dead_letters.listing())


@pytest.mark.parametrize("status", ["processing", "on-hold", "pending"])
def test_it_is_taken_under_its_number_and_the_shop_shows_how_it_went_on(
    play: Play, status: str
) -> None:
    order_id = play.take("declined")
    assert play.shop_status(order_id) == "failed"
    pays(play, order_id, status=status)
    for _ in range(2):  # the second poll reads what we have told the shop
        play.poll_shop()
        play.sweep()
    assert play.order(order_id).state == OrderState.captured
    assert play.executed(order_id)["capture"] == 1
    assert play.shop_status(order_id) == "processing"
    play.clerk("invoice", sales_order=play.order(order_id).facts.sales_order)
    play.poll_erp()
    play.sweep()
    assert play.order(order_id).state == OrderState.completed
    assert play.shop_status(order_id) == "completed"
    assert letters(play) == []


def test_each_decline_is_told_until_a_card_is_good(play: Play) -> None:
    order_id = play.take("declined")
    for outcome, state, status in (
        ("risk_declined", OrderState.declined, "failed"),
        ("declined", OrderState.declined, "failed"),
        ("review", OrderState.in_review, "on-hold"),
    ):
        pays(play, order_id, outcome)
        play.poll_shop()
        play.sweep()
        assert (play.order(order_id).state, play.shop_status(order_id)) == (state, status)
    executed = play.executed(order_id)
    assert (executed["reversal"], executed["capture"]) == (1, 0)
    notes = shop(play).get(f"orders/{number_of(play, order_id)}/notes").json()
    told = [one["note"] for one in notes if "The payment was not accepted." in one["note"]]
    assert len(told) == 3
    assert letters(play) == []


def test_why_the_first_card_was_rejected_does_not_reject_the_next(play: Play) -> None:
    order_id = play.take("risk_declined")
    pays(play, order_id, "review")
    play.poll_shop()
    play.sweep()
    waiting = play.desks.service.orders.under_review("acme_us")
    decision_poll(play.desks, play.desks.of(SHOP)).poll(BEGIN, waiting)
    play.sweep()
    assert play.order(order_id).state == OrderState.in_review


def test_a_card_that_was_declined_is_not_asked_again_by_a_status_alone(play: Play) -> None:
    order_id = play.take("declined")
    assert shop(play).put(f"orders/{number_of(play, order_id)}", {"status": "processing"}).ok
    play.poll_shop()
    play.sweep()
    assert play.order(order_id).state == OrderState.declined
    (letter,) = letters(play)
    assert "it goes on there ('processing'), and it has ended here: declined" in letter.reason
    pays(play, order_id)  # now its shopper pays
    play.poll_shop()
    play.sweep()
    assert play.order(order_id).state == OrderState.captured
    play.poll_shop()
    assert letters(play) == []  # closed by itself


def test_what_goes_on_there_is_told_though_our_word_of_it_had_no_answer(play: Play) -> None:
    """Nothing there changes any more, so no later poll would read it."""
    number = play.shopper_orders("declined")
    play.poll_shop()
    fault = {"fault": "drop_after_commit", "system": "shop", "match": f"PUT .*/orders/{number}"}
    play.control("faults", **fault, times=1)
    play.sweep()
    order_id = order_id_of(SHOP, number)
    assert (play.order(order_id).state, play.shop_status(order_id)) == (
        OrderState.declined,
        "failed",
    )
    assert shop(play).put(f"orders/{number}", {"status": "processing"}).ok
    play.poll_shop()
    (letter,) = letters(play)
    assert "it goes on there ('processing'), and it has ended here: declined" in letter.reason
    play.desks.context.dead_letters.resolve(letter.dead_letter_id, "cli:ann", "ended there")


def test_what_was_changed_meanwhile_is_not_charged(play: Play) -> None:
    order_id = play.take("declined")
    edit = {"shop": SHOP, "order": number_of(play, order_id)}
    play.control("shop_edit_order", lines=[{"sku": SKU, "quantity": 5}], **edit)
    pays(play, order_id)
    play.poll_shop()
    play.sweep()
    assert play.order(order_id).state == OrderState.declined
    (letter,) = letters(play)
    assert "its shopper pays once more, and it was changed meanwhile: the total is" in letter.reason
    play.desks.context.dead_letters.resolve(letter.dead_letter_id, "cli:ann", "ordered anew")


def test_a_token_that_a_plugin_writes_before_the_shop_is_told_is_not_charged(play: Play) -> None:
    """Nobody pays anew who has not heard of the decline."""
    number = play.shopper_orders("declined")
    play.poll_shop()  # authorises; the shop is told by the sweep
    order_id = next(
        one
        for one in play.desks.service.orders.due(["acme_us"], 500)
        if number_of(play, one) == number
    )
    assert play.order(order_id).facts.shop_told_state == ""
    pays(play, order_id)
    play.poll_shop()
    assert play.order(order_id).facts.first_attempt == 1
    play.sweep()
    assert play.shop_status(order_id) == "failed"
    engine = play.desks.of(SHOP).engine
    told = engine.find(EffectKind.shop_order_update, f"{order_id}|tell|declined")
    assert told is not None
    assert play.executed(order_id)["capture"] == 0


def test_a_card_on_file_pays_beside_the_token_that_the_shop_shows_still(play: Play) -> None:
    """The plugin writes what pays now, and lets the spent token of before stand."""
    eve = {"email": "eve@example.com"}
    keep = [{"key": "_cybersource_keep_card", "value": "yes"}]
    payment = play.order(play.take(billing=eve, meta_data=keep)).facts.payment
    assert payment is not None
    assert payment.stored is not None
    order_id = play.take("declined", billing=eve, meta_data=keep)
    meta = [{"key": "_cybersource_tms_token", "value": payment.stored.customer_token}]
    changed = {"status": "processing", "meta_data": meta}
    assert shop(play).put(f"orders/{number_of(play, order_id)}", changed).ok
    play.poll_shop()
    play.sweep()
    assert letters(play) == []
    order = play.order(order_id)
    assert order.state == OrderState.captured
    assert order.facts.source is not None
    assert order.facts.source.customer_token == payment.stored.customer_token
