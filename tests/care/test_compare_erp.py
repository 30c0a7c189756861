"""SYSPRO's lists held against our orders: missing, unpaid, cancelled and differing ones."""

from dataclasses import replace

import pytest

from include.adapters.store.dead_letters import SqlDeadLetters
from include.domain.erp_orders import ErpDocument, ErpOrder
from include.domain.errors import Illegible, Rejected, Retryable
from include.domain.money import Money
from include.domain.order_state import OrderState
from include.domain.orders import Order, PaymentMethod, PaymentSource
from include.services.effects.ports import Effect, EffectKind, Found, Receipt
from include.services.orders.sagas import Event
from tests.care.systems import DAY, Systems
from tests.care.systems import systems as systems
from tests.orders.conftest import make_order


def test_a_paid_order_without_sales_order_is_driven_again(systems: Systems) -> None:
    def stay_down(_effect: Effect) -> Receipt:
        raise Retryable("refused", "SYSPRO", "Wait.")

    kit, order = systems.care.kit, make_order()
    kit.partner.say(EffectKind.sales_order, stay_down)
    kit.run(order)
    assert kit.service.orders.get(order.order_id).facts.sales_order == ""
    assert systems.run().set_aside == 0  # the comparison's own push was enough
    assert kit.service.orders.get(order.order_id).facts.sales_order
    assert kit.partner.truth.count(EffectKind.sales_order) == 1


def test_a_paid_order_that_syspro_refuses_is_set_aside_with_its_amount(systems: Systems) -> None:
    def refuse(_effect: Effect) -> Receipt:
        raise Rejected("price must be numeric", "SYSPRO", "Correct it.")

    order = make_order()
    systems.care.kit.partner.say(EffectKind.sales_order, refuse)
    systems.care.kit.run(order)
    assert systems.run().set_aside == 1
    found = {one.kind: one.amount_minor for one in systems.care.letters.listing()}
    assert found["erp_missing"] == 10_221


def test_a_sales_order_that_vanished_from_syspro_is_set_aside(systems: Systems) -> None:
    order = make_order()
    systems.care.kit.run(order)
    truth = systems.care.kit.partner.truth
    del truth.answers[EffectKind.sales_order, order.purchase_order]
    assert systems.run().set_aside == 1
    assert systems.letters() == ["erp_missing"]


def free_order() -> Order:
    """Make one that costs nothing, and that nobody pays."""
    nothing, order = Money(0, "USD"), make_order()
    lines = tuple(replace(line, net=nothing) for line in order.lines)
    payment = PaymentSource(PaymentMethod.none)
    return replace(order, amount=nothing, lines=lines, payment=payment)


def test_a_free_order_needs_no_payment_to_stand(systems: Systems) -> None:
    order = free_order()
    systems.care.kit.run(order)
    systems.book(order)
    assert systems.run().set_aside == 0
    assert order.purchase_order in systems.asked_together[0]


def test_a_sales_order_of_a_free_order_that_vanished_is_set_aside(systems: Systems) -> None:
    order = free_order()
    systems.care.kit.run(order)
    truth = systems.care.kit.partner.truth
    del truth.answers[EffectKind.sales_order, order.purchase_order]
    assert systems.run().set_aside == 1
    (letter,) = systems.care.letters.listing()
    assert letter.kind == "erp_missing"
    assert letter.reason.startswith("free, yet SYSPRO has no sales order")


def test_what_another_merchant_of_the_company_has_booked_is_its_own_night(
    systems: Systems,
) -> None:
    order = replace(free_order(), merchant_id="acme_too")
    systems.care.kit.run(order)
    del systems.care.kit.partner.truth.answers[EffectKind.sales_order, order.purchase_order]
    assert systems.run().set_aside == 0
    assert systems.care.letters.listing() == []


def paid_in_turn(systems: Systems) -> list[Order]:
    """Have two orders paid, in the order in which they are compared."""
    made = sorted((make_order(number=one) for one in "12"), key=lambda it: it.order_id)
    for order in made:
        systems.care.kit.run(order)
    return made


