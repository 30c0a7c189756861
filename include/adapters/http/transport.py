"""The one HTTP client of the product: one call, one connection, one execution, one deadline."""

import http.client
import ipaddress
import re
import ssl
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPMessage
from typing import BinaryIO, Literal
from urllib.parse import urlsplit

import structlog
import urllib3
from urllib3 import BaseHTTPResponse
from urllib3.util.response import assert_header_parsing

from include.adapters.http.body import Body, BrokenBodyError, TooLargeError
from include.adapters.http.once import connect_to, prepared, send
from include.adapters.http.proxy import Proxy
from include.adapters.http.redact import redact, redact_url
from include.adapters.http.watch import (
    AddressRefusedError,
    CutOffError,
    ProxyRefusedError,
    RefuseAddress,
    Watch,
)
from include.adapters.http.wire import Request, Response
from include.domain.errors import IntegrationError, OutcomeUnknown, Rejected, Retryable

log = structlog.get_logger(__name__)

ERROR_BODY_BYTES = 64 * 1024  # an error answer is for a sentence in a message, not for storage
_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]*")
WIRE_FAULTS = (OSError, urllib3.exceptions.HTTPError, http.client.HTTPException)


@dataclass(frozen=True, slots=True)
class Fault:
    """What went wrong; raised outside of any ``except``, so that no URL hangs on as context."""

    kind: Literal["never_sent", "broken", "too_large", "redirect", "refused_address"]
    text: str


class HttpTransport:
    """Satisfies ``wire.Transport``. Holds no connection; may be shared between threads.

    Args:
        allow_plain_http: permit ``http://`` to hosts other than this machine; for a sandbox or a
            SYSPRO server inside a private network, by a setting of the connection.
        ca_bundle: path of certificates to trust instead of the public ones.
        refuse_address: judges each IP address a name leads to, where the URL is not ours.
        proxy: through whose tunnel https goes.
    """

    def __init__(
        self,
        allow_plain_http: bool = False,
        ca_bundle: str = "",
        refuse_address: RefuseAddress | None = None,
        proxy: Proxy | None = None,
    ) -> None:
        self._allow_plain_http = allow_plain_http
        self._refuse_address = refuse_address or (lambda address: "")
        self._ca_bundle = ca_bundle
        self._proxy = proxy

    def exchange(self, request: Request, sink: BinaryIO | None = None) -> Response:
        """See ``wire.Transport.exchange``."""
        check_address(request.url, self._allow_plain_http)
        refuse, leave = self._refuse_address, request.leave
        with Watch(request.limits, refuse_address=refuse, leave=leave) as watch:
            answer = self._attempt(request, sink, watch)
            seconds = watch.seconds
        return conclude(request, answer, watch.has_written, seconds)

    def _attempt(self, request: Request, sink: BinaryIO | None, watch: Watch) -> Response | Fault:
        outgoing = prepared(request)
        try:
            connection = connect_to(str(outgoing.url), watch, self._ca_bundle, self._proxy)
        except OSError as fault:
            return wire_fault(fault, watch)
        with closing(connection):
            try:
                answer = send(connection, outgoing, watch)
            except WIRE_FAULTS as fault:
                return wire_fault(fault, watch)
            return receive(request, answer, sink, watch)


def check_address(url: str, allow_plain_http: bool = False) -> None:
    """Refuse addresses that would send a secret in clear or to somebody else.

    Raises:
        Rejected: not http(s), plain http beyond this machine, user part, fragment, odd characters.
    """
    reason = ""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        reason = "the address cannot be read"
    else:
        if parts.scheme not in ("http", "https") or not host:
            reason = f"{parts.scheme!r} is not http or https"
        elif "@" in parts.netloc or "#" in url or "\\" in url or not _is_visible_ascii(url):
            reason = "the address holds a user part, a fragment or a character that does not belong"
        elif parts.scheme == "http" and not allow_plain_http and not is_this_machine(host):
            reason = f"plain http to {host!r} would show the credentials to the network"
    if reason:
        raise Rejected(
            reason,
            redact_url(url),
            "Use https:// in the connection, or allow plain http there for a private network.",
        )


def _is_visible_ascii(url: str) -> bool:
    return _VISIBLE_ASCII.fullmatch(url) is not None


