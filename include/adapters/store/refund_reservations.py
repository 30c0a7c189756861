"""What a refund may give is reserved with its order, in the transaction that asks for it."""

from collections import Counter
from datetime import date
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update

from include.adapters.store.order_tables import orders, refunds
from include.adapters.store.refund_rows import first_row
from include.adapters.store.refunded_orders import money_of, tell_order
from include.adapters.store.sagas import SqlSagas
from include.domain.canonical import from_json
from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.order_state import OrderFacts
from include.domain.refunds import (
    WITHIN_LIMIT,
    RefundFacts,
    RefundRow,
    RefundState,
    Ruling,
    demand_young,
    is_within_limit,
    plan,
)
from include.services.orders.sagas import Event

# Built once: a statement costs more to put together than to run.
_FIND = select(refunds).where(refunds.c.refund_id == bindparam("of_refund"))
_INSERT = insert(refunds)
_LOCK = select(orders.c.order_id).where(orders.c.order_id == bindparam("of_order"))
_LOCK = _LOCK.with_for_update()  # SQLite has one writer at a time and needs none
_RESERVE = (
    update(orders)
    .where(
        orders.c.order_id == bindparam("of_order"),
        orders.c.refunding_minor + bindparam("amount") <= orders.c.captured_minor,
    )
    .values(refunding_minor=orders.c.refunding_minor + bindparam("amount"))
)
_NOT_REFUSED = select(refunds.c.facts).where(
    refunds.c.order_id == bindparam("of_order"), refunds.c.state != RefundState.refused.value
)
_ALONE = select(func.sum(refunds.c.amount_minor)).where(
    refunds.c.order_id == bindparam("of_order"),
    refunds.c.approved_by == WITHIN_LIMIT,
    refunds.c.state != RefundState.refused.value,
)


class SqlReservations(SqlSagas[RefundFacts]):
    """The part of ``SqlRefunds`` that asks."""

    def ask(
        self,
        row: RefundRow,
        *,
        may_void: bool,
        limit: Money | None,
        since: date | None = None,
        via: str = "",
    ) -> tuple[str, bool]:
        with self._engine.begin() as connection:
            now = self._clock(connection)
            if self._find(connection, row.refund_id) is not None:
                return row.refund_id, False
            connection.execute(_LOCK, {"of_order": row.order_id})
            if self._find(connection, row.refund_id) is not None:  # asked for at the same instant
                return row.refund_id, False
            order = self._reserve(connection, row)
            parts = plan(
                row.amount,
                order.captures,
                self._returned(connection, row.order_id),
                may_void=may_void,
            )
            demand_young(row.order_id, order.captures, parts, since)
            is_free = is_within_limit(row.amount, self._gone_alone(connection, row.order_id), limit)
            facts = RefundFacts(parts=parts, ruling=Ruling.approved if is_free else Ruling.none)
            connection.execute(_INSERT, first_row(row, facts, now))
            detail = {"amount": str(row.amount), "origin": row.origin, "key": row.origin_key}
            detail["refund"] = row.refund_id
            told = Event("refund asked for", detail, row.asked_by, via)
            tell_order(connection, row.order_id, now, told)
            self._sign(connection, now, row.refund_id, [told])
        return row.refund_id, True

    def _reserve(self, connection: Connection, row: RefundRow) -> OrderFacts:
        """Take the amount out of what is left; the order's row is locked until the commit."""
        wanted = {"of_order": row.order_id, "amount": row.amount.minor}
        changed = connection.execute(_RESERVE, wanted).rowcount
        found = money_of(connection, row.order_id)
        if not changed:
            left = Money(found.captured_minor - found.refunding_minor, row.amount.currency)
            raise Rejected(
                f"{row.amount} is more than the {left} that may still go back",
                f"order {row.order_id}",
                "Refund no more than is left; earlier refunds count, those under way too.",
            )
        return from_json(OrderFacts, found.facts)

    def _returned(self, connection: Connection, order_id: str) -> dict[int, int]:
        """Sum, by capture, what refunds gave back or promised."""
        sums: Counter[int] = Counter()
        for text in connection.execute(_NOT_REFUSED, {"of_order": order_id}).scalars():
            for part in from_json(RefundFacts, text).parts:
                sums[part.capture_number] += part.amount.minor
        return dict(sums)

    def _gone_alone(self, connection: Connection, order_id: str) -> int:
        """Sum what no second person has seen; the order's row is locked, so nobody adds to it."""
        return int(connection.execute(_ALONE, {"of_order": order_id}).scalar() or 0)

    def _find(self, connection: Connection, refund_id: str) -> Any:
        return connection.execute(_FIND, {"of_refund": refund_id}).one_or_none()
