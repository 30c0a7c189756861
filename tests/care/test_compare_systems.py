"""Gateway, orders and SYSPRO held against each other: repaired or set aside, never lost."""

import pytest

from include.domain.erp_orders import ErpOrder
from include.domain.errors import Retryable
from include.domain.money import Money
from include.domain.order_state import OrderState
from include.domain.payments import PaymentStatus
from include.services.comparing.ports import Did, GatewayRow
from include.services.effects.ports import EffectKind
from tests.care.systems import Systems
from tests.care.systems import systems as systems
from tests.orders.conftest import make_order
from tests.orders.partners import authorization


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
