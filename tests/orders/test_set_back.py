"""Orders that cannot be driven: they show, they wait, and they stop no other."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date

import pytest

from include.adapters.store.dead_letters import SqlDeadLetters
from include.domain.erp_orders import AddSalesOrder
from include.domain.errors import Rejected
from include.domain.order_state import OrderState
from include.domain.orders import Order
from include.services.effects.dead_letters import DeadLetter
from tests.orders.conftest import Kit, make_order
from tests.orders.partners import PlainTranslator

UNMAPPED = Rejected("no tax code for it", "tax_codes.yaml", "Map it.")


class Broken(PlainTranslator):
    """Cannot translate some orders, until they are mended."""

    def __init__(self) -> None:
        self.faults: dict[str, Exception] = {}

    def add_sales_order(
        self,
        order: Order,
        customer: str,
        order_date: date,
        *,
        is_suspended: bool,
        is_short: bool = False,
    ) -> AddSalesOrder:
        if order.number in self.faults:
            raise self.faults[order.number]
        return super().add_sales_order(
            order, customer, order_date, is_suspended=is_suspended, is_short=is_short
        )


def break_some(kit: Kit, faults: Mapping[str, Exception]) -> Broken:
    translator, of = Broken(), kit.service.desk_of
    translator.faults.update(faults)
    kit.service = replace(
        kit.service, desk_of=lambda shop: replace(of(shop), translator=translator)
    )
    return translator


def sweep(kit: Kit, minutes: int, limit: int = 100) -> None:
    """As the DAG does, each minute."""
    for _ in range(minutes):
        kit.clock.move(minutes=1)
        with suppress(ExceptionGroup):
            kit.service.sweep(["acme_us"], limit)


def letters(kit: Kit) -> list[DeadLetter]:
    return list(SqlDeadLetters(kit.service.orders._engine).listing())  # type: ignore[attr-defined]


@pytest.mark.parametrize("fault", [UNMAPPED, KeyError("bug")], ids=["rejected", "bug"])
def test_an_order_whose_command_cannot_be_built_has_a_dead_letter(
    kit: Kit, fault: Exception
) -> None:
    order = make_order()
    translator = break_some(kit, {order.number: fault})
    kit.place(order)
    sweep(kit, minutes=5)
    assert kit.service.orders.get(order.order_id).state == OrderState.stuck
    (letter,) = letters(kit)
    assert (letter.kind, letter.key, letter.amount_minor) == ("order", order.order_id, 10_221)
    assert letter.owner == "orders@acme.example"
    translator.faults.clear()
    sweep(kit, minutes=16)
    assert kit.service.orders.get(order.order_id).state == OrderState.captured
    assert letters(kit) == []


def test_a_fault_that_passes_leaves_no_dead_letter(kit: Kit) -> None:
    order = make_order()
    translator = break_some(kit, {order.number: ConnectionResetError("the database was gone")})
    kit.place(order)
    sweep(kit, minutes=1)
    translator.faults.clear()
    sweep(kit, minutes=2)
    assert kit.service.orders.get(order.order_id).state == OrderState.captured
    assert letters(kit) == []


def test_as_many_broken_orders_as_a_sweep_takes_stop_no_other(kit: Kit) -> None:
    bad = [make_order() for _ in range(3)]
    break_some(kit, {one.number: KeyError("bug") for one in bad})
    for one in bad:
        kit.place(one)
    kit.clock.move(seconds=1)
    good = make_order()
    kit.place(good)
    for _ in range(6):  # each time the broken ones are due again, were they not set back
        kit.clock.move(minutes=4)
        sweep(kit, minutes=1, limit=3)
    assert kit.service.orders.get(good.order_id).state == OrderState.captured


def test_a_broken_order_that_is_cancelled_is_unwound_at_once(kit: Kit) -> None:
    order = make_order()
    break_some(kit, {order.number: UNMAPPED})
    kit.place(order)
    sweep(kit, minutes=1)
    kit.service.cancel(order.order_id, "shopper", "changed my mind")
    sweep(kit, minutes=1)
    assert kit.service.orders.get(order.order_id).state == OrderState.cancelled
    assert letters(kit) == []
