"""Writes to shops through the effects engine: once, found again, compared, never paid twice."""

from datetime import timedelta
from typing import Any, BinaryIO

import pytest

from include.adapters.http.wire import Request, Response
from include.adapters.shop.settings import ShopSettings
from include.adapters.shop.woocommerce import WooCommerce
from include.domain.errors import Rejected, Retryable
from include.domain.money import Money
from include.domain.orders import reference_of
from include.services.effects.ports import EffectKind, EffectState, Found
from include.services.shop.commands import OrderUpdate, RefundRecord, StockLevel
from include.services.shop.ports import ShopOrder
from tests.sandbox.shopping import now
from tests.shop.conftest import Bench, effect_of

UPDATE, REFUND, STOCK = (
    EffectKind.shop_order_update,
    EffectKind.shop_refund,
    EffectKind.shop_stock,
)
LOST_ANSWERS = ["drop_after_commit", "half_body", "garbage", "html", "empty"]


def update(bench: Bench, number: str, sequence: int = 1, **changes: Any) -> OrderUpdate:
    facts = {"status": bench.word("completed", "shipped"), "note": "Shipped.", **changes}
    return OrderUpdate(bench.shop_id, number, sequence, **facts)


def refund(bench: Bench, number: str, minor: int = 400) -> RefundRecord:
    currency = bench.word("USD", "GBP")
    return RefundRecord(bench.shop_id, number, Money(minor, currency), "Arrived broken.")


def notes(bench: Bench, number: str) -> list[str]:
    if bench.is_woo:
        order = bench.desk.order(number)
        return [n["note"] for n in bench.sandbox.app.woo.notes.get(int(order.order_id), [])]
    return [r["text"] for r in bench.desk.order(number).raw["remarks"]]


def contents(bench: Bench) -> list[tuple[str, EffectKind, Any]]:
    """One write of each kind, on an order and a product that exist."""
    bench.sandbox.stock(bench.shop_id, A100=5)
    number = bench.order()
    return [
        ("order", UPDATE, update(bench, number)),
        ("refund", REFUND, refund(bench, number)),
        ("stock", STOCK, StockLevel(bench.shop_id, "A100", 42, now())),
    ]


def made(bench: Bench, write: str, key: str = "k") -> int:
    """How often the shop executed our write."""
    wanted = {"reference": f"_tieout_{reference_of(key)}"} if write == "order" else {}
    if write == "stock":
        wanted = {"stock_quantity": "42"}
    return bench.sandbox.executed(bench.verb(write), shop=bench.shop_id, **wanted)


# The good way --------------------------------------------------------------------------------


def test_an_update_sets_status_note_and_meta_and_is_verified(bench: Bench) -> None:
    number = bench.order()
    content = update(bench, number, meta=(("tracking_number", "1Z999"),))
    assert bench.write(UPDATE, content).state is EffectState.done
    assert bench.settle(UPDATE).state is EffectState.verified
    order = bench.desk.order(number)
    assert order.status == content.status
    assert bench.desk.order_marks(order)["tracking_number"] == "1Z999"
    assert notes(bench, number) == [f"Shipped. [{reference_of('k')}]"]
    assert made(bench, "order") == 1


def test_the_status_refunded_makes_no_refund_beside_ours(woo: Bench) -> None:
    number = woo.order()  # 10.00 + 0.83
    woo.write(UPDATE, update(woo, number, status="refunded", note=""), "told")
    assert woo.settle(UPDATE, "told").state is EffectState.verified
    assert woo.desk.order(number).status == "processing"
    assert woo.desk.refunds(number) == ()
    woo.write(REFUND, refund(woo, number, 1083))
    assert woo.settle(REFUND).state is EffectState.verified
    assert woo.desk.order(number).status == "refunded"  # the shop's own doing
    assert len(woo.desk.refunds(number)) == 1


@pytest.mark.parametrize("note", ["Cancelled.", ""])
def test_an_order_in_the_trash_is_told_and_stays_there(woo: Bench, note: str) -> None:
    number = woo.order()
    woo.sandbox.api.delete(f"orders/{number}")
    content = update(woo, number, status="cancelled", note=note)
    woo.write(UPDATE, content)
    assert woo.settle(UPDATE).state is EffectState.verified
    assert woo.desk.order(number).status == "trash"
    told = note or "Status cancelled: not set: the order is 'trash'."
    assert notes(woo, number) == [f"{told} [{reference_of('k')}]"]


