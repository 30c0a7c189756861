"""A sales order that a clerk cancelled is unwound, wherever the poller is killed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine as Database
from sqlalchemy import event

from include.adapters.store.dead_letters import SqlDeadLetters
from include.adapters.store.orders import SqlOrders
from include.adapters.store.watermarks import SqlShelf, SqlWatermarks
from include.domain.erp_orders import ErpDocument, ErpOrder, UnreadableRow
from include.domain.errors import OutcomeUnknown, Rejected
from include.domain.money import Money
from include.domain.order_rules import CaptureWhen
from include.domain.order_state import OrderState
from include.domain.payments import Moved, PaymentStatus
from include.services.effects.ports import Effect, EffectKind, Receipt
from include.services.orders.sagas import Event
from include.services.sync.push_refunds import RefundPush
from tests.orders.conftest import Kit, make_order
from tests.orders.partners import as_evidence, authorization, make_rules

NOW = datetime(2026, 11, 3, tzinfo=UTC)


class Killed(BaseException):
    """The process is gone."""


class OneCancelled:
    """SYSPRO's feed, with one cancelled order in it."""

    def __init__(self, found: ErpOrder) -> None:
        self._found = found

    def credit_notes_since(self, cursor: str) -> list[object]:
        return []

    def orders_of(self, purchase_order: str, customer: str) -> list[ErpOrder]:
        return [self._found]

    def cancelled_since(self, cursor: str) -> list[ErpOrder]:
        return [self._found] if cursor < self._found.cursor else []


def kill_at(store: Database, commit: int, work: Callable[[], object]) -> bool:
    """Work, and die at a commit; say whether it came to that."""
    commits = 0

    def kill(_connection: object) -> None:
        nonlocal commits
        commits += 1
        if commits == commit:
            raise Killed

    event.listen(store, "commit", kill)
    try:
        work()
    except Killed:
        return True
    finally:
        event.remove(store, "commit", kill)
    return False


def store_of(kit: Kit) -> Database:
    assert isinstance(kit.service.orders, SqlOrders)
    return kit.service.orders._engine


def test_a_poller_killed_at_any_commit_forgets_no_cancellation(kit: Kit) -> None:
    orders, store = kit.service.orders, store_of(kit)
    placed = []
    for killed_at in range(1, 12):
        order = make_order()
        assert kit.run(order).state == OrderState.captured
        placed.append(order)
        number = orders.get(order.order_id).facts.sales_order
        found = ErpOrder(
            number, "W1", order.purchase_order, "\\", True, cursor=f"2026-11-03-{killed_at:02}"
        )
        push = RefundPush(
            "acme_us", "A", OneCancelled(found), kit.service,  # type: ignore[arg-type]
            SqlWatermarks(store, lambda _c: NOW), SqlShelf(store, lambda _c: NOW), "ann@acme",
        )  # fmt: skip
        kill_at(store, killed_at, lambda push=push: push.poll("2026-11-02"))  # type: ignore[misc]
        push.poll("2026-11-02")  # as the next run does
    kit.pass_time(hours=2)
    for order in placed:
        assert orders.get(order.order_id).state == OrderState.cancelled
        assert orders.get(order.order_id).facts.returned_minor == order.amount.minor
    gave = (EffectKind.payment_refund, EffectKind.payment_void)
    moved = [one.amount_minor for one in kit.partner.truth.done if one.kind in gave]
    assert moved == [order.amount.minor for order in placed]


def test_a_sweeper_killed_at_any_commit_gives_the_money_back_all_the_same(kit: Kit) -> None:
    orders, store, placed, killed_at = kit.service.orders, store_of(kit), [], 0
    is_killed = True
    while is_killed:
        killed_at += 1
        order = make_order()
        kit.run(order)
        placed.append(order)
        kit.service.cancel(order.order_id, "ann", "changed her mind")

        def unwind(name: str = order.order_id) -> None:
            kit.service.advance(name)
            for row, _ in kit.service.refunds.of_order(name):
                kit.service.advance_refund(row.refund_id)

        is_killed = kill_at(store, killed_at, unwind)
    assert killed_at > 20
    kit.pass_time(hours=4)
    for order in placed:
        assert orders.get(order.order_id).state == OrderState.cancelled
        assert orders.get(order.order_id).facts.returned_minor == order.amount.minor


