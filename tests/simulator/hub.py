"""Virtual time: lives take turns in one thread, in an order the seed alone decides.

A life is a greenlet: engine code runs in it unchanged and only ``sleep`` lets another one run.
"""

import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from greenlet import getcurrent, greenlet

EPOCH = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


class Hub:
    """The clock and the queue of what happens next. Seconds since ``EPOCH``."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.current: object = None  # the life that runs now
        self._instant = (-1.0, EPOCH)  # the last that was asked for
        self._queue: list[tuple[float, int, object, greenlet | Callable[[], None]]] = []
        self._number = 0
        self._main = getcurrent()
        self._go_on: Callable[[], bool] = bool

    def now(self) -> datetime:
        if self._instant[0] != self.seconds:
            self._instant = (self.seconds, EPOCH + timedelta(seconds=round(self.seconds, 3)))
        return self._instant[1]

    def start(self, at: float, life: object, work: Callable[[], None]) -> None:
        """Let ``life`` begin its ``work`` at an instant."""
        self._push(at, life, greenlet(work, parent=self._main))

    def call_at(self, at: float, work: Callable[[], None]) -> None:
        """Let something happen at an instant, outside every life. It must not sleep."""
        self._push(at, None, work)

    def sleep(self, seconds: float) -> None:
        """End the turn of the life that runs; its next one begins later."""
        at = self.seconds + seconds
        if self._is_next(at) and self._go_on():  # its own: no need to leave it
            self.seconds = max(self.seconds, at)
            return
        self._push(at, self.current, getcurrent())
        self._main.switch()

    def sleep_idly(self, period: float) -> None:
        """Sleep as many whole periods as pass before anything else happens, and the one it is in.

        For a life that would find in between what it has just found.
        """
        at = self.seconds + period
        while self._queue and self._is_next(at):
            at += period
        self._push(at, self.current, getcurrent())
        self._main.switch()

    def run(self, go_on: Callable[[], bool]) -> None:
        """Let everything happen, in order, while ``go_on`` says so."""
        self._go_on = go_on
        while self._queue and go_on():
            at, _, life, turn = heapq.heappop(self._queue)
            self.seconds = max(self.seconds, at)
            self.current = life
            if isinstance(turn, greenlet):
                turn.switch()
            else:
                turn()

    def _is_next(self, at: float) -> bool:
        """Say whether nothing else happens until then; equal instants keep their order."""
        return not self._queue or at < self._queue[0][0]

    def _push(self, at: float, life: object, turn: greenlet | Callable[[], None]) -> None:
        self._number += 1  # equal instants keep the order in which they were asked for
        heapq.heappush(self._queue, (at, self._number, life, turn))
