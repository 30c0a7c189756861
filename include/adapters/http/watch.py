"""Our own clock around one exchange, and the line between 'never sent' and 'may have happened'.

The watchdog cuts the socket when time is up: no HTTP library has a limit over the whole
exchange. The connection asks the watch before the first byte leaves, under one lock with the
cut-off, so a late connection can never send what we have already reported as not sent.
"""

import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3 import Retry
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.connection import allowed_gai_family

from include.adapters.http.final_answer import FinalResponse
from include.adapters.http.redact import hide_library_addresses
from include.adapters.http.watchdog import WATCHDOG
from include.adapters.http.wire import Limits


class CutOffError(OSError):
    """Our clock ended the exchange."""


class ProxyRefusedError(OSError):
    """The proxy opened no tunnel; nothing of the request left."""


class AddressRefusedError(OSError):
    """The name led to an address that must not be called; nothing was connected."""


_BACK_UP_S = 1.0

# Says why an IP address must not be called; '' permits it.
RefuseAddress = Callable[[str], str]


def _permit_all(address: str) -> str:
    return ""


def _leave_at_once() -> None:
    """A read leaves as it likes."""


class Watch:
    """The state of one exchange, shared by the caller's thread and its watchdog."""

    def __init__(
        self,
        limits: Limits,
        monotonic: Callable[[], float] = time.monotonic,
        refuse_address: RefuseAddress = _permit_all,
        leave: Callable[[], None] = _leave_at_once,
    ) -> None:
        """Start the clock.

        Args:
            limits: of the exchange.
            monotonic: the clock.
            refuse_address: says why an address must not be called.
            leave: called once, when all else is ready for the first byte; may raise.
        """
        self.limits = limits
        self._leave = leave
        self.refuse_address = refuse_address
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._is_connected = self._is_finished = False
        self._socket: socket.socket | None = None
        self._started = monotonic()
        self.has_written = False  # True from before the first byte of the request left
        self.cut_reason = ""  # why our clock ended the exchange, else ""

    def __enter__(self) -> "Watch":
        WATCHDOG.look_in(self.limits.connect_s, self._guard)
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._is_finished = True
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    @property
    def seconds(self) -> float:
        return self._monotonic() - self._started

    @property
    def connect_seconds_left(self) -> float:
        return max(self.limits.connect_s - self.seconds, 0.001)

    def attach(self, connection: socket.socket) -> None:
        """Remember a socket so that the watchdog can cut it, even while TLS is negotiated."""
        with self._lock:
            self._raise_if_cut()
            # TLS takes the original's descriptor away, hence a second handle on the connection.
            self._socket = connection.dup()

    def connected(self) -> None:
        self._is_connected = True

    def begin_write(self) -> None:
        """Declare that the first byte is about to leave.

        Raises:
            CutOffError: time was up first; nothing leaves any more.
            Exception: as ``leave`` says; nothing leaves.
        """
        if not self.has_written:
            self.raise_if_cut()
            self._leave()  # it may take a while, so the watchdog is not kept waiting
        with self._lock:
            self._raise_if_cut()
            self.has_written = True

    def raise_if_cut(self) -> None:
        """Raise ``CutOffError`` once time is up; a cut socket otherwise reads like an end."""
        with self._lock:
            self._raise_if_cut()

    def _raise_if_cut(self) -> None:
        if self.cut_reason:
            raise CutOffError(self.cut_reason)

    def _guard(self) -> float | None:
        """Cut an exchange whose time is up; called at its connect limit, then at its deadline."""
        left_s = self.limits.deadline_s - self.seconds
        if not self._is_connected:
            self._cut(f"no connection within {self.limits.connect_s:g} s")
        elif not self._is_finished and left_s > 0:
            return left_s
        else:
            self._cut(f"not finished within {self.limits.deadline_s:g} s")
        return None

    def _cut(self, reason: str) -> None:
        with self._lock:
            if self._is_finished:
                return
            self.cut_reason = reason
            if self._socket is not None:
                # An error here means that the other side was faster.
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)


