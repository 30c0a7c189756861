"""Post signed events at a receiver from many threads, and remember what was acknowledged."""

import http.client
import threading
import time
from dataclasses import dataclass, field
from itertools import count

from tests.api.senders import event, signed

PATH = "/v1/webhooks/cybersource/acme_us"


@dataclass
class Senders:
    """Each event is repeated until it is acknowledged; every tenth is sent once more."""

    port: int
    threads: int = 16
    acknowledged: set[str] = field(default_factory=set)  # request ids
    refused: list[int] = field(default_factory=list)  # statuses that are neither 200 nor 503
    sent: int = 0
    _numbers: "count[int]" = field(default_factory=count)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_over: threading.Event = field(default_factory=threading.Event)
    _running: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> "Senders":
        self._running = [threading.Thread(target=self._run) for _ in range(self.threads)]
        for thread in self._running:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._running:
            thread.join(30)

    def _run(self) -> None:
        connection: http.client.HTTPConnection | None = None
        while not self._is_over.is_set():
            with self._lock:
                number = next(self._numbers)
            request_id = f"{number:022}"
            for again in range(2 if number % 10 == 0 else 1):
                connection = self._deliver(connection, request_id, again)

    def _deliver(
        self, connection: http.client.HTTPConnection | None, request_id: str, again: int
    ) -> http.client.HTTPConnection | None:
        raw, headers = signed(event(request_id, retryNumber=again))
        while not self._is_over.is_set():
            try:
                if connection is None:
                    connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
                connection.request("POST", PATH, raw, headers)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):  # killed: the sender keeps the duty
                connection = None
                time.sleep(0.02)
                continue
            with self._lock:
                self.sent += 1
                if answer.status == 200:
                    self.acknowledged.add(request_id)
                    return connection
                if answer.status != 503:
                    self.refused.append(answer.status)
        return connection
