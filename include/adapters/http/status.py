"""From an HTTP status to one of the three families of fault, or to nothing."""

from http import HTTPStatus

from include.adapters.http.redact import redact
from include.adapters.http.wire import Request, Response
from include.domain.errors import Busy, IntegrationError, OutcomeUnknown, Rejected, Retryable


class Refused(Rejected):
    """A clear no of the server. ``status`` lets a hook explain a wrong key."""

    def __init__(self, what: str, where: str, do: str, status: int = 0) -> None:
        super().__init__(what, where, do)
        self.status = status


_ADVICE = {
    400: "Compare the call with the vendor's description of it.",
    401: "Check key, secret and clock of the connection.",
    403: "Ask the vendor to permit this call for the account of the connection.",
    404: "Check the path and the organization of the connection.",
}
# Refused before anything happened, by the definition of the status itself.
_REFUSALS = frozenset(range(400, 500)) - {408, 425, 429}


def judge(response: Response, request: Request, said: str = "") -> IntegrationError | None:
    """Return the error an answer comes to, ``None`` for a 2xx. The caller raises it.

    Args:
        response: the whole answer.
        request: what was asked; says whether it was a write and what counts as not accepted.
        said: the vendor's own words, already taken out of the body.
    """
    if response.is_success:
        return None
    status = response.status
    words = f": {redact(said, 200)!r}" if said else ""
    what = f"{request.what} was answered {status} {_phrase(status)}{words}"
    where, wait = request.where, response.retry_after_s
    if request.is_write and status not in request.not_accepted and status not in _REFUSALS:
        do = "It may have happened: look for the reference at the other side before any resend."
        return OutcomeUnknown(what, where, do)
    if status in (429, 503):
        pause = f"Wait {wait:g} s" if wait is not None else "Wait a little"
        return Busy(what, where, f"{pause}, then call again.", wait)
    if status in _REFUSALS and status not in request.not_accepted:
        return Refused(what, where, _ADVICE.get(status, "Read the vendor's words and act."), status)
    return Retryable(what, where, "Call again; if it stays, ask the vendor.")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "(no known status)"
