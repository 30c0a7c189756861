"""Giving money back: once, never too much, and in the books."""

import json
import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from include.adapters.store.dead_letters import SqlDeadLetters
from include.adapters.store.orders import SqlOrders
from include.domain.canonical import from_json
from include.domain.errors import OutcomeUnknown, Rejected
from include.domain.money import Money, total
from include.domain.order_rules import CaptureWhen
from include.domain.order_state import OrderState
from include.domain.payments import Moved, Refund
from include.domain.refunds import RefundState
from include.services.effects.dead_letters import DeadLetter
from include.services.effects.ports import Effect, EffectKind, Receipt
from tests.orders.conftest import Kit, make_order
from tests.orders.partners import as_evidence, make_rules

USD_30 = Money(3_000, "USD")
REFUNDED = EffectKind.payment_refund


@pytest.fixture
def sold(kit: Kit) -> tuple[Kit, str]:
    order = make_order()
    assert kit.run(order).state == OrderState.captured
    return kit, order.order_id


def ask(kit: Kit, order_id: str, amount: Money, key: str = "C1", who: str = "clerk") -> str:
    return kit.service.refund(
        order_id, amount, origin="credit_note", origin_key=key, who=who, reason="broken"
    )


def too_late(_effect: Effect) -> Receipt:
    return Receipt("", as_evidence(Moved("", "INVALID_REQUEST", reason="NOT_VOIDABLE")), True)


def test_a_partial_refund_moves_money_books_it_and_tells_the_shop(sold: tuple[Kit, str]) -> None:
    kit, order_id = sold
    refund = kit.service.advance_refund(ask(kit, order_id, USD_30))
    assert refund.state == RefundState.done
    assert kit.partner.truth.kinds()[-3:] == ["payment_refund", "ar_receipt", "shop_refund"]
    assert kit.service.orders.get(order_id).facts.returned_minor == 3_000
    (given,) = (o for o in kit.partner.truth.done if o.kind is EffectKind.payment_refund)
    lines = from_json(Refund, given.payload).lines
    assert total((one.gross for one in lines), "USD") == USD_30


def test_lines_that_were_not_passed_on_are_told_and_stop_nothing(sold: tuple[Kit, str]) -> None:
    kit, order_id = sold

    def alone(effect: Effect) -> Receipt:
        moved = Moved("7" * 22, "PENDING", USD_30, passed_on=False)
        return kit.partner.do(effect, Receipt("7" * 22, as_evidence(moved)))

    kit.partner.say(EffectKind.payment_refund, alone)
    assert kit.service.advance_refund(ask(kit, order_id, USD_30)).state == RefundState.done
    (told,) = (o for o in kit.service.orders.timeline(order_id) if o.what == "refund made")
    assert "not passed on to the processor (Level III)" in told.detail


def test_the_form_of_the_order_holds_its_last_refunds_the_newest_first(
    sold: tuple[Kit, str],
) -> None:
    kit, order_id = sold
    desk_of = kit.service.desk_of
    form = ("ORD", "REFREF")
    service = replace(kit.service, desk_of=lambda shop: replace(desk_of(shop), refund_form=form))
    for number in range(1, 4):
        service.advance_refund(ask(kit, order_id, USD_30, f"C{number}"))
        kit.clock.move(seconds=60)
    done = kit.partner.truth.done
    moved = [f"{at:022}" for at, one in enumerate(done, 1) if one.kind is REFUNDED]
    first, second, third = moved
    notes = [json.loads(o.payload)["value"] for o in done if o.kind is EffectKind.custom_field]
    assert notes == [first, f"{second} {first}", f"{third} {second}"]  # 60 characters hold two


def test_a_whole_refund_on_the_same_day_is_a_void(sold: tuple[Kit, str]) -> None:
    kit, order_id = sold
    kit.service.advance_refund(ask(kit, order_id, Money(10_221, "USD")))
    assert kit.partner.truth.count(EffectKind.payment_void) == 1
    assert kit.partner.truth.count(EffectKind.payment_refund) == 0


def test_a_void_that_comes_too_late_becomes_a_refund(sold: tuple[Kit, str]) -> None:
    kit, order_id = sold
    kit.partner.say(EffectKind.payment_void, too_late)
    refund = kit.service.advance_refund(ask(kit, order_id, Money(10_221, "USD")))
    assert refund.state == RefundState.done
    assert kit.partner.truth.count(EffectKind.payment_refund) == 1


def test_one_credit_note_is_one_refund(sold: tuple[Kit, str]) -> None:
    kit, order_id = sold
    assert ask(kit, order_id, USD_30) == ask(kit, order_id, USD_30)
    kit.pass_time(minutes=10)
    assert kit.partner.truth.count(EffectKind.payment_refund) == 1


