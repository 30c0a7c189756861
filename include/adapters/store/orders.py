"""Orders in the database: accepted once, changed only by whoever read the latest version."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, insert, or_, select, update

from include.adapters.store.clock import StoreClock, database_now
from include.adapters.store.leases import insert_once
from include.adapters.store.order_letters import note_letters
from include.adapters.store.order_tables import order_events, orders, payment_requests
from include.adapters.store.sagas import SqlSagas
from include.adapters.store.transactions import flush_with_next, reading
from include.domain.canonical import from_json, to_json
from include.domain.errors import Rejected
from include.domain.order_state import OrderFacts, OrderState
from include.domain.orders import Order, PaymentSource
from include.domain.standing import state_after
from include.services.effects.chain import detail_of
from include.services.orders.sagas import Event, Saga, Stale
from include.services.orders.stores import Amend, TimelineEntry

_ROW = (
    orders.c.order_id,
    orders.c.state,
    orders.c.facts,
    orders.c.version,
    orders.c.next_at,
    orders.c.reason,
)
_MOST_REVIEWS = 500  # asked about at once; later ones have their turn as these are decided
_Instants = orders.c.next_at.type
# Built once: a statement costs more to put together than to run.
_READ = select(*_ROW).where(orders.c.order_id == bindparam("of_order"))
_READ_WHOLE = _READ.add_columns(orders.c.content)
_CONTENT = select(orders.c.content).where(orders.c.order_id == bindparam("of_order"))
_BY_REQUEST = select(payment_requests.c.order_id).where(
    payment_requests.c.request_id == bindparam("of_request")
)
_BY_PURCHASE_ORDER = select(orders.c.order_id).where(
    orders.c.merchant_id == bindparam("of_merchant"),
    orders.c.purchase_order_key == bindparam("of_purchase_order"),
)
_AS_READ = (orders.c.order_id == bindparam("of_order")) & (
    orders.c.version == bindparam("was_version")
)
_SAVE, _SAVE_FACTS = update(orders).where(_AS_READ), update(orders).where(_AS_READ)
_EVENT = insert(order_events)
_DUE = (
    select(orders.c.order_id)
    .where(
        orders.c.merchant_id.in_(bindparam("merchants", expanding=True)),
        orders.c.next_at <= bindparam("now", type_=_Instants),
    )
    .order_by(orders.c.accepted_at, orders.c.order_id)
    .limit(bindparam("most"))
)
_BESIDE_ERP = (
    _DUE.where(
        or_(
            orders.c.sales_order != "",
            orders.c.state.not_in((OrderState.authorized.value, OrderState.in_review.value)),
        )
    )
    .order_by(None)
    .order_by(orders.c.next_at.desc(), orders.c.order_id)
)
_ORDERS_KEPT = 2000  # some 10 MB
_MOST_TRIES = 50  # of an amendment; each lost try means that somebody else's was written


class SqlOrders(SqlSagas[OrderFacts]):
    """Satisfies ``orders.stores.OrderBook`` on SQLite and PostgreSQL."""

    subject = "order"

    def __init__(
        self,
        engine: Engine,
        owner_of: Callable[[str], str],
        clock: StoreClock = database_now,
        seconds: Callable[[], float] | None = None,
    ) -> None:
        """Open nothing; ``owner_of`` says by merchant id who is asked about an order's letters."""
        super().__init__(engine, clock, seconds)
        self._owner_of = owner_of
        self._kept = lru_cache(maxsize=_ORDERS_KEPT)(self._content)

    def accept(
        self, order: Order, facts: OrderFacts, state: OrderState, who: str
    ) -> tuple[Saga[OrderFacts], bool]:
        """Insert once: the primary key decides which of two requests was first."""
        content = to_json(order)
        with self._engine.begin() as connection:
            flush_with_next(connection)  # nothing is sent or answered before another commit
            now = self._clock(connection)
            wanted = insert_once(connection.dialect.name, orders)
            row = {
                "order_id": order.order_id,
                "shop_id": order.shop_id,
                "number": order.number,
                "merchant_id": order.merchant_id,
                "purchase_order": order.purchase_order,
                "purchase_order_key": order.purchase_order.casefold(),
                "currency": order.currency,
                "amount_minor": order.amount.minor,
                "sales_order": "",
                "content": content,
                "state": state.value,
                "facts": to_json(facts),
                "refunding_minor": 0,
                "captured_minor": 0,
                "version": 1,
                "next_at": now,
                "reason": "",
                "accepted_at": now,
                "updated_at": now,
            }
            if connection.execute(wanted, row).rowcount:
                where = f"shop {order.shop_id}, order {order.number}"
                _claim_payment(connection, order.order_id, order.payment, where)
                append_events(connection, order.order_id, 1, now, [_accepted(order, who)])
                return Saga(order.order_id, state.value, facts, 1, now), True
            found = connection.execute(_READ_WHOLE, {"of_order": order.order_id}).one_or_none()
        if found is None:  # SYSPRO would take both for one, and we one's sales order for the other
            raise Rejected(
                f"an order {order.purchase_order!r} is there already, but for its letter case",
                f"shop {order.shop_id}",
                "Place it under a number that differs by more than upper and lower case.",
            )
        if found.content != content:
            is_closed = _facts(found.facts).is_closed
            raise _other_content(order, OrderState.cancelled if is_closed else found.state)
        return _saga(found), False

    def content(self, order_id: str) -> Order:
        """Read what was accepted, once: it changes only when its shopper is forgotten."""
        return self._kept(order_id)

    def _content(self, order_id: str) -> Order:
        with reading(self._engine) as connection:
            found = connection.execute(_CONTENT, {"of_order": order_id}).scalar()
        if found is None:
            raise _unknown(order_id)
        return from_json(Order, found)

    def find(self, merchant_id: str, purchase_order: str) -> str | None:
        of = {"of_merchant": merchant_id, "of_purchase_order": purchase_order.casefold()}
        with reading(self._engine) as connection:
            return connection.execute(_BY_PURCHASE_ORDER, of).scalar()

    def by_sales_order(self, merchant_id: str, sales_order: str) -> str | None:
        wanted = select(orders.c.order_id).where(
            orders.c.merchant_id == merchant_id, orders.c.sales_order == sales_order
        )
        with reading(self._engine) as connection:
            return connection.scalar(wanted)

    def _read(self, connection: Connection, key: str) -> Saga[OrderFacts]:
        found = connection.execute(_READ, {"of_order": key}).one_or_none()
        if found is None:
            raise _unknown(key)
        return _saga(found)

    def _write(self, connection: Connection, saga: Saga[OrderFacts], now: datetime) -> bool:
        values = {
            "of_order": saga.key,
            "was_version": saga.version,
            "state": str(saga.state),
            "version": saga.version + 1,
            "next_at": saga.next_at,
            "reason": saga.reason,
            "updated_at": now,
        }
        if not saga.has_news():
            return bool(connection.execute(_SAVE, values).rowcount)
        facts = {
            "facts": to_json(saga.facts),
            "captured_minor": saga.facts.captured_minor(),
            "sales_order": saga.facts.sales_order,
        }
        return bool(connection.execute(_SAVE_FACTS, values | facts).rowcount)

    def _tell(
        self, connection: Connection, saga: Saga[OrderFacts], now: datetime, events: list[Event]
    ) -> None:
        append_events(connection, saga.key, saga.version, now, events)
        source, before = saga.facts.source, saga.stored.source if saga.stored else None
        if source is not None and source != before:
            _claim_payment(connection, saga.key, source, f"order {saga.key}")
        if any(event.detail.get("request_id") for event in events):  # an answer of the gateway
            _know_requests(connection, saga.key, saga.facts)
        if saga.has_news():
            note_letters(connection, now, saga, events, self._owner_of)

    def tell(self, order_id: str, event: Event) -> None:
        for _ in range(_MOST_TRIES):
            with suppress(Stale):
                self.save(self.get(order_id), [event])
                return
        raise _too_fast(order_id)

    def amend(self, order_id: str, change: Amend, event: Event) -> Saga[OrderFacts]:
        for _ in range(_MOST_TRIES):
            saga = self.get(order_id)
            facts = change(saga.facts)
            state = state_after(saga.state, saga.facts, facts)
            due = replace(saga, facts=facts, state=state, next_at=self.now())
            with suppress(Stale):
                return self.save(due, [event] if facts != saga.facts else [])
        raise _too_fast(order_id)

    def due(
        self, merchant_ids: Sequence[str], limit: int, *, is_erp_down: bool = False
    ) -> Sequence[str]:
        wanted = _BESIDE_ERP if is_erp_down else _DUE
        with self._engine.begin() as connection:
            values = {"merchants": merchant_ids, "now": self._clock(connection), "most": limit}
            return connection.execute(wanted, values).scalars().all()

    def waiting(self, merchant_ids: Sequence[str], limit: int) -> Sequence[tuple[Order, bool]]:
        """Return due orders, as ``due`` would; each with whether SYSPRO has it."""
        wanted = _DUE.with_only_columns(orders.c.content, orders.c.sales_order)
        with self._engine.begin() as connection:
            values = {"merchants": merchant_ids, "now": self._clock(connection), "most": limit}
            found = connection.execute(wanted, values).all()
        return [(from_json(Order, row.content), bool(row.sales_order)) for row in found]

    def by_request(self, request_id: str) -> str | None:
        with reading(self._engine) as connection:
            return connection.execute(_BY_REQUEST, {"of_request": request_id}).scalar()

    def under_review(self, merchant_id: str) -> Sequence[str]:
        """Return the gateway requests of orders that wait for a fraud decision, oldest first.

        What of them was declined is not waited for.
        """
        wanted = (
            select(payment_requests.c.request_id, orders.c.facts)
            .join(orders, orders.c.order_id == payment_requests.c.order_id)
            .where(
                orders.c.merchant_id == merchant_id,
                orders.c.state == OrderState.in_review.value,
                payment_requests.c.what == "authorization",
            )
            .order_by(orders.c.accepted_at)
            .limit(_MOST_REVIEWS)
        )
        with self._engine.begin() as connection:
            found = connection.execute(wanted).all()
        return [one for one, facts in found if not _is_declined(one, _facts(facts))]

    def timeline(self, order_id: str) -> Sequence[TimelineEntry]:
        wanted = (
            select(
                order_events.c.at, order_events.c.what, order_events.c.detail, order_events.c.who
            )
            .where(order_events.c.order_id == order_id)
            .order_by(order_events.c.event_no)
        )
        with self._engine.begin() as connection:
            return [TimelineEntry(*row) for row in connection.execute(wanted)]


