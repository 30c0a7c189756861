"""The database's own clock: one for all workers, whatever their hosts believe."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection

from include.adapters.store.transactions import LIGHT, flush_with_next

_CARRIED_S = 1.0
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


class CarriedClock:
    """The database's time, carried on by our own clock for a moment after it was read.

    For what a saga notes and when it is looked at again; never for when something was sent. May
    be shared between threads.
    """

    def __init__(self, clock: StoreClock, seconds: Callable[[], float] | None = None) -> None:
        """Join the clocks; ``seconds`` counts as the store's time goes on, by default as ours."""
        # A test's time stands still, unless it says how it goes on.
        is_known = seconds is not None or clock is database_now
        self._seconds = (seconds or time.monotonic) if is_known else None
        self._read: tuple[datetime, float] | None = None

    def note(self, moment: datetime) -> datetime:
        """Take note of what was just read, and return it."""
        if self._seconds is not None:
            self._read = moment, self._seconds()
        return moment

    def now(self) -> datetime | None:
        """Return the time, or ``None``: it was read too long ago."""
        if self._read is None or self._seconds is None:
            return None
        moment, at = self._read
        age_s = self._seconds() - at
        return moment + timedelta(seconds=age_s) if age_s < _CARRIED_S else None


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
