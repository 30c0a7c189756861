"""What no desk drives, or what is not set up: it waits, it is told once, it stops no other."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from include.adapters.store.dead_letters import SqlDeadLetters
from include.adapters.store.orders import SqlOrders
from include.domain.errors import IntegrationError, Rejected, Retryable, Unconfigured
from include.domain.money import Money
from include.domain.order_state import OrderFacts, OrderState
from include.domain.refunds import RefundState
from include.services.orders.place_order import OrderPlay
from include.services.orders.sagas import Event, Saga
from include.services.orders.setting_back import Stake, is_set_back, set_back
from tests.orders.conftest import Kit, make_order
from tests.orders.test_set_back import UNMAPPED, break_some, letters, sweep

NO_SHOP = Rejected("there is no shop 'web'", "shops.yaml", "Add it again.")
NO_CONNECTION = Unconfigured("Airflow finds no connection 'gateway'", "Airflow", "Add it.")
DOWN = Retryable("no connection", "SYSPRO", "Wait.")


class Works:
    """A desk or an engine that can be had, or cannot."""

    def __init__(self, find: Callable[[str], object]) -> None:
        self._find = find
        self.fault: Exception | None = None

    def __call__(self, shop_id: str) -> object:
        if self.fault is not None:
            raise self.fault
        return self._find(shop_id)


@pytest.fixture(params=["desk_of", "engine_of"])
def part(request: pytest.FixtureRequest, kit: Kit) -> Works:
    """Stand before the shop's desk, or before its engine."""
    found = Works(getattr(kit.service, request.param))
    kit.service = replace(kit.service, **{request.param: found})
    return found


def row(kit: Kit, order_id: str) -> Saga[OrderFacts]:
    return kit.service.orders.get(order_id)


def test_an_order_of_a_shop_that_is_gone_is_set_back_with_a_letter(kit: Kit, part: Works) -> None:
    order = make_order()
    kit.place(order)
    part.fault = NO_SHOP
    sweep(kit, minutes=1)
    saga = row(kit, order.order_id)
    assert (saga.state, is_set_back(saga.reason)) == (OrderState.stuck, True)
    assert saga.next_at == kit.clock.now() + timedelta(minutes=15)
    (letter,) = letters(kit)
    assert (letter.kind, letter.key, letter.owner) == ("order", order.order_id, "integration")
    assert letter.next_action.startswith("Add it again.")
    assert letter.next_action.endswith(" Cancelled meanwhile, it is unwound then and no sooner.")
    part.fault = None
    sweep(kit, minutes=16)
    assert (row(kit, order.order_id).state, letters(kit)) == (OrderState.captured, [])


def test_an_order_that_is_cancelled_without_its_shop_is_unwound_once_that_is_back(
    kit: Kit, part: Works
) -> None:
    order = make_order()
    kit.run(order)
    part.fault = NO_SHOP
    kit.service.cancel(order.order_id, "ann", "the shop is gone")
    sweep(kit, minutes=20)
    assert row(kit, order.order_id).state == OrderState.stuck
    assert [one.key for one in letters(kit)] == [order.order_id]
    part.fault = None
    sweep(kit, minutes=40)
    assert (row(kit, order.order_id).state, letters(kit)) == (OrderState.cancelled, [])


def test_a_refund_of_a_shop_that_is_gone_is_set_back_with_a_letter(kit: Kit, part: Works) -> None:
    order = make_order()
    kit.run(order)
    refund_id = kit.service.refund(
        order.order_id, Money(500, "USD"), origin="api", origin_key="1", who="ann", reason="late"
    )
    part.fault = NO_SHOP
    sweep(kit, minutes=1)
    assert [(one.kind, one.key) for one in letters(kit)] == [("refund", refund_id)]
    assert "Or refuse the refund" in letters(kit)[0].next_action
    assert kit.service.refunds.due(["acme_us"], 100) == []
    part.fault = None
    sweep(kit, minutes=16)
    assert kit.service.refunds.get(refund_id).state == RefundState.done
    assert [one.kind for one in letters(kit)] == ["refunded_early"]


