"""Refunds in the database: who rules on them, and what moves, in one transaction each."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select, update

from include.adapters.store.dead_letters import close_letter, open_letter
from include.adapters.store.leases import demand_held, insert_once
from include.adapters.store.order_tables import orders, payment_requests, refunds
from include.adapters.store.refund_reservations import SqlReservations
from include.adapters.store.refund_rows import row_of, saga_of
from include.adapters.store.refunded_orders import note_refused, note_returned, tell_order
from include.adapters.store.schema import effects
from include.domain.canonical import from_json, to_json
from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.refunds import (
    RefundFacts,
    RefundRow,
    RefundState,
    Ruling,
    demand_approvable,
    demand_refusable,
    is_refused,
)
from include.services.effects.ports import EffectKind
from include.services.effects.store import Lease
from include.services.orders.sagas import Event, Saga

# Built once: a statement costs more to put together than to run.
_DUE = (
    select(refunds.c.refund_id)
    .join(orders, orders.c.order_id == refunds.c.order_id)
    .where(
        orders.c.merchant_id.in_(bindparam("merchants", expanding=True)),
        # The index on times begins with the state, so each is named: few refunds are due.
        refunds.c.state.in_([state.value for state in RefundState]),
        refunds.c.next_at <= bindparam("now", type_=refunds.c.next_at.type),
    )
    .order_by(refunds.c.next_at)
    .limit(bindparam("most"))
)
_OF_ORDER = (
    select(refunds)
    .where(refunds.c.order_id == bindparam("of_order"))
    .order_by(refunds.c.asked_at, refunds.c.refund_id)
)
# The key of the table begins with the kind.
_OWNER = select(effects.c.owner).where(
    effects.c.kind.in_([EffectKind.payment_void.value, EffectKind.payment_refund.value]),
    effects.c.key == bindparam("of_key"),
)
REFUSED, SET_BACK = "refund_refused", "refund"  # kinds of dead letter
_SAVE = update(refunds).where(
    refunds.c.refund_id == bindparam("of_refund"), refunds.c.version == bindparam("was_version")
)
_ORDER_ID = select(refunds.c.order_id).where(refunds.c.refund_id == bindparam("of_refund"))


class SqlRefunds(SqlReservations):
    """Satisfies ``orders.stores.RefundBook`` on SQLite and PostgreSQL."""

    subject = "refund"

    def row(self, refund_id: str) -> RefundRow:
        with self._engine.begin() as connection:
            found = self._find(connection, refund_id)
        if found is None:
            raise _unknown(refund_id)
        return row_of(found)

    def approve(self, refund_id: str, who: str, *, via: str = "api") -> RefundRow:
        with self._engine.begin() as connection:
            found, now = self._find(connection, refund_id), self._clock(connection)
            if found is None:
                raise _unknown(refund_id)
            demand_approvable(refund_id, found.state, found.asked_by, who)
            approved = {"state": RefundState.approved.value, "approved_by": who, "next_at": now}
            _rule(connection, found, Ruling.approved, now, approved)
            amount = str(Money(found.amount_minor, found.currency))
            told = Event("refund approved", {"refund": refund_id, "amount": amount}, who, via)
            tell_order(connection, found.order_id, now, told)
            self._sign(connection, now, refund_id, [told])
        return replace(row_of(found), approved_by=who)

    def refuse(
        self,
        refund_id: str,
        who: str,
        why: str,
        *,
        via: str = "api",
        under: Lease | None = None,
    ) -> None:
        with self._engine.begin() as connection:
            if under is not None:
                demand_held(connection, under)
            found, now = self._find(connection, refund_id), self._clock(connection)
            if found is None:
                raise _unknown(refund_id)
            facts = from_json(RefundFacts, found.facts)
            is_unsent = under is not None
            demand_refusable(refund_id, found.state, found.origin, facts, unsent=is_unsent)
            refused = {
                "state": RefundState.refused.value,
                "reason": why,
                "rest_reason": "",
                "next_at": now,  # the shop's server is told
            }
            _rule(connection, found, Ruling.refused, now, refused)
            told = Event("refund refused", {"refund": refund_id, "why": why}, who, via)
            note_refused(connection, found.order_id, now, found.amount_minor, told)
            for kind in (REFUSED, SET_BACK):
                close_letter(connection, now, kind, refund_id, who, f"refused: {why}")
            self._sign(connection, now, refund_id, [told])

    def mend(self, saga: Saga[RefundFacts], event: Event) -> None:
        with self._engine.begin() as connection:
            now = self._clock(connection)
            if not self._write(connection, saga, now):
                raise Rejected("it has moved on", f"refund {saga.key}", "Read it again.")
            self._tell(connection, replace(saga, version=saga.version + 1), now, [event])
            close_letter(connection, now, REFUSED, saga.key, event.who, event.what)
            self._sign(connection, now, saga.key, [event])

    def _read(self, connection: Connection, key: str) -> Saga[RefundFacts]:
        found = self._find(connection, key)
        if found is None:
            raise _unknown(key)
        return saga_of(found)

    def _write(self, connection: Connection, saga: Saga[RefundFacts], now: datetime) -> bool:
        values = {
            "of_refund": saga.key,
            "was_version": saga.version,
            "state": str(saga.state),
            "facts": to_json(saga.facts),
            "version": saga.version + 1,
            "next_at": saga.next_at,
            "rest_reason": saga.reason,
            "updated_at": now,
        }
        return bool(connection.execute(_SAVE, values).rowcount)

    def _tell(
        self, connection: Connection, saga: Saga[RefundFacts], now: datetime, events: list[Event]
    ) -> None:
        order_id = connection.execute(_ORDER_ID, {"of_refund": saga.key}).scalar()
        for event in events:
            tell_order(connection, str(order_id), now, event)
        rows = [
            {"request_id": part.request_id, "order_id": order_id, "what": part.way.value}
            for part in saga.facts.parts
            if part.request_id and not part.is_outside
        ]
        if rows:
            connection.execute(insert_once(connection.dialect.name, payment_requests), rows)
        if any(part.request_id for part in saga.facts.parts):
            note_returned(connection, str(order_id), now, saga, _owner(connection, saga))
        if saga.state == RefundState.stuck and is_refused(saga.facts):
            self._set_aside(connection, saga, now)

    def _set_aside(self, connection: Connection, saga: Saga[RefundFacts], now: datetime) -> None:
        """Tell a person, in the commit that knows it: nothing else stands behind a clear no."""
        row = row_of(self._find(connection, saga.key))
        not_moved = [part.amount.minor for part in saga.facts.parts if not part.request_id]
        open_letter(
            connection,
            now=now,
            kind=REFUSED,
            key=saga.key,
            currency=row.amount.currency,
            amount_minor=sum(not_moved),
            reason=f"{saga.facts.problem} (order {row.order_id}, {row.reason})",
            next_action="Replay it after a passing fault. For good: pay it back outside, book it "
            "by hand, and say so: tieout.cli refunds paid-outside.",
            owner=_owner(connection, saga),
        )

    def due(self, merchant_ids: Sequence[str], limit: int) -> Sequence[str]:
        with self._engine.begin() as connection:
            values = {"merchants": merchant_ids, "now": self._clock(connection), "most": limit}
            return connection.execute(_DUE, values).scalars().all()

    def of_order(self, order_id: str) -> Sequence[tuple[RefundRow, Saga[RefundFacts]]]:
        with self._engine.begin() as connection:
            rows = connection.execute(_OF_ORDER, {"of_order": order_id})
            return [(row_of(found), saga_of(found)) for found in rows]

    def listing(self, state: str, limit: int = 1000) -> list[tuple[RefundRow, Saga[RefundFacts]]]:
        """List refunds in one state, the oldest first."""
        wanted = select(refunds).where(refunds.c.state == state)
        return self._pairs(wanted.order_by(refunds.c.asked_at).limit(limit))

    def _pairs(self, wanted: Select[Any]) -> list[tuple[RefundRow, Saga[RefundFacts]]]:
        with self._engine.begin() as connection:
            return [(row_of(found), saga_of(found)) for found in connection.execute(wanted)]


def _owner(connection: Connection, saga: Saga[RefundFacts]) -> str:
    """Name whose the refund's effects are, and so its letters."""
    by = {"of_key": f"{saga.key}|{saga.facts.parts[0].step}"}
    return str(connection.execute(_OWNER, by).scalar() or "")


def _rule(
    connection: Connection, found: Any, ruling: Ruling, now: datetime, values: dict[str, Any]
) -> None:
    """Write what was said of a refund, if it still is as it was read.

    Raises:
        Rejected: somebody else was first, or it has begun to move.
    """
    known = from_json(RefundFacts, found.facts)
    step = "" if ruling is Ruling.refused else known.open_step
    facts = to_json(replace(known, ruling=ruling, open_step=step))
    ruled = {**values, "facts": facts, "version": found.version + 1, "updated_at": now}
    as_read = (refunds.c.refund_id == found.refund_id) & (refunds.c.version == found.version)
    if not connection.execute(update(refunds).where(as_read).values(ruled)).rowcount:
        raise Rejected("it has moved on", f"refund {found.refund_id}", "Read it again.")


def _unknown(refund_id: str) -> Rejected:
    return Rejected(f"there is no refund {refund_id!r}", "refunds", "Check the id.")