class Notes(OneCancelled):
    """SYSPRO's feed, with credit notes in it that may make no sense."""

    def __init__(self, notes: list[ErpDocument | UnreadableRow]) -> None:
        self._notes = notes

    def credit_notes_since(self, cursor: str) -> list[ErpDocument | UnreadableRow]:
        return [one for one in self._notes if cursor < one.cursor]

    def cancelled_since(self, cursor: str) -> list[ErpOrder]:
        return []


def test_a_credit_note_that_cannot_be_read_stops_no_other(kit: Kit) -> None:
    order, store = make_order(), store_of(kit)
    customer = kit.run(order).facts.customer
    fault = Rejected("'12.00' 'R' is not money", "ArInvoice 1|C2", "Map the currency.")
    amount, code = Money(1_000, "USD"), order.purchase_order
    good = ErpDocument(
        customer, "C3", "C", code, "1", amount, NOW.date(), cursor="2026-11-03-3"
    )  # fmt: skip
    notes = [
        UnreadableRow("C1", "their own", "2026-11-03-1", fault),
        UnreadableRow("C2", code, "2026-11-03-2", fault),
        good,
    ]
    push = RefundPush(
        "acme_us", "A", Notes(notes), kit.service,  # type: ignore[arg-type]
        SqlWatermarks(store, lambda _c: NOW), SqlShelf(store, lambda _c: NOW), "ann@acme",
    )  # fmt: skip
    tally = push.poll("2026-11-02")
    assert (tally.done, tally.set_aside, tally.not_ours) == (1, 1, 1)
    (letter,) = SqlDeadLetters(store).listing()
    assert (letter.kind, letter.key) == ("credit_note", "A|C2")
    refunds = kit.service.refunds.of_order(order.order_id)
    assert [row.origin_key for row, _ in refunds] == ["C3"]


class TestOnTheSameDay:
    """Captures are voided; the hold that comes back with them is let go, too."""

    def test_the_hold_of_voided_captures_is_reversed(self, kit: Kit) -> None:
        order = make_order()
        kit.run(order)
        kit.service.cancel(order.order_id, "shop", "changed her mind")
        kit.pass_time(hours=2)
        saga = kit.service.orders.get(order.order_id)
        assert (saga.state, saga.facts.is_all_voided) == (OrderState.cancelled, True)
        assert saga.facts.is_reversed
        assert kit.partner.truth.count(EffectKind.payment_void) == 1
        assert kit.partner.truth.count(EffectKind.payment_reversal) == 1
        # What was booked is booked back: the receipt and its opposite.
        assert kit.partner.truth.count(EffectKind.ar_receipt) == 2

    def test_a_processor_that_released_it_with_the_void_leaves_nobody_stuck(self, kit: Kit) -> None:
        order = make_order()
        kit.run(order)
        kit.partner.say(EffectKind.payment_reversal, lambda it: kit.partner.do(it, released()))
        kit.service.cancel(order.order_id, "shop", "changed her mind")
        kit.pass_time(hours=2)
        saga = kit.service.orders.get(order.order_id)
        assert (saga.state, saga.facts.problem) == (OrderState.cancelled, "")
        assert "authorisation was released with the void" in kit.timeline(order)

    def test_one_paid_back_by_the_shop_after_its_invoice_holds_nothing_either(
        self, kit: Kit
    ) -> None:
        order = make_order()
        kit.run(order)
        told = Event("invoiced in SYSPRO")
        kit.service.orders.amend(order.order_id, lambda it: replace(it, invoices=("I1",)), told)
        kit.service.refund(
            order.order_id, order.amount, origin="api", origin_key="R1", who="shop", reason="gift"
        )
        kit.pass_time(hours=2)
        saga = kit.service.orders.get(order.order_id)
        assert (saga.state, saga.facts.is_reversed) == (OrderState.completed, True)
        assert saga.facts.captured_minor() == saga.facts.returned_minor == order.amount.minor

    def test_a_part_that_was_voided_leaves_the_rest_of_the_hold_to_be_captured(
        self, kit: Kit
    ) -> None:
        kit.rules = make_rules(capture_when=CaptureWhen.shipment)
        order = make_order()
        kit.run(order)
        part = Money(4_000, "USD")
        kit.service.capture(order.order_id, part, "clerk", "dispatch 1")
        kit.service.advance(order.order_id)
        kit.service.refund(
            order.order_id, part, origin="api", origin_key="R1", who="shop", reason="broken"
        )
        kit.pass_time(hours=2)
        assert kit.partner.truth.count(EffectKind.payment_void) == 1
        assert not kit.service.orders.get(order.order_id).facts.is_reversed
        kit.service.capture(order.order_id, Money(6_221, "USD"), "clerk", "dispatch 2")
        kit.pass_time(hours=1)
        facts = kit.service.orders.get(order.order_id).facts
        assert [one.is_voided for one in facts.captures] == [True, False]
        assert not facts.is_reversed