def test_refunds_together_never_pass_the_capture(sold: tuple[Kit, str]) -> None:
    kit, order_id = sold
    ask(kit, order_id, Money(8_000, "USD"), "C1")
    with pytest.raises(Rejected, match=r"22\.21 USD that may still go back"):
        ask(kit, order_id, USD_30, "C2")


def test_racing_refunds_never_pass_the_capture(sold: tuple[Kit, str]) -> None:
    kit, order_id = sold
    refused: list[Rejected] = []

    def race(number: int) -> None:
        try:
            ask(kit, order_id, Money(4_000, "USD"), f"C{number}")
        except Rejected as fault:
            refused.append(fault)

    threads = [threading.Thread(target=race, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 4  # two of 40.00 fit into 102.21


def test_beyond_the_limit_a_second_person_approves(sold: tuple[Kit, str]) -> None:
    kit, order_id = sold
    kit.rules = make_rules(refund_limit_minor={"USD": 1_000})
    refund_id = ask(kit, order_id, USD_30)
    assert kit.service.advance_refund(refund_id).state == RefundState.waiting
    for same in ("clerk", "Clerk", " CLERK "):
        with pytest.raises(Rejected, match="Another person"):
            kit.service.approve_refund(refund_id, same)
    kit.service.approve_refund(refund_id, "controller")
    assert kit.service.advance_refund(refund_id).state == RefundState.done


def test_a_lost_answer_is_looked_for_and_refunded_once(sold: tuple[Kit, str]) -> None:
    kit, order_id = sold

    def commit_and_drop(effect: Effect) -> Receipt:
        kit.partner.do(effect)
        raise OutcomeUnknown("502", "gateway", "Look.")

    kit.partner.say(EffectKind.payment_refund, commit_and_drop)
    refund_id = ask(kit, order_id, USD_30)
    assert kit.service.advance_refund(refund_id).state == RefundState.moving
    kit.pass_time(minutes=20)
    assert kit.service.refunds.get(refund_id).state == RefundState.done
    assert kit.partner.truth.count(EffectKind.payment_refund) == 1


def test_cancelling_a_captured_order_gives_the_money_back(sold: tuple[Kit, str]) -> None:
    kit, order_id = sold
    kit.service.cancel(order_id, "shop", "out of stock after all")
    kit.pass_time(minutes=10)
    saga = kit.service.orders.get(order_id)
    assert saga.state == OrderState.cancelled
    assert saga.facts.returned_minor == 10_221
    assert kit.partner.truth.count(EffectKind.payment_void) == 1


def test_a_refused_refund_gives_its_reservation_back(sold: tuple[Kit, str]) -> None:
    kit, order_id = sold
    kit.rules = make_rules(refund_limit_minor={"USD": 1_000})
    refund_id = ask(kit, order_id, Money(10_000, "USD"))
    kit.service.refunds.refuse(refund_id, "controller", "not ours")
    assert ask(kit, order_id, Money(10_000, "USD"), "C2")


def test_an_order_cancelled_between_capture_and_receipt_leaves_ar_at_nothing(kit: Kit) -> None:
    order = make_order()

    def capture_and_cancel(effect: Effect) -> Receipt:
        answer = kit.partner.do(effect)
        kit.service.cancel(order.order_id, "shop", "changed their mind")
        return answer

    kit.partner.say(EffectKind.payment_capture, capture_and_cancel)
    kit.run(order)
    kit.pass_time(minutes=10)
    assert kit.service.orders.get(order.order_id).state == OrderState.cancelled
    booked = [one for one in kit.partner.truth.done if one.kind is EffectKind.ar_receipt]
    payloads = [json.loads(one.payload)["amount"]["minor"] for one in booked]
    assert payloads == [10_221, -10_221]


def test_cancelling_gives_back_no_more_than_a_refund_under_way_leaves(
    sold: tuple[Kit, str],
) -> None:
    kit, order_id = sold

    def lose(effect: Effect) -> Receipt:
        raise OutcomeUnknown("502", "gateway", "Look.")

    kit.partner.say(EffectKind.payment_refund, lose)
    refund_id = ask(kit, order_id, USD_30)
    kit.service.advance_refund(refund_id)
    kit.service.cancel(order_id, "shop", "changed their mind")
    kit.service.advance(order_id)  # the refund is in doubt: it counts
    kit.pass_time(minutes=40)
    saga = kit.service.orders.get(order_id)
    assert (saga.state, saga.facts.returned_minor) == (OrderState.cancelled, 10_221)


def test_the_refund_of_a_cancelled_order_cannot_be_refused(sold: tuple[Kit, str]) -> None:
    kit, order_id = sold
    kit.rules = make_rules(refund_limit_minor={"USD": 1_000})
    kit.service.cancel(order_id, "shop", "out of stock after all")
    kit.service.advance(order_id)
    ((row, _),) = kit.service.refunds.of_order(order_id)
    with pytest.raises(Rejected, match="cancelled order"):
        kit.service.refunds.refuse(row.refund_id, "controller", "no")


def refuse_refunds(kit: Kit, reason: str = "account closed") -> None:
    def no(effect: Effect) -> Receipt:
        answer = as_evidence(Moved("", "DECLINED", reason=reason))
        return kit.partner.do(effect, Receipt("", answer, is_no=True))

    kit.partner.say(EffectKind.payment_refund, no)


def letters(kit: Kit) -> list[DeadLetter]:
    assert isinstance(kit.service.orders, SqlOrders)
    return list(SqlDeadLetters(kit.service.orders._engine).listing())


def test_a_refund_that_the_gateway_refuses_is_told_and_tried_again_under_another_reference(
    sold: tuple[Kit, str],
) -> None:
    kit, order_id = sold
    refuse_refunds(kit)
    refund_id = ask(kit, order_id, USD_30)
    assert kit.service.advance_refund(refund_id).state == RefundState.stuck
    (letter,) = letters(kit)
    assert (letter.kind, letter.key, letter.amount_minor) == ("refund_refused", refund_id, 3_000)
    assert "account closed" in letter.reason
    assert letter.owner
    kit.partner.say(EffectKind.payment_refund, kit.partner.do)
    kit.service.try_refund_again(refund_id, "ann")
    assert kit.service.advance_refund(refund_id).state == RefundState.done
    assert letters(kit) == []
    sent = [one for one in kit.partner.truth.done if one.kind is EffectKind.payment_refund]
    assert len({one.reference for one in sent}) == 2
    with pytest.raises(Rejected, match="has not refused it"):
        kit.service.try_refund_again(refund_id, "ann")


def test_what_the_gateway_never_gives_back_is_paid_outside_and_the_order_ends(
    sold: tuple[Kit, str],
) -> None:
    kit, order_id = sold
    refuse_refunds(kit)
    kit.partner.say(EffectKind.payment_void, too_late)
    kit.service.cancel(order_id, "ann", "out of stock")
    kit.pass_time(hours=2)
    ((row, saga),) = kit.service.refunds.of_order(order_id)
    assert (row.origin, saga.state) == ("cancellation", RefundState.stuck)
    with pytest.raises(Rejected, match="cancelled order"):
        kit.service.refunds.refuse(row.refund_id, "ann", "no")
    kit.service.pay_refund_outside(row.refund_id, "wire 4711", "ann")
    kit.pass_time(hours=2)
    assert kit.service.refunds.get(row.refund_id).state == RefundState.done
    order = kit.service.orders.get(order_id)
    assert (order.state, order.facts.returned_minor) == (OrderState.cancelled, 10_221)
    assert letters(kit) == []
    booked = [one for one in kit.partner.truth.done if one.kind is EffectKind.ar_receipt]
    assert len(booked) == 1  # the sale's own: this one is booked by hand


def test_a_refund_that_is_known_is_no_new_one_when_its_capture_is_too_old(
    sold: tuple[Kit, str],
) -> None:
    kit, order_id = sold
    refund_id = ask(kit, order_id, USD_30)
    kit.service.advance_refund(refund_id)
    kit.rules = make_rules(refund_days=-1)  # a feed is read again half a year later
    assert ask(kit, order_id, USD_30) == refund_id


def test_a_young_capture_gives_back_what_an_old_one_of_its_order_cannot(kit: Kit) -> None:
    kit.rules = make_rules(capture_when=CaptureWhen.shipment, refund_days=2)
    order = make_order()
    kit.run(order)
    kit.service.capture(order.order_id, Money(4_000, "USD"), "SYSPRO", "invoice I1")
    kit.pass_time(minutes=10)
    kit.today += timedelta(days=3)
    kit.service.capture(order.order_id, Money(6_221, "USD"), "SYSPRO", "invoice I2")
    kit.pass_time(minutes=10)
    kit.service.advance_refund(ask(kit, order.order_id, Money(6_000, "USD")))
    with pytest.raises(Rejected, match="older than"):
        ask(kit, order.order_id, Money(1_000, "USD"), "C2")
    assert kit.service.orders.get(order.order_id).facts.returned_minor == 6_000


def test_a_cancelled_order_gives_back_what_is_too_old_for_others(sold: tuple[Kit, str]) -> None:
    kit, order_id = sold
    kit.rules = make_rules(refund_days=-1)
    with pytest.raises(Rejected, match="older than"):
        ask(kit, order_id, USD_30)
    kit.service.cancel(order_id, "ann", "never came in")
    kit.pass_time(hours=2)  # a sweep that cannot drive one raises
    assert kit.service.orders.get(order_id).state == OrderState.cancelled
