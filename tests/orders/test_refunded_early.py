"""What goes back before SYSPRO has invoiced anything: the goods must not leave all the same."""

from dataclasses import replace

import pytest

from include.adapters.store.dead_letters import SqlDeadLetters
from include.adapters.store.orders import SqlOrders
from include.domain.money import Money
from include.domain.order_rules import CaptureWhen
from include.domain.order_state import OrderFacts, OrderState
from include.domain.orders import Order
from include.domain.refunds import RefundRow
from include.services.effects.ports import EffectKind
from include.services.orders.sagas import Event
from tests.orders.conftest import Kit, make_order
from tests.orders.partners import make_rules
from tests.orders.test_applications import applied, invoice, keep, receipt
from tests.orders.test_too_late_to_cancel import refuse

MOVE, WHOLE, PART = EffectKind.sales_order_move, Money(10_221, "USD"), Money(3_000, "USD")


@pytest.fixture
def sold(kit: Kit) -> Order:
    order = make_order()
    assert kit.run(order).state == OrderState.captured
    return order


def refund(kit: Kit, order: Order, amount: Money, key: str = "1", origin: str = "shop") -> str:
    return kit.service.refund(
        order.order_id, amount, origin=origin, origin_key=key, who="shop poller", reason="returned"
    )


def given(kit: Kit, order: Order) -> list[tuple[str, int]]:
    return [
        (row.origin, row.amount.minor) for row, _ in kit.service.refunds.of_order(order.order_id)
    ]


def letters(kit: Kit) -> list[tuple[str, int | None]]:
    assert isinstance(kit.service.orders, SqlOrders)
    listed = SqlDeadLetters(kit.service.orders._engine).listing()
    return [(one.kind, one.amount_minor) for one in listed]


def hear_invoice(kit: Kit, order: Order, minor: int = 10_221) -> None:
    """Let SYSPRO show an invoice beside our receipt, and hear of it as the poller does."""
    keep(kit, order, invoice(order, minor), receipt(order, 10_221))

    def seen(facts: OrderFacts) -> OrderFacts:
        return replace(facts, invoices=("I1",))

    kit.service.orders.amend(order.order_id, seen, Event("invoiced in SYSPRO"))


def ask_too_late(kit: Kit, order: Order) -> str:
    """Ask all of it back above the limit, where SYSPRO cancels the order no more."""
    kit.rules = make_rules(refund_limit_minor={"USD": 1_000})
    kit.partner.say(MOVE, refuse)
    asked = refund(kit, order, WHOLE)
    kit.pass_time(minutes=30)
    return asked


@pytest.mark.parametrize("origin", ["shop", "api"])
def test_an_order_that_is_refunded_whole_is_called_off(kit: Kit, sold: Order, origin: str) -> None:
    refund(kit, sold, WHOLE, origin=origin)
    kit.pass_time(hours=2)
    saga = kit.service.orders.get(sold.order_id)
    assert (saga.state, saga.facts.is_order_cancelled) == (OrderState.cancelled, True)
    assert kit.partner.truth.count(MOVE) == 1
    assert (given(kit, sold), letters(kit)) == ([(origin, 10_221)], [])
    assert saga.facts.stop is not None
    assert saga.facts.stop.told == "it is refunded in full"


def test_two_refunds_that_are_all_of_it_call_it_off_as_well(kit: Kit, sold: Order) -> None:
    refund(kit, sold, PART)
    kit.pass_time(hours=1)
    assert letters(kit) == [("refunded_early", 3_000)]
    refund(kit, sold, Money(7_221, "USD"), "2", "api")
    kit.pass_time(hours=1)
    assert kit.service.orders.get(sold.order_id).state == OrderState.cancelled
    assert letters(kit) == []


def test_a_credit_note_calls_nothing_off(kit: Kit, sold: Order) -> None:
    """It stands beside an invoice, which may only not have been read yet."""
    refund(kit, sold, WHOLE, origin="credit_note")
    kit.pass_time(hours=2)
    assert kit.service.orders.get(sold.order_id).state == OrderState.captured
    assert letters(kit) == []


def test_credit_notes_alone_end_an_order_that_syspro_closes_without_an_invoice(
    kit: Kit, sold: Order
) -> None:
    refund(kit, sold, WHOLE, origin="credit_note")
    kit.pass_time(hours=2)

    def closed(facts: OrderFacts) -> OrderFacts:
        return replace(facts, is_order_cancelled=True)

    kit.service.orders.amend(sold.order_id, closed, Event("closed in SYSPRO"))
    kit.pass_time(hours=1)
    saga = kit.service.orders.get(sold.order_id)
    assert (saga.state, saga.facts.is_refunded) == (OrderState.cancelled, False)
    assert (given(kit, sold), letters(kit)) == ([("credit_note", 10_221)], [])


def test_one_that_waits_for_a_second_person_is_called_off_and_its_money_goes_back_anyhow(
    kit: Kit, sold: Order
) -> None:
    kit.rules = make_rules(refund_limit_minor={"USD": 1_000})
    first = refund(kit, sold, WHOLE)
    kit.pass_time(hours=1)
    assert kit.service.orders.get(sold.order_id).facts.is_order_cancelled
    kit.service.refuse_refund(first, "controller", "by mistake")
    kit.pass_time(hours=1)
    assert given(kit, sold) == [("shop", 10_221), ("cancellation", 10_221)]


