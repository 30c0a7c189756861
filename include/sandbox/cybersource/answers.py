"""The shapes of the service's refusals, and how it reads times."""

from datetime import UTC, date, datetime

from include.sandbox.server import Request, Response
from include.sandbox.world.dates import utc_text


class BadField(ValueError):
    """A parameter is missing or wrong: (field, reason)."""

    def __init__(self, field: str, reason: str = "INVALID_DATA") -> None:
        super().__init__(field, reason)
        self.field, self.reason = field, reason


def unauthenticated() -> Response:
    """Return 401 as the gateway in front of the services answers it."""
    return Response.of_json({"response": {"rmsg": "Authentication Failed"}}, 401)


def bad_request(problem: BadField) -> Response:
    missing = problem.reason == "MISSING_FIELD"
    said = "is missing one or more required fields" if missing else "contains invalid data"
    return Response.of_json(
        {
            "submitTimeUtc": utc_text(datetime.now(UTC)),
            "reason": problem.reason,
            "message": f"The request {said}",
            "details": [{"field": problem.field, "reason": problem.reason}],
        },
        400,
    )


def not_found(request: Request) -> Response:
    """Return 404: no report, or no data. A download asked as XML is answered as XML."""
    if "xml" in request.headers.get("accept", ""):
        body = "<errorBean><message>Report not found</message></errorBean>"
        return Response.of_text(body, 404, "application/xml")
    return Response.of_json(
        {
            "submitTimeUtc": utc_text(datetime.now(UTC)),
            "reason": "NOT_FOUND",
            "message": "No reports or data found",
            "details": [],
        },
        404,
    )


def read_instant(request: Request, name: str) -> datetime:
    """Return a required time parameter: ISO 8601 with a zone."""
    text = request.query.get(name, "")
    if not text:
        raise BadField(name, "MISSING_FIELD")
    try:
        found = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise BadField(name) from None
    if found.tzinfo is None:
        raise BadField(name)
    return found.astimezone(UTC)


def read_interval(request: Request, longest_hours: int = 0) -> tuple[datetime, datetime]:
    """Return startTime and endTime; 0 hours is no limit."""
    start, end = read_instant(request, "startTime"), read_instant(request, "endTime")
    if end <= start:
        raise BadField("endTime")
    if longest_hours and (end - start).total_seconds() > longest_hours * 3600:
        raise BadField("endTime")
    return start, end


def read_date(request: Request, name: str) -> date:
    text = request.query.get(name, "")
    if not text:
        raise BadField(name, "MISSING_FIELD")
    try:
        if len(text) != 10:
            raise BadField(name)
        return date.fromisoformat(text)
    except ValueError:
        raise BadField(name) from None


def read_count(request: Request, name: str, default: int, low: int, high: int) -> int:
    text = request.query.get(name, str(default))
    if not (text.isascii() and text.isdigit()) or not low <= int(text) <= high:
        raise BadField(name)
    return int(text)
