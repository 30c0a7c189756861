"""Orders as the pages show them: read only, by indexes, so that history costs nothing."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, DateTime, Engine, and_, cast, func, or_, select
from sqlalchemy.dialects import postgresql

from include.adapters.store.effect_keys import begins
from include.adapters.store.order_tables import orders, payment_requests, refunds
from include.adapters.store.schema import dead_letters, effects
from include.domain.canonical import from_json
from include.domain.money import Money
from include.domain.order_state import OrderFacts, OrderState
from include.domain.orders import Order
from include.services.effects.ports import EffectKind
from include.services.orders.ask_reviews import WaitingReview

_LISTED = (
    orders.c.order_id, orders.c.shop_id, orders.c.merchant_id, orders.c.number,
    orders.c.purchase_order, orders.c.sales_order, orders.c.currency, orders.c.amount_minor,
    orders.c.captured_minor, orders.c.refunding_minor, orders.c.state, orders.c.reason,
    orders.c.accepted_at, orders.c.updated_at, orders.c.next_at,
)  # fmt: skip
_IN_REVIEW = orders.c.state == OrderState.in_review.value
_REQUEST_ID = re.compile(r"(?<![0-9])[0-9]{22}(?![0-9])")
WAITING = 500  # questions of one run; more than that is not a matter of one analyst


@dataclass(frozen=True, slots=True)
class ListedOrder:
    """One line of the list."""

    order_id: str
    shop_id: str
    merchant_id: str
    number: str
    purchase_order: str
    sales_order: str
    amount: Money
    captured: Money
    refunding: Money
    state: str
    reason: str
    accepted_at: datetime
    updated_at: datetime
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class ShownOrder:
    """One order, whole."""

    row: ListedOrder
    facts: OrderFacts
    content: Order


def listing(
    engine: Engine,
    *,
    shops: Sequence[str],
    merchants: Sequence[str],
    state: str = "",
    number: str = "",
    after: tuple[datetime, str] | None = None,
    limit: int,
) -> list[ListedOrder]:
    """List orders of these shops, newest first; ``after`` is the last one of the page before.

    ``number`` is the shop's, the purchase order (in capitals or not) or SYSPRO's sales order; each
    has an index.
    """
    wanted = select(*_LISTED).where(orders.c.shop_id.in_(shops))
    if state:
        wanted = wanted.where(orders.c.state == state)
    if number:
        wanted = wanted.where(orders.c.order_id.in_(_numbered(number, shops, merchants)))
    if after is not None:
        at, order_id = after
        # The first condition is what an index can begin at.
        wanted = wanted.where(
            orders.c.accepted_at <= at,
            or_(orders.c.accepted_at < at, orders.c.order_id < order_id),
        )
    wanted = wanted.order_by(orders.c.accepted_at.desc(), orders.c.order_id.desc()).limit(limit)
    with engine.begin() as connection:
        return [_listed(row) for row in connection.execute(wanted)]


def _numbered(number: str, shops: Sequence[str], merchants: Sequence[str]) -> Any:
    by_shop = select(orders.c.order_id).where(
        orders.c.shop_id.in_(shops), orders.c.number == number
    )
    of_merchant = orders.c.merchant_id.in_(merchants)
    return by_shop.union(
        select(orders.c.order_id).where(
            of_merchant, orders.c.purchase_order_key == number.casefold()
        ),
        select(orders.c.order_id).where(of_merchant, orders.c.sales_order == number),
    )


def shown(engine: Engine, order_id: str) -> ShownOrder | None:
    """Return one order, or None."""
    wanted = select(*_LISTED, orders.c.facts, orders.c.content).where(orders.c.order_id == order_id)
    with engine.begin() as connection:
        row = connection.execute(wanted).one_or_none()
    if row is None:
        return None
    return ShownOrder(_listed(row), from_json(OrderFacts, row.facts), from_json(Order, row.content))


def behind(engine: Engine, merchant_id: str, reference: str) -> str | None:
    """Return the order behind a merchant reference or a gateway request of a settlement line."""
    by_order = select(orders.c.order_id).where(
        orders.c.merchant_id == merchant_id, orders.c.purchase_order_key == reference.casefold()
    )
    by_request = (
        select(payment_requests.c.order_id)
        .join(orders, orders.c.order_id == payment_requests.c.order_id)
        .where(payment_requests.c.request_id == reference, orders.c.merchant_id == merchant_id)
    )
    with engine.begin() as connection:
        return connection.scalar(by_order) or connection.scalar(by_request)


def orders_of_items(engine: Engine, item_keys: Sequence[str]) -> Mapping[str, str]:
    """Return the order of each open item whose key names a gateway request that we made."""
    requests = {key: found.group() for key in item_keys if (found := _REQUEST_ID.search(key))}
    wanted = select(payment_requests.c.request_id, payment_requests.c.order_id).where(
        payment_requests.c.request_id.in_(sorted(set(requests.values())))
    )
    with engine.begin() as connection:
        known = {row.request_id: row.order_id for row in connection.execute(wanted)}
    return {key: known[request] for key, request in requests.items() if request in known}


def effects_of(engine: Engine, keys: Sequence[str]) -> list[Mapping[str, Any]]:
    """Return every effect of an order and its refunds, as begun, each with its open dead letter."""
    wanted = (
        select(
            effects.c.kind,
            effects.c.key,
            effects.c.reference,
            effects.c.target,
            effects.c.currency,
            effects.c.amount_minor,
            effects.c.state,
            effects.c.sends,
            effects.c.intended_at,
            effects.c.sent_at,
            effects.c.next_at,
            effects.c.their_key,
            effects.c.reason,
            dead_letters.c.dead_letter_id,
            dead_letters.c.next_action,
        )
        .outerjoin(
            dead_letters,
            and_(
                dead_letters.c.kind == effects.c.kind,
                dead_letters.c.key == effects.c.key,
                dead_letters.c.state == "open",
            ),
        )
        .where(effects.c.kind.in_([kind.value for kind in EffectKind]), or_(*map(begins, keys)))
        .order_by(effects.c.intended_at, effects.c.key)
    )
    with engine.begin() as connection:
        return [dict(row) for row in connection.execute(wanted).mappings()]


def refunds_in(engine: Engine, state: str, limit: int, offset: int) -> list[Mapping[str, Any]]:
    """Return refunds in one state, the oldest first, with the number of their order."""
    wanted = (
        select(refunds, orders.c.number, orders.c.shop_id, orders.c.merchant_id)
        .join(orders, orders.c.order_id == refunds.c.order_id)
        .where(refunds.c.state == state)
        .order_by(refunds.c.asked_at, refunds.c.refund_id)
        .limit(limit)
        .offset(offset)
    )
    with engine.begin() as connection:
        return [dict(row) for row in connection.execute(wanted).mappings()]


def waiting(engine: Engine, order_id: str = "", limit: int = WAITING) -> list[WaitingReview]:
    """Return orders under fraud review, at most ``limit``, those that end first at the top.

    That is the end of the authorisation, or acceptance where the bank was not asked yet.
    """
    wanted = select(*_LISTED, orders.c.facts, orders.c.content).where(_IN_REVIEW)
    if order_id:
        wanted = wanted.where(orders.c.order_id == order_id)
    # The database sorts before it cuts off: what ends first may be what was touched last.
    first = func.coalesce(_ends_at(engine.dialect.name), orders.c.accepted_at)
    with engine.begin() as connection:
        rows = connection.execute(wanted.order_by(first, orders.c.order_id).limit(limit)).all()
    return [_waiting(row) for row in rows]


def count_waiting(engine: Engine) -> int:
    """Count the orders under fraud review, however many ``waiting`` returns."""
    with engine.begin() as connection:
        return connection.scalar(select(func.count()).where(_IN_REVIEW)) or 0


def _ends_at(dialect: str) -> ColumnElement[Any]:
    """Read ``OrderFacts.expires_at`` out of the facts, as the database compares instants."""
    if dialect == "sqlite":  # as our instants stand there: a text without a zone
        kept = func.json_extract(orders.c.facts, "$.expires_at")
        return func.strftime("%Y-%m-%d %H:%M:%f", kept)
    found = cast(orders.c.facts, postgresql.JSON)["expires_at"].astext
    return cast(found, DateTime(timezone=True))


def _waiting(row: Any) -> WaitingReview:
    facts, content = from_json(OrderFacts, row.facts), from_json(Order, row.content)
    payment = facts.payment
    return WaitingReview(
        order_id=row.order_id,
        shop_id=row.shop_id,
        merchant_id=row.merchant_id,
        number=row.number,
        purchase_order=row.purchase_order,
        amount=Money(row.amount_minor, row.currency),
        country=content.shopper.ship_to.country,
        request_id=payment.request_id if payment else "",
        gateway_says=f"{payment.theirs} {payment.reason}".strip() if payment else "",
        sales_order=row.sales_order,
        accepted_at=row.accepted_at,
        expires_at=facts.expires_at,
        invoice=", ".join(facts.invoices),
        checks=payment.checks if payment else None,
    )


def _listed(row: Any) -> ListedOrder:
    return ListedOrder(
        order_id=row.order_id,
        shop_id=row.shop_id,
        merchant_id=row.merchant_id,
        number=row.number,
        purchase_order=row.purchase_order,
        sales_order=row.sales_order,
        amount=Money(row.amount_minor, row.currency),
        captured=Money(row.captured_minor, row.currency),
        refunding=Money(row.refunding_minor, row.currency),
        state=row.state,
        reason=row.reason,
        accepted_at=row.accepted_at,
        updated_at=row.updated_at,
        next_at=row.next_at,
    )
