"""A sales order that SYSPRO closes with less invoiced than was paid: the rest goes back, once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine as Database

from include.adapters.store.dead_letters import SqlDeadLetters
from include.adapters.store.orders import SqlOrders
from include.adapters.store.watermarks import SqlShelf, SqlWatermarks
from include.domain.erp_orders import ErpDocument, ErpOrder, Shipment
from include.domain.money import Money
from include.domain.order_rules import CaptureWhen, OnClosedShort
from include.domain.order_state import OrderState
from include.domain.orders import Order
from include.services.effects.ports import EffectKind
from include.services.sync.follow_orders import OrderFollower
from include.services.sync.push_refunds import RefundPush
from tests.orders.conftest import Kit, make_order
from tests.orders.partners import FakeErp
from tests.orders.test_too_late_to_cancel import refuse

COMPLETE = "9"
NOW = datetime(2026, 11, 3, tzinfo=UTC)
GAVE = (EffectKind.payment_refund, EffectKind.payment_void)


@dataclass
class Syspro:
    """Orders and documents by customer PO, every row in every feed."""

    reader: FakeErp  # what the sagas ask
    orders: list[ErpOrder] = field(default_factory=list)
    questions: int = 0  # beside the feeds

    def show(self, order: Order, number: str, status: str, *, last: str = "") -> None:
        self.orders = [one for one in self.orders if one.sales_order != number]
        cursor = f"2026-11-03-{len(self.orders):04}"
        is_cancelled = status == "\\"
        found = ErpOrder(
            number,
            "W1",
            order.purchase_order,
            status,
            is_cancelled,
            last,
            cursor=cursor,
            is_complete=status == COMPLETE,
        )
        self.orders.append(found)

    def invoice(self, order: Order, minor: int, number: str = "I1", *, kind: str = "I") -> None:
        amount = Money(minor, order.currency)
        made = ErpDocument("W1", number, kind, order.purchase_order, "2", amount, NOW.date())
        self.reader.documents.setdefault(order.purchase_order, []).append(made)

    def orders_since(self, cursor: str) -> Sequence[ErpOrder]:
        return self.orders if cursor < "2026-11-03" else ()

    def cancelled_since(self, cursor: str) -> Sequence[ErpOrder]:
        return [one for one in self.orders_since(cursor) if one.is_cancelled]

    def credit_notes_since(self, cursor: str) -> Sequence[ErpDocument]:
        return ()

    def shipments_since(self, cursor: str) -> Sequence[Shipment]:
        return ()

    def orders_of(self, purchase_order: str, customer: str) -> Sequence[ErpOrder]:
        self.questions += 1
        return [one for one in self.orders if one.purchase_order == purchase_order]

    def documents_of(self, purchase_order: str, customer: str) -> Sequence[ErpDocument]:
        self.questions += 1
        return self.reader.documents_of(purchase_order, customer)


@dataclass
class Site:
    """The pollers of one company over the kit's store."""

    kit: Kit
    erp: Syspro

    def poll(self) -> None:
        store = self.store()
        marks, shelf = SqlWatermarks(store, lambda _c: NOW), SqlShelf(store, lambda _c: NOW)
        service = self.kit.service
        RefundPush("acme_us", "A", self.erp, service, marks, shelf, "ann@acme").read_again(
            "2026-11-02"
        )
        OrderFollower(
            "acme_us", "A", self.erp, service, lambda _shop: self.kit.engine,
            lambda _order, _saga, _note: None, marks, shelf, "ann@acme", 2,
        ).read_again("2026-11-02")  # fmt: skip
        self.kit.pass_time(hours=2)

    def store(self) -> Database:
        assert isinstance(self.kit.service.orders, SqlOrders)
        return self.kit.service.orders._engine

    def letters(self) -> list[tuple[str, str]]:
        found = SqlDeadLetters(self.store(), lambda _c: NOW).listing()
        return [(one.kind, one.reason) for one in found]

    def given(self) -> list[int]:
        return [one.amount_minor for one in self.kit.partner.truth.done if one.kind in GAVE]

    def asked(self, order: Order) -> list[tuple[str, int, str]]:
        rows = self.kit.service.refunds.of_order(order.order_id)
        return [(row.origin, row.amount.minor, saga.state) for row, saga in rows]


@pytest.fixture
def site(kit: Kit) -> Site:
    return Site(kit, Syspro(kit.erp))


