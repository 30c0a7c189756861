"""Refunds that cannot be driven: money that has left is not left unbooked in silence."""

from contextlib import suppress
from dataclasses import replace
from datetime import date

import pytest

from include.adapters.store.dead_letters import SqlDeadLetters
from include.adapters.store.orders import SqlOrders
from include.domain.erp_orders import BookReceipt
from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.orders import Order
from include.domain.refunds import RefundState
from tests.orders.conftest import Kit, make_order
from tests.orders.partners import PlainTranslator


class CannotBookBack(PlainTranslator):
    """Books receipts, and no refund until it is mended."""

    fault: Exception | None = None

    def receipt(
        self, order: Order, customer: str, amount: Money, posting_date: date, reference: str
    ) -> BookReceipt:
        if self.fault is not None and amount.minor < 0:
            raise self.fault
        return super().receipt(order, customer, amount, posting_date, reference)


def letters(kit: Kit) -> list[tuple[str, str]]:
    assert isinstance(kit.service.orders, SqlOrders)
    found = SqlDeadLetters(kit.service.orders._engine).listing()
    return [(one.kind, one.key) for one in found]


def sweep(kit: Kit, minutes: int) -> None:
    for _ in range(minutes):
        kit.clock.move(minutes=1)
        with suppress(ExceptionGroup):
            kit.service.sweep(["acme_us"], 100)


@pytest.mark.parametrize(
    "fault", [Rejected("no bank for it", "shops.yaml", "Add it."), KeyError("bug")], ids=type
)
def test_a_refund_that_cannot_be_booked_has_a_letter_until_it_can(
    kit: Kit, fault: Exception
) -> None:
    order, translator, of = make_order(), CannotBookBack(), kit.service.desk_of
    kit.run(order)
    kit.service = replace(
        kit.service, desk_of=lambda shop: replace(of(shop), translator=translator)
    )
    translator.fault = fault
    refund_id = kit.service.refund(
        order.order_id, Money(500, "USD"), origin="api", origin_key="1", who="ann", reason="late"
    )
    sweep(kit, minutes=5)
    early = ("refunded_early", order.order_id)  # the money is back, and nothing is invoiced
    assert sorted(letters(kit)) == [("refund", refund_id), early]
    translator.fault = None
    sweep(kit, minutes=16)
    assert kit.service.refunds.get(refund_id).state == RefundState.done
    assert letters(kit) == [early]
