"""How uvicorn serves the API when it runs alone: fast parsing, and bounded headers."""

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEADER_BYTES = 65_536


class BoundedProtocol(HttpToolsProtocol):
    """Ends a connection whose headers do not end; the parser itself would keep them all."""

    _waited = 0  # bytes since the last request's headers were complete

    def data_received(self, data: bytes) -> None:
        is_in_headers = self._waited >= 0
        if is_in_headers:
            self._waited += len(data)
            if self._waited > MAX_HEADER_BYTES and not self._ends_headers(data):
                self.send_400_response("The headers are too long.")
                return
        super().data_received(data)

    def _ends_headers(self, data: bytes) -> bool:
        """One read may hold small headers and a piece of a large body."""
        return self._waited == len(data) and 0 <= data.find(b"\r\n\r\n") <= MAX_HEADER_BYTES

    def on_headers_complete(self) -> None:
        self._waited = -1
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._waited = 0
        super().on_message_complete()


OPTIONS: dict[str, Any] = {
    "http": BoundedProtocol,
    "access_log": False,  # it would write paths and queries; the guard writes patterns
    "server_header": False,
    "proxy_headers": False,
    "timeout_keep_alive": 30,
    "timeout_graceful_shutdown": 30,
}
