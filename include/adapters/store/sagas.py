"""What every saga's row has in common: read it, take it with a lease, save it at its version."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from sqlalchemy import Connection, Engine

from include.adapters.store import audit
from include.adapters.store.clock import CarriedClock, StoreClock, database_now, light_now
from include.adapters.store.dead_letters import close_letter, open_letter, was_resolved
from include.adapters.store.leases import give_back, take_lease
from include.adapters.store.transactions import reading
from include.services.effects.chain import Signed
from include.services.effects.store import Lease
from include.services.orders.sagas import Event, Saga, Stale
from include.services.orders.setting_back import Letter

F = TypeVar("F")


class SqlSagas(ABC, Generic[F]):
    """Satisfies ``orders.sagas.SagaStore``; a subclass says which table, and what it tells."""

    subject: str  # what the audit chain calls one: order, refund

    def __init__(
        self,
        engine: Engine,
        clock: StoreClock = database_now,
        seconds: Callable[[], float] | None = None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._carried = CarriedClock(clock, seconds)

    @abstractmethod
    def _read(self, connection: Connection, key: str) -> Saga[F]:
        """Return the saga, or raise ``Rejected``: there is none."""

    @abstractmethod
    def _write(self, connection: Connection, saga: Saga[F], now: datetime) -> bool:
        """Change the row of the saga's version to the version after; ``False``: it moved on."""

    @abstractmethod
    def _tell(
        self, connection: Connection, saga: Saga[F], now: datetime, events: list[Event]
    ) -> None:
        """Write the timeline, and remember the gateway requests.

        ``saga`` has its new version, and its ``stored`` facts are those of the row before.
        """

    def now(self) -> datetime:
        carried = self._carried.now()
        if carried is not None:
            return carried
        with reading(self._engine) as connection:
            return self._carried.note(self._clock(connection))

    def get(self, key: str) -> Saga[F]:
        with reading(self._engine) as connection:
            return self._read(connection, key)

    def lease(self, key: str, holder: str, duration: timedelta) -> tuple[Saga[F], Lease | None]:
        with self._engine.begin() as connection:
            # Versions keep two drivers apart, not leases.
            now = self._carried.note(light_now(connection, self._clock))
            lease = take_lease(connection, now, f"saga|{key}", holder, duration)
            return self._read(connection, key), lease

    def save(
        self,
        saga: Saga[F],
        events: list[Event],
        *,
        releases: Lease | None = None,
        goes_on: bool = False,
        letter: Letter | None = None,
    ) -> Saga[F]:
        """Write row, timeline, dead letter and audit entries in one transaction.

        Raises:
            Stale: the row has moved on. Nothing was written.
        """
        with self._engine.begin() as connection:
            now = light_now(connection, self._clock) if goes_on else self._clock(connection)
            self._carried.note(now)
            if not self._write(connection, saga, now):
                raise Stale(saga.key)
            if releases is not None:
                give_back(connection, now, releases)
            self._tell(connection, _saved(saga, saga.stored), now, events)
            if letter is not None:
                _note(connection, now, saga.key, letter)
            self._sign(connection, now, saga.key, events)
        return _saved(saga, saga.facts)

    def _sign(self, connection: Connection, now: datetime, key: str, events: list[Event]) -> None:
        """Put into the audit chain what people did. Call it last: it queues all writers."""
        entries = [
            Signed(event.what, event.who, event.via, event.detail).entry(
                now, f"{self.subject}|{key}"
            )
            for event in events
            if event.via
        ]
        if entries:
            audit.append_all(connection, entries)


def _saved(saga: Saga[F], stored: F | None) -> Saga[F]:
    return Saga(
        saga.key, saga.state, saga.facts, saga.version + 1, saga.next_at, saga.reason, stored
    )


def _note(connection: Connection, now: datetime, key: str, letter: Letter) -> None:
    """Open the saga's dead letter, unless a person's word on it stands; close it: it goes on."""
    stake, note = letter.stake, letter.note
    if note is None:
        close_letter(connection, now, stake.kind, key, "tieout", "it goes on")
        return
    if letter.stays_resolved and was_resolved(connection, stake.kind, key, note.reason):
        return
    open_letter(
        connection,
        now=now,
        kind=stake.kind,
        key=key,
        currency=stake.amount.currency,
        amount_minor=stake.amount.minor,
        reason=note.reason,
        next_action=note.next_action,
        owner=stake.owner,
    )