def is_this_machine(host: str) -> bool:
    """Say whether a host name is a loopback one; only plain notations count."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def receive(
    request: Request, answer: BaseHTTPResponse, sink: BinaryIO | None, watch: Watch
) -> Response | Fault:
    """Read the body of an answer whose status and headers have arrived."""
    headers = {name.lower(): answer.headers[name] for name in answer.headers}
    status = answer.status
    if not _has_clean_headers(answer):
        return Fault("broken", "the answer's headers cannot be read")
    if 300 <= status <= 399:
        place = redact_url(headers.get("location", "")) or "nowhere"
        return Fault("redirect", f"it answered {status} and pointed to {place}")
    target = sink if status == 200 else None
    limits = request.limits
    ceiling = limits.max_body_bytes if target is not None else limits.max_memory_bytes
    try:
        if target is not None:
            _demand_an_end(headers)
        body = Body(answer, headers.get("content-encoding", "").lower(), ceiling, limits)
        if target is not None:
            kept = b""
            for piece in body.pieces():
                write_out(target, piece)
        else:
            kept = _keep(body, ERROR_BODY_BYTES if status >= 400 else None)
        watch.raise_if_cut()
    except SinkError as fault:
        raise fault.cause from None
    except TooLargeError as fault:
        return Fault("too_large", f"the answer is too large: {fault}")
    except BrokenBodyError as fault:
        return Fault("broken", f"the answer cannot be read: {fault}")
    except WIRE_FAULTS as fault:
        return wire_fault(fault, watch)
    return Response(status, headers, kept, body.digest, body.size_bytes)


def _keep(body: Body, most: int | None) -> bytes:
    """Read into memory; of an error answer only the beginning."""
    kept = bytearray()
    for piece in body.pieces():
        kept += piece
        if most is not None and len(kept) >= most:
            break
    return bytes(kept if most is None else kept[:most])


def _has_clean_headers(answer: BaseHTTPResponse) -> bool:
    """Say whether every header line was read: a lost Content-Length makes half look whole."""
    original = getattr(answer, "_original_response", None)
    try:
        assert_header_parsing(original.msg if original is not None else HTTPMessage())
    except urllib3.exceptions.HeaderParsingError:
        return False
    return True


class SinkError(Exception):
    """The caller's own file failed, e.g. a full disk: not a fault of the wire."""

    def __init__(self, cause: OSError) -> None:
        super().__init__()
        self.cause = cause


def write_out(sink: BinaryIO, piece: bytes) -> None:
    try:
        sink.write(piece)
    except OSError as cause:
        raise SinkError(cause) from None


def _demand_an_end(headers: dict[str, str]) -> None:
    """A download whose end is not declared cannot be told from half of it."""
    has_end = (
        "content-length" in headers
        or "chunked" in headers.get("transfer-encoding", "").lower()
        or "gzip" in headers.get("content-encoding", "").lower()
    )
    if not has_end:
        raise BrokenBodyError("it declares no length, so whole and half look alike")


def wire_fault(fault: Exception, watch: Watch) -> Fault:
    """Put a library's exception into words of ours; its own text may hold the URL."""
    kind: Literal["broken", "never_sent"] = "broken" if watch.has_written else "never_sent"
    if watch.cut_reason:
        return Fault(kind, watch.cut_reason)
    chain: list[BaseException] = []
    found: BaseException | None = fault
    while found is not None and len(chain) < 10:
        chain.append(found)
        reason = getattr(found, "reason", None)
        inner = reason if isinstance(reason, BaseException) else found.__cause__
        first = found.args[0] if found.args else None
        found = inner or (first if isinstance(first, BaseException) else found.__context__)
    if any(isinstance(one, AddressRefusedError) for one in chain):
        return Fault("refused_address", _words_for(chain))
    return Fault(kind, _words_for(chain))


def _words_for(chain: list[BaseException]) -> str:
    for found in chain:
        if isinstance(found, CutOffError | AddressRefusedError | ProxyRefusedError):
            return str(found)
        if isinstance(found, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {redact(found.verify_message, 120)}"
        if isinstance(found, urllib3.exceptions.IncompleteRead | http.client.IncompleteRead):
            return "the answer ended early"
    deepest = chain[-1]
    if isinstance(deepest, TimeoutError | urllib3.exceptions.TimeoutError):
        return "no byte came within the stall limit"
    if isinstance(deepest, OSError) and deepest.strerror:
        return redact(deepest.strerror, 120)
    return f"the exchange failed with {type(deepest).__name__}"


def conclude(
    request: Request, answer: Response | Fault, has_written: bool, seconds: float
) -> Response:
    """Log the call as one event and return its answer, or raise what it comes to."""
    fields = {
        "what": request.what,
        "reference": request.reference,
        "where": request.where,
        "seconds": round(seconds, 3),
    }
    if isinstance(answer, Response):
        log.info("http_call", status=answer.status, bytes=answer.size_bytes, **fields)
        return answer
    error = error_for(request, answer, has_written)
    log.warning("http_call", fault=answer.text, family=type(error).__name__, **fields)
    raise error


def error_for(request: Request, fault: Fault, has_written: bool) -> IntegrationError:
    """Choose the family: the first byte is the line between 'nothing happened' and 'unknown'."""
    what = f"{request.what}: {fault.text}"
    if fault.kind == "refused_address":
        return Rejected(what, request.where, "Nothing was sent. Correct the address.")
    if not has_written:
        return Retryable(what, request.where, "Nothing was sent. Check host and network, retry.")
    if request.is_write:
        do = "It may have happened: look for the reference at the other side before any resend."
        return OutcomeUnknown(what, request.where, do)
    if fault.kind == "too_large":
        do = "Nothing was kept. Ask for a smaller answer, or raise the ceiling on purpose."
        return Rejected(what, request.where, do)
    if fault.kind == "redirect":
        do = "It was not followed. Retry; if it stays, correct the host of the connection."
        return Retryable(what, request.where, do)
    return Retryable(what, request.where, "Nothing was kept. Read it again.")