def paid(site: Site, minor: int = 10_000) -> Order:
    order = make_order(minor)
    assert site.kit.run(order).facts.sales_order
    return order


def number_of(site: Site, order: Order) -> str:
    return site.kit.service.orders.get(order.order_id).facts.sales_order


def closed(site: Site, order: Order, minor: int) -> None:
    site.erp.invoice(order, minor)
    site.erp.show(order, number_of(site, order), COMPLETE, last="I1")


def test_what_was_paid_and_not_invoiced_goes_back_once(site: Site) -> None:
    order = paid(site)
    closed(site, order, 7_000)
    for _ in range(3):
        site.poll()
    assert site.given() == [3_000]
    assert site.asked(order) == [("closed_short", 3_000, "done")]
    assert site.kit.service.orders.get(order.order_id).state == OrderState.completed


def test_by_rule_a_person_is_asked_whatever_the_amount(site: Site) -> None:
    site.kit.rules = replace(site.kit.rules, on_closed_short=OnClosedShort.ask)
    order = paid(site)
    closed(site, order, 9_500)
    site.poll()
    assert site.asked(order) == [("closed_short", 500, "waiting")]
    ((row, _),) = site.kit.service.refunds.of_order(order.order_id)
    said = "was closed with 95.00 USD invoiced, 100.00 USD paid"
    assert row.reason == f"sales order {number_of(site, order)} {said}"
    site.kit.service.refunds.refuse(row.refund_id, "ann", "a deposit is kept")
    site.poll()
    assert site.asked(order) == [("closed_short", 500, "refused")]
    assert site.given() == []


def test_an_order_whose_payment_is_looked_for_is_told_and_ends_by_a_replay(site: Site) -> None:
    """A store that was put back knows the order, and SYSPRO has closed it since."""
    site.kit.partner.lose(EffectKind.payment_authorization)
    order = make_order(10_000)
    site.kit.place(order)
    site.erp.invoice(order, 7_000)
    site.erp.show(order, "000001", COMPLETE, last="I1")
    site.poll()
    ((kind, reason),) = site.letters()
    assert kind == "erp_order"
    assert "how order" in reason
    assert "was paid is not known yet" in reason
    site.erp.orders.clear()  # its payment is found by now, and its sales order known
    site.erp.show(order, number_of(site, order), COMPLETE, last="I1")
    site.poll()
    assert site.given() == [3_000]


def test_a_cent_of_rounding_is_nothing(site: Site) -> None:
    order = paid(site)
    closed(site, order, 9_998)
    site.poll()
    assert site.asked(order) == []


def test_what_somebody_gave_back_already_is_not_given_again(site: Site) -> None:
    order = paid(site)
    site.kit.service.refund(
        order.order_id, Money(2_000, "USD"), origin="api", origin_key="1", who="shop", reason="n/a"
    )
    closed(site, order, 7_000)
    site.poll()
    assert sorted(site.given()) == [1_000, 2_000]


def test_a_credit_note_of_what_was_invoiced_takes_nothing_from_the_rest(site: Site) -> None:
    order = paid(site)
    site.kit.service.refund(
        order.order_id, Money(4_000, "USD"), origin="credit_note", origin_key="C1", who="clerk",
        reason="returned",
    )  # fmt: skip
    site.erp.invoice(order, 4_000, "C1", kind="C")
    closed(site, order, 7_000)
    site.poll()
    assert sorted(site.given()) == [3_000, 4_000]


def test_captured_at_shipment_what_is_left_is_never_captured(site: Site) -> None:
    site.kit.rules = replace(site.kit.rules, capture_when=CaptureWhen.shipment)
    order = paid(site)
    number = number_of(site, order)
    site.erp.invoice(order, 4_000)
    site.erp.show(order, number, "2", last="I1")
    site.poll()
    assert site.kit.service.orders.get(order.order_id).state == OrderState.captured
    site.erp.show(order, number, COMPLETE, last="I1")
    site.poll()
    saga = site.kit.service.orders.get(order.order_id)
    assert (saga.state, saga.facts.captured_minor()) == (OrderState.completed, 4_000)
    assert site.asked(order) == []


