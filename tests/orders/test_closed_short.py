"""A sales order that SYSPRO closes with less invoiced than was paid: the rest goes back, once."""

import json
from dataclasses import replace

from include.adapters.store.dead_letters import SqlDeadLetters
from include.domain.money import Money
from include.domain.order_rules import CaptureWhen, OnClosedShort
from include.domain.order_state import OrderState
from include.domain.orders import Order
from include.services.effects.ports import EffectKind
from tests.orders.closing_site import COMPLETE, NOW, Site, closed, number_of, paid
from tests.orders.closing_site import site as site
from tests.orders.conftest import make_order
from tests.orders.test_too_late_to_cancel import refuse


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
