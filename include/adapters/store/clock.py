"""The database's own clock: one for all workers, whatever their hosts believe."""

from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy import Connection

from include.adapters.store.transactions import LIGHT, flush_with_next

_NOW = "SELECT clock_timestamp()"
# The driver reads a percent sign as a parameter only where there are parameters.
_SQLITE_NOW = "SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')"


class StoreClock(Protocol):
    """The time inside a transaction of the store."""

    def __call__(self, connection: Connection) -> datetime:
        """Return an aware UTC instant."""
        ...


def database_now(connection: Connection) -> datetime:
    """Ask the database. ``clock_timestamp`` moves on inside a transaction; ``now()`` does not."""
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql(_SQLITE_NOW).scalar()
        return datetime.fromisoformat(str(found)).replace(tzinfo=UTC)
    return _moment(connection, _NOW)


def light_now(connection: Connection, clock: StoreClock) -> datetime:
    """Return the time, and let this commit reach the disk with the next one, in one round trip.

    See ``flush_with_next`` for when that is allowed.
    """
    if clock is database_now and connection.dialect.name == "postgresql":
        return _moment(connection, f"{LIGHT};{_NOW}")
    flush_with_next(connection)
    return clock(connection)


def _moment(connection: Connection, statement: str) -> datetime:
    moment: datetime = connection.exec_driver_sql(statement).scalar_one()
    return moment.astimezone(UTC)
