"""The gateway's list held against our orders: lost answers, strange requests, second copies."""

from dataclasses import replace

import pytest

from include.domain.canonical import from_json
from include.domain.errors import OutcomeUnknown, Retryable
from include.domain.money import Money
from include.domain.order_state import OrderState
from include.domain.orders import Order, PaymentMethod, PaymentSource
from include.domain.payments import Authorized, Moved, PaymentStatus, Reverse, Void
from include.services.comparing.ports import Did, GatewayRow
from include.services.comparing.reverse_duplicate import reverse_duplicate
from include.services.effects.ports import Effect, EffectKind, Found, Receipt
from tests.care.systems import DID, Systems
from tests.care.systems import systems as systems
from tests.orders.conftest import make_order
from tests.orders.partners import as_evidence, authorization


def copy_of(systems: Systems, kind: EffectKind, request_id: str = "9" * 22) -> GatewayRow:
    """A second request of the same effect, as a middle box makes one."""
    effect = next(one for one in systems.care.kit.partner.truth.done if one.kind is kind)
    amount = Money(effect.amount_minor, effect.currency)
    return GatewayRow(request_id, DID[kind.value], effect.reference, "", amount)


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


def test_a_payment_is_no_copy_of_the_refusal_that_its_second_copy_got(systems: Systems) -> None:
    """While it is in doubt whether anything was done, the one that is shown may be the only one."""
    kit, order, look = systems.care.kit, make_order(), systems.care.kit.partner.look
    no = Authorized("6" * 22, PaymentStatus.invalid, "INVALID_REQUEST", "INVALID_DATA")

    def twice(effect: Effect) -> Receipt:
        kit.partner.do(effect)
        return Receipt(no.request_id, as_evidence(no), is_no=True, may_be_repeat=True)

    def untold(effect: Effect) -> tuple[Found, ...]:
        raise Retryable("row 17 names no service", "search", "Wait.")

    kit.partner.say(EffectKind.payment_authorization, twice)
    assert kit.place(order).state == OrderState.pending
    kit.partner.look = untold  # type: ignore[method-assign]
    systems.run()
    assert systems.letters() == ["gateway_difference"]
    kit.partner.look = look  # type: ignore[method-assign]
    kit.pass_time(hours=2)
    systems.run()
    assert systems.letters() == []
    assert systems.state(order) == OrderState.captured


@pytest.mark.parametrize("is_paid_anew", [False, True])
def test_a_payment_that_was_taken_for_declined_is_proposed_to_be_reversed(
    systems: Systems, is_paid_anew: bool
) -> None:
    """It was answered no, as a second copy is, and the search did not show the first for hours."""
    kit, order, look = systems.care.kit, make_order(), systems.care.kit.partner.look
    no = Authorized("6" * 22, PaymentStatus.invalid, "INVALID_REQUEST", "INVALID_DATA")

    def twice(effect: Effect) -> Receipt:
        kit.partner.do(effect)
        return Receipt(no.request_id, as_evidence(no), is_no=True, may_be_repeat=True)

    kit.partner.say(EffectKind.payment_authorization, twice)
    kit.place(order)
    kit.partner.look = lambda _effect: ()  # type: ignore[method-assign]
    kit.pass_time(hours=1)
    assert systems.state(order) == OrderState.declined
    kit.partner.look = look  # type: ignore[method-assign]
    if is_paid_anew:
        card = PaymentSource(PaymentMethod.transient_token, transient_id="a" * 64)
        kit.service.pay_anew(order.order_id, card, "shop")
        assert kit.service.advance(order.order_id).state == OrderState.captured
        systems.book(order)
    for _ in range(2):  # the second night it is known as approved
        systems.run()
        letters = systems.care.letters.listing()
        (letter,) = [one for one in letters if one.kind == "gateway_duplicate"]
        assert "holds 102.21 USD for nobody: it was taken for declined" in letter.reason
        request_id = letter.key.rpartition("|")[2]
    effect = reverse(systems, order, Did.authorization, request_id)
    assert from_json(Reverse, effect.payload).authorization_id == request_id
    systems.run()
    assert "gateway_duplicate" not in systems.letters()


def test_what_was_approved_in_part_and_went_back_is_not_proposed_again(systems: Systems) -> None:
    kit, order = systems.care.kit, make_order()
    kit.partner.say(
        EffectKind.payment_authorization,
        lambda it: kit.partner.do(it, authorization(it, 7, PaymentStatus.partial, 5_000)),
    )
    assert kit.run(order).state == OrderState.declined
    card = PaymentSource(PaymentMethod.transient_token, transient_id="a" * 64)
    kit.service.pay_anew(order.order_id, card, "shop")
    assert kit.service.advance(order.order_id).state == OrderState.captured
    systems.run()
    assert "gateway_duplicate" not in systems.letters()


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


def test_what_gives_a_hold_back_moves_no_amount_to_compare(systems: Systems) -> None:
    kit, order = systems.care.kit, make_order()
    kit.run(order)
    kit.service.cancel(order.order_id, "shop", "changed her mind")
    kit.pass_time(hours=1)
    for did in (Did.void, Did.reversal):
        (key,) = (one for one in kit.partner.truth.answers if one[0] == f"payment_{did.value}")
        request_id = kit.partner.truth.answers[key].their_key
        systems.hidden.add(request_id)
        systems.more_rows.append(GatewayRow(request_id, did, key[1], "", Money(0, "USD")))
    systems.run()
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


def reverse(systems: Systems, order: Order, did: Did, request_id: str = "9" * 22) -> Effect:
    return reverse_duplicate(
        systems.care.kit.engine,
        order,
        "acme_us_org",
        "ann@acme",
        did=did,
        request_id=request_id,
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


def test_what_a_doubted_store_may_have_forgotten_is_shown_even_without_its_order(
    systems: Systems,
) -> None:
    """Its shop has cancelled the order, so nobody takes it in again."""
    row = GatewayRow("9" * 22, Did.capture, "TO1", "W4711", Money(500, "USD"))
    systems.more_rows += [row, replace(row, request_id="8" * 22, code="POS-17")]
    assert systems.run().not_ours == 2
    systems.care.kit.engine.is_doubted = lambda: True
    assert systems.run().not_ours == 1
    assert systems.letters() == ["gateway_unknown"]