def test_one_whose_asker_died_before_it_was_called_off_ends_once_its_money_is_back(
    kit: Kit, sold: Order
) -> None:
    row = RefundRow("ref_1", sold.order_id, "shop", "1", WHOLE, "shop poller", "", "returned")
    kit.service.refunds.ask(row, may_void=True, limit=WHOLE, since=None)
    kit.pass_time(hours=2)
    assert kit.service.orders.get(sold.order_id).state == OrderState.cancelled
    assert (kit.partner.truth.count(MOVE), given(kit, sold)) == (1, [("shop", 10_221)])
    assert "called off: all of it was refunded" in kit.timeline(sold)


def test_a_part_is_told_until_a_person_has_seen_to_it_and_pays_no_invoice(
    kit: Kit, sold: Order
) -> None:
    refund(kit, sold, PART)
    kit.pass_time(hours=2)
    assert kit.service.orders.get(sold.order_id).state == OrderState.captured
    assert letters(kit) == [("refunded_early", 3_000)]
    hear_invoice(kit, sold)
    kit.pass_time(hours=1)
    assert kit.service.orders.get(sold.order_id).state == OrderState.completed
    assert (applied(kit), letters(kit)) == ([("I1", 7_221)], [("refunded_early", 3_000)])


def test_all_of_a_part_that_was_captured_does_not_call_the_order_off(kit: Kit) -> None:
    kit.rules = make_rules(capture_when=CaptureWhen.shipment)
    order = make_order()
    kit.run(order)
    kit.service.capture(order.order_id, PART, "clerk", "a deposit")
    kit.service.advance(order.order_id)
    refund(kit, order, PART)
    kit.pass_time(hours=2)
    saga = kit.service.orders.get(order.order_id)
    assert (saga.state, saga.facts.stop) == (OrderState.captured, None)
    assert letters(kit) == [("refunded_early", 3_000)]


def test_what_is_invoiced_all_the_same_is_told_and_paid_by_no_receipt(
    kit: Kit, sold: Order
) -> None:
    kit.partner.say(MOVE, refuse)
    refund(kit, sold, WHOLE)
    kit.pass_time(minutes=30)
    hear_invoice(kit, sold)
    kit.pass_time(hours=1)
    saga = kit.service.orders.get(sold.order_id)
    assert saga.state == OrderState.completed, saga.reason
    assert ("shipped_refunded", 10_221) in letters(kit)
    assert (applied(kit), given(kit, sold)) == ([], [("shop", 10_221)])


def test_one_that_a_second_person_let_go_after_the_invoice_says_that_a_receipt_pays_it(
    kit: Kit, sold: Order
) -> None:
    asked = ask_too_late(kit, sold)
    hear_invoice(kit, sold)
    kit.pass_time(hours=1)
    kit.service.approve_refund(asked, "controller")
    kit.pass_time(hours=1)
    assert isinstance(kit.service.orders, SqlOrders)
    (letter,) = SqlDeadLetters(kit.service.orders._engine).listing()
    assert (letter.kind, applied(kit)) == ("shipped_refunded", [("I1", 10_221)])
    assert "No receipt is applied to it" not in letter.next_action


def test_all_that_is_asked_back_anew_before_the_invoice_is_early_though_it_was_refused_before(
    kit: Kit, sold: Order
) -> None:
    first = ask_too_late(kit, sold)
    kit.service.refuse_refund(first, "controller", "by mistake")
    second = refund(kit, sold, WHOLE, "2")  # the goods have left, and nobody here has heard of it
    hear_invoice(kit, sold)
    kit.pass_time(hours=1)
    kit.service.approve_refund(second, "controller")
    kit.pass_time(hours=1)
    facts = kit.service.orders.get(sold.order_id).facts
    assert (facts.returned_minor, facts.early_minor) == (10_221, 10_221)
    assert ("shipped_refunded", 10_221) in letters(kit)


def test_a_part_that_goes_back_after_the_invoice_is_money_alone_where_all_was_asked_for_before(
    kit: Kit, sold: Order
) -> None:
    asked = ask_too_late(kit, sold)
    hear_invoice(kit, sold)
    kit.pass_time(hours=1)
    kit.service.refuse_refund(asked, "controller", "the goods have left")
    refund(kit, sold, Money(900, "USD"), "2")
    kit.pass_time(hours=1)
    facts = kit.service.orders.get(sold.order_id).facts
    assert (facts.returned_minor, facts.early_minor, letters(kit)) == (900, 0, [])
    rest = refund(kit, sold, Money(9_321, "USD"), "3")  # the shopper has sent the goods back
    kit.service.approve_refund(rest, "controller")
    kit.pass_time(hours=1)
    facts = kit.service.orders.get(sold.order_id).facts
    assert (facts.returned_minor, facts.early_minor, letters(kit)) == (10_221, 0, [])


def test_a_refund_after_the_invoice_is_money_alone(kit: Kit, sold: Order) -> None:
    hear_invoice(kit, sold)
    kit.pass_time(hours=1)
    refund(kit, sold, WHOLE)
    kit.pass_time(hours=1)
    assert kit.service.orders.get(sold.order_id).state == OrderState.completed
    assert (applied(kit), letters(kit)) == ([("I1", 10_221)], [])