def test_a_row_that_was_worked_on_costs_no_more_questions(site: Site) -> None:
    order = paid(site)
    closed(site, order, 7_000)
    site.poll()
    site.erp.questions = 0
    site.poll()
    assert site.erp.questions == 0
    site.erp.invoice(order, 1_000, "I2")  # which SYSPRO does to no complete order, but who knows
    site.erp.show(order, number_of(site, order), COMPLETE, last="I2")
    site.poll()
    assert site.erp.questions
    assert "I2" in site.kit.service.orders.get(order.order_id).facts.invoices


def test_goods_that_wait_on_another_order_are_not_given_back(site: Site) -> None:
    order = paid(site)
    closed(site, order, 7_000)
    site.erp.show(order, "9", "1")
    site.poll()
    assert site.asked(order) == []
    site.erp.invoice(order, 2_500, "I2")
    site.erp.show(order, "9", COMPLETE, last="I2")
    site.poll()
    assert site.asked(order) == [("closed_short", 500, "done")]


def test_an_invoice_that_is_not_shown_is_not_taken_for_none(site: Site) -> None:
    order = paid(site)
    site.erp.show(order, number_of(site, order), COMPLETE, last="I1")
    site.poll()
    assert (site.asked(order), site.letters()) == ([], [])


def test_an_order_closed_without_an_invoice_waits_for_a_person_to_cancel_it(site: Site) -> None:
    order = paid(site)
    site.erp.show(order, number_of(site, order), COMPLETE)
    site.poll()
    ((kind, reason),) = site.letters()
    assert kind == "erp_order"
    assert "closed with nothing invoiced" in reason
    assert site.given() == []
    site.kit.service.cancel(order.order_id, "ann", "closed in SYSPRO")
    site.poll()
    assert site.kit.service.orders.get(order.order_id).state == OrderState.cancelled
    assert (site.given(), site.letters()) == ([10_000], [])


def test_a_surplus_order_that_is_cancelled_cancels_nothing(site: Site) -> None:
    order = paid(site)
    site.erp.show(order, number_of(site, order), "1")
    site.erp.show(order, "9", "\\")
    site.poll()
    saga = site.kit.service.orders.get(order.order_id)
    assert (saga.state, saga.facts.stop) == (OrderState.captured, None)
    site.erp.show(order, number_of(site, order), "\\")
    site.poll()
    assert site.kit.service.orders.get(order.order_id).state == OrderState.cancelled
    assert site.given() == [10_000]


def test_an_order_that_is_entered_anew_is_followed_under_its_new_number(site: Site) -> None:
    order = paid(site)
    site.erp.show(order, number_of(site, order), "\\")
    site.erp.show(order, "9", "S")
    site.kit.erp.orders[order.purchase_order] = site.erp.orders[-1]
    site.poll()
    saga = site.kit.service.orders.get(order.order_id)
    assert (saga.state, saga.reason) == (OrderState.captured, "held in SYSPRO")  # a clerk sees it
    site.erp.show(order, "9", "1")
    site.kit.erp.orders[order.purchase_order] = site.erp.orders[-1]
    site.poll()
    saga = site.kit.service.orders.get(order.order_id)
    assert (saga.state, saga.facts.sales_order) == (OrderState.captured, "9")
    site.erp.show(order, "9", "\\")
    site.poll()
    assert site.kit.service.orders.get(order.order_id).state == OrderState.cancelled


def test_an_invoice_that_rounds_up_by_a_cent_is_captured_as_far_as_it_was_approved(
    site: Site,
) -> None:
    site.kit.rules = replace(site.kit.rules, capture_when=CaptureWhen.shipment)
    exact, far = paid(site), paid(site)
    for order, minor, number in ((exact, 10_001, "I1"), (far, 10_100, "I2")):
        site.erp.invoice(order, minor, number)
        site.erp.show(order, number_of(site, order), COMPLETE, last=number)
    site.poll()
    saga = site.kit.service.orders.get(exact.order_id)
    assert (saga.state, saga.facts.captured_minor()) == (OrderState.completed, 10_000)
    ((kind, reason),) = site.letters()  # a person decides what becomes of a dollar
    assert kind == "erp_order"
    assert "101.00 USD cannot be captured" in reason


