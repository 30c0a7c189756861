"""Transaction search: its query language and its pages.

The grammar is Solr's, documented badly (reference, sections 2.4 and 8.6). A search is fed with
delay, so nothing found proves nothing.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from include.adapters.cybersource.answers import Json
from include.adapters.cybersource.client import JSON_TYPE, Client
from include.adapters.http.redact import redact
from include.adapters.http.wire import Request
from include.domain.errors import Rejected, Retryable

LARGEST_PAGE = 2500
SORT = "id:asc,submitTimeUtc:asc"  # a fixed order, else pages overlap
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,99}")
# Solr's own characters. A hyphen inside a word is plain, as the vendor's samples show.
_SPECIAL = re.compile(r'([+&|!(){}\[\]^"~*?:\\/\s]|^-|\b(?:AND|OR|NOT|TO)\b)')


def term(field: str, value: str) -> str:
    """Return ``field:value`` with everything escaped that the language would read.

    Raises:
        Rejected: a field name or a value that cannot be searched for.
    """
    if _FIELD.fullmatch(field) is None or not value.isprintable() or not value.strip():
        raise Rejected(f"{field!r}: {value[:60]!r} cannot be searched for", "search", "Correct it.")
    return f"{field}:{_SPECIAL.sub(lambda found: chr(92) + found.group(), value)}"


def between(field: str, start_at: datetime, end_at: datetime) -> str:
    """Return the half-open range ``start_at <= field < end_at``; both aware."""
    if start_at.tzinfo is None or end_at.tzinfo is None or start_at >= end_at:
        raise ValueError(f"not a range of instants: {start_at!r} to {end_at!r}")
    return f"{field}:[{_instant(start_at)} TO {_instant(end_at)}}}"


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Search:
    """Searches of one account."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def transactions(self, query: str, page_size: int = LARGEST_PAGE) -> Iterator[Json]:
        """Yield transaction summaries, every page, as the vendor names them.

        Raises:
            Retryable: an answer without a count, or fewer rows than it counts. A 201 that does
                not say how many there are says nothing; read as "none", it would be sent again.
        """
        offset = 0
        while True:
            request = self._request(query, offset, page_size)
            found = self._answer(request)
            total, rows = _total(found, request), _summaries(found, request)
            yield from rows
            offset += len(rows)
            if offset >= total:
                return
            if not rows:
                raise Retryable(
                    f"the search gave {offset} of {total} transactions",
                    request.where,
                    "Search again; the index may be catching up.",
                )

    def _request(self, query: str, offset: int, page_size: int) -> Request:
        body = {
            "save": False,
            "name": "Tieout",
            "timezone": "GMT",
            "query": query,
            "offset": offset,
            "limit": page_size,
            "sort": SORT,
        }
        return self._client.request(
            "/tss/v2/searches", {}, "search transactions", accept=JSON_TYPE, body=body
        )

    def _answer(self, request: Request) -> Json:
        found = self._client.fetch(request)
        if found is None:
            raise Retryable("the search was answered 404", request.where, "Search again.")
        return found


def _total(found: Json, request: Request) -> int:
    total = found.get("totalCount")
    if isinstance(total, int) and not isinstance(total, bool) and total >= 0:
        return total
    raise Retryable(
        f"the search was answered with the count {redact(repr(total), 40)}",
        request.where,
        "Search again; an answer without a count proves nothing.",
    )


def _summaries(found: Json, request: Request) -> list[Json]:
    """Return the rows of an answer; none where it has no member for them."""
    embedded = found.get("_embedded")
    if embedded is None:
        return []
    if isinstance(embedded, dict):
        rows = embedded.get("transactionSummaries", [])
        if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
            return rows
    raise Retryable(
        "the search was answered with rows that cannot be read", request.where, "Search again."
    )