def test_as_many_orders_without_a_desk_as_a_sweep_takes_stop_no_other(kit: Kit) -> None:
    of, gone = kit.service.desk_of, [make_order() for _ in range(3)]
    for one in gone:
        kit.place(one)
    kit.clock.move(seconds=1)
    good = replace(make_order(), shop_id="open")
    kit.place(good)

    def desk_of(shop_id: str) -> object:
        if shop_id == "web":
            raise NO_SHOP
        return of(shop_id)

    kit.service = replace(kit.service, desk_of=desk_of)  # type: ignore[arg-type]
    sweep(kit, minutes=2, limit=3)
    assert row(kit, good.order_id).state == OrderState.captured


def test_what_rests_for_good_is_not_woken_by_a_desk_that_is_gone(kit: Kit, part: Works) -> None:
    order = make_order()
    kit.place(order)
    kit.service.cancel(order.order_id, "ann", "a mistake")
    kit.pass_time(hours=1)
    part.fault = NO_SHOP
    with pytest.raises(Rejected):
        kit.service.advance(order.order_id)
    saga = row(kit, order.order_id)
    assert (saga.state, saga.next_at) == (OrderState.cancelled, None)
    assert letters(kit) == []


def test_a_missing_connection_is_told_from_the_third_time_and_asked_for_less_often(
    kit: Kit,
) -> None:
    order, tries = make_order(), list[float]()
    translator = break_some(kit, {order.number: NO_CONNECTION})
    kit.place(order)
    began = kit.clock.now()
    for _ in range(4):
        with suppress(IntegrationError):
            kit.service.advance(order.order_id)
        saga = row(kit, order.order_id)
        assert saga.next_at is not None
        tries.append((saga.next_at - began).total_seconds())
        assert len(letters(kit)) == (len(tries) > 2)
        kit.clock.move(seconds=(saga.next_at - kit.clock.now()).total_seconds())
    assert tries == [30, 150, 450, 1350]
    assert "4 times in a row: Airflow finds no connection" in row(kit, order.order_id).reason
    translator.faults.clear()
    sweep(kit, minutes=2)
    assert (row(kit, order.order_id).state, letters(kit)) == (OrderState.captured, [])


def test_a_second_sort_of_fault_is_not_judged_by_the_patience_with_the_first(kit: Kit) -> None:
    order = make_order()
    translator = break_some(kit, {order.number: DOWN})
    kit.place(order)
    sweep(kit, minutes=60)  # a partner is down for long: one alert says so, and no letter
    assert "times in a row" in row(kit, order.order_id).reason
    for fault in (NO_CONNECTION, ConnectionResetError("the database was gone")):
        translator.faults[order.number] = fault  # once, and then never again
        kit.clock.move(minutes=5)
        with suppress(IntegrationError, ConnectionResetError):
            kit.service.advance(order.order_id)
        assert letters(kit) == []
        assert row(kit, order.order_id).state != OrderState.stuck
    translator.faults.clear()
    sweep(kit, minutes=16)
    assert row(kit, order.order_id).state == OrderState.captured


def test_an_order_that_has_ended_and_is_looked_at_again_has_ended_still(
    kit: Kit, part: Works
) -> None:
    order = make_order()
    kit.place(order)
    kit.service.cancel(order.order_id, "ann", "a mistake")
    kit.pass_time(hours=1)
    kit.service.orders.amend(
        order.order_id, lambda facts: replace(facts, shop_told_state=""), Event("seen")
    )
    part.fault = NO_SHOP
    sweep(kit, minutes=1)
    assert row(kit, order.order_id).state == OrderState.cancelled
    assert [one.kind for one in letters(kit)] == ["order"]  # nobody else would tell of it
    part.fault = None
    sweep(kit, minutes=16)
    assert (row(kit, order.order_id).state, letters(kit)) == (OrderState.cancelled, [])


def test_a_connection_that_a_question_misses_is_told_too(kit: Kit) -> None:
    order = make_order()
    kit.place(order)
    kit.erp.fault = NO_CONNECTION
    sweep(kit, minutes=10)
    assert [one.key for one in letters(kit)] == [order.order_id]


