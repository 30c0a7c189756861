"""How uvicorn serves the API when it runs alone: fast parsing; bounded headers, time and number."""

import asyncio
import logging
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tieout.api.settings import ApiSettings

MAX_HEADER_BYTES = 65_536
_MOST_QUEUED = 32  # requests behind the one at work; a proxy sends none before its answer
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)
_log = logging.getLogger("tieout.api")


class BoundedProtocol(HttpToolsProtocol):
    """Ends a connection that would take what others need.

    Headers that do not end: the parser itself would keep them all. A request that is not wholly
    here as soon as an idle connection must speak again. Requests that do not wait for answers, and
    answers that nobody reads. One connection more than there may be: uvicorn's own ceiling would
    refuse those that were there before, too.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._waited = 0  # bytes since the last request's headers were complete
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._most, self.limit_concurrency = self.limit_concurrency, None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=0)  # whatever the peer's side does not take, pauses
        if self._most is not None and len(self.connections) > self._most:
            address = self.client[0] if self.client else "-"
            _log.warning("api_full connections=%d from=%s", self._most, address)
            transport.write(_FULL)
            transport.close()
            return
        self._begin_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_deadline()
        self._end_unread()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        is_in_headers = self._waited >= 0
        if is_in_headers:
            self._waited += len(data)
            if self._waited > MAX_HEADER_BYTES and not self._ends_headers(data):
                self.send_400_response("The headers are too long.")
                return
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._begin_deadline()  # whatever came has ended uvicorn's own wait for a request

    def _ends_headers(self, data: bytes) -> bool:
        """One read may hold small headers and a piece of a large body."""
        return self._waited == len(data) and 0 <= data.find(b"\r\n\r\n") <= MAX_HEADER_BYTES

    def on_message_begin(self) -> None:
        self._end_deadline()  # of what came before: a request has a time of its own
        self._begin_deadline()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._waited = -1
        super().on_headers_complete()
        if len(self.pipeline) > _MOST_QUEUED:
            self.transport.abort()

    def on_message_complete(self) -> None:
        self._waited = 0
        self._end_deadline()
        super().on_message_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self._abort_later()

    def resume_writing(self) -> None:
        self._end_unread()
        super().resume_writing()

    def _begin_deadline(self) -> None:
        if self._deadline is None:
            self._deadline = self._abort_later()

    def _end_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _end_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _abort_later(self) -> asyncio.TimerHandle:
        return self.loop.call_later(self.timeout_keep_alive, self.transport.abort)


def options(settings: ApiSettings) -> dict[str, Any]:
    """Return what ``uvicorn.run`` is told, beside application, address and workers."""
    return {
        "http": BoundedProtocol,
        "ws": "none",  # nothing of ours speaks it, and such a connection is not counted
        "access_log": False,  # it would write paths and queries; the guard writes patterns
        "server_header": False,
        "proxy_headers": False,  # see addresses
        "limit_concurrency": settings.max_connections,
        "timeout_keep_alive": settings.body_s + 15,  # a slow body is told before it is cut off
        "timeout_graceful_shutdown": 30,
    }