def open_socket(host: str, port: int, watch: Watch, options: Any = None) -> socket.socket:
    """Connect to the first address that answers, all of it within the connect limit.

    The name is resolved once, and the very address that was judged is the one connected to: a
    name that changes between check and use gains nothing.

    Raises:
        OSError: no name, no address that answers, or time is up.
        AddressRefusedError: one of its addresses must not be called.
    """
    last: OSError = OSError("the name has no address")
    found = _look_up(host, port, watch.connect_seconds_left)
    for *_, address in found:  # all of them first: a mixed answer is an attack, not a choice
        if reason := watch.refuse_address(str(address[0])):
            raise AddressRefusedError(reason)
    for family, kind, protocol, _, address in found:
        watch.raise_if_cut()
        connection = socket.socket(family, kind, protocol)
        try:
            for option in options or ():
                connection.setsockopt(*option)
            connection.settimeout(watch.connect_seconds_left)
            connection.connect(address)
            # While TLS is negotiated the watch ends it, and says why; this only backs it up.
            connection.settimeout(watch.limits.connect_s + _BACK_UP_S)
            watch.attach(connection)
        except OSError as fault:
            connection.close()
            last = fault
        else:
            return connection
    raise last


def _look_up(host: str, port: int, timeout_s: float) -> list[Any]:
    """Resolve in a thread of its own: the system's resolver knows no time-out we can set."""
    if _is_address(host):
        return socket.getaddrinfo(
            host, port, allowed_gai_family(), socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )
    answer: list[Any] = []

    def ask() -> None:
        try:
            answer.append(socket.getaddrinfo(host, port, allowed_gai_family(), socket.SOCK_STREAM))
        except OSError as fault:
            answer.append(fault)

    asking = threading.Thread(target=ask, name="http-name", daemon=True)
    asking.start()
    asking.join(timeout_s)
    if not answer:
        raise CutOffError(f"the name was not resolved within {timeout_s:.1f} s")
    if isinstance(answer[0], OSError):
        raise answer[0]
    found: list[Any] = answer[0]
    return found


def _is_address(host: str) -> bool:
    """Say whether there is no name to resolve."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class _Watched:
    """Mixed into urllib3's connections: ask the watch before the wire is touched."""

    watch: Watch
    _is_tunnelling = False

    def _tunnel(self) -> None:
        """Ask the proxy for the tunnel: not yet the request, so the watch is not told of it."""
        here: Any = super()
        self._is_tunnelling = True
        try:
            here._tunnel()
        except OSError as fault:
            refused, _, words = str(fault).partition("Tunnel connection failed: ")
            if refused or not words:
                raise
            raise ProxyRefusedError(f"the proxy opens no tunnel: {words[:80]}") from None
        finally:
            self._is_tunnelling = False

    def _new_conn(self) -> socket.socket:
        here: Any = self
        return open_socket(here._dns_host, here.port, self.watch, here.socket_options)

    def connect(self) -> None:
        here: Any = super()
        here.connect()
        self.watch.connected()

    def send(self, data: Any) -> None:
        here: Any = self
        if here.sock is None:
            here.connect()
        # Sending has the stall limit; the shorter connect limit is over by now.
        if self._is_tunnelling:
            self.watch.raise_if_cut()
        else:
            here.sock.settimeout(self.watch.limits.stall_s)
            self.watch.begin_write()
        parent: Any = super()
        parent.send(data)


class WatchedHTTPConnection(_Watched, HTTPConnection):
    response_class = FinalResponse

    def __init__(self, *args: Any, watch: Watch, **kwargs: Any) -> None:
        self.watch = watch
        super().__init__(*args, **kwargs)


class WatchedHTTPSConnection(_Watched, HTTPSConnection):
    response_class = FinalResponse

    def __init__(self, *args: Any, watch: Watch, **kwargs: Any) -> None:
        self.watch = watch
        super().__init__(*args, **kwargs)


class OneShotAdapter(HTTPAdapter):
    """An adapter for exactly one exchange: no retry, no redirect, no connection kept.

    A kept connection may be dead without our knowing it; a fresh one makes 'nothing was written'
    a fact. It also mounts into Airflow's ``HttpHook``, which has no deadline of its own.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        hide_library_addresses()
        super().__init__(
            pool_connections=1,
            pool_maxsize=1,
            max_retries=Retry(0, connect=0, read=False, redirect=False, status=0, other=0),
        )

    def get_connection_with_tls_context(
        self, request: PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        pool: Any = super().get_connection_with_tls_context(request, verify, proxies, cert)
        kind = WatchedHTTPSConnection if pool.scheme == "https" else WatchedHTTPConnection
        # urllib3 only ever calls this attribute; a class per exchange would do the same.
        pool.ConnectionCls = partial(kind, watch=self._watch)
        return pool