def test_a_partner_that_is_down_is_no_letter_of_each_order(kit: Kit) -> None:
    order = make_order()
    break_some(kit, {order.number: DOWN})
    kit.place(order)
    sweep(kit, minutes=180)
    saga = row(kit, order.order_id)
    assert saga.state == OrderState.authorized
    assert saga.next_at is not None
    assert saga.next_at <= kit.clock.now() + timedelta(minutes=5)
    assert letters(kit) == []


def test_a_letter_that_a_person_has_resolved_stays_so_while_nothing_changes(kit: Kit) -> None:
    order = make_order()
    translator = break_some(kit, {order.number: UNMAPPED})
    kit.place(order)
    sweep(kit, minutes=1)
    resolve(kit)
    sweep(kit, minutes=40)
    assert letters(kit) == []
    translator.faults[order.number] = Rejected("no branch", "shops.yaml", "Map it.")
    sweep(kit, minutes=16)
    assert [one.key for one in letters(kit)] == [order.order_id]  # for another reason
    resolve(kit)
    translator.faults.clear()
    sweep(kit, minutes=16)
    assert row(kit, order.order_id).state == OrderState.captured


@pytest.mark.parametrize("fault", [UNMAPPED, KeyError("bug")], ids=["rejected", "bug"])
def test_a_fault_that_comes_back_after_the_order_moved_has_a_letter_again(
    kit: Kit, fault: Exception
) -> None:
    order = make_order()
    translator = break_some(kit, {order.number: fault})
    kit.place(order)
    sweep(kit, minutes=3)
    resolve(kit)
    saga = row(kit, order.order_id)  # as whoever lets it go on writes it
    kit.service.orders.save(replace(saga, reason="", next_at=kit.clock.now()), [])
    sweep(kit, minutes=3)
    assert [one.key for one in letters(kit)] == [order.order_id]
    translator.faults.clear()


def resolve(kit: Kit) -> None:
    assert isinstance(kit.service.orders, SqlOrders)
    (letter,) = letters(kit)
    SqlDeadLetters(kit.service.orders._engine).resolve(letter.dead_letter_id, "ann", "seen")


def test_a_crash_after_an_order_went_on_leaves_no_letter_open(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = make_order()
    translator = break_some(kit, {order.number: UNMAPPED})
    monkeypatch.setattr(OrderPlay, "next_move", turned(OrderPlay.next_move, translator.faults))
    kit.place(order)
    sweep(kit, minutes=1)
    assert len(letters(kit)) == 1
    translator.faults.clear()
    kit.clock.move(minutes=15)
    save, saved = SqlOrders.save, list[str]()

    def dies(
        self: SqlOrders, saga: Saga[OrderFacts], events: list[Event], **more: object
    ) -> object:
        if saved:
            raise KeyboardInterrupt
        saved.append(saga.facts.open_step)
        return save(self, saga, events, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(SqlOrders, "save", dies)
        with pytest.raises(KeyboardInterrupt):
            kit.service.advance(order.order_id)
    assert saved == ["customer|1"]
    sweep(kit, minutes=10)
    assert row(kit, order.order_id).state == OrderState.captured
    assert letters(kit) == []


def turned(decide: Callable[..., object], faults: dict[str, Exception]) -> Callable[..., object]:
    """Let it fail before a step is begun, so that going on begins one."""

    def next_move(play: OrderPlay, facts: OrderFacts, now: object) -> object:
        if facts.payment is not None and play.order.number in faults:
            raise faults[play.order.number]
        return decide(play, facts, now)

    return next_move


def test_times_in_a_row_are_read_back_from_the_reason() -> None:
    reason = ""
    for times in range(1, 4):
        reason = set_back(reason, UNMAPPED, Stake("order", Money(1, "USD"), "ann")).reason
        assert is_set_back(reason)
        assert (f"{times} times" in reason) is (times > 1)
    assert not is_set_back("customer|1: SYSPRO said: cannot be driven: really")
