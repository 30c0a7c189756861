"""One run at a time at a merchant's days: a lease, kept while a step reads and publishes.

A step reads what the merchant's other days have left and books what follows from it: two that read
before either has written would book one sale, or one deposit, twice. Other merchants go on beside.
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
from include.adapters.store.leases import SqlLeases, demand_held
from include.adapters.store.schema import leases
from include.domain.errors import Retryable
from include.services.effects.store import Lease, LeaseLost

log = logging.getLogger(__name__)
_POLL_S = 0.5
_held: ContextVar[Lease | None] = ContextVar("held", default=None)  # by this thread


@dataclass(frozen=True, slots=True)
class SqlTurns:
    """Turns by merchant, on the store's clock."""

    engine: Engine
    clock: StoreClock = database_now
    duration: timedelta = timedelta(minutes=2)  # what a killed worker's turn outlives it by
    wait_s: float = 30.0  # most steps take less; the waiting one keeps its slot of SYSPRO's pool

    def __post_init__(self) -> None:
        if not event.contains(self.engine, "commit", _demand):
            event.listen(self.engine, "commit", _demand)

    @contextmanager
    def of(self, merchant_id: str, holder: str) -> Iterator[None]:
        """Keep other runs from the merchant's days until the block ends.

        While it lasts, this thread's commits go through only as long as nobody has taken the turn
        over; so one that was asleep for longer than the lease books nothing. Not reentrant.

        Args:
            merchant_id: whose days.
            holder: who works on them, for people: the run, the step, the day.

        Raises:
            Retryable: another run has them for longer than this one waits, or has taken them over.
        """
        kept = SqlLeases(self.engine, self.clock)
        lease = self._take(kept, merchant_id, holder)
        ended = threading.Event()
        renewing = threading.Thread(
            target=self._renew, args=(kept, lease, ended), name=lease.name, daemon=True
        )
        token = _held.set(lease)
        try:
            renewing.start()
            yield
        except LeaseLost as fault:
            raise self._busy(merchant_id, "have been taken over by") from fault
        finally:
            _held.reset(token)
            ended.set()
            if renewing.ident is not None:
                renewing.join()
            self._release(kept, lease)

    def _take(self, kept: SqlLeases, merchant_id: str, holder: str) -> Lease:
        until = time.monotonic() + self.wait_s
        while (lease := kept.acquire(_name(merchant_id), holder, self.duration)) is None:
            if time.monotonic() >= until:
                raise self._busy(merchant_id, "are at work in")
            time.sleep(_POLL_S)
        return lease

    def _busy(self, merchant_id: str, how: str) -> Retryable:
        query = select(leases.c.holder, leases.c.expires_at).where(
            leases.c.name == _name(merchant_id)
        )
        with self.engine.connect() as connection:
            holder, until = connection.execute(query).one()
        return Retryable(
            f"the days of {merchant_id} {how} {holder}, until {until:%H:%M:%S} UTC unless it goes "
            "on longer",
            "the store's leases",
            "Nothing was booked; it is tried again.",
        )

    def _renew(self, kept: SqlLeases, lease: Lease, ended: threading.Event) -> None:
        while not ended.wait(self.duration.total_seconds() / 4):
            try:
                kept.renew(lease, self.duration)
            except LeaseLost:
                return  # the next commit says so
            except SQLAlchemyError as fault:  # its words may hold the address of the database
                log.warning("%s is not renewed yet: %s", lease.name, type(fault).__name__)

    def _release(self, kept: SqlLeases, lease: Lease) -> None:
        try:
            kept.release(lease)
        except SQLAlchemyError as fault:
            log.warning("%s is left to lapse: %s", lease.name, type(fault).__name__)


def _demand(connection: Connection) -> None:
    lease = _held.get()
    if lease is not None:
        demand_held(connection, lease)


def _name(merchant_id: str) -> str:
    return f"settlement|{merchant_id}"
