"""The inbox in the database: raw bytes under UNIQUE (source, event key)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, bindparam, exists, func, or_, select, update

from include.adapters.store import audit
from include.adapters.store.clock import StoreClock, database_now
from include.adapters.store.dead_letters import close_letter, open_letter
from include.adapters.store.leases import insert_once
from include.adapters.store.order_tables import inbox
from include.adapters.store.schema import dead_letters
from include.domain.errors import Rejected
from include.services.effects.chain import Signed
from include.services.inbox.ports import (
    DEAD_LETTER_KIND,
    Conclusion,
    InboxRow,
    InboxState,
    Incoming,
    key_of,
)

# Built once: a statement costs more to put together than to run.
_DUE = (
    select(inbox)
    .where(
        inbox.c.state == InboxState.received.value,
        or_(
            inbox.c.next_at.is_(None),
            inbox.c.next_at <= bindparam("now", type_=inbox.c.next_at.type),
        ),
    )
    .order_by(inbox.c.inbox_id)
    .limit(bindparam("most"))
)
_CONCLUDE = update(inbox).where(
    inbox.c.inbox_id == bindparam("of_event"),
    inbox.c.state == InboxState.received.value,
    inbox.c.tries == bindparam("was_tries"),
)
_IS_OPEN = exists().where(
    dead_letters.c.kind == DEAD_LETTER_KIND,
    dead_letters.c.key == inbox.c.source + "|" + inbox.c.event_key,
    dead_letters.c.state == "open",
)
_OVER = (InboxState.handled.value, InboxState.unhandled.value, InboxState.failed.value)
# By the index of state and next_at: neither what is emptied nor what is young is looked at.
_IS_OLD = inbox.c.state.in_(_OVER) & (
    inbox.c.next_at <= bindparam("until", type_=inbox.c.next_at.type)
)
_CHUNK = 1000  # events to a transaction
# Said again of the row itself: a person may have replayed it since it was looked up.
_EMPTY = (
    update(inbox)
    .where(
        _IS_OLD,
        inbox.c.inbox_id.in_(
            select(inbox.c.inbox_id)
            .where(_IS_OLD, or_(inbox.c.state != InboxState.failed.value, ~_IS_OPEN))
            .limit(_CHUNK)
            .scalar_subquery()
        ),
    )
    .values(state=InboxState.emptied.value, body=b"")
)


@dataclass(frozen=True, slots=True)
class SqlInbox:
    """Satisfies ``inbox.ports.Inbox``."""

    engine: Engine
    clock: StoreClock = database_now

    def now(self) -> datetime:
        with self.engine.begin() as connection:
            return self.clock(connection)

    def store(self, events: Sequence[Incoming]) -> None:
        with self.engine.begin() as connection:
            now = self.clock(connection)
            rows = [
                {
                    "source": event.source,
                    "event_key": event.event_key,
                    "event_type": event.event_type,
                    "body": event.body,
                    "state": InboxState.received.value,
                    "reason": "",
                    "tries": 0,
                    "received_at": now,
                    "next_at": now,
                }
                for event in events
            ]
            connection.execute(insert_once(connection.dialect.name, inbox), rows)

    def due(self, limit: int) -> Sequence[InboxRow]:
        with self.engine.begin() as connection:
            values = {"now": self.clock(connection), "most": limit}
            return [_row(found) for found in connection.execute(_DUE, values)]

    def conclude(self, row: InboxRow, conclusion: Conclusion, owner: str) -> bool:
        with self.engine.begin() as connection:
            now = self.clock(connection)
            is_over = conclusion.state is not InboxState.received
            values = {
                "of_event": row.inbox_id,
                "was_tries": row.tries,
                "state": conclusion.state.value,
                "reason": conclusion.reason[:1000],
                "tries": row.tries + 1,
                "next_at": now if is_over else conclusion.next_at,
                "handled_at": now if is_over else None,
            }
            changed = connection.execute(_CONCLUDE, values).rowcount
            if changed and conclusion.state is InboxState.failed:
                open_letter(
                    connection,
                    now=now,
                    kind=DEAD_LETTER_KIND,
                    key=key_of(row),
                    currency="",
                    amount_minor=None,
                    reason=conclusion.reason[:1000],
                    next_action=conclusion.next_action,
                    owner=owner,
                )
        return bool(changed)

    def retry(self, event: str, who: str, *, via: str = "") -> None:
        with self.engine.begin() as connection:
            now = self.clock(connection)
            may = inbox.c.state.in_([InboxState.failed.value, InboxState.unhandled.value])
            named = inbox.c.source + "|" + inbox.c.event_key == event
            changed = connection.execute(
                update(inbox)
                .where(named, may)
                # Its day of patience begins anew: whoever replays it has mended something.
                .values(state=InboxState.received.value, next_at=now, received_at=now)
            ).rowcount
            if not changed:
                raise Rejected(
                    f"no failed event {event!r}", "the inbox", "List the dead letters first."
                )
            close_letter(connection, now, DEAD_LETTER_KIND, event, who, "replayed")
            signed = Signed("inbox event replayed", who, via)
            audit.sign(connection, now, f"{DEAD_LETTER_KIND}|{event}", signed)

    def empty(self, older_than: timedelta) -> int:
        """Drop the bytes of events that have been over for so long; return of how many.

        One that failed keeps them while its dead letter is open: a person may replay it. The row
        stays, so that a repeat is known; it cannot be replayed any more.
        """
        emptied = 0
        while True:
            with self.engine.begin() as connection:
                until = self.clock(connection) - older_than
                done = connection.execute(_EMPTY, {"until": until}).rowcount
            emptied += done
            if not done:
                return emptied

    def counts(self) -> dict[str, int]:
        """Count events per state, for the metrics."""
        wanted = select(inbox.c.state, func.count()).group_by(inbox.c.state)
        with self.engine.begin() as connection:
            return {str(row[0]): int(row[1]) for row in connection.execute(wanted)}


def _row(found: Any) -> InboxRow:
    return InboxRow(
        inbox_id=found.inbox_id,
        source=found.source,
        event_key=found.event_key,
        event_type=found.event_type,
        body=bytes(found.body),
        state=InboxState(found.state),
        reason=found.reason,
        tries=found.tries,
        received_at=found.received_at,
    )