def test_a_refund_is_recorded_and_the_shop_pays_nothing(bench: Bench) -> None:
    number = bench.order()
    assert bench.write(REFUND, refund(bench, number)).state is EffectState.done
    assert bench.settle(REFUND).state is EffectState.verified
    (found,) = bench.desk.refunds(number)
    assert found.raw["amount"] == bench.word("4.00", 400)  # type: ignore[arg-type]
    assert made(bench, "refund") == 1


def test_a_stock_level_is_set_absolutely(bench: Bench) -> None:
    bench.sandbox.stock(bench.shop_id, A100=5)
    content = StockLevel(bench.shop_id, "A100", 42, now())
    assert bench.write(STOCK, content).state is EffectState.done
    assert bench.settle(STOCK).state is EffectState.verified
    assert bench.desk.product("A100").stock_quantity == 42


def test_a_variation_has_a_stock_of_its_own(woo: Bench) -> None:
    api = woo.sandbox.api
    parent = api.post("products", {"sku": "P", "type": "variable"}).json()["id"]
    api.post("products", {"sku": "P/RED", "type": "variation", "parent_id": parent})
    woo.write(STOCK, StockLevel("acme_us_web", "P/RED", 3, now()))
    assert woo.settle(STOCK).state is EffectState.verified
    assert woo.desk.product("P/RED").stock_quantity == 3


# Unknown outcomes ----------------------------------------------------------------------------


NEVER_ARRIVED = ("drop_before_commit", "502", "reset")


def settle_once(bench: Bench, write: int, fault: str, **more: Any) -> None:
    """Spoil one of the writes: it is in doubt, then looked for, and there once in the end."""
    name, kind, content = contents(bench)[write]
    bench.sandbox.spoil(fault, bench.match(name), **more)
    assert bench.write(kind, content).state is EffectState.in_doubt
    assert bench.settle(kind).state is EffectState.verified
    assert made(bench, name) == 1


@pytest.mark.parametrize("fault", [*LOST_ANSWERS, *NEVER_ARRIVED])
@pytest.mark.parametrize("write", [0, 1, 2], ids=["order", "refund", "stock"])
def test_a_write_without_an_answer_is_done_once_whether_it_arrived_or_not(
    bench: Bench, write: int, fault: str
) -> None:
    settle_once(bench, write, fault)


@pytest.mark.parametrize("write", [0, 1, 2], ids=["order", "refund", "stock"])
def test_an_answer_past_the_deadline_is_as_good_as_lost(hasty: Bench, write: int) -> None:
    settle_once(hasty, write, "delay_after_commit", seconds=4)


def test_a_refund_delivered_twice_on_the_wire_is_a_duplicate_for_a_person(bench: Bench) -> None:
    number = bench.order()
    bench.sandbox.spoil("second_delivery", bench.match("refund"))
    bench.write(REFUND, refund(bench, number))
    if bench.is_woo:  # over plain http the second copy has a used nonce; over https it would count
        assert made(bench, "refund") == 1
        given = {"amount": "4.00", "api_refund": False, "reason": f"[{reference_of('k')}]"}
        bench.sandbox.app.woo.refund(int(number), given)
    assert len(bench.desk.refunds(number)) == 2
    found = bench.settle(REFUND)
    assert found.state is EffectState.mismatched
    assert "2" in found.reason


def test_busy_is_not_doubt(bench: Bench) -> None:
    number = bench.order()
    bench.sandbox.spoil("429", bench.match("refund"), retry_after="7")
    assert bench.write(REFUND, refund(bench, number)).state is EffectState.intended
    assert bench.settle(REFUND).state is EffectState.verified
    assert made(bench, "refund") == 1


def test_a_lost_answer_to_the_note_leaves_one_note(woo: Bench) -> None:
    number = woo.order()
    woo.sandbox.spoil("drop_after_commit", "POST .*/notes")
    assert woo.write(UPDATE, update(woo, number)).state is EffectState.in_doubt
    assert woo.settle(UPDATE).state is EffectState.verified
    assert len(notes(woo, number)) == 1


# Looking -------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["503", "401", "drop_before_commit", "html", "redirect"])
def test_a_look_that_fails_is_only_ever_retryable(bench: Bench, fault: str) -> None:
    wanted = contents(bench)
    bench.sandbox.spoil(fault, "GET ", times=0)
    for _, kind, content in wanted:
        with pytest.raises(Retryable):
            bench.partners[kind].look(effect_of(kind, content, "k"))


