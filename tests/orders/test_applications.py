"""Receipts of an order pay its invoices: oldest first, once, never more than is left of either."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from include.domain.canonical import from_json
from include.domain.erp_orders import ApplyReceipt, BookReceipt, ErpDocument
from include.domain.errors import OutcomeUnknown, Rejected, Retryable
from include.domain.money import Money
from include.domain.order_rules import CaptureWhen
from include.domain.order_state import Application, Captured, OrderFacts, OrderState
from include.domain.orders import Order
from include.services.effects.ports import Effect, EffectKind, EffectState, Receipt
from include.services.orders.applications import plan, receipt_reference
from include.services.orders.sagas import Event
from tests.orders.conftest import Kit, make_order
from tests.orders.partners import PlainTranslator, make_rules

APPLICATION = EffectKind.ar_application
DAY = date(2026, 11, 3)


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def invoice(order: Order, minor: int, left: int | None = None, name: str = "I1") -> ErpDocument:
    shown = usd(minor if left is None else left)
    return ErpDocument("W1", name, "I", order.purchase_order, "3", usd(minor), DAY, left=shown)


def receipt(order: Order, minor: int, left: int | None = None, capture: int = 1) -> ErpDocument:
    shown = usd(minor if left is None else left)
    reference = receipt_reference(order, capture)
    return ErpDocument("W1", f"_CRD0{capture}", "C", reference, "", usd(minor), DAY, left=shown)


def keep(kit: Kit, order: Order, *documents: ErpDocument) -> None:
    """Have SYSPRO show an order's documents."""
    kit.erp.is_applying = True
    kit.erp.documents[order.purchase_order] = [one for one in documents if one.document_type == "I"]
    kit.erp.receipts |= {one.purchase_order: one for one in documents if one.document_type == "C"}


def applied(kit: Kit) -> list[tuple[str, int]]:
    """Return what SYSPRO was told to apply: invoice and minor units."""
    commands = [
        from_json(ApplyReceipt, one.payload)
        for one in kit.partner.truth.done
        if one.kind is APPLICATION
    ]
    return [(one.invoice, one.amount.minor) for one in commands]


def invoiced(kit: Kit, order: Order, *documents: ErpDocument) -> None:
    kit.run(order)
    keep(kit, order, *documents)
    kit.pass_time(hours=7)


# The saga ---------------------------------------------------------------------------------------


def test_a_receipt_is_applied_to_the_invoice_and_then_the_shop_is_told(kit: Kit) -> None:
    order = make_order()
    invoiced(kit, order, invoice(order, 10_221), receipt(order, 10_221))
    assert applied(kit) == [("I1", 10_221)]
    assert kit.partner.truth.kinds()[-2:] == ["ar_application", "shop_order_update"]
    saga = kit.service.orders.get(order.order_id)
    assert saga.state == OrderState.completed
    assert "receipt applied" in kit.timeline(order)
    kit.pass_time(hours=20)
    assert applied(kit) == [("I1", 10_221)]


def test_an_application_names_the_receipt_by_its_own_reference(kit: Kit) -> None:
    order = make_order()
    invoiced(kit, order, invoice(order, 10_221), receipt(order, 10_221))
    booked = [one for one in kit.partner.truth.done if one.kind is EffectKind.ar_receipt]
    (effect,) = (one for one in kit.partner.truth.done if one.kind is APPLICATION)
    command = from_json(ApplyReceipt, effect.payload)
    assert command.receipt_reference == booked[0].reference
    assert effect.reference != booked[0].reference
    assert (command.customer, command.bank) == ("W" + order.number.zfill(6), "CLRUS")


def test_an_application_needs_no_rate_of_its_own_day(kit: Kit) -> None:
    """It moves no money; the rate of its receipt was that of another day."""

    class Dated(PlainTranslator):
        def receipt(self, *asked: Any) -> BookReceipt:
            if asked[3] != kit.today:
                raise Rejected("the rate EUR to USD is too old", "fx_rates.yaml", "Add the line.")
            return super().receipt(*asked)

    of, dated = kit.service.desk_of, Dated()
    kit.service = replace(kit.service, desk_of=lambda s: replace(of(s), translator=dated))
    order = make_order()
    kit.run(order)
    keep(kit, order, invoice(order, 10_221), receipt(order, 10_221))
    captured, later = kit.today, date(2026, 12, 24)
    kit.service = replace(
        kit.service, desk_of=lambda s: replace(of(s), translator=dated, today=later)
    )
    kit.pass_time(hours=7)
    assert (kit.today, applied(kit)) == (captured, [("I1", 10_221)])


def test_a_site_that_applies_receipts_itself_is_not_asked(kit: Kit) -> None:
    order = make_order()
    kit.run(order)
    kit.erp.documents[order.purchase_order] = [invoice(order, 10_221)]
    kit.pass_time(hours=7)
    assert kit.service.orders.get(order.order_id).state == OrderState.completed
    assert applied(kit) == []


