"""What went wrong, for machines and people: RFC 9457, plus ``do``, the next step."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from include.domain.card_numbers import mask_card_numbers
from include.domain.errors import IntegrationError, Rejected

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:tieout:problem:"

# code: status, title, what to do where the place of the fault knows nothing better
CODES: Mapping[str, tuple[int, str, str]] = {
    "malformed": (400, "The request cannot be read", "Send one JSON object in UTF-8."),
    "missing-idempotency-key": (
        400,
        "There is no Idempotency-Key",
        "Send a key of your own with each new request; repeat it only with that request.",
    ),
    "unauthenticated": (401, "It is not known who calls", "Send Authorization: Bearer <key>."),
    "bad-signature": (401, "The signature does not hold", "Check the key and what is signed."),
    "forbidden": (403, "This client may not do that", "Ask for a client with the role."),
    "not-found": (404, "There is nothing here", "Check the address."),
    "method-not-allowed": (405, "This address has no such method", "See the header Allow."),
    "too-slow": (408, "The request was not here in time", "Send it again, in one go."),
    "conflict": (409, "It cannot be done as things stand", "Read it first; then decide."),
    "in-progress": (409, "The first request with this key goes on", "Repeat it in a second."),
    "too-large": (413, "The request is too large", "Send less, or split it."),
    "media-type": (415, "The content is not JSON", "Send Content-Type: application/json."),
    "invalid": (422, "The content is not valid", "Mend the fields named; then send it again."),
    "refused-by-rules": (422, "The merchant takes no such order", "See what it takes."),
    "key-reused": (422, "The key belongs to another request", "Use a new key."),
    "card-number-refused": (422, "A card number was sent", "Send a token in its place."),
    "too-many": (429, "Too many requests", "Wait as long as Retry-After says."),
    "internal": (
        500,
        "Something went wrong here",
        "Send it again with the same key; then call us.",
    ),
    "unavailable": (503, "Not possible just now", "Send it again with the same key."),
    "unknown-outcome": (503, "The outcome is not known yet", "Read the order; do not pay again."),
}
_CODE_OF_STATUS = {404: "not-found", 405: "method-not-allowed", 400: "malformed", 413: "too-large"}


class Problem(HTTPException):
    """A definite no."""

    def __init__(
        self,
        code: str,
        detail: str,
        do: str = "",
        *,
        fields: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(CODES[code][0], detail, headers)
        self.code = code
        self.do = do or CODES[code][2]
        self.fields = tuple(fields)


def problem_body(problem: Problem, path: str) -> str:
    """Write a problem; ``path`` names the request, without query."""
    status, title, _ = CODES[problem.code]
    found: dict[str, Any] = {
        "type": TYPE + problem.code,
        "title": title,
        "status": status,
        "detail": problem.detail,
        "instance": mask_card_numbers(path)[:200],
        "do": problem.do,
    }
    if problem.fields:
        found["fields"] = [{"field": field, "problem": text} for field, text in problem.fields]
    return json.dumps(found, ensure_ascii=True)  # ASCII: a lone surrogate of the path survives


def respond(problem: Problem, path: str) -> Response:
    return Response(
        problem_body(problem, path),
        problem.status_code,
        headers=problem.headers,
        media_type=MEDIA_TYPE,
    )


def of_status(error: HTTPException) -> Problem:
    """Turn the framework's own refusals (no route, wrong method) into problems."""
    code = _CODE_OF_STATUS.get(error.status_code, "malformed")
    return Problem(code, CODES[code][1].lower(), headers=error.headers)


def of_family(fault: IntegrationError, code: str = "conflict") -> Problem:
    """Turn a fault of the three families into a problem; ``code`` is that of ``Rejected``."""
    detail = f"{fault.what} (at {fault.where})"
    if isinstance(fault, Rejected):
        return Problem(code, detail, fault.do)
    return Problem("unavailable", detail, fault.do, headers={"Retry-After": "5"})
