"""What must be told to a person, one row per cause; ``alerts`` is the table."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, case, null

from include.adapters.store.clock import StoreClock, database_now
from include.adapters.store.leases import once_insert
from include.adapters.store.order_tables import alerts
from include.domain.alerts import AlertKind
from include.domain.card_numbers import mask_card_numbers

_RAISED, _CLEARED = "raised", "cleared"


@dataclass(frozen=True, slots=True)
class SqlAlarms:
    """Satisfies ``api.ports.Alarms``: counts in one statement, so no sighting is lost."""

    engine: Engine
    clock: StoreClock = database_now

    def sight(self, cause: str, rule: str, words: str, count: int) -> None:
        with self.engine.begin() as connection:
            sight(connection, self.clock(connection), cause, rule, words, count)

    def card_number(self, who: str, words: str) -> None:
        """Alarm that a person sent one; ``words`` name the field, never the number."""
        with self.engine.begin() as connection:
            sight_card_number(connection, self.clock(connection), who, words)


def sight_card_number(connection: Connection, now: datetime, who: str, words: str) -> None:
    """Alarm in the caller's commit; ``words`` name the field, never the number."""
    rule, who = AlertKind.card_number_refused, mask_card_numbers(who)
    sight(connection, now, f"{rule}|{who}", rule.value, f"{who}: {words}"[:500], 1)


def sight(
    connection: Connection, now: datetime, cause: str, rule: str, words: str, count: int
) -> None:
    """Count ``count`` sightings of a cause; one that was over begins anew."""
    wanted = once_insert(connection, alerts).values(
        cause=cause, rule=rule, state=_RAISED, words=words, count=count, raised_at=now, told_count=0
    )
    was_cleared = alerts.c.state == _CLEARED
    connection.execute(
        wanted.on_conflict_do_update(
            index_elements=[alerts.c.cause],
            set_={
                "state": _RAISED,
                "words": words,
                "count": case((was_cleared, count), else_=alerts.c.count + count),
                "raised_at": case((was_cleared, now), else_=alerts.c.raised_at),
                "told_at": case((was_cleared, null()), else_=alerts.c.told_at),
                "told_count": case((was_cleared, 0), else_=alerts.c.told_count),
                "cleared_at": null(),
            },
        )
    )
