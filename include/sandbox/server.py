"""The HTTP/1.1 base of every sandbox server: request, response, router, and one thread a client.

A partner system is an :class:`App`. It answers requests, names each call for the fault rules
(``label``) and may react to the control server (``control``). It never sees a socket: what goes
wrong on the wire is played by ``faults.py`` through an :class:`Exchange`.

The sandbox is a stranger to the product: nothing here imports the rest of the repository.
"""

import json
import logging
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

log = logging.getLogger("sandbox")

MAX_BODY_BYTES = 64 * 1024 * 1024  # a report upload is far below; a mistake should not fill memory


class PortBusy(OSError):
    """Another process listens there; the message says which port and what to do."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, whole. Header names are lower case; ``target`` is the raw path and query."""

    method: str
    target: str
    path: str  # percent-decoded, without the query
    query: Mapping[str, str]  # percent-decoded; of a doubled name the last value
    headers: Mapping[str, str]
    body: bytes = b""
    match: Mapping[str, str] = field(default_factory=dict)  # named groups of the route

    def param(self, name: str, default: str = "") -> str:
        """Return a query parameter, its name compared without regard to case."""
        if name in self.query:
            return self.query[name]
        wanted = name.casefold()
        return next((v for k, v in self.query.items() if k.casefold() == wanted), default)

    def json(self) -> Any:
        """Return the body as JSON; raises ``ValueError`` on anything else."""
        return json.loads(self.body or b"null")


@dataclass(slots=True)
class Response:
    """One response. An iterable body is sent in chunks, bytes with their length."""

    status: int = 200
    body: bytes | Iterable[bytes] = b""
    content_type: str = "application/octet-stream"
    headers: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def of_json(cls, value: object, status: int = 200, content_type: str = "") -> "Response":
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        return cls(status, body, content_type or "application/json;charset=utf-8")

    @classmethod
    def of_text(cls, text: str, status: int = 200, content_type: str = "") -> "Response":
        return cls(status, text.encode(), content_type or "text/plain;charset=utf-8")

    def whole(self) -> bytes:
        """Return the body as bytes; a stream is read to its end and kept."""
        if not isinstance(self.body, bytes):
            self.body = b"".join(self.body)
        return self.body


Handler = Callable[[Request], Response]


class Router:
    """Method and path pattern to handler; the first route that fits the whole path answers."""

    def __init__(self, *, is_case_sensitive: bool = True) -> None:
        self._flags = 0 if is_case_sensitive else re.IGNORECASE
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []

    def add(self, method: str, pattern: str, handler: Handler) -> None:
        """Add a route; ``pattern`` is a regular expression, its named groups reach the handler."""
        self._routes.append((method.upper(), re.compile(pattern, self._flags), handler))

    def dispatch(self, request: Request) -> Response:
        """Answer by the route that fits; 405 where only the method is wrong, else 404."""
        is_known_path = False
        for method, pattern, handler in self._routes:
            found = pattern.fullmatch(request.path)
            if found is None:
                continue
            is_known_path = True
            if method == request.method:
                return handler(replace(request, match=found.groupdict(default="")))
        status = 405 if is_known_path else 404
        return Response.of_json({"error": HTTPStatus(status).phrase, "path": request.path}, status)


