"""The database's own clock: one for all workers, whatever their hosts believe."""

from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy import Connection, text


class StoreClock(Protocol):
    """The time inside a transaction of the store."""

    def __call__(self, connection: Connection) -> datetime:
        """Return an aware UTC instant."""
        ...


def database_now(connection: Connection) -> datetime:
    """Ask the database. ``clock_timestamp`` moves on inside a transaction; ``now()`` does not."""
    if connection.dialect.name == "sqlite":
        found = connection.scalar(text("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')"))
        return datetime.fromisoformat(str(found)).replace(tzinfo=UTC)
    moment: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return moment.astimezone(UTC)
