"""Orders as the API shows them: read only, by keyset paging, so a long list costs no more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Select, or_, select, text

from include.adapters.store.order_tables import orders
from include.adapters.store.transactions import reading
from include.domain.canonical import from_json
from include.domain.money import Money
from include.domain.order_state import OrderFacts, OrderState
from include.services.api.ports import OrderFilter, OrderRecord

_SHOWN = (
    orders.c.order_id,
    orders.c.shop_id,
    orders.c.number,
    orders.c.purchase_order,
    orders.c.currency,
    orders.c.amount_minor,
    orders.c.captured_minor,
    orders.c.refunding_minor,
    orders.c.state,
    orders.c.reason,
    orders.c.facts,
    orders.c.accepted_at,
    orders.c.updated_at,
)
_STATES = [state.value for state in OrderState]


@dataclass(frozen=True, slots=True)
class SqlOrderViews:
    """Satisfies ``api.ports.OrderViews``."""

    engine: Engine

    def get(self, order_id: str) -> OrderRecord | None:
        wanted = select(*_SHOWN).where(orders.c.order_id == order_id)
        with reading(self.engine) as connection:
            row = connection.execute(wanted).one_or_none()
        return _record(row) if row else None

    def listing(
        self, wanted: OrderFilter, limit: int, after: tuple[datetime, str] | None
    ) -> Sequence[OrderRecord]:
        rows = _filtered(wanted)
        if after is not None:
            at, order_id = after
            # The first condition is what an index can begin at.
            rows = rows.where(
                orders.c.accepted_at <= at,
                or_(orders.c.accepted_at < at, orders.c.order_id < order_id),
            )
        rows = rows.order_by(orders.c.accepted_at.desc(), orders.c.order_id.desc()).limit(limit)
        with reading(self.engine) as connection:
            return [_record(row) for row in connection.execute(rows)]

    def shops_of(self, order_ids: Sequence[str]) -> Mapping[str, str]:
        wanted = select(orders.c.order_id, orders.c.shop_id).where(orders.c.order_id.in_(order_ids))
        with self.engine.begin() as connection:
            return {row.order_id: row.shop_id for row in connection.execute(wanted)}

    def is_reachable(self) -> bool:
        """Ask the database anything; raises what the driver raises."""
        with self.engine.connect() as connection:
            return bool(connection.scalar(text("SELECT 1")))


def _filtered(wanted: OrderFilter) -> Select[Any]:
    rows = select(*_SHOWN)
    if wanted.shop_id:
        rows = rows.where(orders.c.shop_id == wanted.shop_id)
    if wanted.state:
        rows = rows.where(orders.c.state == wanted.state)
    if wanted.number:
        rows = rows.where(orders.c.number == wanted.number)
    if wanted.accepted_from is not None:
        rows = rows.where(orders.c.accepted_at >= wanted.accepted_from)
    if wanted.accepted_until is not None:
        rows = rows.where(orders.c.accepted_at < wanted.accepted_until)
    if wanted.updated_from is not None:
        # The index on times begins with the state, so each is named: few orders have changed.
        rows = rows.where(orders.c.state.in_(_STATES), orders.c.updated_at >= wanted.updated_from)
    return rows


def _record(row: Any) -> OrderRecord:
    return OrderRecord(
        order_id=row.order_id,
        shop_id=row.shop_id,
        number=row.number,
        purchase_order=row.purchase_order,
        amount=Money(row.amount_minor, row.currency),
        captured=Money(row.captured_minor, row.currency),
        refunding=Money(row.refunding_minor, row.currency),
        state=row.state,
        reason=row.reason,
        facts=from_json(OrderFacts, row.facts),
        accepted_at=row.accepted_at,
        updated_at=row.updated_at,
    )
