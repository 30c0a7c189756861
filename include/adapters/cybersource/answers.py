"""Read what Cybersource answers: JSON members, times, and the words of its errors.

Unknown members are tolerated, because the service sends more than its models say (reference 8.7).
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from include.adapters.http.strict_json import NotStrictJsonError, parse
from include.adapters.http.wire import Request, Response
from include.adapters.safe_xml import DefusedXmlException, ParseError, read_tree
from include.domain.calendar import Window
from include.domain.errors import Retryable

Json = Mapping[str, Any]
_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d{1,9})?(Z|[+-]\d{2}:?\d{2})(?:[+-]00:?00)?"
)


def read_object(response: Response, request: Request) -> Json:
    """Return the JSON object of a 2xx answer.

    Raises:
        Retryable: HTML, doubled members or anything else that is not one object: an answer that
            cannot be read is unknown, not success.
    """
    try:
        found = parse(response.body)
    except NotStrictJsonError as fault:
        reason = str(fault)
    else:
        if isinstance(found, dict):
            return found
        reason = "it is not a JSON object"
    shown = response.content_type or "no content type"
    raise Retryable(
        f"{request.what} was answered {response.status} with a body ({shown}) that cannot be read: "
        f"{reason}",
        request.where,
        "Call again. If it stays, something between us and the vendor answers in its place.",
    )


def read_list(found: Json, member: str, request: Request) -> list[Json]:
    """Return a list of objects; a missing member is an unreadable answer, not an empty list.

    Raises:
        Retryable: the member is absent or is not a list of objects.
    """
    rows = found.get(member)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Retryable(
            f"{request.what} was answered without a list {member!r}",
            request.where,
            "Call again. If it stays, the vendor changed the answer: tell engineering.",
        )
    return rows


def text_of(found: Json, *path: str) -> str | None:
    """Return a member as text, ``None`` where any step is missing, null or blank."""
    value: Any = found
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).strip() or None


def read_time(text: str | None) -> datetime | None:
    """Read an ISO 8601 instant with zone into UTC; ``None`` where it is not one.

    Real files write the zone twice (``2022-09-28T00:00:00Z+00:00``; reference, section 6.4).
    """
    found = _TIME.fullmatch(text or "")
    if found is None:
        return None
    whole, fraction, zone = found.groups(default="")
    try:
        return datetime.fromisoformat(f"{whole}{fraction[:7]}{zone}").astimezone(UTC)
    except ValueError:
        return None


def write_time(instant: datetime) -> str:
    """Write an instant as the API's texts show it: UTC with milliseconds."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + (
        f"{instant.microsecond // 1000:03d}Z"
    )


def read_window(start: str | None, end: str | None) -> Window | None:
    start_at, end_at = read_time(start), read_time(end)
    if start_at is None or end_at is None or start_at >= end_at:
        return None
    return Window(start_at, end_at)


def split(window: Window, longest: timedelta) -> list[Window]:
    """Cut a window into touching pieces of at most ``longest``."""
    pieces, start_at = [], window.start_at
    while start_at < window.end_at:
        end_at = min(start_at + longest, window.end_at)
        pieces.append(Window(start_at, end_at))
        start_at = end_at
    return pieces


def error_words(response: Response) -> str:
    """Return the vendor's own words in an error answer, ``""`` where it has none.

    JSON errors lie at the top level, under ``errorInformation``, ``response`` or ``errors``; a
    download may answer XML, ``errorBean`` with ``message``.
    """
    body = response.body.lstrip()
    if body.startswith(b"<"):
        return _xml_words(body)
    try:
        found = parse(body)
    except NotStrictJsonError:
        return ""
    if isinstance(found, dict) and isinstance(found.get("errors"), list):
        found = found["errors"]
    if isinstance(found, list):
        found = found[0] if found else {}
    if not isinstance(found, dict):
        return ""
    for place in (found, found.get("errorInformation"), found.get("response")):
        if isinstance(place, dict) and (words := _json_words(place)):
            return words
    return ""


def _json_words(found: Json) -> str:
    words = [text_of(found, name) for name in ("reason", "message", "rmsg")]
    details = found.get("details")
    if isinstance(details, list):
        for detail in details[:5]:
            if isinstance(detail, dict):
                field, reason = text_of(detail, "field"), text_of(detail, "reason")
                words.append(f"{field or '?'}: {reason or '?'}")
    return "; ".join(word for word in words if word)


def _xml_words(body: bytes) -> str:
    try:
        root = read_tree(body)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return ""
    for element in root.iter():
        if element.tag.rpartition("}")[2] == "message" and element.text:
            return str(element.text).strip()
    return ""
