"""What was done days before its outcome is learned counts from the day on which it was done."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from include.domain.calendar import day_in
from include.domain.errors import OutcomeUnknown
from include.domain.money import Money
from include.domain.order_state import OrderState
from include.services.effects.ports import Effect, EffectKind, Receipt
from tests.effects import START
from tests.orders.conftest import Kit, make_order
from tests.orders.test_closed_periods import booked
from tests.orders.test_refund_order import ask

DAY = START.date()


def lose(kit: Kit, kind: EffectKind) -> None:
    """Let a write be made and its answer be lost, with nobody to ask for days."""

    def send(effect: Effect) -> Receipt:
        kit.partner.do(effect)
        raise OutcomeUnknown("no answer", "the gateway", "Look for it.")

    kit.partner.say(kind, send)


def test_a_capture_that_is_found_days_later_was_made_when_it_was_sent(kit: Kit) -> None:
    kit.today, kit.calendar = DAY, datetime.date
    lose(kit, EffectKind.payment_capture)
    order = make_order()
    kit.run(order)
    kit.today = DAY + timedelta(days=3)
    kit.clock.move(days=3)
    kit.engine.sweep()
    found = kit.service.advance(order.order_id)
    assert found.state == OrderState.captured
    assert [one.captured_date for one in found.facts.captures] == [DAY]
    assert [on for on, _ in booked(kit)] == [DAY]


def test_a_refund_that_is_found_days_later_is_booked_where_it_left(kit: Kit) -> None:
    kit.today, kit.calendar = DAY, datetime.date
    order = make_order()
    kit.run(order)
    kit.clock.move(days=1)
    kit.today = DAY + timedelta(days=1)
    lose(kit, EffectKind.payment_refund)
    refund_id = ask(kit, order.order_id, Money(3_000, "USD"))
    kit.service.advance_refund(refund_id)
    kit.today = DAY + timedelta(days=4)
    kit.clock.move(days=3)
    kit.engine.sweep()
    kit.service.advance_refund(refund_id)
    assert booked(kit) == [(DAY, 10_221), (DAY + timedelta(days=1), -3_000)]


def test_the_day_is_the_merchants_and_never_one_to_come(kit: Kit) -> None:
    desk = replace(kit.service.desk_of("web"), today=date(2026, 11, 3))
    late = datetime(2026, 11, 3, 3, 0, tzinfo=UTC)
    there = replace(desk, calendar=lambda at: day_in("America/New_York", at))
    assert desk.day_of(late) == date(2026, 11, 3)
    assert there.day_of(late) == date(2026, 11, 2)
    assert desk.day_of(late + timedelta(days=2)) == date(2026, 11, 3)
    assert desk.day_of(None) == date(2026, 11, 3)
    fixed = replace(there, has_fixed_day=True)  # of a sandbox
    assert fixed.day_of(late) == date(2026, 11, 3)
