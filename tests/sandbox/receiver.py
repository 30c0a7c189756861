"""A receiver of webhooks for tests: real HTTP, and answers that can be ordered."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.waiting import wait_until

Call = tuple[dict[str, str], bytes]


class Receiver:
    """An HTTP server that keeps what it got; ``answers`` are given first, then 200."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.answers: list[int] = []
        self.health: list[str] = []
        self.is_healthy = True
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.calls.append(({k.lower(): v for k, v in self.headers.items()}, body))
                self._answer(receiver.answers.pop(0) if receiver.answers else 200)

            def do_GET(self) -> None:
                receiver.health.append(self.path)
                self._answer(200 if receiver.is_healthy else 503)

            def _answer(self, status: int) -> None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def got(self, count: int) -> list[Call]:
        """Wait for so many calls; fail where they do not come."""
        wait_until(lambda: len(self.calls) >= count)
        return self.calls

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
