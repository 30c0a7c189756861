"""Watermarks of polled feeds, and the shelf for rows that cannot be worked on."""

from datetime import datetime
from functools import cache

from sqlalchemy import Connection, Engine, Executable, bindparam, collate, select
from sqlalchemy.dialects import postgresql, sqlite

from include.adapters.store import audit
from include.adapters.store.api_alerts import sight_card_number
from include.adapters.store.clock import StoreClock, database_now
from include.adapters.store.dead_letters import close_letter, is_open, open_letter, was_resolved
from include.adapters.store.schema import watermarks
from include.adapters.store.transactions import reading
from include.domain.card_numbers import CardNumberRefused
from include.domain.errors import Rejected
from include.domain.money import Money
from include.services.effects.chain import Signed

_VALUE = select(watermarks.c.value).where(watermarks.c.name == bindparam("of_name"))


@cache
def _move(dialect: str) -> Executable:
    make = sqlite.insert if dialect == "sqlite" else postgresql.insert
    wanted = make(watermarks)
    by_code = "BINARY" if dialect == "sqlite" else "C"  # as Python compares
    return wanted.on_conflict_do_update(
        index_elements=[watermarks.c.name],
        set_={"value": wanted.excluded.value, "moved_at": wanted.excluded.moved_at},
        where=collate(watermarks.c.value, by_code) < collate(wanted.excluded.value, by_code),
    )


class SqlWatermarks:
    """Satisfies ``sync.ports.Watermarks``. Feeds hand their rows out in order."""

    def __init__(self, engine: Engine, clock: StoreClock = database_now) -> None:
        self._engine = engine
        self._clock = clock

    def get(self, name: str) -> str:
        with reading(self._engine) as connection:
            return _read(connection, name) or ""

    def move(self, name: str, value: str) -> None:
        """Move on; an older value changes nothing. Values of one feed compare as text, by code.

        Two polls may be at it at once, so the statement that writes compares.
        """
        with self._engine.begin() as connection:
            found = _read(connection, name)
            if found is not None and found >= value:
                return
            row = {"name": name, "value": value, "moved_at": self._clock(connection)}
            connection.execute(_move(connection.dialect.name), row)


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
        signed: Signed | None = None,
    ) -> None:
        """Open the dead letter; ``signed``: the person who wants it, in the same commit.

        A card number is alarmed with it, as at the API: once, however often a feed gives it.
        """
        reason = f"{fault.what} (at {fault.where})"
        with self._engine.begin() as connection:
            if not reopens and was_resolved(connection, kind, key, reason):
                return
            is_card = isinstance(fault, CardNumberRefused)
            if is_card and not is_open(connection, kind, key, reason):
                words = f"{fault.what}, {kind}"
                sight_card_number(connection, self._clock(connection), key.partition("|")[0], words)
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
            audit.sign(connection, self._clock(connection), kind, signed)

    def settle(self, kind: str, key: str, how: str) -> None:
        with self._engine.begin() as connection:
            close_letter(connection, self._clock(connection), kind, key, "tieout", how)

    def now(self) -> datetime:
        with self._engine.begin() as connection:
            return self._clock(connection)