class App:
    """One partner system: answers requests, and knows nothing of sockets or injected faults."""

    system = "app"  # the word used in fault rules and ledger rows
    server_header = "sandbox"
    max_target_bytes = 65536  # of the request line; beyond it the server answers itself

    def __init__(self) -> None:
        self.router = Router()

    def label(self, request: Request) -> str:
        """Name the call for fault rules, whose ``match`` is searched in this text."""
        return f"{request.method} {request.target}"

    def handle(self, request: Request) -> Response:
        """Execute the call and answer."""
        return self.router.dispatch(request)

    def begin(self, request: Request) -> Callable[[], Response]:
        """Accept the call now and return the work, which may be done after the caller has gone."""
        return lambda: self.handle(request)

    def lose_session(self, request: Request) -> None:
        """Forget the session of this call, for the fault ``session_lost``."""

    def error_text(self, text: str) -> Response:
        """Return the system's own way to say 'call failed', for the fault ``error_text``."""
        return Response.of_text(text, 500)

    def control(self, action: str, facts: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Do ``POST /control/<action>``; ``None`` means that the action is not ours.

        Raises:
            ValueError: the facts are unusable; the text goes back to the caller.
        """
        return None

    def reset(self) -> None:
        """Return to the seeded state."""


class Exchange(Protocol):
    """One call in progress, as the fault plays see it."""

    app: App
    request: Request

    def execute(self) -> Response:
        """Let the app do the work; each call is one execution."""
        ...

    def send(self, response: Response, *, truncate_to: int | None = None, length: int = -1) -> None:
        """Answer; ``truncate_to`` cuts the body, ``length`` lies about it; both then close."""
        ...

    def drip(self, response: Response, pause_s: float) -> None:
        """Answer byte by byte."""
        ...

    def drop(self, *, is_reset: bool = False) -> None:
        """End the connection without an answer, by FIN or by RST."""
        ...

    def wait(self, seconds: float) -> None:
        """Sleep, but not longer than the server lives."""
        ...

    def later(self, seconds: float) -> None:
        """Execute after this call has ended, without an answer."""
        ...


class Interceptor(Protocol):
    """What may change the fate of a call: the fault switchboard."""

    def play(self, exchange: Exchange) -> bool:
        """Take the call over and return true, or return false and leave it alone."""
        ...


class Service:
    """One app on one port, in background threads of this process."""

    def __init__(
        self, app: App, faults: Interceptor, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.app = app
        self.stopping = threading.Event()
        try:
            self._server = _Server((host, port), _make_handler(self, faults))
        except OSError as fault:
            raise PortBusy(
                f"port {port} on {host} is taken ({fault.strerror}). "
                f"Stop what listens there, or choose another base port with --port."
            ) from fault
        self.host, self.port = host, int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name=f"sandbox-{app.system}",
            daemon=True,
        )

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Close the port and end every connection; a call that waits is cut short."""
        self.stopping.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        self._server.end_connections()


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # a client that holds its connection open must not hold the process
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        """Cut every connection: a kept-alive one must not be served after the end."""
        for connection in list(self._open):
            _shut(connection)

    def handle_error(self, request: object, client_address: object) -> None:
        log.debug("client %s went away", client_address, exc_info=True)


class _Exchange:
    """Binds one parsed request to its socket; see :class:`Exchange`."""

    def __init__(self, service: Service, wire: "_Wire", request: Request) -> None:
        self.app, self.request = service.app, request
        self._service, self._wire = service, wire

    def execute(self) -> Response:
        try:
            return self.app.handle(self.request)
        except Exception:  # the outermost edge: a bug of ours becomes a loud 500, in the log
            log.exception("sandbox %s failed on %s", self.app.system, self.request.method)
            return Response.of_text("sandbox bug: see its log", 500)

    def send(self, response: Response, *, truncate_to: int | None = None, length: int = -1) -> None:
        if truncate_to is None and length < 0 and not isinstance(response.body, bytes):
            self._wire.write_chunked(response)
            return
        body = response.whole()
        declared = len(body) if length < 0 else length
        self._wire.write(self._wire.head(response, declared) + body[:truncate_to])
        if truncate_to is not None or length >= 0:
            self.drop()

    def drip(self, response: Response, pause_s: float) -> None:
        body = response.whole()
        self._wire.write(self._wire.head(response, len(body)))
        for at in range(len(body)):
            if self._service.stopping.wait(pause_s):
                break
            self._wire.write(body[at : at + 1])

    def drop(self, *, is_reset: bool = False) -> None:
        self._wire.drop(is_reset=is_reset)

    def wait(self, seconds: float) -> None:
        self._service.stopping.wait(seconds)

    def later(self, seconds: float) -> None:
        work = self.app.begin(self.request)

        def run() -> None:
            if not self._service.stopping.wait(seconds):
                work()

        threading.Thread(target=run, name="sandbox-late", daemon=True).start()


class _Wire(BaseHTTPRequestHandler):
    """Parses requests and writes answers: one send per answer, so that no delayed ACK bites."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 120  # an idle keep-alive connection is closed, as real servers do
    service: Service
    faults: Interceptor

    def answer(self) -> None:
        request = self._read()
        if request is None:
            return
        exchange = _Exchange(self.service, self, request)
        if not self.faults.play(exchange):
            exchange.send(exchange.execute())

    def _read(self) -> Request | None:
        # HTTP gives no other place for a limit than before the body is read.
        too_long = len(self.path) > self.service.app.max_target_bytes
        length = self.headers.get("Content-Length", "0")
        if too_long or not length.isdigit() or int(length) > MAX_BODY_BYTES:
            self._refuse("Request Too Long" if too_long else "Invalid Content-Length")
            return None
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            self._refuse("Transfer-Encoding is not taken here")
            return None
        parts = urlsplit(self.path)
        return Request(
            method=self.command,
            target=self.path,
            path=unquote(parts.path),
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(length)),
        )

    def _refuse(self, why: str) -> None:
        response = Response(400, f"<h1>Bad Request - {why}</h1>".encode(), "text/html")
        self.close_connection = True
        self.write(self.head(response, len(response.whole())) + response.whole())

    def head(self, response: Response, length: int | None) -> bytes:
        """Return status line and headers; ``length`` ``None`` announces chunks."""
        phrase = next((s.phrase for s in HTTPStatus if s.value == response.status), "Unknown")
        lines = [f"HTTP/1.1 {response.status} {phrase}"]
        if length is None:
            lines.append("Transfer-Encoding: chunked")
        else:
            lines.append(f"Content-Length: {length}")
        lines += [f"Content-Type: {response.content_type}"] if response.content_type else []
        lines += [f"{name}: {value}" for name, value in response.headers]
        lines += [f"Server: {self.service.app.server_header}", f"Date: {formatdate(usegmt=True)}"]
        if self.close_connection:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def write(self, data: bytes) -> None:
        try:
            self.wfile.write(data)
        except OSError:  # the client has gone: its own time-out, which is the point of some faults
            self.close_connection = True

    def write_chunked(self, response: Response) -> None:
        self.write(self.head(response, None))
        for chunk in response.body:
            if isinstance(chunk, bytes) and chunk:
                self.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        self.write(b"0\r\n\r\n")

    def drop(self, *, is_reset: bool) -> None:
        self.close_connection = True
        if is_reset:  # linger 0 makes close() send RST instead of FIN
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
        else:
            _shut(self.connection)

    def log_message(self, format: str, *args: object) -> None:
        # The target holds operator passwords and session ids: only the path is logged.
        log.debug("%s %s", self.command, self.path.partition("?")[0])


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        log.debug("connection was already closed")


def _make_handler(service: Service, faults: Interceptor) -> type[_Wire]:
    methods = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
    members: dict[str, object] = {f"do_{method}": _Wire.answer for method in methods}
    return type("_BoundWire", (_Wire,), {**members, "service": service, "faults": faults})
