"""Fraud decisions in the database: each event once, whatever brought it."""

from collections.abc import Sequence

from sqlalchemy import Engine, select, update

from include.adapters.store.clock import StoreClock, database_now
from include.adapters.store.leases import once_insert
from include.adapters.store.order_tables import decisions
from include.domain.reviews import Decision, DecisionEvent, Merged

_UNMATCHED = "unmatched"


class SqlDecisions:
    """Satisfies ``orders.books.DecisionBook``."""

    def __init__(self, engine: Engine, clock: StoreClock = database_now) -> None:
        self._engine = engine
        self._clock = clock

    def record(self, event: DecisionEvent, order_id: str, merged: Merged | None) -> bool:
        word = merged.value if merged else _UNMATCHED
        with self._engine.begin() as connection:
            wanted = once_insert(connection, decisions).values(
                event_key=event.event_key,
                request_id=event.request_id,
                order_id=order_id,
                decision=event.decision.value,
                origin=event.origin,
                reviewer=event.reviewer,
                comments=event.comments[:1000],
                merged=word,
                decided_at=event.at,
                received_at=self._clock(connection),
            )
            if connection.execute(wanted.on_conflict_do_nothing()).rowcount:
                return True
            if order_id:  # known since before its order was
                connection.execute(
                    update(decisions)
                    .where(
                        decisions.c.event_key == event.event_key, decisions.c.merged == _UNMATCHED
                    )
                    .values(order_id=order_id, merged=word)
                )
        return False

    def unmatched(self) -> Sequence[DecisionEvent]:
        wanted = select(decisions).where(decisions.c.merged == _UNMATCHED)
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
                for row in connection.execute(wanted.order_by(decisions.c.decided_at))
            ]