def test_the_rest_of_an_invoice_stays_told_when_the_hold_is_charged_before_it_lapses(
    site: Site,
) -> None:
    site.kit.rules = replace(site.kit.rules, capture_when=CaptureWhen.shipment)
    order = paid(site)
    closed(site, order, 12_000)
    site.poll()
    site.kit.pass_time(days=7)
    site.poll()
    assert site.kit.service.orders.get(order.order_id).facts.captured_minor() == 10_000
    beyond = ("erp_order", "invoiced 120.00 USD, and no more than 100.00 USD is charged")
    assert [(kind, reason.partition(":")[0]) for kind, reason in site.letters()] == [beyond]
    letters = SqlDeadLetters(site.store(), lambda _c: NOW)
    (letter,) = letters.listing()
    letters.resolve(letter.dead_letter_id, "ann", "she paid the rest by cheque")
    site.poll()
    assert site.letters() == []


def test_the_rest_of_what_had_left_before_it_was_called_off_is_told(site: Site) -> None:
    site.kit.rules = replace(site.kit.rules, capture_when=CaptureWhen.shipment)
    order = paid(site)
    site.erp.invoice(order, 12_000)
    site.erp.show(order, number_of(site, order), "\\", last="I1")
    site.poll()
    site.poll()
    assert site.kit.service.orders.get(order.order_id).facts.captured_minor() == 10_000
    ((kind, reason),) = site.letters()
    assert kind == "erp_order"
    assert reason.startswith("invoiced 120.00 USD, and no more than 100.00 USD is charged")


def test_what_is_invoiced_after_what_had_left_was_counted_is_told(site: Site) -> None:
    site.kit.rules = replace(site.kit.rules, capture_when=CaptureWhen.shipment)
    order = paid(site)
    for minor, name in ((6_000, "I1"), (3_000, "I2")):
        site.erp.invoice(order, minor, name)
        site.erp.show(order, number_of(site, order), "\\", last=name)
        site.poll()
    assert site.kit.service.orders.get(order.order_id).facts.captured_minor() == 6_000
    ((kind, reason),) = site.letters()
    assert kind == "erp_order"
    assert reason.startswith("invoiced 90.00 USD, and no more than 60.00 USD is charged")


def test_an_order_captured_at_once_stays_so_when_the_rule_is_changed(site: Site) -> None:
    order = paid(site)
    site.kit.rules = replace(site.kit.rules, capture_when=CaptureWhen.shipment)
    closed(site, order, 10_000)
    site.poll()
    assert site.letters() == []
    assert site.kit.service.orders.get(order.order_id).state == OrderState.completed


def test_a_cancellation_under_way_is_made_of_the_order_that_stands(site: Site) -> None:
    order = paid(site)
    site.kit.partner.say(EffectKind.sales_order_move, refuse)
    site.kit.service.cancel(order.order_id, "shop", "changed her mind")
    assert site.kit.service.advance(order.order_id).state == OrderState.stuck
    site.erp.show(order, number_of(site, order), "\\")
    site.erp.show(order, "9", "1")
    site.poll()
    assert site.kit.service.orders.get(order.order_id).state == OrderState.cancelled
    moves = [one for one in site.kit.partner.truth.done if one.kind is EffectKind.sales_order_move]
    assert [json.loads(one.payload)["sales_order"] for one in moves] == ["9"]


def test_an_order_closed_without_an_invoice_ends_when_all_of_it_has_gone_back(site: Site) -> None:
    before, after = paid(site), paid(site)
    give_back(site, before)
    for order in (before, after):
        site.erp.show(order, number_of(site, order), COMPLETE)
    site.poll()
    ((_, reason),) = site.letters()
    assert after.order_id in reason
    give_back(site, after)  # as the shop's own people do, who know nothing of the letter
    site.poll()
    for order in (before, after):
        assert site.kit.service.orders.get(order.order_id).state == OrderState.cancelled
    assert (site.given(), site.letters()) == ([10_000, 10_000], [])


def give_back(site: Site, order: Order) -> None:
    site.kit.service.refund(
        order.order_id, Money(10_000, "USD"), origin="shop", origin_key="1", who="shop poller",
        reason="refunded in the shop",
    )  # fmt: skip
    site.kit.pass_time(hours=1)


def test_what_a_person_has_resolved_is_not_set_aside_at_every_poll(site: Site) -> None:
    order = paid(site)
    site.erp.show(order, number_of(site, order), COMPLETE)
    site.poll()
    letters = SqlDeadLetters(site.store(), lambda _c: NOW)
    (letter,) = letters.listing()
    letters.resolve(letter.dead_letter_id, "ann", "it will be invoiced by hand")
    site.poll()
    assert site.letters() == []
