"""A sales order that a clerk cancelled is unwound, wherever the poller is killed."""

from datetime import UTC, datetime

from sqlalchemy import Engine as Database
from sqlalchemy import event

from include.adapters.store.orders import SqlOrders
from include.adapters.store.watermarks import SqlShelf, SqlWatermarks
from include.domain.erp_orders import ErpOrder
from include.domain.order_state import OrderState
from include.services.effects.ports import EffectKind
from include.services.sync.push_refunds import RefundPush
from tests.orders.conftest import Kit, make_order

NOW = datetime(2026, 11, 3, tzinfo=UTC)


class Killed(BaseException):
    """The process is gone."""


class OneCancelled:
    """SYSPRO's feed, with one cancelled order in it."""

    def __init__(self, found: ErpOrder) -> None:
        self._found = found

    def credit_notes_since(self, cursor: str) -> list[object]:
        return []

    def cancelled_since(self, cursor: str) -> list[ErpOrder]:
        return [self._found] if cursor < self._found.cursor else []


def poll(push: RefundPush, store: Database, killed_at: int) -> None:
    """Poll, and die at a commit; then poll again, as the next run does."""
    commits = 0

    def kill(_connection: object) -> None:
        nonlocal commits
        commits += 1
        if commits == killed_at:
            raise Killed

    event.listen(store, "commit", kill)
    try:
        push.poll("2026-11-02")
    except Killed:
        pass
    finally:
        event.remove(store, "commit", kill)
    push.poll("2026-11-02")


def test_a_poller_killed_at_any_commit_forgets_no_cancellation(kit: Kit) -> None:
    orders = kit.service.orders
    assert isinstance(orders, SqlOrders)
    store: Database = orders._engine
    placed = []
    for killed_at in range(1, 12):
        order = make_order()
        assert kit.run(order).state == OrderState.captured
        placed.append(order)
        number = orders.get(order.order_id).facts.sales_order
        found = ErpOrder(
            number, "W1", order.purchase_order, "\\", True, cursor=f"2026-11-03-{killed_at:02}"
        )
        push = RefundPush(
            "acme_us", "A", OneCancelled(found), kit.service,  # type: ignore[arg-type]
            SqlWatermarks(store, lambda _c: NOW), SqlShelf(store, lambda _c: NOW), "ann@acme",
        )  # fmt: skip
        poll(push, store, killed_at)
    kit.pass_time(hours=2)
    for order in placed:
        assert orders.get(order.order_id).state == OrderState.cancelled
        assert kit.service.refunds.returned(order.order_id) == order.amount
    gave = (EffectKind.payment_refund, EffectKind.payment_void)
    moved = [one.amount_minor for one in kit.partner.truth.done if one.kind in gave]
    assert moved == [order.amount.minor for order in placed]
