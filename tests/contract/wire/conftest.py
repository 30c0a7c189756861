"""A real server on a free port that plays each fault byte by byte and counts what it executed."""

import contextlib
import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from include.adapters.cybersource.client import Client
from include.adapters.cybersource.reporting import Reporting
from include.adapters.cybersource.settings import Settings
from include.adapters.http.transport import HttpTransport
from tests.departing import leaves_at_once  # noqa: F401 - a fixture

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECRET = "dGllb3V0IHRlc3Qga2V5IG9mIDMyIGJ5dGVzIGxvbmc="
EXTRA = {"auth": "jwt", "key_id": "key-1", "stall_s": 20, "deadline_s": 30, "connect_s": 10}
Reply = Callable[..., bytes]


@dataclass
class Call:
    """One request as it arrived, byte for byte."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def method(self) -> str:
        return self.line.split(" ")[0]

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]


Script = Callable[[socket.socket, Call], None]


@dataclass
class Scripted:
    """Answers every call with ``script``; ``calls`` is what reached it."""

    port: int = 0
    script: Script = lambda connection, call: None
    calls: list[Call] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answers(self, *replies: bytes) -> None:
        """Give the n-th call the n-th reply, and the last one to all that follow."""

        def script(connection: socket.socket, call: Call) -> None:
            connection.sendall(replies[min(len(self.calls), len(replies)) - 1])

        self.script = script


def reply(status: str, body: bytes = b"", **headers: str) -> bytes:
    """Build a whole answer with the true length; ``content_type`` becomes ``content-type``."""
    fields = {"content-length": str(len(body)), **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode() + body


@pytest.fixture
def make_reply() -> Callable[..., bytes]:
    return reply


@pytest.fixture
def server() -> Iterator[Scripted]:
    scripted = Scripted()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            # A client that gives up is the point of half of these tests.
            with contextlib.suppress(OSError):
                data = b""
                while b"\r\n\r\n" not in data:
                    piece = self.request.recv(65536)
                    if not piece:
                        return
                    data += piece
                head, _, body = data.partition(b"\r\n\r\n")
                line, *rows = head.decode("latin-1").split("\r\n")
                pairs = (row.partition(":") for row in rows)
                headers = {name.lower(): value.strip() for name, _, value in pairs}
                while len(body) < int(headers.get("content-length", 0)):
                    body += self.request.recv(65536)
                call = Call(line, headers, body)
                scripted.calls.append(call)
                scripted.script(self.request, call)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as tcp:
        scripted.port = tcp.server_address[1]
        threading.Thread(target=tcp.serve_forever, args=(0.02,), daemon=True).start()
        yield scripted
        scripted.released.set()
        tcp.shutdown()


@pytest.fixture
def client_of() -> Callable[..., Client]:
    """Return a builder of clients with a connection to a server."""
    return _client_of


def _client_of(server: Any, **extra: Any) -> Client:
    settings = Settings.from_connection(
        "cybersource_test", server.url, None, "shop_1", SECRET, EXTRA | extra
    )
    return Client(settings, HttpTransport(), lambda: NOW)


@pytest.fixture
def reporting(server: Any) -> Reporting:
    return Reporting(_client_of(server))


@pytest.fixture
def json_reply(make_reply: Reply) -> Callable[..., bytes]:
    def build(body: object, status: str = "200 OK") -> bytes:
        return make_reply(status, json.dumps(body).encode(), content_type="application/hal+json")

    return build