def test_what_a_person_has_applied_already_is_left_alone(kit: Kit) -> None:
    order = make_order()
    invoiced(kit, order, invoice(order, 10_221, left=0), receipt(order, 10_221, left=0))
    assert applied(kit) == []
    assert kit.service.orders.get(order.order_id).state == OrderState.completed


def test_a_refused_application_holds_up_neither_the_order_nor_the_shop(kit: Kit) -> None:
    def refuse(_effect: Effect) -> Receipt:
        raise Rejected("receipt _CRD01 has nothing left", "SYSPRO", "See the account.")

    kit.partner.say(APPLICATION, refuse)
    order = make_order()
    invoiced(kit, order, invoice(order, 10_221), receipt(order, 10_221))
    saga = kit.service.orders.get(order.order_id)
    assert (saga.state, saga.facts.shop_told_state) == (OrderState.completed, "completed")
    effect = kit.engine.find(APPLICATION, f"{order.order_id}|apply|1")
    assert effect is not None
    assert (effect.state, effect.owner) == (EffectState.rejected, "orders@acme.example")
    kit.pass_time(hours=20)
    assert applied(kit) == []  # nobody tries again but a person
    kit.engine.replay(APPLICATION, effect.key, "controller")
    kit.engine.advance(APPLICATION, effect.key)
    assert applied(kit) == [("I1", 10_221)]


def test_a_lost_answer_applies_once_and_the_order_goes_on(kit: Kit) -> None:
    def lose(effect: Effect) -> Receipt:
        kit.partner.do(effect)
        raise OutcomeUnknown("no answer", "SYSPRO", "Look.")

    kit.partner.say(APPLICATION, lose)
    order = make_order()
    invoiced(kit, order, invoice(order, 10_221), receipt(order, 10_221))
    assert kit.service.orders.get(order.order_id).state == OrderState.completed
    kit.pass_time(hours=2)
    assert applied(kit) == [("I1", 10_221)]
    effect = kit.engine.find(APPLICATION, f"{order.order_id}|apply|1")
    assert effect is not None
    assert effect.state is EffectState.verified


def second_seen(kit: Kit, order: Order) -> None:
    """Let the poller see a second invoice, and the order go on."""
    kit.service.orders.amend(
        order.order_id,
        lambda facts: replace(facts, invoices=("I1", "I2")),
        Event("seen in SYSPRO"),
    )
    kit.service.advance(order.order_id)


def has_nothing_left(_effect: Effect) -> Receipt:
    raise Rejected("invoice I1 has nothing left", "SYSPRO", "See the account.")


def test_a_later_invoice_gets_the_rest_of_the_receipt(kit: Kit) -> None:
    order = make_order()
    first = invoice(order, 4_000)
    invoiced(kit, order, first, receipt(order, 10_221))
    assert applied(kit) == [("I1", 4_000)]
    second = invoice(order, 6_221, name="I2")
    keep(kit, order, replace(first, left=usd(0)), second, receipt(order, 10_221, left=6_221))
    second_seen(kit, order)
    assert applied(kit) == [("I1", 4_000), ("I2", 6_221)]


def test_captures_at_shipment_each_pay_what_is_open(kit: Kit) -> None:
    kit.rules = make_rules(capture_when=CaptureWhen.shipment)
    order = make_order()
    kit.run(order)
    keep(kit, order, invoice(order, 4_000), receipt(order, 4_000))
    kit.service.capture(order.order_id, usd(4_000), "SYSPRO", "invoice I1")
    kit.service.advance(order.order_id)
    kit.pass_time(hours=7)
    saga = kit.service.orders.get(order.order_id)
    assert (saga.state, applied(kit)) == (OrderState.captured, [("I1", 4_000)])


def test_an_erp_that_cannot_be_asked_is_asked_again(kit: Kit) -> None:
    order = make_order()
    kit.run(order)
    keep(kit, order, invoice(order, 10_221), receipt(order, 10_221))
    kit.erp.fault = Retryable("down", "SYSPRO", "Wait.")
    kit.pass_time(hours=7)
    assert applied(kit) == []
    kit.erp.fault = None
    kit.pass_time(minutes=10)
    assert applied(kit) == [("I1", 10_221)]


def test_documents_nobody_can_read_end_as_an_effect_not_as_a_stuck_order(kit: Kit) -> None:
    order = make_order()
    kit.run(order)
    kit.erp.is_applying = True
    kit.service.orders.amend(
        order.order_id, lambda facts: replace(facts, invoices=("I9",)), Event("seen in SYSPRO")
    )
    kit.erp.fault = Rejected("a document without a date", "ArInvoice", "Look at it.")
    kit.service.advance(order.order_id)
    assert kit.service.orders.get(order.order_id).state == OrderState.completed
    assert applied(kit) == [("I9", 10_221)]  # a real partner finds the fault again, and refuses


