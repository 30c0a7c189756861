"""Signed calls to one Cybersource account: one URL, one call, one judgement."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import BinaryIO
from urllib.parse import quote

from include.adapters.cybersource.answers import Json, error_words, read_object
from include.adapters.cybersource.settings import Settings
from include.adapters.cybersource.signing import Now, utc_now
from include.adapters.http.status import judge
from include.adapters.http.wire import Limits, Request, Response, Transport
from include.domain.errors import OutcomeUnknown, Rejected, Retryable
from include.services.ports import Download

JSON_TYPE = "application/json"
HAL_TYPE = "application/hal+json"
_HEAD_BYTES = 512
_ABSENT = (404, 410)  # which many a caller takes for "none"
_Query = Mapping[str, str | None]


class HeadKeeper:
    """A sink that passes everything on and remembers how it began."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self.head = b""

    def write(self, data: bytes) -> int:
        if len(self.head) < _HEAD_BYTES:
            self.head += data[: _HEAD_BYTES - len(self.head)]
        return self._sink.write(data)


class Client:
    """Reads, of which a repeat is always allowed, and the one way to send a write."""

    def __init__(self, settings: Settings, transport: Transport, now: Now = utc_now) -> None:
        self.settings = settings
        self.now = now
        self._transport = transport
        self._auth = settings.signer(now)

    def request(
        self,
        path: str,
        query: _Query,
        what: str,
        reference: str = "",
        accept: str = HAL_TYPE,
        body: Mapping[str, object] | None = None,
    ) -> Request:
        """Build a call. The query is encoded once, here, and is what gets signed and sent."""
        pairs = [f"{name}={quote(value, safe='')}" for name, value in query.items() if value]
        url = self.settings.base_url + path + ("?" + "&".join(pairs) if pairs else "")
        headers = {"Accept": accept}
        data = None
        if body is not None:
            headers["Content-Type"] = JSON_TYPE
            # Serialized once; these very bytes are digested, signed and sent.
            data = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        return Request(
            "GET" if body is None else "POST",
            url,
            what,
            reference or self.settings.organization_id,
            headers,
            data,
            limits=self.settings.calls,
            auth=self._auth,
        )

    def write(
        self,
        method: str,
        path: str,
        what: str,
        reference: str,
        body: Mapping[str, object] | None = None,
        limits: Limits | None = None,
    ) -> Request:
        """Build a call that changes something; only a partner of the effects engine sends it."""
        is_documented = self.settings.refused_means_not_accepted
        return replace(
            self.request(path, {}, what, reference, body=body),
            method=method,
            is_write=True,
            limits=limits or self.settings.calls,
            not_accepted=frozenset({429, 503}) if is_documented else frozenset(),
        )

    def send(self, request: Request) -> Response:
        """Send and return the answer whatever its status; for callers that explain it.

        Raises:
            Retryable, OutcomeUnknown: as ``Transport.exchange``; or that there is no such thing is
                said by a page, which is not the vendor's: of a read or of a write.
        """
        return _not_a_page(self._transport.exchange(request), request)

    def fetch(self, request: Request) -> Json | None:
        """Return the JSON object, ``None`` for 404, which in reporting means 'none'.

        Raises:
            Retryable, Rejected: as ``http.status.judge`` and ``answers.read_object`` say.
        """
        response = self.send(request)
        if response.status == 404:
            return None
        if error := judge(response, request, error_words(response)):
            raise error
        return read_object(response, request)

    def download(self, request: Request, sink: BinaryIO) -> Download | None:
        """Stream a file; ``None`` for 404.

        Raises:
            Retryable: not whole, or a page or error document in place of the file. What the sink
                holds then must be thrown away.
        """
        request = replace(request, limits=self.settings.downloads)
        keeper = HeadKeeper(sink)
        response = self._transport.exchange(request, keeper)  # type: ignore[arg-type] # only write
        if _not_a_page(response, request).status == 404:
            return None
        if error := judge(response, request, error_words(response)):
            raise error
        if response.status != 200:
            raise Retryable(
                f"{request.what} was answered {response.status} without a file",
                request.where,
                "Call again later.",
            )
        self._refuse_pages(response, request, keeper.head)
        return Download(response.digest, response.size_bytes, response.content_type)

    @staticmethod
    def _refuse_pages(response: Response, request: Request, head: bytes) -> None:
        is_called_one = response.content_type in ("text/html", "application/xhtml+xml")
        if is_called_one or _is_page(head) or b"<errorbean" in head.lower():
            raise Retryable(
                f"{request.what} was answered 200 with a page or an error in place of the file",
                request.where,
                "Nothing was kept. Call again; if it stays, ask who answers at this address.",
            )


def _not_a_page(response: Response, request: Request) -> Response:
    if response.status not in _ABSENT or not _is_page(response.body):
        return response
    what = f"{request.what} was answered {response.status} with a page, which is not the vendor's"
    if request.is_write:
        raise OutcomeUnknown(what, request.where, "Look for it before any resend.")
    do = "Call again; if it stays, ask who answers at this address."
    raise Retryable(what, request.where, do)


def _is_page(head: bytes) -> bool:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return start.startswith((b"<!doctype html", b"<html"))


def demand_organization(organization_id: str, where: str) -> str:
    """Refuse a blank organization: the vendor answers 404, which would read as 'none'."""
    if not organization_id.strip():
        raise Rejected("the organization id is empty", where, "Name it in merchants.yaml.")
    return organization_id
