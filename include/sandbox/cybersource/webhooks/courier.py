"""Calls receivers from background threads, and calls again: no payment ever waits for one."""

import heapq
import http.client
import itertools
import logging
import threading
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

log = logging.getLogger("sandbox")

_THREADS = 4
_IDLE_S = 1.0
_CALL_S = 5.0  # how long a receiver may take; the vendor publishes none

Work = Callable[[], None]


class Courier:
    """A few threads that work off what is due; they end when there is nothing."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Work]] = []
        self._numbers = itertools.count()
        self._wake = threading.Condition()
        self._threads = 0
        self._busy = 0

    def after(self, seconds: float, work: Work) -> None:
        """Do something later, on a thread of the courier."""
        with self._wake:
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._numbers), work))
            if self._threads < _THREADS and self._threads - self._busy < len(self._due):
                self._threads += 1
                threading.Thread(target=self._run, name="sandbox-courier", daemon=True).start()
            self._wake.notify()

    @property
    def pending(self) -> int:
        """Count what is due, waiting or being done."""
        with self._wake:
            return len(self._due) + self._busy

    def clear(self) -> None:
        with self._wake:
            self._due.clear()

    def _run(self) -> None:
        while True:
            work = self._next()
            if work is None:
                return
            try:
                work()
            except Exception:  # the outermost edge of a thread: a bug of ours, told in the log
                log.exception("sandbox webhook failed")
            finally:
                with self._wake:
                    self._busy -= 1

    def _next(self) -> Work | None:
        """Wait for work; ``None``, and one thread fewer, where none came for a while."""
        with self._wake:
            while True:
                now = time.monotonic()
                if self._due and self._due[0][0] <= now:
                    self._busy += 1
                    return heapq.heappop(self._due)[2]
                wait = self._due[0][0] - now if self._due else _IDLE_S
                is_woken = self._wake.wait(wait)
                if not is_woken and not self._due:
                    self._threads -= 1
                    return None


def call(method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> int:
    """Make one call on a connection of its own; return its status.

    Raises:
        OSError, http.client.HTTPException: no answer came.
    """
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(str(parts.hostname), parts.port, timeout=_CALL_S)
    try:
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        connection.request(method, target, body or None, dict(headers))
        response = connection.getresponse()
        response.read(65_536)
        return response.status
    finally:
        connection.close()
