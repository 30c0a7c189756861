"""A site whose SYSPRO closes sales orders, and the pollers that see it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine as Database

from include.adapters.store.dead_letters import SqlDeadLetters
from include.adapters.store.orders import SqlOrders
from include.adapters.store.watermarks import SqlShelf, SqlWatermarks
from include.domain.erp_orders import ErpDocument, ErpOrder, Shipment
from include.domain.money import Money
from include.domain.orders import Order
from include.services.effects.ports import EffectKind
from include.services.sync.follow_orders import OrderFollower
from include.services.sync.push_refunds import RefundPush
from tests.orders.conftest import Kit, make_order
from tests.orders.partners import FakeErp

COMPLETE = "9"
NOW = datetime(2026, 11, 3, tzinfo=UTC)
GAVE = (EffectKind.payment_refund, EffectKind.payment_void)


@dataclass
class Syspro:
    """Orders and documents by customer PO, every row in every feed."""

    reader: FakeErp  # what the sagas ask
    orders: list[ErpOrder] = field(default_factory=list)
    questions: int = 0  # beside the feeds

    def show(self, order: Order, number: str, status: str, *, last: str = "") -> None:
        self.orders = [one for one in self.orders if one.sales_order != number]
        cursor = f"2026-11-03-{len(self.orders):04}"
        is_cancelled = status == "\\"
        found = ErpOrder(
            number,
            "W1",
            order.purchase_order,
            status,
            is_cancelled,
            last,
            cursor=cursor,
            is_complete=status == COMPLETE,
        )
        self.orders.append(found)

    def invoice(self, order: Order, minor: int, number: str = "I1", *, kind: str = "I") -> None:
        amount = Money(minor, order.currency)
        made = ErpDocument("W1", number, kind, order.purchase_order, "2", amount, NOW.date())
        self.reader.documents.setdefault(order.purchase_order, []).append(made)

    def orders_since(self, cursor: str) -> Sequence[ErpOrder]:
        return self.orders if cursor < "2026-11-03" else ()

    def cancelled_since(self, cursor: str) -> Sequence[ErpOrder]:
        return [one for one in self.orders_since(cursor) if one.is_cancelled]

    def credit_notes_since(self, cursor: str) -> Sequence[ErpDocument]:
        return ()

    def shipments_since(self, cursor: str) -> Sequence[Shipment]:
        return ()

    def orders_of(self, purchase_order: str, customer: str) -> Sequence[ErpOrder]:
        self.questions += 1
        return [one for one in self.orders if one.purchase_order == purchase_order]

    def documents_of(self, purchase_order: str, customer: str) -> Sequence[ErpDocument]:
        self.questions += 1
        return self.reader.documents_of(purchase_order, customer)


@dataclass
class Site:
    """The pollers of one company over the kit's store."""

    kit: Kit
    erp: Syspro

    def poll(self) -> None:
        store = self.store()
        marks, shelf = SqlWatermarks(store, lambda _c: NOW), SqlShelf(store, lambda _c: NOW)
        service = self.kit.service
        RefundPush("acme_us", "A", self.erp, service, marks, shelf, "ann@acme").read_again(
            "2026-11-02"
        )
        OrderFollower(
            "acme_us", "A", self.erp, service, lambda _shop: self.kit.engine,
            lambda _order, _saga, _note: None, marks, shelf, "ann@acme", 2,
        ).read_again("2026-11-02")  # fmt: skip
        self.kit.pass_time(hours=2)

    def store(self) -> Database:
        assert isinstance(self.kit.service.orders, SqlOrders)
        return self.kit.service.orders._engine

    def letters(self) -> list[tuple[str, str]]:
        found = SqlDeadLetters(self.store(), lambda _c: NOW).listing()
        return [(one.kind, one.reason) for one in found]

    def given(self) -> list[int]:
        return [one.amount_minor for one in self.kit.partner.truth.done if one.kind in GAVE]

    def asked(self, order: Order) -> list[tuple[str, int, str]]:
        rows = self.kit.service.refunds.of_order(order.order_id)
        return [(row.origin, row.amount.minor, saga.state) for row, saga in rows]


@pytest.fixture
def site(kit: Kit) -> Site:
    return Site(kit, Syspro(kit.erp))


def paid(site: Site, minor: int = 10_000) -> Order:
    order = make_order(minor)
    assert site.kit.run(order).facts.sales_order
    return order


def number_of(site: Site, order: Order) -> str:
    return site.kit.service.orders.get(order.order_id).facts.sales_order


def closed(site: Site, order: Order, minor: int) -> None:
    site.erp.invoice(order, minor)
    site.erp.show(order, number_of(site, order), COMPLETE, last="I1")
