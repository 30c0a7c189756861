"""The table of steps tells the truth: a cancelled order is unwound by what it names, and no more.

Each order is cancelled while one of its steps is under way, so that this one is the last done.
"""

from collections.abc import Iterator
from datetime import date

import pytest

from include.domain.order_rules import CaptureWhen, OnExpiry
from include.domain.order_state import OrderState
from include.domain.order_steps import name_of
from include.domain.orders import Order, PaymentMethod, PaymentSource
from include.domain.payments import PaymentStatus
from include.domain.reviews import Decision, DecisionEvent
from include.services.effects.ports import Effect, EffectKind, Receipt
from include.services.orders.steps import STEPS
from tests.orders.conftest import Kit, make_order
from tests.orders.partners import authorization, make_rules

GIVE_BACK = "give_back"  # a saga of its own, whatever it writes
# SYSPRO has to call the order off before money moves, and money goes before its hold.
IN_TURN = ("cancel_order", "reverse_old", GIVE_BACK, "reverse")
FORWARD = ("authorize", "customer", "sales_order", "hold", "release", "capture", "receipt")
KEPT = PaymentSource(PaymentMethod.transient_token, transient_id="f" * 64, keep=True)


def cancel_in(kit: Kit, order: Order, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the shopper cancel while the partner is at this step."""
    do = kit.partner.do

    def doing(effect: Effect, receipt: Receipt | None = None) -> Receipt:
        answer = do(effect, receipt)
        if effect.key == f"{order.order_id}|{step}":
            kit.service.cancel(order.order_id, "shop", "changed her mind")
        return answer

    monkeypatch.setattr(kit.partner, "do", doing)


def done(kit: Kit, order: Order) -> Iterator[str]:
    """Yield what was done for good, by step; all of one refund is one ``give_back``."""
    refunds = set()
    for effect in kit.partner.truth.done:
        owner, _, step = effect.key.partition("|")
        if owner != order.order_id and owner.startswith("ref_") and owner not in refunds:
            refunds.add(owner)
            yield GIVE_BACK
        if owner == order.order_id and not STEPS[name_of(step)].is_detached:
            yield step


def in_review(kit: Kit) -> None:
    kit.partner.say(
        EffectKind.payment_authorization,
        lambda it: kit.partner.do(it, authorization(it, 7, PaymentStatus.in_review)),
    )


def drive_to(kit: Kit, order: Order, step: str) -> None:
    """Bring an order to the step, where the shopper cancels."""
    name = name_of(step)
    is_renewed = name == "hold" or step == "authorize|2"
    if is_renewed:
        kit.rules = make_rules(capture_when=CaptureWhen.shipment, on_expiry=OnExpiry.renew)
    if name == "release":
        in_review(kit)
    kit.run(order)
    if name == "release":
        accept = DecisionEvent(f"{7:022}", Decision.accept, kit.clock.now(), "analyst", "e1")
        kit.service.decide(accept)
        kit.service.advance(order.order_id)
    if is_renewed:
        if name == "hold":
            in_review(kit)
        kit.pass_time(days=6, hours=1)


@pytest.mark.parametrize(
    "step",
    [
        "authorize|1",
        "authorize|2",
        "customer|1",
        "sales_order|1",
        "hold|1.2",
        "release|1",
        "capture|1",
        "receipt|1",
    ],
)
def test_what_was_done_is_taken_back_by_what_stands_beside_it(
    kit: Kit, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = make_order(payment=KEPT)
    cancel_in(kit, order, step, monkeypatch)
    drive_to(kit, order, step)
    kit.pass_time(hours=2)

    assert kit.service.orders.get(order.order_id).state == OrderState.cancelled
    steps = list(done(kit, order))
    since = [name_of(one) for one in steps[steps.index(step) + 1 :]]
    wanted = {STEPS[name_of(one)].compensation for one in steps if name_of(one) in FORWARD} - {""}
    if step == "authorize|2":
        wanted.add("reverse_old")  # the one that it was to renew holds money still
    taken_back = [one for one in since if one not in FORWARD]
    assert set(taken_back) == wanted
    assert taken_back == [one for one in IN_TURN if one in wanted]
    # Nothing goes on meanwhile, but that what was captured is booked, to be booked back.
    assert [one for one in since if one in FORWARD] == ["receipt"] * (step == "capture|1")


def test_every_step_is_tested_or_has_nothing_to_be_taken_back() -> None:
    rest = set(STEPS) - set(FORWARD) - set(IN_TURN)
    assert all(STEPS[name].is_detached for name in rest)
    assert not any(STEPS[name].compensation for name in set(STEPS) - set(FORWARD))


def test_what_a_batch_has_taken_leaves_no_hold_to_reverse(kit: Kit) -> None:
    order = make_order()
    kit.run(order)
    kit.today = date(2026, 11, 4)
    kit.service.cancel(order.order_id, "shop", "changed her mind")
    kit.pass_time(hours=2)
    assert kit.partner.truth.count(EffectKind.payment_refund) == 1
    assert [name_of(one) for one in done(kit, order)][-2:] == ["cancel_order", GIVE_BACK]