def test_a_later_invoice_is_paid_though_nobody_can_read_the_documents_then(kit: Kit) -> None:
    order = make_order()
    invoiced(kit, order, invoice(order, 4_000), receipt(order, 10_221))
    kit.erp.fault = Rejected("a document without a date", "ArInvoice", "Look at it.")
    second_seen(kit, order)
    assert applied(kit) == [("I1", 4_000), ("I2", 6_221)]


def test_what_was_refused_is_open_again_though_nobody_can_read_the_documents_then(
    kit: Kit,
) -> None:
    kit.partner.say(APPLICATION, has_nothing_left)
    order = make_order()
    invoiced(kit, order, invoice(order, 4_000), receipt(order, 10_221))
    kit.erp.fault = Rejected("a document without a date", "ArInvoice", "Look at it.")
    second_seen(kit, order)
    assert applied(kit) == [("I2", 10_221)]


def test_what_was_refused_is_open_again_for_a_later_invoice(kit: Kit) -> None:
    kit.partner.say(APPLICATION, has_nothing_left)
    order = make_order()
    invoiced(kit, order, invoice(order, 4_000), receipt(order, 10_221))
    paid = invoice(order, 4_000, left=0)  # by somebody else
    keep(kit, order, paid, invoice(order, 10_000, name="I2"), receipt(order, 10_221))
    second_seen(kit, order)
    assert applied(kit) == [("I2", 10_000)]


# The plan ---------------------------------------------------------------------------------------


def facts_of(*taken: int, made: tuple[Application, ...] = ()) -> OrderFacts:
    captures = tuple(
        Captured(number, f"{number}", usd(minor), DAY, receipt="2026/11/1")
        for number, minor in enumerate(taken, 1)
    )
    return OrderFacts(captures=captures, invoices=("I1",), applications=made)


def pairs(planned: tuple[Application, ...]) -> list[tuple[int, str, int]]:
    return [(one.capture, one.invoice, one.amount.minor) for one in planned]


@pytest.mark.parametrize(
    ("captures", "invoices", "expected"),
    [
        ((100,), ((100, 100),), [(1, "I1", 100)]),
        ((100,), ((60, 60), (40, 40)), [(1, "I1", 60), (1, "I2", 40)]),
        ((30, 70), ((60, 60), (40, 40)), [(1, "I1", 30), (2, "I1", 30), (2, "I2", 40)]),
        ((100,), ((150, 150),), [(1, "I1", 100)]),
        ((100,), ((100, 20),), [(1, "I1", 20)]),  # 80 of it were paid by somebody else
        ((100,), ((100, 0),), []),
        ((100,), ((100, -5),), []),
        ((100,), (), []),
    ],
)
def test_each_receipt_pays_the_oldest_invoice_first(
    captures: tuple[int, ...],
    invoices: tuple[tuple[int, int], ...],
    expected: list[tuple[int, str, int]],
) -> None:
    order = make_order()
    shown = [invoice(order, a, left, f"I{n}") for n, (a, left) in enumerate(invoices, 1)]
    booked = [receipt(order, minor, capture=n) for n, minor in enumerate(captures, 1)]
    known = {one.purchase_order: one for one in booked}
    planned = plan(order, facts_of(*captures), shown[::-1], known)
    assert pairs(planned) == expected
    for one in planned:  # always all that is left of one side: a copy of it finds nothing
        assert one.amount in (one.receipt_left, one.invoice_left)


def test_what_is_under_way_counts_though_no_balance_shows_it_yet() -> None:
    order = make_order()
    made = (Application(1, 1, "I1", usd(60), usd(100), usd(60), is_begun=True),)
    shown = [invoice(order, 60), invoice(order, 100, name="I2")]
    known = {receipt_reference(order, 1): receipt(order, 100)}
    planned = plan(order, facts_of(100, made=made), shown, known)
    assert [(one.number, *pairs((one,))[0]) for one in planned] == [(2, 1, "I2", 40)]


def test_a_receipt_pays_an_invoice_once_whatever_became_of_it() -> None:
    order = make_order()
    made = (Application(1, 1, "I1", usd(60), usd(60), usd(100), is_begun=True),)
    known = {receipt_reference(order, 1): receipt(order, 100)}
    assert plan(order, facts_of(100, made=made), [invoice(order, 100)], known) == ()


def test_a_receipt_that_syspro_does_not_show_is_unknown_and_still_planned() -> None:
    order = make_order()
    planned = plan(order, facts_of(100), [invoice(order, 100)], {})
    assert pairs(planned) == [(1, "I1", 100)]


def test_more_than_is_left_cannot_even_be_written_down() -> None:
    with pytest.raises(ValueError, match="more than is left"):
        ApplyReceipt("A", "C", "W1", "TO1", "I1", usd(101), usd(100), usd(200), "CLRUS", DAY)
