"""Gateway, orders and SYSPRO held against each other: repaired or set aside, never lost."""

from dataclasses import replace

import pytest

from include.adapters.store.dead_letters import SqlDeadLetters
from include.domain.canonical import from_json
from include.domain.erp_orders import ErpDocument, ErpOrder
from include.domain.errors import OutcomeUnknown, Rejected, Retryable
from include.domain.money import Money
from include.domain.order_state import OrderState
from include.domain.orders import Order, PaymentMethod, PaymentSource
from include.domain.payments import Authorized, Moved, PaymentStatus, Reverse, Void
from include.services.comparing.ports import Did, GatewayRow
from include.services.comparing.reverse_duplicate import reverse_duplicate
from include.services.effects.ports import Effect, EffectKind, Found, Receipt
from include.services.orders.driver import Event
from tests.care.conftest import Care
from tests.care.systems import DAY, DID, Systems
from tests.orders.conftest import make_order
from tests.orders.partners import as_evidence, authorization


@pytest.fixture
def systems(care: Care) -> Systems:
    return Systems(care)


def lose(effect: Effect) -> Receipt:
    raise OutcomeUnknown("no answer", "gateway", "Look.")


def copy_of(systems: Systems, kind: EffectKind, request_id: str = "9" * 22) -> GatewayRow:
    """A second request of the same effect, as a middle box makes one."""
    effect = next(one for one in systems.care.kit.partner.truth.done if one.kind is kind)
    amount = Money(effect.amount_minor, effect.currency)
    return GatewayRow(request_id, DID[kind.value], effect.reference, "", amount)


# What fits ---------------------------------------------------------------------------------------


def test_a_good_day_fits_in_both_directions(systems: Systems) -> None:
    for _ in range(3):
        order = make_order()
        systems.care.kit.run(order)
        systems.book(order)
    tally = systems.run()
    # 6 requests, the same 6 by our own list, 3 sales orders, 3 orders.
    assert str(tally) == "18 read: 18 done, 0 set aside, 0 not ours"
    assert systems.letters() == []


def test_a_decline_is_nothing_to_look_for(systems: Systems) -> None:
    kit = systems.care.kit
    kit.partner.say(
        EffectKind.payment_authorization,
        lambda it: kit.partner.do(it, authorization(it, 1, PaymentStatus.declined, None)),
    )
    kit.run(make_order())
    assert systems.run().set_aside == 0


def test_a_cancelled_order_that_gave_everything_back_fits(systems: Systems) -> None:
    order = make_order()
    systems.care.kit.run(order)
    systems.book(order, is_cancelled=True)
    systems.care.kit.service.cancel(order.order_id, "ann", "changed her mind")
    systems.care.kit.pass_time(hours=1)
    assert systems.state(order) == OrderState.cancelled
    assert systems.run().set_aside == 0


def test_other_trade_of_the_account_is_not_ours(systems: Systems) -> None:
    foreign = GatewayRow("8" * 22, Did.capture, "theirs", "POS-17", Money(500, "USD"))
    systems.more_rows.append(foreign)
    systems.erp_orders["1"] = ErpOrder("1", "C", "WALMART", "1", False, cursor="2026-11-03-1")
    assert systems.run().not_ours == 2
    assert systems.letters() == []


# Gateway against us ------------------------------------------------------------------------------


def test_a_lost_answer_is_learned_from_the_gateways_list(systems: Systems) -> None:
    kit, order = systems.care.kit, make_order()

    def commit_and_lose(effect: Effect) -> Receipt:
        kit.partner.do(effect)
        raise OutcomeUnknown("no answer", "gateway", "Look.")

    kit.partner.say(EffectKind.payment_authorization, commit_and_lose)
    assert kit.place(order).state == OrderState.pending
    systems.run()
    assert systems.state(order) in (OrderState.captured, OrderState.authorized, OrderState.booked)
    assert kit.partner.truth.count(EffectKind.payment_authorization) == 1
    systems.book(order)
    kit.pass_time(minutes=30)
    assert systems.run().set_aside == 0


def test_a_payment_whose_order_we_never_heard_of_brings_it_in(systems: Systems) -> None:
    request_id = "5" * 22
    paid = PaymentSource(PaymentMethod.authorized, request_id=request_id)
    order = make_order(payment=paid)
    held = Authorized(request_id, PaymentStatus.authorized, "AUTHORIZED", authorized=order.amount)
    systems.care.kit.gateway.known[request_id] = held
    systems.in_shop[order.purchase_order] = order
    systems.more_rows.append(
        GatewayRow(request_id, Did.authorization, "", order.purchase_order, order.amount)
    )
    assert systems.run().set_aside == 0
    assert systems.state(order) == OrderState.captured


def test_a_request_of_our_order_that_nobody_here_made_is_set_aside_with_its_amount(
    systems: Systems,
) -> None:
    order = make_order()
    systems.care.kit.run(order)
    systems.more_rows.append(
        GatewayRow("8" * 22, Did.refund, "x", order.purchase_order, Money(700, "USD"))
    )
    assert systems.run().set_aside == 1
    (letter,) = systems.care.letters.listing()
    assert (letter.kind, letter.amount_minor, letter.owner) == ("gateway_unknown", 700, "ann@acme")


