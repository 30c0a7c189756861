"""Shops are told of dispatch notes, and one that cannot be spoken to keeps no other from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest

from include.adapters.store.effects import SqlEffectStore
from include.adapters.store.orders import SqlOrders
from include.adapters.store.watermarks import SqlShelf, SqlWatermarks
from include.domain.erp_orders import ErpDocument, ErpOrder, Shipment
from include.domain.errors import Unconfigured
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
        lambda _order, _facts, note: {"note": note.note}, SqlWatermarks(store), SqlShelf(store),
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
