"""One thread that looks at every exchange when its time is up.

A thread for each exchange is started, and waited for, at every call: on a busy machine that took
longer than most answers.
"""

import heapq
import itertools
import math
import os
import threading
import time
from collections.abc import Callable

# Looks at one exchange, and says in how many seconds to look again; ``None``: never.
Look = Callable[[], float | None]


class Watchdog:
    """Calls back at given instants, one after the other; what it calls must be quick."""

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._due: list[tuple[float, int, Look]] = []
        self._numbers = itertools.count()  # a heap compares; looks do not
        self._thread: threading.Thread | None = None
        self._wakes_at = math.inf

    def look_in(self, seconds: float, look: Look) -> None:
        """Have ``look`` called so many seconds from now."""
        at = time.monotonic() + seconds
        with self._turn:
            heapq.heappush(self._due, (at, next(self._numbers), look))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="http-watch", daemon=True)
                self._thread.start()
            elif at < self._wakes_at:
                self._turn.notify()

    def _run(self) -> None:
        while True:
            look = self._next()
            again_s = look()
            if again_s is not None:
                self.look_in(again_s, look)

    def _next(self) -> Look:
        with self._turn:
            while True:
                self._wakes_at = self._due[0][0] if self._due else math.inf
                left_s = self._wakes_at - time.monotonic()
                if left_s <= 0:
                    return heapq.heappop(self._due)[2]
                self._turn.wait(left_s if self._due else None)


WATCHDOG = Watchdog()
# A child has none of its parent's threads, and perhaps a lock that nobody gives back.
os.register_at_fork(after_in_child=WATCHDOG.__init__)  # type: ignore[misc]
