"""A refund's row: as it is first written, and as the services read it."""

from datetime import datetime
from typing import Any

from include.domain.canonical import from_json, to_json
from include.domain.money import Money
from include.domain.refunds import WITHIN_LIMIT, RefundFacts, RefundRow, RefundState, Ruling
from include.services.orders.sagas import Saga


def first_row(row: RefundRow, facts: RefundFacts, now: datetime) -> dict[str, Any]:
    """Return the columns of a new refund, due at once: it moves, or the shop hears it waits."""
    is_free = facts.ruling is Ruling.approved
    state = RefundState.approved if is_free else RefundState.waiting
    return {
        "refund_id": row.refund_id,
        "order_id": row.order_id,
        "origin": row.origin,
        "origin_key": row.origin_key,
        "currency": row.amount.currency,
        "amount_minor": row.amount.minor,
        "state": state.value,
        "facts": to_json(facts),
        "asked_by": row.asked_by,
        "approved_by": WITHIN_LIMIT if is_free else "",
        "reason": row.reason,
        "rest_reason": "",
        "version": 1,
        "next_at": now,
        "asked_at": now,
        "updated_at": now,
    }


def row_of(found: Any) -> RefundRow:
    return RefundRow(
        refund_id=found.refund_id,
        order_id=found.order_id,
        origin=found.origin,
        origin_key=found.origin_key,
        amount=Money(found.amount_minor, found.currency),
        asked_by=found.asked_by,
        approved_by=found.approved_by,
        reason=found.reason,
    )


def saga_of(found: Any) -> Saga[RefundFacts]:
    facts = from_json(RefundFacts, found.facts)
    return Saga(
        found.refund_id, found.state, facts, found.version, found.next_at, found.rest_reason
    )
