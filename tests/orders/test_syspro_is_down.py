"""While SYSPRO is down, what needs only the gateway goes on, and the others are left alone."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from include.domain.errors import Retryable
from include.domain.money import Money
from include.domain.order_state import OrderState
from include.domain.refunds import RefundState
from include.services.effects.ports import EffectKind
from include.services.orders.breaker import Breaker
from tests.orders.conftest import Kit, make_order


class Guarded:
    """SYSPRO's reads behind a breaker, as the desks have them."""

    def __init__(self, kit: Kit, breaker: Breaker) -> None:
        self._kit = kit
        self._breaker = breaker

    def __getattr__(self, name: str) -> Callable[..., object]:
        ask = getattr(self._kit.erp, name)
        return lambda *words, **more: self._breaker.call(lambda: ask(*words, **more))


class Outage:
    """SYSPRO goes down; each minute the janitor and the sweep have their turn."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.breaker = Breaker("syspro_a", lambda: kit.clock.now().timestamp())
        erp, of = Guarded(kit, self.breaker), kit.service.desk_of
        kit.service = replace(
            kit.service,
            desk_of=lambda shop: replace(of(shop), erp=erp),  # type: ignore[arg-type]
        )

    def begin(self) -> None:
        self.kit.erp.fault = Retryable("no connection", "SYSPRO", "Wait.")
        for _ in range(3):
            self.kit.place(make_order())
        self.last(minutes=1)
        assert not self.breaker.lets_through()

    def last(self, minutes: int, limit: int = 500) -> None:
        for _ in range(minutes):
            self.kit.clock.move(minutes=1)
            self.kit.engine.sweep()
            self.kit.service.sweep(["acme_us"], limit, self.breaker.lets_through)

    def end(self) -> None:
        self.kit.erp.fault = None
        self.last(minutes=6)


@pytest.fixture
def outage(kit: Kit) -> Outage:
    return Outage(kit)


def test_a_refund_is_given_back(kit: Kit, outage: Outage) -> None:
    order = make_order()
    kit.run(order)
    outage.begin()
    refund = kit.service.refund(
        order.order_id, Money(3_000, "USD"), origin="api", origin_key="1", who="ann", reason="x"
    )
    outage.last(minutes=2)
    assert kit.partner.truth.count(EffectKind.payment_refund) == 1
    outage.end()
    assert kit.service.refunds.get(refund).state == RefundState.done


def test_an_order_that_syspro_never_heard_of_is_cancelled(kit: Kit, outage: Outage) -> None:
    """And does not queue behind a backlog larger than a sweep."""
    outage.begin()
    for _ in range(5):
        kit.place(make_order())
    order = make_order()
    kit.place(order)
    kit.service.cancel(order.order_id, "shopper", "changed my mind")
    assert kit.service.orders.get(order.order_id).state == OrderState.cancelling
    outage.last(minutes=1, limit=2)
    assert kit.partner.truth.count(EffectKind.payment_reversal) == 1
    assert kit.service.orders.get(order.order_id).state == OrderState.cancelled


def test_orders_that_wait_for_syspro_are_not_touched_and_then_go_on(
    kit: Kit, outage: Outage
) -> None:
    outage.begin()
    waiting = [make_order() for _ in range(5)]
    for order in waiting:
        kit.place(order)
    versions = [kit.service.orders.get(order.order_id).version for order in waiting]
    outage.last(minutes=30)
    after = [kit.service.orders.get(order.order_id).version for order in waiting]
    assert sum(after) - sum(versions) <= 8  # the probes alone
    outage.end()
    states = {kit.service.orders.get(order.order_id).state for order in waiting}
    assert states == {OrderState.captured}