def test_what_is_not_there_is_an_empty_look(bench: Bench) -> None:
    for _, kind, content in contents(bench):
        assert bench.partners[kind].look(effect_of(kind, content, "k")) == ()
    gone = update(bench, bench.word("4711", "UK-4711"))
    assert bench.partners[UPDATE].look(effect_of(UPDATE, gone, "k")) == ()


def test_another_refund_of_the_same_amount_is_not_ours(bench: Bench) -> None:
    number = bench.order()
    bench.write(REFUND, refund(bench, number), "other")
    ours = effect_of(REFUND, refund(bench, number), "k")
    assert bench.partners[REFUND].look(ours) == ()


# Refusals ------------------------------------------------------------------------------------


def test_more_than_the_order_cannot_be_refunded(bench: Bench) -> None:
    number = bench.order()
    effect = bench.write(REFUND, refund(bench, number, 99_999))
    assert effect.state is EffectState.rejected
    assert made(bench, "refund") == 0


@pytest.mark.parametrize("kind", [UPDATE, REFUND, STOCK])
def test_what_the_shop_does_not_have_is_rejected_with_a_next_step(
    bench: Bench, kind: EffectKind
) -> None:
    number = bench.word("4711", "UK-4711")
    content = {
        UPDATE: update(bench, number),
        REFUND: refund(bench, number),
        STOCK: StockLevel(bench.shop_id, "NONE", 1, now()),
    }[kind]
    with pytest.raises(Rejected, match=r"has no (order|product)"):
        bench.partners[kind].send(effect_of(kind, content, "k"))


def test_a_status_that_the_shop_does_not_know_is_rejected(bench: Bench) -> None:
    content = update(bench, bench.order(), status="teleported")
    assert bench.write(UPDATE, content).state is EffectState.rejected


def test_what_the_shops_people_have_called_off_is_told_and_left(bench: Bench) -> None:
    theirs = bench.word("cancelled", "cancelled")
    number = bench.order(status=theirs)
    assert bench.write(UPDATE, update(bench, number, kept=(theirs,))).state is EffectState.done
    assert bench.settle(UPDATE).state is EffectState.verified
    assert bench.desk.order(number).status == "cancelled"
    assert len(notes(bench, number)) == 1


# Order and time ------------------------------------------------------------------------------


def test_a_late_update_leaves_its_note_but_not_its_status(bench: Bench) -> None:
    number = bench.order()
    newer = bench.word("completed", "shipped")
    bench.write(UPDATE, update(bench, number, 2), "second")
    older = update(bench, number, 1, status=bench.word("on-hold", "held"), note="On hold.")
    bench.write(UPDATE, older, "first")
    assert bench.settle(UPDATE, "first").state is EffectState.verified
    assert bench.desk.order(number).status == newer
    assert [n.split(" [")[0] for n in notes(bench, number)] == ["Shipped.", "On hold."]


def test_a_note_for_the_shopper_is_one_and_stays_with_the_clerks_where_it_comes_late(
    woo: Bench,
) -> None:
    number = woo.order()
    newer = update(woo, number, 2, note="Cancelled.", is_note_for_shopper=True)
    older = update(woo, number, 1, note="We are checking it.", is_note_for_shopper=True)
    woo.write(UPDATE, newer, "second")
    woo.write(UPDATE, older, "first")
    found = woo.sandbox.api.get(f"orders/{number}/notes").json()
    told = {row["note"].partition(" [")[0]: row["customer_note"] for row in found}
    assert told == {"Cancelled.": True, "We are checking it.": False}


def test_an_older_status_that_comes_in_behind_a_newer_one_is_told(bench: Bench) -> None:
    """It was in the network until then; both had looked before they were sent."""
    number, newer = bench.order(), bench.word("completed", "shipped")
    older = update(bench, number, 1, status=bench.word("on-hold", "held"), note="On hold.")
    bench.sandbox.spoil("drop_before_commit", bench.match("order"))
    assert bench.write(UPDATE, older, "first").state is EffectState.in_doubt
    bench.write(UPDATE, update(bench, number, 2), "second")
    marks = {f"_tieout_{reference_of('first')}": f"1|{older.status}"}
    order = bench.desk.order(number)
    bench.desk.update_order(order, older, marks, reference_of("first"))
    found = bench.settle(UPDATE, "first")
    assert found.state is EffectState.mismatched
    told = f"status, set anew by an older update: ours {newer}, theirs {older.status}"
    assert told in found.reason
    bench.desk.update_order(order, update(bench, number, 2), {}, reference_of("second"))
    # Somebody has set it again in the shop; then the letter is replayed, which looks once more.
    assert bench.engine.recheck(UPDATE, "first").state is EffectState.verified


