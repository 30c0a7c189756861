"""One run at a time at a merchant's days, and at a day: leases, kept while a step works.

A step reads what the merchant's other days have left and books what follows from it: two that read
before either has written would book one sale, or one deposit, twice. Other merchants go on beside.
A day is one run's from its first step to its report, or another would change under it what it has
checked; while a person is asked about it, anybody may have it.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, Engine, event, select
from sqlalchemy.exc import SQLAlchemyError

from include.adapters.store.clock import StoreClock, database_now
from include.adapters.store.leases import SqlLeases, demand_held, take_lease
from include.adapters.store.schema import leases
from include.adapters.store.transactions import OpenTransactions
from include.domain.errors import Retryable
from include.domain.settlement import SettlementDay
from include.services.effects.store import Lease, LeaseLost

log = logging.getLogger(__name__)
_POLL_S = 0.5
# Of which store, and which: by this thread.
_held: ContextVar[tuple[Engine, Lease] | None] = ContextVar("held", default=None)


@dataclass(frozen=True, slots=True)
class SqlTurns:
    """Turns by merchant and by day, on the store's clock."""

    engine: Engine
    clock: StoreClock = database_now
    duration: timedelta = timedelta(minutes=2)  # how long a killed worker's turn outlives it
    wait_s: float = 30.0  # most steps take less; the waiting one keeps its slot of SYSPRO's pool
    silence: timedelta = timedelta(minutes=50)  # of a run: longer than its tries are apart

    def __post_init__(self) -> None:
        OpenTransactions.of(self.engine)  # listens first: it counts a commit that is refused, too
        if not event.contains(self.engine, "commit", _demand):
            event.listen(self.engine, "commit", _demand)

    @contextmanager
    def of(self, merchant_id: str, holder: str) -> Iterator[None]:
        """Keep other runs from the merchant's days until the block ends.

        While it lasts, this thread's commits in this store go through only as long as nobody has
        taken the turn over; so one that was asleep for longer than the lease books nothing. Not
        reentrant.

        Args:
            merchant_id: whose days.
            holder: who works on them, for people: the run, the step, the day.

        Raises:
            Retryable: another run has them for longer than this one waits, or has taken them over.
        """
        name, about = f"settlement|{merchant_id}", f"the days of {merchant_id}"
        lease = self._take(name, about, holder)
        token = _held.set((self.engine, lease))
        try:
            with self._renewed(lease, self.duration):
                yield
        except LeaseLost as fault:
            raise self._busy(name, f"{about} have been taken over by") from fault
        finally:
            _held.reset(token)
            self._release(lease)

    @contextmanager
    def day(self, day: SettlementDay, run_id: str) -> Iterator[None]:
        """Keep a day for a run while the block lasts, and afterwards until it is silent.

        Raises:
            Retryable: another run has the day.
        """
        name = f"settlement|{day}"
        with self.engine.begin() as connection:
            lease = take_lease(
                connection, self.clock(connection), name, run_id, self.silence, is_ours_again=True
            )
        if lease is None:
            raise self._busy(name, f"{day} is at work in run")
        with self._renewed(lease, self.silence):
            yield

    def leave(self, day: SettlementDay, run_id: str) -> None:
        """Let another run have the day; one that another has already is left alone."""
        with self.engine.begin() as connection:
            now = self.clock(connection)
            connection.execute(
                leases.update()
                .where(leases.c.name == f"settlement|{day}", leases.c.holder == run_id)
                .values(expires_at=now)
            )

    def _take(self, name: str, about: str, holder: str) -> Lease:
        until, kept = time.monotonic() + self.wait_s, SqlLeases(self.engine, self.clock)
        while (lease := kept.acquire(name, holder, self.duration)) is None:
            if time.monotonic() >= until:
                raise self._busy(name, f"{about} are at work in")
            time.sleep(_POLL_S)
        return lease

    def _busy(self, name: str, how: str) -> Retryable:
        query = select(leases.c.holder, leases.c.expires_at).where(leases.c.name == name)
        with self.engine.connect() as connection:
            holder, until = connection.execute(query).one()
        return Retryable(
            f"{how} {holder}, until {until:%H:%M:%S} UTC unless it goes on longer",
            "the store's leases",
            "Nothing was booked; it is tried again.",
        )

    @contextmanager
    def _renewed(self, lease: Lease, duration: timedelta) -> Iterator[None]:
        ended = threading.Event()
        renewing = threading.Thread(
            target=self._renew, args=(lease, duration, ended), name=lease.name, daemon=True
        )
        renewing.start()
        try:
            yield
        finally:
            ended.set()
            renewing.join()

    def _renew(self, lease: Lease, duration: timedelta, ended: threading.Event) -> None:
        kept = SqlLeases(self.engine, self.clock)
        while not ended.wait(duration.total_seconds() / 4):
            try:
                kept.renew(lease, duration)
            except LeaseLost:
                return  # at a merchant's days, the next commit says so
            except SQLAlchemyError as fault:  # its words may hold the address of the database
                log.warning("%s is not renewed yet: %s", lease.name, type(fault).__name__)

    def _release(self, lease: Lease) -> None:
        try:
            SqlLeases(self.engine, self.clock).release(lease)
        except SQLAlchemyError as fault:
            log.warning("%s is left to lapse: %s", lease.name, type(fault).__name__)


def _demand(connection: Connection) -> None:
    held = _held.get()
    if held is not None and held[0] is connection.engine:
        demand_held(connection, held[1])