def released() -> Receipt:
    moved = Moved("", "INVALID_REQUEST", None, "TRANSACTION_ALREADY_REVERSED_OR_SETTLED")
    return Receipt("", as_evidence(moved), is_no=True)


def test_a_capture_refused_while_its_order_is_called_off_leaves_nobody_stuck(kit: Kit) -> None:
    def lost(_effect: Effect) -> Receipt:
        raise OutcomeUnknown("502", "gateway", "Look for it.")

    kit.partner.say(EffectKind.payment_capture, lost)
    kit.partner.say(EffectKind.payment_capture, lambda it: kit.partner.do(it, released()))
    order = make_order()
    kit.run(order)
    kit.service.cancel(order.order_id, "shop", "changed her mind")
    kit.pass_time(hours=2)
    saga = kit.service.orders.get(order.order_id)
    assert (saga.state, saga.facts.is_reversed) == (OrderState.cancelled, True)
    assert saga.facts.left_behind == ("capture|1",)


@pytest.mark.parametrize(
    ("customer", "is_known_order", "ends_as"),
    [
        ("C00001", False, OrderState.captured),  # another customer's own order of that number
        ("C00001", True, OrderState.cancelled),  # ours, which a clerk has moved to another customer
        ("ours", False, OrderState.cancelled),  # entered anew for the same customer
    ],
)
def test_only_what_is_the_orders_own_in_syspro_unwinds_it(
    kit: Kit, customer: str, is_known_order: bool, ends_as: OrderState
) -> None:
    order, store = make_order(), store_of(kit)
    facts = kit.run(order).facts
    found = ErpOrder(
        facts.sales_order if is_known_order else "777",
        facts.customer if customer == "ours" else customer,
        order.purchase_order, "\\", True, cursor="2026-11-03-1",
    )  # fmt: skip
    push = RefundPush(
        "acme_us", "A", OneCancelled(found), kit.service,  # type: ignore[arg-type]
        SqlWatermarks(store, lambda _c: NOW), SqlShelf(store, lambda _c: NOW), "ann@acme",
    )  # fmt: skip
    push.poll("2026-11-02")
    kit.pass_time(hours=2)
    assert kit.service.orders.get(order.order_id).state == ends_as


class EnteredAnew(OneCancelled):
    """A clerk has cancelled one sales order, after entering it once more."""

    def __init__(self, found: ErpOrder, meanwhile: Callable[[], object], **facts: object) -> None:
        super().__init__(found)
        self._meanwhile = meanwhile  # happens while we ask what stands
        self._other = replace(ErpOrder("900001", "W1", "", "1", False), **facts)  # type: ignore[arg-type]

    def orders_of(self, purchase_order: str, customer: str) -> list[ErpOrder]:
        self._meanwhile()
        return [self._found, self._other]


def cancellation_of(
    kit: Kit,
    number: str,
    purchase_order: str,
    customer: str,
    meanwhile: Callable[[], object] = lambda: None,
    **other: object,
) -> RefundPush:
    store = store_of(kit)
    found = ErpOrder(number, customer, purchase_order, "\\", True, cursor="2026-11-03-1")
    return RefundPush(
        "acme_us", "A", EnteredAnew(found, meanwhile, **other), kit.service,  # type: ignore[arg-type]
        SqlWatermarks(store, lambda _c: NOW), SqlShelf(store, lambda _c: NOW), "ann@acme",
    )  # fmt: skip


@pytest.mark.parametrize("is_complete", [False, True])  # complete, and nobody was charged for it
def test_a_person_learns_that_an_order_unwound_here_stands_anew_in_syspro(
    kit: Kit, is_complete: bool
) -> None:
    order = make_order()
    facts = kit.run(order).facts
    kit.service.cancel(order.order_id, "shopper", "changed her mind")
    kit.pass_time(hours=2)
    push = cancellation_of(
        kit, facts.sales_order, order.purchase_order, facts.customer, is_complete=is_complete
    )
    assert push.poll("2026-11-02").set_aside == 1
    (letter,) = SqlDeadLetters(store_of(kit)).listing()
    assert letter.kind == "erp_cancellation"
    assert "900001 stands under the same customer PO" in letter.reason


