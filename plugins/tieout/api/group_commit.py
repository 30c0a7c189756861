"""Store webhooks many at a time: one transaction for all that wait, an answer only after it.

A durable commit costs milliseconds of disk; shared by all requests that came meanwhile it costs
each of them a fraction. Nobody is answered before the commit that holds his event.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from include.domain.errors import Retryable
from include.services.inbox.ports import Inbox, Incoming
from tieout.api.wording import words_of

_MOST_TOGETHER = 500  # events of one transaction
_MOST_WAITING = 20_000  # more is refused: the sender keeps the duty to repeat
_PATIENCE_S = 20.0
_log = logging.getLogger("tieout.api")


@dataclass(frozen=True, slots=True)
class _Job:
    event: Incoming
    loop: asyncio.AbstractEventLoop
    outcome: "asyncio.Future[None]"


class InboxWriter:
    """One thread that commits; any number of coroutines that wait for it."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="tieout-inbox", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Commit what waits, then end."""
        if self._thread is not None and self._thread.is_alive():
            self._jobs.put(None)
            self._thread.join(_PATIENCE_S)

    async def store(self, event: Incoming) -> None:
        """Return once the event is durably stored.

        Raises:
            Retryable: it could not be stored, or not in time; the sender repeats it.
        """
        if self._jobs.qsize() >= _MOST_WAITING:
            raise _refused("too many events wait")
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[None] = loop.create_future()
        self._jobs.put(_Job(event, loop, outcome))
        try:
            await asyncio.wait_for(outcome, _PATIENCE_S)
        except TimeoutError:
            # It may still be stored; the repeat finds it there.
            raise _refused("the database did not answer in time") from None

    def _run(self) -> None:
        is_over = False
        while not is_over:
            batch = [self._jobs.get()]
            while len(batch) < _MOST_TOGETHER and not self._jobs.empty():
                batch.append(self._jobs.get())
            is_over = None in batch
            self._commit([job for job in batch if job is not None])

    def _commit(self, jobs: list[_Job]) -> None:
        """Store a batch; if that fails, each by itself, so that one event harms no other."""
        if not jobs:
            return
        try:
            self._inbox.store([job.event for job in jobs])
        except Exception as fault:  # noqa: BLE001 - the edge of the thread: answered as 503
            if len(jobs) > 1:
                for job in jobs:
                    self._commit([job])
                return
            name, what = type(fault).__name__, words_of(fault)
            _log.error("inbox_not_stored fault=%s what=%s", name, what)
            _answer(jobs, _refused("it could not be stored"))
            return
        _answer(jobs, None)


def _answer(jobs: Sequence[_Job], fault: Retryable | None) -> None:
    """Wake each loop once for all of its requests."""
    for loop in {job.loop for job in jobs}:
        outcomes = [job.outcome for job in jobs if job.loop is loop]
        try:
            loop.call_soon_threadsafe(_settle, outcomes, fault)
        except RuntimeError:  # the loop is closed: nobody waits any more
            _log.warning("inbox_nobody_waits events=%d", len(outcomes))


def _settle(outcomes: Sequence["asyncio.Future[None]"], fault: Retryable | None) -> None:
    for outcome in outcomes:
        if outcome.done():  # given up meanwhile
            continue
        if fault is None:
            outcome.set_result(None)
        else:
            outcome.set_exception(fault)


def _refused(what: str) -> Retryable:
    return Retryable(what, "the inbox", "Send the event again.")
