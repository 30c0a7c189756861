"""Fraud decisions in the database: each event once, whatever brought it."""

from collections.abc import Sequence

from sqlalchemy import Engine, bindparam, exists, select, update

from include.adapters.store.clock import StoreClock, database_now
from include.adapters.store.leases import insert_once
from include.adapters.store.order_tables import decisions, payment_requests
from include.domain.reviews import Decision, DecisionEvent, Merged

_UNMATCHED = "unmatched"
_MATCHABLE = (
    select(decisions)
    .where(
        decisions.c.merged == _UNMATCHED,
        exists().where(payment_requests.c.request_id == decisions.c.request_id),
    )
    .order_by(decisions.c.decided_at)
)
_MATCH = update(decisions).where(
    decisions.c.event_key == bindparam("of_event"), decisions.c.merged == _UNMATCHED
)


class SqlFraudDecisions:
    """Satisfies ``orders.stores.DecisionBook``."""

    def __init__(self, engine: Engine, clock: StoreClock = database_now) -> None:
        self._engine = engine
        self._clock = clock

    def record(self, event: DecisionEvent, order_id: str, merged: Merged | None) -> bool:
        word = merged.value if merged else _UNMATCHED
        with self._engine.begin() as connection:
            row = {
                "event_key": event.event_key,
                "request_id": event.request_id,
                "order_id": order_id,
                "decision": event.decision.value,
                "origin": event.origin,
                "reviewer": event.reviewer,
                "comments": event.comments[:1000],
                "merged": word,
                "decided_at": event.at,
                "received_at": self._clock(connection),
            }
            if connection.execute(insert_once(connection.dialect.name, decisions), row).rowcount:
                return True
            if order_id:  # known since before its order was
                match = {"of_event": event.event_key, "order_id": order_id, "merged": word}
                connection.execute(_MATCH, match)
        return False

    def matchable(self) -> Sequence[DecisionEvent]:
        with self._engine.begin() as connection:
            return [
                DecisionEvent(
                    row.request_id,
                    Decision(row.decision),
                    row.decided_at,
                    row.origin,
                    row.event_key,
                    row.reviewer,
                    row.comments,
                )
                for row in connection.execute(_MATCHABLE, {})
            ]
