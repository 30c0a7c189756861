"""People who decide refunds while others, or the machine, are at them: the first word stands."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import select

from include.adapters.store.order_tables import orders
from include.adapters.store.orders import SqlOrders
from include.domain.errors import OutcomeUnknown, Rejected, Retryable
from include.domain.money import Money
from include.domain.order_state import OrderState
from include.domain.payments import Moved
from include.domain.refunds import RefundState
from include.services.effects.ports import Effect, EffectKind, Receipt
from tests.orders.conftest import Kit, make_order
from tests.orders.partners import as_evidence, make_rules

USD_30, ALL = Money(3_000, "USD"), Money(10_221, "USD")


@pytest.fixture
def sold(kit: Kit) -> tuple[Kit, str]:
    order = make_order()
    assert kit.run(order).state == OrderState.captured
    return kit, order.order_id


def ask(kit: Kit, order_id: str, amount: Money, key: str = "C1") -> str:
    return kit.service.refund(
        order_id, amount, origin="credit_note", origin_key=key, who="clerk", reason="broken"
    )


def given_back(kit: Kit) -> int:
    kinds = (EffectKind.payment_refund, EffectKind.payment_void)
    return sum(one.amount_minor for one in kit.partner.truth.done if one.kind in kinds)


def reserved(kit: Kit, order_id: str) -> int:
    assert isinstance(kit.service.orders, SqlOrders)
    with kit.service.orders._engine.begin() as connection:
        wanted = select(orders.c.refunding_minor).where(orders.c.order_id == order_id)
        return int(connection.execute(wanted).scalar_one())


def at_once(*works: Callable[[], object]) -> list[Rejected]:
    """Run all at the same instant; return who was told no."""
    gate, told = threading.Barrier(len(works)), []

    def run(work: Callable[[], object]) -> None:
        gate.wait()
        try:
            work()
        except Rejected as fault:
            told.append(fault)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def test_a_refund_refused_after_a_sweep_had_listed_it_does_not_move(
    sold: tuple[Kit, str],
) -> None:
    kit, order_id = sold
    refund_id = ask(kit, order_id, USD_30)
    listed = kit.service.refunds.due(["acme_us"], 100)
    kit.service.refunds.refuse(refund_id, "boss", "a mistake")
    other = ask(kit, order_id, ALL, "C2")  # takes what the refused one had reserved
    for one in (*listed, other):
        kit.service.advance_refund(one)
    kit.pass_time(minutes=30)
    assert kit.service.refunds.get(refund_id).state == RefundState.refused
    assert given_back(kit) == ALL.minor


def test_a_refund_that_may_have_happened_cannot_be_refused(sold: tuple[Kit, str]) -> None:
    kit, order_id = sold

    def commit_and_drop(effect: Effect) -> Receipt:
        kit.partner.do(effect)
        raise OutcomeUnknown("502", "gateway", "Look.")

    def down(*_: object) -> tuple[()]:
        raise Retryable("the search is down", "gateway", "Wait.")

    kit.partner.say(EffectKind.payment_refund, commit_and_drop)
    refund_id, look = ask(kit, order_id, USD_30), kit.partner.look
    kit.partner.look = down  # type: ignore[method-assign, assignment]
    kit.service.advance_refund(refund_id)
    for again in ({"minutes": 1}, {"days": 9}):
        kit.pass_time(**again)
        with pytest.raises(Rejected, match=r"whether refund\|1 happened is not known yet"):
            kit.service.refunds.refuse(refund_id, "boss", "it never arrived")
    kit.partner.look = look  # type: ignore[method-assign]
    kit.engine.replay(EffectKind.payment_refund, f"{refund_id}|refund|1", "boss")
    kit.pass_time(hours=7)
    assert kit.service.refunds.get(refund_id).state == RefundState.done
    assert given_back(kit) == USD_30.minor


def test_what_a_refused_refund_had_promised_goes_back_with_the_cancelled_order(
    sold: tuple[Kit, str],
) -> None:
    kit, order_id = sold
    kit.rules = make_rules(refund_limit_minor={"USD": 5_000})
    waiting = ask(kit, order_id, Money(6_000, "USD"))
    kit.service.cancel(order_id, "shop", "changed their mind")
    kit.pass_time(minutes=30)
    assert given_back(kit) == 4_221
    kit.service.refunds.refuse(waiting, "boss", "the cancellation pays it")
    kit.pass_time(minutes=30)
    *_, (row, last) = kit.service.refunds.of_order(order_id)
    assert (row.origin, row.amount.minor, last.state) == ("cancellation", 6_000, "waiting")
    kit.service.approve_refund(row.refund_id, "boss")
    kit.pass_time(minutes=30)
    assert kit.service.orders.get(order_id).state == OrderState.cancelled
    assert given_back(kit) == ALL.minor


def test_two_halves_of_a_refund_need_the_second_person_as_the_whole_does(
    sold: tuple[Kit, str],
) -> None:
    kit, order_id = sold
    kit.rules = make_rules(refund_limit_minor={"USD": 5_000})
    first, second = (ask(kit, order_id, USD_30, key) for key in ("C1", "C2"))
    assert kit.service.advance_refund(first).state == RefundState.done
    assert kit.service.advance_refund(second).state == RefundState.waiting
    kit.service.approve_refund(second, "controller")
    small = ask(kit, order_id, Money(2_000, "USD"), "C3")  # what a person has seen counts no more
    assert kit.service.advance_refund(small).state == RefundState.done


def test_of_two_people_who_decide_at_once_the_first_is_heard(sold: tuple[Kit, str]) -> None:
    kit, order_id = sold
    kit.rules, book = make_rules(refund_limit_minor={"USD": 1_000}), kit.service.refunds
    for number in range(6):
        refund_id = ask(kit, order_id, Money(1_500, "USD"), f"C{number}")
        before = reserved(kit, order_id)
        told = at_once(
            lambda it=refund_id: kit.service.approve_refund(it, "ann"),  # type: ignore[misc]
            *[lambda it=refund_id, n=n: book.refuse(it, f"boss{n}", "no") for n in range(3)],
        )
        state = book.get(refund_id).state
        assert len(told) == (2 if state == RefundState.refused and "ann" in book.row(
            refund_id).approved_by else 3)  # fmt: skip
        freed = 1_500 if state == RefundState.refused else 0
        assert reserved(kit, order_id) == before - freed
        if state != RefundState.refused:
            book.refuse(refund_id, "boss", "so that the next one fits")


def test_a_refund_asked_for_twice_at_once_is_one(sold: tuple[Kit, str]) -> None:
    kit, order_id = sold
    told = at_once(*[lambda: ask(kit, order_id, ALL) for _ in range(6)])
    assert (told, reserved(kit, order_id)) == ([], ALL.minor)
    assert len(kit.service.refunds.of_order(order_id)) == 1


def test_what_a_person_has_refused_is_neither_tried_again_nor_paid_outside(
    sold: tuple[Kit, str],
) -> None:
    kit, order_id = sold

    def no(effect: Effect) -> Receipt:
        return kit.partner.do(effect, Receipt("", as_evidence(Moved("", "DECLINED")), True))

    kit.partner.say(EffectKind.payment_refund, no)
    refund_id = ask(kit, order_id, USD_30)
    assert kit.service.advance_refund(refund_id).state == RefundState.stuck
    kit.service.refunds.refuse(refund_id, "boss", "the account is closed")
    with pytest.raises(Rejected, match="it: refused"):
        kit.service.pay_refund_outside(refund_id, "wire 7", "ann")
    with pytest.raises(Rejected, match="it: refused"):
        kit.service.try_refund_again(refund_id, "ann")
    kit.service.advance_refund(ask(kit, order_id, ALL, "C2"))
    kit.pass_time(minutes=30)
    assert kit.service.orders.get(order_id).facts.returned_minor == ALL.minor
