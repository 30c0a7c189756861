"""A receipt whose period is closed: it waits there, or moves, as the merchant's policy says."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from include.domain.canonical import from_json
from include.domain.erp_orders import ApplyReceipt, BookReceipt
from include.domain.errors import Parked, Retryable
from include.domain.money import Money
from include.domain.order_state import OrderState
from include.domain.orders import Order
from include.domain.refunds import RefundState
from include.services.effects.ports import Effect, EffectKind, EffectState, Receipt
from include.services.orders.closed_periods import moved
from tests.orders.conftest import Kit, make_order
from tests.orders.test_applications import invoice, keep, receipt

CAPTURED, NEXT = date(2026, 10, 31), date(2026, 11, 1)


class ClosedOctober:
    """SYSPRO takes nothing before November, and says so each time."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self.asked: list[date] = []

    def __call__(self, effect: Effect) -> Receipt:
        on = posted_on(effect)
        self.asked.append(on)
        self._kit.partner.say(effect.kind, self)
        if on < NEXT:
            raise Parked(f"period of {on} takes no posting", "SYSPRO ARSTPY", "Open it.")
        return self._kit.partner.do(effect)


def posted_on(effect: Effect) -> date:
    of = ApplyReceipt if effect.kind is EffectKind.ar_application else BookReceipt
    return from_json(of, effect.payload).posting_date


def booked(kit: Kit) -> list[tuple[date, int]]:
    done = [one for one in kit.partner.truth.done if one.kind is EffectKind.ar_receipt]
    return [(posted_on(one), from_json(BookReceipt, one.payload).amount.minor) for one in done]


@pytest.fixture
def october(kit: Kit) -> ClosedOctober:
    kit.today = CAPTURED
    found = ClosedOctober(kit)
    kit.partner.say(EffectKind.ar_receipt, found)
    return found


def let_move(kit: Kit, fault: Exception | None = None) -> None:
    """Give the merchant the policy ``next_open``."""
    of = kit.service.desk_of

    def next_open(refused: date) -> date | None:
        if fault is not None:
            raise fault
        return NEXT if refused < NEXT else None

    kit.service = replace(kit.service, desk_of=lambda s: replace(of(s), next_open=next_open))


def parked(kit: Kit, order: Order) -> Effect:
    found = kit.engine.find(EffectKind.ar_receipt, f"{order.order_id}|receipt|1")
    assert found is not None
    return found


def test_a_receipt_of_a_closed_period_moves_where_the_policy_wants_it(
    kit: Kit, october: ClosedOctober
) -> None:
    let_move(kit)
    order = make_order()
    kit.run(order)
    kit.pass_time(hours=2)
    assert kit.service.orders.get(order.order_id).state == OrderState.captured
    assert booked(kit) == [(NEXT, 10_221)]
    assert october.asked[0] == CAPTURED  # not moved before SYSPRO has said no


def test_it_waits_in_its_own_period_without_that_policy_and_moves_once_it_is_given(
    kit: Kit, october: ClosedOctober
) -> None:
    order = make_order()
    kit.run(order)
    kit.pass_time(days=3)
    assert (booked(kit), parked(kit, order).state) == ([], EffectState.parked)
    let_move(kit)
    kit.pass_time(hours=2)
    assert booked(kit) == [(NEXT, 10_221)]


def test_a_period_that_opens_meanwhile_takes_it_on_its_own_date(
    kit: Kit, october: ClosedOctober
) -> None:
    kit.run(make_order())
    kit.partner.script[EffectKind.ar_receipt].clear()
    kit.pass_time(hours=2)
    assert booked(kit) == [(CAPTURED, 10_221)]


def test_what_may_be_in_syspro_is_never_moved(kit: Kit, october: ClosedOctober) -> None:
    """Sent once with no answer, it is looked for under its own date, whatever the policy."""
    order = make_order()
    kit.run(order)
    let_move(kit)
    sent = replace(parked(kit, order), sends=1, sent_at=kit.clock.now() - timedelta(hours=1))
    desk = kit.service.desk_of("web")
    assert moved(sent, order, desk) is None
    assert moved(replace(sent, sends=0, sent_at=None), order, desk) is not None


def test_a_syspro_that_cannot_be_asked_leaves_it_parked(kit: Kit, october: ClosedOctober) -> None:
    let_move(kit, Retryable("no answer", "SYSPRO GENQSO", "Ask again."))
    order = make_order()
    kit.run(order)
    kit.pass_time(hours=3)
    assert (booked(kit), parked(kit, order).state) == ([], EffectState.parked)
    assert "cannot be driven" not in kit.service.orders.get(order.order_id).reason


def test_a_refund_moves_as_its_receipt_does(kit: Kit) -> None:
    kit.today = CAPTURED
    order = make_order()
    kit.run(order)
    kit.partner.say(EffectKind.ar_receipt, ClosedOctober(kit))
    let_move(kit)
    refund_id = kit.service.refund(
        order.order_id, Money(500, "USD"), origin="api", origin_key="1", who="ann", reason="late"
    )
    kit.pass_time(hours=2)
    assert booked(kit) == [(CAPTURED, 10_221), (NEXT, -500)]
    assert kit.service.refunds.get(refund_id).state == RefundState.done


def test_what_a_receipt_pays_moves_as_the_receipt_does(kit: Kit) -> None:
    """The order does not wait for it, and nobody else would date it anew."""
    kit.today = CAPTURED
    kit.partner.say(EffectKind.ar_application, ClosedOctober(kit))
    let_move(kit)
    order = make_order()
    kit.run(order)
    keep(kit, order, invoice(order, 10_221), receipt(order, 10_221))
    kit.pass_time(hours=7)
    done = [one for one in kit.partner.truth.done if one.kind is EffectKind.ar_application]
    assert [posted_on(one) for one in done] == [NEXT]
    assert kit.service.orders.get(order.order_id).state == OrderState.completed