@pytest.mark.parametrize(
    ("payment", "status", "held_for"),
    [
        (PaymentStatus.in_review, "S", "review"),  # its end releases this one as well
        (PaymentStatus.in_review, "1", ""),
        (PaymentStatus.authorized, "S", "found in suspense"),  # a clerk's to release
    ],
)
def test_one_that_was_entered_anew_is_held_for_what_its_like_was(
    kit: Kit, payment: PaymentStatus, status: str, held_for: str
) -> None:
    asked = EffectKind.payment_authorization
    kit.partner.say(asked, lambda it: kit.partner.do(it, authorization(it, 7, payment)))
    order = make_order()
    facts = kit.run(order).facts
    push = cancellation_of(
        kit, facts.sales_order, order.purchase_order, facts.customer, status=status
    )
    assert push.poll("2026-11-02").done == 1
    facts = kit.service.orders.get(order.order_id).facts
    assert (facts.sales_order, facts.suspense_reason) == ("900001", held_for)
    assert facts.is_suspended is bool(held_for)


def test_an_order_that_is_called_off_meanwhile_does_not_go_on_as_another(kit: Kit) -> None:
    order = make_order()
    facts = kit.run(order).facts
    anew = ErpOrder("900001", facts.customer, order.purchase_order, "1", False)
    kit.erp.orders[order.purchase_order] = anew

    def shopper_cancels() -> None:
        kit.service.cancel(order.order_id, "shopper", "changed her mind")
        kit.pass_time(hours=2)

    push = cancellation_of(
        kit, facts.sales_order, order.purchase_order, facts.customer, shopper_cancels
    )
    assert push.poll("2026-11-02").set_aside == 1
    kit.pass_time(hours=2)
    saga = kit.service.orders.get(order.order_id)
    assert (saga.facts.sales_order, saga.facts.returned_minor) == (facts.sales_order, 0)
    letters = [one.reason for one in SqlDeadLetters(store_of(kit)).listing()]
    assert any("900001 stands under the same customer PO" in one for one in letters)


def test_which_sales_order_is_ours_is_not_guessed_while_its_answer_is_out(kit: Kit) -> None:
    made: list[str] = []

    def lose(effect: Effect) -> Receipt:
        made.append(kit.partner.do(effect).their_key)
        raise OutcomeUnknown("no answer", "SYSPRO", "Look.")

    order = make_order()
    kit.partner.say(EffectKind.sales_order, lose)
    facts = kit.run(order).facts
    assert (facts.sales_order, facts.open_step) == ("", "sales_order|1")
    push = cancellation_of(kit, made[0], order.purchase_order, facts.customer)
    assert push.poll("2026-11-02").set_aside == 1
    kit.pass_time(hours=2)
    assert kit.service.orders.get(order.order_id).facts.sales_order == made[0]
    again = cancellation_of(kit, made[0], order.purchase_order, facts.customer)
    assert again.read_again("2026-11-02").done == 1
    assert kit.service.orders.get(order.order_id).facts.sales_order == "900001"
    assert SqlDeadLetters(store_of(kit)).listing() == []


def test_no_money_goes_back_while_a_second_sales_order_may_ship_the_goods(kit: Kit) -> None:
    order = make_order()
    facts = kit.run(order).facts
    anew = ErpOrder("900001", facts.customer, order.purchase_order, "1", False)
    kit.erp.orders[order.purchase_order] = anew
    kit.service.cancel(order.order_id, "shopper", "changed her mind")
    kit.pass_time(hours=2)
    saga = kit.service.orders.get(order.order_id)
    assert (saga.state, saga.facts.returned_minor) == (OrderState.stuck, 0)
    assert "900001 stands under the same PO" in saga.reason
    kit.erp.orders[order.purchase_order] = replace(anew, is_cancelled=True)
    kit.pass_time(hours=1)
    saga = kit.service.orders.get(order.order_id)
    assert (saga.state, saga.facts.returned_minor) == (OrderState.cancelled, order.amount.minor)
