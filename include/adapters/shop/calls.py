"""Calls to a shop's JSON API: what goes out, and which family an answer comes to."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlencode

from requests.auth import AuthBase

from include.adapters.http.redact import redact
from include.adapters.http.status import judge
from include.adapters.http.strict_json import NotStrictJsonError, parse
from include.adapters.http.wire import Request, Response, Transport
from include.adapters.shop.settings import ShopSettings
from include.domain.errors import IntegrationError, OutcomeUnknown, Rejected, Retryable

T = TypeVar("T")
JSON_TYPE = "application/json"
Words = Callable[[Any], tuple[str, str]]  # an error body to (code, text)
_LATER = frozenset({429})  # refused before anything happened, by every shop


class Absent(Exception):
    """The shop says clearly that there is no such thing."""


class Calls:
    """One shop's API. A read raises ``Retryable`` or ``Rejected``; a write any of the three."""

    def __init__(
        self,
        settings: ShopSettings,
        transport: Transport,
        *,
        auth: AuthBase | None,
        headers: Mapping[str, str],
        words: Words,
        is_absent: Callable[[int, str], bool],
    ) -> None:
        """Join the parts; nothing is called.

        Args:
            settings: address, limits.
            transport: sends.
            auth: signs each request.
            headers: sent with each request.
            words: reads code and text out of an error body.
            is_absent: status and code that mean 'there is none', not 'wrong path'.
        """
        self.settings = settings
        self._transport = transport
        self._auth, self._headers = auth, dict(headers)
        self._words, self._is_absent = words, is_absent

    def read(self, path: str, query: Mapping[str, str], what: str, reference: str = "") -> Any:
        """Return the JSON of a GET.

        Raises:
            Absent: there is no such thing.
            Retryable, Rejected: as the transport and the status say.
        """
        request = self._request("GET", path, query, what, reference, None)
        response = self._transport.exchange(request)
        if response.is_success:
            return self._parsed(response, request)
        code, text = self._error(response)
        if self._is_absent(response.status, code):
            raise Absent
        raise self._judged(response, request, code, text)

    def write(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any],
        what: str,
        reference: str,
        refusals: frozenset[str] = frozenset(),
    ) -> Any:
        """Send once and return the JSON of the answer.

        Args:
            method: POST, PUT or PATCH.
            path: below the base.
            body: JSON.
            what: the call in words.
            reference: what is planted.
            refusals: error codes that mean 'certainly nothing happened', whatever the status.

        Raises:
            Retryable, Rejected: certainly nothing happened.
            OutcomeUnknown: anything else.
        """
        data = json.dumps(body, separators=(",", ":")).encode()
        request = self._request(method, path, {}, what, reference, data)
        response = self._transport.exchange(request)
        if response.is_success:
            return self._parsed(response, request)
        code, text = self._error(response)
        if code in refusals:
            do = "Read the shop's words and act; the shop recorded nothing."
            raise Rejected(f"{what} was refused: {redact(text, 200)!r}", request.where, do)
        raise self._judged(response, request, code, text)

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        what: str,
        reference: str,
        data: bytes | None,
    ) -> Request:
        url = self.settings.base_url + path + (f"?{urlencode(query)}" if query else "")
        headers = {"Accept": JSON_TYPE, **self._headers}
        if data is not None:
            headers["Content-Type"] = JSON_TYPE
        return Request(
            method,
            url.replace("+", "%20"),  # urlencode's blank, which OAuth would sign otherwise
            what,
            reference or self.settings.shop_id,
            headers,
            data,
            is_write=data is not None,
            limits=self.settings.limits,
            auth=self._auth,
            not_accepted=_LATER,
        )

    def _parsed(self, response: Response, request: Request) -> Any:
        try:
            return parse(response.body)
        except NotStrictJsonError as fault:
            reason = str(fault)
        what = f"{request.what} was answered {response.status} with what cannot be read: {reason}"
        if request.is_write:
            do = "It may have happened: look for the reference at the shop before any resend."
            raise OutcomeUnknown(what, request.where, do)
        raise Retryable(what, request.where, "Call again; if it stays, ask who answers there.")

    def _error(self, response: Response) -> tuple[str, str]:
        try:
            return self._words(parse(response.body))
        except NotStrictJsonError:
            return "", ""

    def _judged(
        self, response: Response, request: Request, code: str, text: str
    ) -> IntegrationError:
        said = f"{code}: {text}" if code else text
        error = judge(response, request, said)
        if error is None:
            raise ValueError("a success is not judged")
        return error


def written(convert: Callable[[], T], what: str, where: str) -> T:
    """Read the answer of a write; what cannot be read may still have happened.

    Raises:
        OutcomeUnknown: in place of what ``convert`` raises.
    """
    try:
        return convert()
    except Retryable as fault:
        reason = fault.what
    do = "It may have happened: look for the reference at the shop before any resend."
    raise OutcomeUnknown(f"{what}: {reason}", where, do)


@contextmanager
def looking() -> Iterator[None]:
    """Let nothing but ``Retryable`` out: a look cannot know that nothing happened."""
    try:
        yield
    except Rejected as fault:
        raise Retryable(fault.what, fault.where, fault.do) from None


def unreadable(what: str, where: str) -> Retryable:
    """An answer of a read without a member that it must have."""
    return Retryable(what, where, "Ask again; if it stays, the shop changed: tell engineering.")


def text_at(found: Any, path: str) -> str:
    """Return a member by its dotted path as text; '' where any step is missing or null."""
    value = value_at(found, path)
    return "" if value is None or isinstance(value, dict | list | bool) else str(value)


def value_at(found: Any, path: str) -> Any:
    """Return a member by its dotted path; ``None`` where any step is missing."""
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found
