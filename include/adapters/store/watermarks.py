"""Watermarks of polled feeds, and the shelf for rows that cannot be worked on."""

from datetime import datetime

from sqlalchemy import Connection, Engine, bindparam, select

from include.adapters.store.clock import StoreClock, database_now
from include.adapters.store.dead_letters import close_letter, open_letter, was_resolved
from include.adapters.store.schema import watermarks
from include.adapters.store.transactions import reading
from include.adapters.store.upsert import upserting
from include.domain.errors import Rejected
from include.domain.money import Money

_VALUE = select(watermarks.c.value).where(watermarks.c.name == bindparam("of_name"))
_COLUMNS = ("name", "value", "moved_at")


class SqlWatermarks:
    """Satisfies ``sync.ports.Watermarks``. Feeds hand their rows out in order."""

    def __init__(self, engine: Engine, clock: StoreClock = database_now) -> None:
        self._engine = engine
        self._clock = clock

    def get(self, name: str) -> str:
        with reading(self._engine) as connection:
            return _read(connection, name) or ""

    def move(self, name: str, value: str) -> None:
        """Move on; an older value changes nothing. Values of one feed compare as text."""
        with self._engine.begin() as connection:
            found = _read(connection, name)
            if found is not None and found >= value:
                return
            row = {"name": name, "value": value, "moved_at": self._clock(connection)}
            wanted = upserting(connection.dialect.name, watermarks, _COLUMNS, ("name",))
            connection.execute(wanted, row)


def _read(connection: Connection, name: str) -> str | None:
    found: str | None = connection.execute(_VALUE, {"of_name": name}).scalar()
    return found


class SqlShelf:
    """Satisfies ``sync.ports.Shelf``: dead letters that no effect stands behind."""

    def __init__(self, engine: Engine, clock: StoreClock = database_now) -> None:
        self._engine = engine
        self._clock = clock

    def set_aside(
        self,
        kind: str,
        key: str,
        fault: Rejected,
        *,
        owner: str,
        amount: Money | None = None,
        reopens: bool = True,
    ) -> None:
        reason = f"{fault.what} (at {fault.where})"
        with self._engine.begin() as connection:
            if not reopens and was_resolved(connection, kind, key, reason):
                return
            open_letter(
                connection,
                now=self._clock(connection),
                kind=kind,
                key=key,
                currency=amount.currency if amount else "",
                amount_minor=amount.minor if amount else None,
                reason=reason,
                next_action=fault.do,
                owner=owner,
            )

    def settle(self, kind: str, key: str, how: str) -> None:
        with self._engine.begin() as connection:
            close_letter(connection, self._clock(connection), kind, key, "tieout", how)

    def now(self) -> datetime:
        with self._engine.begin() as connection:
            return self._clock(connection)
