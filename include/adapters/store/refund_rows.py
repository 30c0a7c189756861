"""A refund's row as the services read it."""

from typing import Any

from include.domain.canonical import from_json
from include.domain.money import Money
from include.domain.refunds import RefundFacts
from include.services.orders.driver import Saga
from include.services.orders.refund_order import RefundRow


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