def test_a_receipt_that_cannot_be_read_is_its_own_orders_and_keeps_no_other_waiting(
    systems: Systems, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = systems.care.kit
    first, second = paid_in_turn(systems)
    del kit.partner.truth.answers[EffectKind.sales_order, second.purchase_order]
    look, place = kit.partner.look, (EffectKind.ar_receipt, f"{first.order_id}|receipt|1")

    def garbled(effect: Effect) -> tuple[Found, ...]:
        if (effect.kind, effect.key) == place:
            raise Illegible("an amount '1,0,0'", "SYSPRO read-back", "Read it by hand.")
        return look(effect)

    monkeypatch.setattr(kit.partner, "look", garbled)
    systems.run()
    letters = {one.key: one for one in systems.care.letters.listing()}
    said = "what SYSPRO shows cannot be read (an amount '1,0,0')"
    assert said in letters[first.order_id].reason
    assert letters[second.order_id].kind == "erp_missing"  # it was compared all the same


def test_an_invoice_that_cannot_be_read_is_its_own_orders_and_keeps_no_other_waiting(
    systems: Systems, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = systems.care.kit
    first, second = paid_in_turn(systems)
    for order in (first, second):
        code = order.purchase_order
        kit.erp.documents[code] = [ErpDocument("W1", "100", "I", code, "1", order.amount, DAY)]
    kit.pass_time(hours=7)
    del kit.partner.truth.answers[EffectKind.sales_order, second.purchase_order]

    def garbled(_purchase_order: str, _customer: str) -> list[ErpDocument]:
        raise Rejected("an amount '1,0,0'", "ArInvoice W1|100", "Get a new file.")

    monkeypatch.setattr(systems, "documents_of", garbled)
    systems.run()
    letters = {one.key: one for one in systems.care.letters.listing()}
    said = "ArInvoice W1|100: what SYSPRO shows cannot be read (an amount '1,0,0') (at"
    assert letters[first.order_id].reason.startswith(said)
    assert letters[second.order_id].kind == "erp_missing"  # it was compared all the same


def test_two_sales_orders_for_one_order_are_set_aside(systems: Systems) -> None:
    order = make_order()
    systems.care.kit.run(order)
    systems.book(order)
    systems.book(order, sales_order="777777", cursor="2026-11-03-777777")
    assert systems.run().set_aside == 1
    (letter,) = systems.care.letters.listing()
    assert (letter.kind, letter.key) == ("erp_unpaid", "A|777777")


def test_a_sales_order_under_our_prefix_that_nobody_paid_is_set_aside_until_it_is_cancelled(
    systems: Systems,
) -> None:
    typed = ErpOrder("000077", "C", "W4711", "1", False, cursor="2026-11-03-77")
    systems.erp_orders["000077"] = typed
    assert systems.run().set_aside == 1
    assert systems.letters() == ["erp_unpaid"]
    systems.erp_orders["000077"] = replace(typed, is_cancelled=True)
    assert systems.run().set_aside == 0
    assert systems.letters() == []


def test_a_sales_order_whose_payment_was_reversed_is_set_aside(systems: Systems) -> None:
    order = make_order()
    systems.care.kit.run(order)
    systems.care.kit.service.cancel(order.order_id, "ann", "fraud")
    systems.care.kit.pass_time(hours=1)
    systems.book(order)  # a clerk has reopened it
    facts = systems.care.kit.service.orders.get(order.order_id).facts
    assert facts.is_order_cancelled

    def reopen(known: object) -> object:
        return replace(known, is_order_cancelled=False)  # type: ignore[type-var]

    systems.care.kit.service.orders.amend(order.order_id, reopen, Event("reopened"))  # type: ignore[arg-type]
    systems.run()
    # Our own saga cancels it again, by the normal path; then there is nothing to set aside.
    assert systems.letters() == []


def test_a_clerks_cancellation_that_no_poll_saw_gives_the_money_back(systems: Systems) -> None:
    order = make_order()
    systems.care.kit.run(order)
    systems.book(order, is_cancelled=True)
    assert systems.run().set_aside == 0
    systems.care.kit.pass_time(hours=1)
    assert systems.state(order) == OrderState.cancelled
    facts = systems.care.kit.service.orders.get(order.order_id).facts
    assert facts.returned_minor == order.amount.minor


@pytest.mark.parametrize(
    ("invoiced", "is_strange"),
    [(10_221, False), (10_223, False), (10_224, True), (9_000, True)],
)
def test_an_invoice_may_differ_from_the_capture_by_the_tolerance_only(
    systems: Systems, invoiced: int, *, is_strange: bool
) -> None:
    order = make_order()
    systems.care.kit.run(order)
    invoice = ErpDocument("W1", "100", "I", order.purchase_order, "1", Money(invoiced, "USD"), DAY)
    systems.care.kit.erp.documents[order.purchase_order] = [invoice]
    systems.care.kit.pass_time(hours=7)
    assert systems.state(order) == OrderState.completed
    assert systems.run().set_aside == int(is_strange)
    assert systems.letters() == (["erp_difference"] if is_strange else [])


def test_what_goes_back_because_it_was_never_invoiced_is_no_difference(systems: Systems) -> None:
    kit, order = systems.care.kit, make_order(10_000)
    kit.run(order)
    systems.book(order)
    amount = Money(7_000, "USD")
    invoice = ErpDocument("W1", "100", "I", order.purchase_order, "1", amount, DAY)
    kit.erp.documents[order.purchase_order] = [invoice]
    kit.pass_time(hours=8)
    systems.run()
    assert systems.letters() == ["erp_difference"]
    kit.service.refund(
        order.order_id, Money(3_000, "USD"), origin="closed_short", origin_key="1", who="SYSPRO",
        reason="closed short", is_asked=True,
    )  # fmt: skip
    systems.run()
    assert systems.letters() == []  # it is under way, and has an owner of its own


def test_a_credit_note_committed_behind_the_watermark_is_refunded_once_at_night(
    systems: Systems,
) -> None:
    kit, order = systems.care.kit, make_order()
    customer = kit.run(order).facts.customer
    amount = Money(1_000, "USD")
    late = ErpDocument(
        customer, "C1", "C", order.purchase_order, "1", amount, DAY, "2026-11-03-1"
    )  # fmt: skip
    other = replace(late, invoice="C2", customer="C00001", cursor="2026-11-03-3")
    systems.care.watermarks.move("credit_notes|A|acme_us", "2026-11-03-2")
    systems.credit_notes = [late, other]
    systems.run()
    systems.run()
    assert [row.origin_key for row, _ in kit.service.refunds.of_order(order.order_id)] == ["C1"]
    letters = SqlDeadLetters(systems.care.store)
    (letter,) = (one for one in letters.listing() if one.kind == "credit_note")
    letters.resolve(letter.dead_letter_id, "cli:ann", "the other customer's own number")
    systems.run()
    assert "credit_note" not in systems.letters()  # who has dealt with it is not asked each night
