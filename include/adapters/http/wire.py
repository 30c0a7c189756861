"""What travels: a request, its limits, the answer, and the port that tests replace."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import BinaryIO, Protocol

from requests.auth import AuthBase

from include.adapters.http.redact import redact_url
from include.services.effects.departure import depart

MIB = 1024 * 1024
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how large an exchange may be; seconds by the monotonic clock.

    ``deadline_s`` covers everything from the name look-up to the last byte. The HTTP libraries
    have no such limit: with a time-out of 1 s they sit through an 8 s drip (finding F12).
    """

    connect_s: float = 3.0  # name, TCP and TLS together
    stall_s: float = 30.0  # the longest silence once the request is on its way
    deadline_s: float = 60.0
    max_wire_bytes: int = 256 * MIB  # as received, before decompression
    max_body_bytes: int = 2048 * MIB  # after decompression, where it goes to a sink
    max_memory_bytes: int = 64 * MIB  # after decompression, where the answer is kept in memory
    max_ratio: int = 200  # decompressed bytes per received byte, judged past the first MiB

    def __post_init__(self) -> None:
        if not 0 < self.connect_s <= self.deadline_s or not self.stall_s > 0:
            raise ValueError(f"limits must be positive and connect within the deadline: {self!r}")


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP call, sent at most once.

    ``is_write`` decides the family of a fault after the first byte has left, whatever the verb:
    SYSPRO posts with GET (finding F1). ``not_accepted`` lists the statuses which the vendor
    documents as "refused before anything happened"; without it a refused write is unknown.
    """

    method: str
    url: str  # with its query string, which is sent exactly so
    what: str  # the call in words, for messages and the log: "list reports"
    reference: str = ""  # our id of the thing, for the log
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    is_write: bool = False
    limits: Limits = field(default_factory=Limits)
    auth: AuthBase | None = None  # signs the bytes that are sent
    not_accepted: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        for name, value in self.headers.items():
            if _TOKEN.fullmatch(name) is None or _CONTROL.search(value) is not None:
                # The value may be a secret, so it is not shown.
                raise ValueError(f"header {name!r} holds a control character or a bad name")

    @property
    def where(self) -> str:
        """Method and address without the query string, for messages."""
        return f"{self.method} {redact_url(self.url)}"

    def leave(self) -> None:
        """Say that the first byte leaves next; a write is put on record by that.

        Raises:
            Retryable: it must not leave now.
            RuntimeError: a write that no effects engine sends.
        """
        if self.is_write:
            depart()

    def __repr__(self) -> str:
        """Hide query, headers and body: tracebacks with locals print this."""
        return f"Request({self.where!r}, what={self.what!r}, reference={self.reference!r})"


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer with any status that is not a redirect.

    ``digest`` and ``size_bytes`` are of the decoded bytes, computed on the way. ``body`` is empty
    where they went to a sink; of an error answer it holds at most the first 64 KiB.
    """

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    digest: str  # SHA-256, hex
    size_bytes: int

    @property
    def is_success(self) -> bool:
        return 200 <= self.status <= 299

    @property
    def content_type(self) -> str:
        """The media type in lower case, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def retry_after_s(self) -> float | None:
        """Seconds the server asks us to wait, at most 15 minutes; ``None`` if it does not say."""
        value = self.headers.get("retry-after", "").strip()
        if re.fullmatch(r"[0-9]{1,9}", value):
            return min(float(value), 900.0)
        then, now = _http_date(value), _http_date(self.headers.get("date", ""))
        if then is None or now is None:  # a date is read against the server's own clock
            return None
        return min(max(then - now, 0.0), 900.0)

    def __repr__(self) -> str:
        """Hide the body and the headers: they may hold a session or a customer."""
        return f"Response({self.status}, {self.size_bytes} bytes, {self.content_type!r})"


def _http_date(value: str) -> float | None:
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError):  # TypeError on text that is no date, before Python 3.12
        return None


class Transport(Protocol):
    """The wire. Tests replace it; the hooks know nothing below it."""

    def exchange(self, request: Request, sink: BinaryIO | None = None) -> Response:
        """Send once, with no retry and no redirect, and return the whole answer.

        With a ``sink`` the body of a 200 is streamed there; after a fault the sink holds a part
        and must be thrown away.

        Raises:
            Retryable: nothing happened (no connection, or it must not leave now: each asks
                ``request.leave`` right before the first byte), or a read did not come back whole.
            Rejected: nothing happened, and a person must act (address not allowed, answer of a
                read larger than its ceiling).
            OutcomeUnknown: a write whose first byte had left and which got no whole answer.
        """
        ...