def test_an_order_that_a_clerk_moved_on_is_no_mismatch(bench: Bench) -> None:
    number = bench.order()
    content = update(bench, number, status=bench.word("on-hold", "held"))
    bench.write(UPDATE, content)
    partner, effect = bench.partners[UPDATE], bench.store.get(UPDATE, "k")
    (found,) = partner.look(effect)
    later = Found(found.their_key, {**found.facts, "status": "completed", "modified_at": "later"})
    same = Found(found.their_key, {**found.facts, "status": "completed"})
    assert partner.compare(effect, later) == ()
    assert [d.what for d in partner.compare(effect, same)] == ["status"]


def test_an_older_level_never_replaces_a_newer_one(bench: Bench) -> None:
    bench.sandbox.stock(bench.shop_id, A100=5)
    bench.write(STOCK, StockLevel(bench.shop_id, "A100", 42, now()), "new")
    old = StockLevel(bench.shop_id, "A100", 7, now() - timedelta(hours=1))
    bench.write(STOCK, old, "old")
    assert bench.settle(STOCK, "old").state is EffectState.verified
    assert bench.desk.product("A100").stock_quantity == 42


def test_a_level_that_the_shop_ignores_is_in_doubt_and_not_done(woo: Bench) -> None:
    woo.sandbox.stock(A100=5)
    partner = woo.partners[STOCK]
    level = StockLevel("acme_us_web", "A100", 42, now())
    found = Found("1", {"quantity": 5, "is_superseded": False, "modified_at": "x"})
    differences = partner.compare(effect_of(STOCK, level, "k"), found)
    assert [(d.what, d.ours, d.theirs) for d in differences] == [("stock quantity", "42", "5")]


def test_money_that_the_shop_moved_itself_is_a_mismatch(woo: Bench) -> None:
    number = woo.order()
    effect = effect_of(REFUND, refund(woo, number), "k")
    facts = {"total_minor": 401, "currency": "USD", "moved_money": True}
    differences = woo.partners[REFUND].compare(effect, Found("9", facts))
    assert [(d.what, d.ours, d.theirs) for d in differences] == [
        ("amount in minor units", "400", "401"),
        ("money moved by the shop", "False", "True"),
    ]


def test_a_card_number_in_the_words_of_a_refusal_is_hidden() -> None:
    words = b'{"code": "woocommerce_rest_cannot_create_order_refund", "message": "%s refused"}'

    class Refuses:
        def exchange(self, request: Request, sink: BinaryIO | None = None) -> Response:
            request.leave()
            return Response(500, {}, words % b"4111 1111 1111 1111", "", 0)

    shop = WooCommerce(
        ShopSettings(conn_id="c", base_url="https://s.test", key="k", secret="s", shop_id="acme"),
        Refuses(),
    )
    order = ShopOrder("acme", "7", "7", "processing", now(), {"currency": "USD"})
    content = RefundRecord("acme", "7", Money(400, "USD"), "Arrived broken.")
    with pytest.raises(Rejected, match=r"was refused: '\*\*\* refused'"):
        shop.record_refund(order, content, "TO1")


def test_a_card_number_never_gets_into_a_write() -> None:
    card = "4111 1111 1111 1111"
    with pytest.raises(Rejected, match="card number"):
        OrderUpdate("a", "1", 1, note=f"Paid by {card}")
    with pytest.raises(Rejected, match="card number"):
        OrderUpdate("a", "1", 1, meta=(("card", card),))
    with pytest.raises(Rejected, match="card number"):
        RefundRecord("a", "1", Money(1, "USD"), card)


def test_an_effect_for_another_shop_is_our_own_bug(woo: Bench) -> None:
    content = OrderUpdate("acme_uk_web", "1", 1, status="x")
    with pytest.raises(ValueError, match="is for acme_uk_web, not acme_us_web"):
        woo.partners[UPDATE].look(effect_of(UPDATE, content, "k"))