def _saga(row: Any) -> Saga[OrderFacts]:
    facts = _facts(row.facts)
    return Saga(row.order_id, row.state, facts, row.version, row.next_at, row.reason, facts)


@lru_cache(maxsize=_ORDERS_KEPT)
def _facts(text: str) -> OrderFacts:
    """Read facts once, however often their saga is looked at; they cannot be changed in place."""
    return from_json(OrderFacts, text)


def _is_declined(request_id: str, facts: OrderFacts) -> bool:
    return any(one.request_id == request_id for one in facts.declined_payments)


def _accepted(order: Order, who: str) -> Event:
    detail = {"number": order.number, "amount": str(order.amount), "lines": len(order.lines)}
    return Event("order accepted", detail, who)


def _other_content(order: Order, state: str) -> Rejected:
    """Say that a number is taken; of an order that has ended unpaid, how else it is paid."""
    where = f"shop {order.shop_id}"
    if state == OrderState.declined:
        return Rejected(
            f"order {order.number!r} is declined, and this has other content",
            where,
            f"Pay it anew (POST /v1/orders/{order.order_id}/payment); or place what is wanted now "
            "under a number and an Idempotency-Key of its own.",
        )
    if state == OrderState.cancelled:
        return Rejected(
            f"order {order.number!r} is cancelled, and its number is spent",
            where,
            "Place it anew, with this payment, under a number and an Idempotency-Key of its own.",
        )
    return Rejected(
        f"order {order.number!r} is there with other content",
        where,
        "Read it; place a changed order under a number of its own.",
    )