@pytest.mark.parametrize("amount", [Money(10_220, "USD"), Money(10_221, "EUR")])
def test_another_amount_or_currency_is_set_aside_and_closed_when_it_fits(
    systems: Systems, amount: Money
) -> None:
    systems.care.kit.run(make_order())
    effect = next(
        one for one in systems.care.kit.partner.truth.done if one.kind is EffectKind.payment_capture
    )
    answer = systems.care.kit.partner.truth.answers[effect.kind, effect.reference]
    systems.hidden.add(answer.their_key)
    wrong = GatewayRow(answer.their_key, Did.capture, effect.reference, "", amount)
    systems.more_rows.append(wrong)
    assert systems.run().set_aside == 1
    assert systems.letters() == ["gateway_difference"]
    systems.more_rows[:] = [replace(wrong, amount=Money(10_221, "USD"))]
    assert systems.run().set_aside == 0
    assert systems.letters() == []


def test_what_the_gateway_does_not_show_any_more_is_set_aside(systems: Systems) -> None:
    systems.care.kit.run(make_order())
    truth = systems.care.kit.partner.truth
    (key,) = [one for one in truth.answers if one[0] is EffectKind.payment_capture]
    del truth.answers[key]
    assert systems.run().set_aside == 1
    assert systems.letters() == ["gateway_missing"]


def test_one_request_that_cannot_be_told_stops_nothing(systems: Systems) -> None:
    kit = systems.care.kit
    kit.run(make_order())
    (key,) = [one for one in kit.partner.truth.answers if one[0] is EffectKind.payment_capture]
    del kit.partner.truth.answers[key]
    looked = kit.partner.look

    def untold(effect: Effect) -> tuple[Found, ...]:
        if effect.kind is EffectKind.payment_capture:
            raise Retryable("row 17 names no service", "search", "Wait.")
        return tuple(looked(effect))

    kit.partner.look = untold  # type: ignore[method-assign]
    assert systems.run().set_aside == 1
    assert systems.letters() == ["gateway_missing"]
    assert "does not tell whether it has it still" in systems.care.letters.listing()[0].reason


# Duplicates --------------------------------------------------------------------------------------


def test_a_second_copy_is_a_proposal_that_reverses_once_agreed(systems: Systems) -> None:
    kit, order = systems.care.kit, make_order()
    kit.run(order)
    systems.more_rows.append(copy_of(systems, EffectKind.payment_authorization))
    systems.run()
    (letter,) = systems.care.letters.listing()
    assert letter.kind == "gateway_duplicate"
    assert letter.key == f"acme_us|authorization|{order.order_id}|{'9' * 22}"
    assert kit.partner.truth.count(EffectKind.payment_reversal) == 0  # a person agrees first
    for _ in range(2):
        effect = reverse(systems, order, Did.authorization)
    assert kit.partner.truth.count(EffectKind.payment_reversal) == 1
    assert from_json(Reverse, effect.payload).authorization_id == "9" * 22
    assert systems.run().set_aside == 0
    assert systems.letters() == []


def reverse(systems: Systems, order: Order, did: Did) -> Effect:
    return reverse_duplicate(
        systems.care.kit.engine,
        order,
        "acme_us_org",
        "ann@acme",
        did=did,
        request_id="9" * 22,
        amount=order.amount,
    )


def test_a_second_capture_is_voided_or_else_refunded(systems: Systems) -> None:
    kit, order = systems.care.kit, make_order()
    kit.run(order)
    systems.more_rows.append(copy_of(systems, EffectKind.payment_capture))
    systems.run()
    assert systems.letters() == ["gateway_duplicate"]

    def too_late(effect: Effect) -> Receipt:
        return kit.partner.do(effect, Receipt("", as_evidence(Moved("", "NOT_VOIDABLE")), True))

    kit.partner.say(EffectKind.payment_void, too_late)
    assert reverse(systems, order, Did.capture).kind is EffectKind.payment_refund
    void = next(one for one in kit.partner.truth.done if one.kind is EffectKind.payment_void)
    assert from_json(Void, void.payload).target_id == "9" * 22
    assert systems.run().set_aside == 0


# SYSPRO against us -------------------------------------------------------------------------------


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


def test_a_run_that_breaks_off_is_made_up_for_by_the_next(systems: Systems) -> None:
    systems.care.kit.run(make_order())
    systems.care.kit.clock.move(hours=2)
    truth = systems.care.kit.partner.truth
    lost = [key for key in truth.answers if key[0] is EffectKind.payment_capture]

    systems.is_down = True
    with pytest.raises(Retryable):
        systems.run()
    systems.is_down = False
    del truth.answers[lost[0]]
    systems.run()  # what was sent before the broken run is still looked for
    assert systems.letters() == ["gateway_missing"]


def test_rows_found_twice_by_the_engine_are_no_new_finding(systems: Systems) -> None:
    """The engine's own look may have found the copy first; the proposal is the same."""
    kit = systems.care.kit
    kit.run(make_order())
    row = copy_of(systems, EffectKind.payment_capture)
    effect = kit.engine.find(EffectKind.payment_capture, _key(systems))
    assert effect is not None
    both = (Found(effect.their_key, {}), Found(row.request_id, {}))
    kit.engine.late_evidence(effect.kind, effect.key, both)
    systems.more_rows.append(row)
    systems.run()
    assert "gateway_duplicate" in systems.letters()


def _key(systems: Systems) -> str:
    done = systems.care.kit.partner.truth.done
    return next(one.key for one in done if one.kind is EffectKind.payment_capture)


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
