"""Airflow's access log without card numbers: in addresses and request ids of pages and API.

Airflow's API server writes path and query of every request, its own and those of what plugins
mount, and puts ``X-Request-Id`` into every line that is logged meanwhile. There is no setting for
it (3.3.2), so what it is shown is masked; the application gets the request as it came.
"""

from functools import cache
from urllib.parse import quote, unquote_plus

from airflow.api_fastapi.common.http_access_log import HttpAccessLogMiddleware
from starlette.types import Receive, Scope, Send

from include.domain.card_numbers import has_card_number, mask_card_numbers

_REQUEST_ID = b"x-request-id"


@cache
def hide_card_numbers() -> None:
    """Have the access log of this process shown no card number; again changes nothing."""
    log = HttpAccessLogMiddleware.__call__

    async def call(
        self: HttpAccessLogMiddleware, scope: Scope, receive: Receive, send: Send
    ) -> None:
        shown = masked(scope) if scope["type"] == "http" else scope
        if shown is scope:
            await log(self, scope, receive, send)
            return

        async def app(_shown: Scope, receive: Receive, send: Send) -> None:
            await self.app(scope, receive, send)

        await log(HttpAccessLogMiddleware(app), shown, receive, send)

    HttpAccessLogMiddleware.__call__ = call  # type: ignore[method-assign]


def masked(scope: Scope) -> Scope:
    """Return the request as it may be logged: itself, or a copy in which numbers are masked."""
    path, query = scope["path"], unquote_plus(scope["query_string"].decode("latin-1"))
    ids = [value for name, value in scope["headers"] if name == _REQUEST_ID]
    texts = (path, query, *(value.decode("latin-1") for value in ids))
    if not any(map(has_card_number, texts)):
        return scope
    headers = [
        (name, _masked(value) if name == _REQUEST_ID else value) for name, value in scope["headers"]
    ]
    shown = quote(mask_card_numbers(query), safe="=&[]").encode()
    return {**scope, "path": mask_card_numbers(path), "query_string": shown, "headers": headers}


def _masked(value: bytes) -> bytes:
    return mask_card_numbers(value.decode("latin-1")).encode("ascii", "replace")
