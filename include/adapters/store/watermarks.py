"""Watermarks of polled feeds, and the shelf for rows that cannot be worked on."""

from datetime import datetime

from sqlalchemy import Engine, select

from include.adapters.store.clock import StoreClock, database_now
from include.adapters.store.dead_letters import close_letter, open_letter
from include.adapters.store.leases import once_insert
from include.adapters.store.schema import watermarks
from include.domain.errors import Rejected
from include.domain.money import Money


class SqlWatermarks:
    """Satisfies ``sync.ports.Watermarks``. Feeds hand their rows out in order."""

    def __init__(self, engine: Engine, clock: StoreClock = database_now) -> None:
        self._engine = engine
        self._clock = clock

    def get(self, name: str) -> str:
        with self._engine.begin() as connection:
            found = connection.scalar(select(watermarks.c.value).where(watermarks.c.name == name))
        return found or ""

    def move(self, name: str, value: str) -> None:
        """Move on; an older value changes nothing. Values of one feed compare as text."""
        with self._engine.begin() as connection:
            found = connection.scalar(select(watermarks.c.value).where(watermarks.c.name == name))
            if found is not None and found >= value:
                return
            wanted = once_insert(connection, watermarks).values(
                name=name, value=value, moved_at=self._clock(connection)
            )
            connection.execute(
                wanted.on_conflict_do_update(
                    index_elements=[watermarks.c.name],
                    set_={"value": value, "moved_at": wanted.excluded.moved_at},
                )
            )


class SqlShelf:
    """Satisfies ``sync.ports.Shelf``: dead letters that no effect stands behind."""

    def __init__(self, engine: Engine, clock: StoreClock = database_now) -> None:
        self._engine = engine
        self._clock = clock

    def set_aside(
        self, kind: str, key: str, fault: Rejected, *, owner: str, amount: Money | None = None
    ) -> None:
        with self._engine.begin() as connection:
            open_letter(
                connection,
                now=self._clock(connection),
                kind=kind,
                key=key,
                currency=amount.currency if amount else "",
                amount_minor=amount.minor if amount else None,
                reason=f"{fault.what} (at {fault.where})",
                next_action=fault.do,
                owner=owner,
            )

    def settle(self, kind: str, key: str, how: str) -> None:
        with self._engine.begin() as connection:
            close_letter(connection, self._clock(connection), kind, key, "tieout", how)

    def now(self) -> datetime:
        with self._engine.begin() as connection:
            return self._clock(connection)
