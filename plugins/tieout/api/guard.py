"""The outermost layer of ours: nothing leaves without its headers, no fault without its problem.

It catches what no route did, so that no traceback with a payload in it reaches a log or a client.
HEAD is answered wherever GET is, as GET without its content (RFC 9110, section 9.3.2).
"""

import logging
import time
import traceback
from collections.abc import Sequence

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tieout.api.addresses import Network, address_of
from tieout.api.problems import Problem, respond

_log = logging.getLogger("tieout.api")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


class Guard:
    """An ASGI layer around all routes; ``trusted`` are the proxies that say who sends."""

    def __init__(self, app: ASGIApp, trusted: Sequence[Network] = ()) -> None:
        self._app, self._trusted = app, trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status, method = time.monotonic(), 0, scope["method"]
        scope.setdefault("state", {})["address"] = address_of(scope, self._trusted)
        if method == "HEAD":
            scope = {**scope, "method": "GET"}  # not the server's own, which sends no content of it

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *_headers_of(scope)]
            elif method == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except Exception as bug:  # noqa: BLE001 - the outermost edge: answered, logged, no payload
            _log_bug(bug)
            if status:
                raise ConnectionError("the answer had begun") from None
            problem = Problem("internal", "the fault is logged here")
            await respond(problem, Request(scope).url.path)(scope, receive, answer)
        _log_answer(scope, method, status, time.monotonic() - begun)


def _headers_of(scope: Scope) -> list[tuple[bytes, bytes]]:
    more: dict[str, str] = scope.get("state", {}).get("headers", {})
    return [(k.lower().encode(), v.encode()) for k, v in {**_HEADERS, **more}.items()]


def _log_bug(bug: Exception) -> None:
    """Say where, in our own frames; a message may hold what was sent, so it is left out."""
    frames = traceback.extract_tb(bug.__traceback__)[-8:]
    where = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
    _log.error("api_fault kind=%s where=%s", type(bug).__name__, where)


def _log_answer(scope: Scope, method: str, status: int, seconds: float) -> None:
    """The route's pattern, never the path or the query: they may hold anything."""
    route = getattr(scope.get("route"), "path", "none")
    client = getattr(scope.get("state", {}).get("client"), "client_id", "-")
    _log.info(
        "api_answered method=%s route=%s status=%d ms=%d client=%s from=%s",
        method if method.isalpha() else "?",
        route,
        status,
        int(seconds * 1000),
        client,
        scope["state"]["address"],
    )
