"""Refunds that wait for a second person, as the one who decides sees them."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Engine, select

from include.adapters.store.order_tables import orders, refunds
from include.domain.canonical import from_json
from include.domain.money import Money
from include.domain.refunds import RefundFacts, RefundRow, RefundState
from include.services.orders.ask_refunds import WaitingRefund, digest_of, key_of

_MOST = 500  # questions of one run; more than that is not a matter of one person

_WAITING = (
    select(
        refunds,
        orders.c.shop_id,
        orders.c.merchant_id,
        orders.c.number,
        orders.c.purchase_order,
        orders.c.amount_minor.label("ordered_minor"),
        orders.c.captured_minor,
        orders.c.refunding_minor,
    )
    .join(orders, orders.c.order_id == refunds.c.order_id)
    .where(refunds.c.state == RefundState.waiting.value)
    .order_by(refunds.c.asked_at, refunds.c.refund_id)
)


def waiting_refunds(engine: Engine, refund_id: str = "", limit: int = _MOST) -> list[WaitingRefund]:
    """Return what waits, the oldest first; with an id that one alone, or nothing."""
    wanted = _WAITING.where(refunds.c.refund_id == refund_id) if refund_id else _WAITING
    with engine.begin() as connection:
        return [_waiting(row) for row in connection.execute(wanted.limit(limit))]


def refunds_to_ask(
    engine: Engine, held: Collection[tuple[str, str]], most: int = _MOST
) -> list[str]:
    """Name at most ``most`` refunds that wait, the oldest first, but none that a person holds.

    Args:
        engine: the store.
        held: key and digest of what is held; a refund of another digest is asked about again.
        most: how many.
    """
    # Those held are left out below, so as many more are read: they hide no younger one.
    rows = [one.row for one in waiting_refunds(engine, limit=most + len(held))]
    asked = [row.refund_id for row in rows if (key_of(row.refund_id), digest_of(row)) not in held]
    return asked[:most]


def _waiting(found: Any) -> WaitingRefund:
    currency = found.currency
    row = RefundRow(
        refund_id=found.refund_id,
        order_id=found.order_id,
        origin=found.origin,
        origin_key=found.origin_key,
        amount=Money(found.amount_minor, currency),
        asked_by=found.asked_by,
        approved_by=found.approved_by,
        reason=found.reason,
    )
    return WaitingRefund(
        row=row,
        shop_id=found.shop_id,
        merchant_id=found.merchant_id,
        number=found.number,
        purchase_order=found.purchase_order,
        ordered=Money(found.ordered_minor, currency),
        captured=Money(found.captured_minor, currency),
        refunding=Money(found.refunding_minor, currency),
        parts=from_json(RefundFacts, found.facts).parts,
        asked_at=found.asked_at,
    )