def _too_fast(order_id: str) -> RuntimeError:
    return RuntimeError(f"order {order_id} changes faster than it can be amended")


def append_events(
    connection: Connection, order_id: str, version: int, now: datetime, events: Sequence[Event]
) -> None:
    """Number events by the row's new version: two writers could never use one number."""
    if events:
        connection.execute(
            _EVENT,
            [
                {
                    "order_id": order_id,
                    "event_no": version * 100 + place,
                    "at": now,
                    "what": event.what,
                    "detail": detail_of(**event.detail),
                    "who": event.who,
                }
                for place, event in enumerate(events)
            ],
        )


def _know_requests(connection: Connection, order_id: str, facts: OrderFacts) -> None:
    """Remember which order a gateway request belongs to; decisions and reports name requests."""
    known = [(facts.payment.request_id, "authorization")] if facts.payment else []
    known += [(one.request_id, "capture") for one in facts.captures]
    rows = [
        {"request_id": request_id, "order_id": order_id, "what": what}
        for request_id, what in known
        if request_id
    ]
    if rows:
        connection.execute(insert_once(connection.dialect.name, payment_requests), rows)


def _claim_payment(
    connection: Connection, order_id: str, source: PaymentSource, where: str
) -> None:
    """Let an authorisation that the shop made pay for one order only; plugins copy orders whole."""
    request_id = source.request_id
    if not request_id:
        return
    row = {"request_id": request_id, "order_id": order_id, "what": "authorization"}
    if not connection.execute(insert_once(connection.dialect.name, payment_requests), row).rowcount:
        other = connection.execute(_BY_REQUEST, {"of_request": request_id}).scalar()
        raise Rejected(
            f"request {request_id} pays for order {other} already",
            where,
            "Have it paid with a payment of its own.",
        )


def _unknown(order_id: str) -> Rejected:
    return Rejected(f"there is no order {order_id!r}", "orders", "Check the id.")
