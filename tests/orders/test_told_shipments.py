"""Shops are told of dispatch notes, and one that cannot be spoken to keeps no other from it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest

from include.adapters.store.effects import SqlEffectStore
from include.adapters.store.orders import SqlOrders
from include.adapters.store.watermarks import SqlShelf, SqlWatermarks
from include.domain.erp_orders import ErpDocument, ErpOrder, Shipment
from include.domain.errors import Unconfigured
from include.domain.order_state import Shipped
from include.services.effects.engine import Engine
from include.services.effects.ports import EffectKind, Timings
from include.services.sync.follow_orders import OrderFollower
from tests.orders.conftest import Kit, make_order

WORD = EffectKind.shop_order_update
UNSET = Unconfigured("there is no connection", "shop_web", "Add it.")


@dataclass
class Notes:
    """A feed of nothing but dispatch notes."""

    notes: list[Shipment]

    def orders_since(self, cursor: str) -> Sequence[ErpOrder]:
        return ()

    def shipments_since(self, cursor: str) -> Sequence[Shipment]:
        return self.notes if cursor < "2" else ()

    def documents_of(self, purchase_order: str, customer: str) -> Sequence[ErpDocument]:
        return ()

    def orders_of(self, purchase_order: str, customer: str) -> Sequence[ErpOrder]:
        return ()


class Unset(dict[EffectKind, Timings]):
    """The settings of a connection that cannot be read."""

    def __init__(self, fault: Exception) -> None:
        super().__init__({WORD: Timings(*(timedelta(seconds=one) for one in (30, 300, 60)))})
        self.fault = fault

    def __getitem__(self, kind: EffectKind) -> Timings:
        raise self.fault


def follower(kit: Kit, *faults: Exception) -> OrderFollower:
    """Poll a dispatch note of each of these shops, and one of a shop in good health."""
    number = kit.run(make_order()).facts.sales_order
    assert isinstance(kit.service.orders, SqlOrders)
    store = kit.service.orders._engine
    effects, partners = SqlEffectStore(store, lambda _c: kit.clock.now()), {WORD: kit.partner}
    engines = [Engine(effects, partners, kit.clock, Unset(one), worker="test") for one in faults]
    each = iter([*engines, kit.engine])
    notes = [Shipment(number, f"N{one}", "UPS", "1Z", f"2-{one}") for one in range(len(faults) + 1)]
    made = OrderFollower(
        "acme_us", "A", Notes(notes), kit.service, lambda _shop: next(each),
        lambda _order, _saga, note: {"note": note.note}, SqlWatermarks(store), SqlShelf(store),
        "ann@acme", 2,
    )  # fmt: skip
    made.poll("1")
    return made


def told(kit: Kit) -> list[str]:
    done = [one.key for one in kit.partner.truth.done if one.kind is WORD]
    return [key.rpartition("|")[2] for key in done if "|shipment|" in key]


def test_why_a_shop_cannot_be_told_is_said_as_it_is(kit: Kit) -> None:
    with pytest.raises(Unconfigured) as raised:
        follower(kit, UNSET, UNSET).tell()
    assert raised.value.args == UNSET.args
    assert told(kit) == ["N2"]


def test_a_fault_of_ours_is_told_beside_it(kit: Kit) -> None:
    with pytest.raises(ExceptionGroup) as raised:
        follower(kit, UNSET, KeyError("bug")).tell()
    assert [type(one) for one in raised.value.exceptions] == [KeyError, Unconfigured]
    assert told(kit) == ["N2"]


def heard(kit: Kit) -> list[str]:
    """Return the notes of which the shop's server has heard that goods left."""
    done = [one for one in kit.partner.truth.done if one.kind is EffectKind.shop_callback]
    bodies = [json.loads(one.payload) for one in done]
    return [one["note"] for one in bodies if one["event"] == "order.shipped"]


def polled(kit: Kit, *notes: Shipment) -> None:
    """Read these dispatch notes as a feed gives them, and tell of them."""
    assert isinstance(kit.service.orders, SqlOrders)
    store = kit.service.orders._engine
    made = OrderFollower(
        "acme_us", "A", Notes(list(notes)), kit.service, lambda _shop: kit.engine,
        lambda _order, _saga, _note: None, SqlWatermarks(store), SqlShelf(store), "ann@acme", 2,
    )  # fmt: skip
    assert made.read_again("1").set_aside == 0
    made.tell()


def test_a_shop_that_hears_nothing_in_the_shop_is_called_back_once_a_note(kit: Kit) -> None:
    kit.callback_target = "web|callback"
    order = make_order()
    number = kit.run(order).facts.sales_order
    first, second = (Shipment(number, one, "UPS", f"1Z{one}", f"2-{one}") for one in ("7", "8"))
    polled(kit, first)
    polled(kit, first, second)
    kit.pass_time(hours=1)
    assert heard(kit) == ["7", "8"]
    kept = kit.service.orders.get(order.order_id).facts.shipments
    assert kept == (Shipped("7", "UPS", "1Z7"), Shipped("8", "UPS", "1Z8"))
    assert kit.timeline(order).count("shipped") == 2


def test_a_tracking_number_that_comes_later_is_in_the_order(kit: Kit) -> None:
    order = make_order()
    number = kit.run(order).facts.sales_order
    polled(kit, Shipment(number, "7", "", "", "2-7"))
    polled(kit, Shipment(number, "7", "UPS", "1Z7", "2-8"))
    kept = kit.service.orders.get(order.order_id).facts.shipments
    assert kept == (Shipped("7", "UPS", "1Z7"),)
    assert heard(kit) == []  # it has no server for events
