"""Try a connection with one cheap signed call and say in words what is wrong."""

from datetime import timedelta
from email.utils import parsedate_to_datetime

from include.adapters.cybersource.answers import error_words, write_time
from include.adapters.cybersource.client import Client
from include.adapters.http.redact import redact
from include.adapters.http.wire import Response
from include.domain.errors import IntegrationError

_LARGEST_SKEW_S = 60  # the vendor's own tolerance is not published


def check(client: Client) -> tuple[bool, str]:
    """List the reports of the last day; return whether that worked and a sentence for a person."""
    settings, end_at = client.settings, client.now()
    who = f"{settings.organization_id!r} at {settings.base_url}"
    query = {
        "startTime": write_time(end_at - timedelta(days=1)),
        "endTime": write_time(end_at),
        "timeQueryType": "reportTimeFrame",
        "organizationId": settings.organization_id,
    }
    try:
        response = client.send(
            client.request("/reporting/v3/reports", query, "test the connection")
        )
    except IntegrationError as fault:
        return False, f"No answer from {settings.base_url}: {fault.what}. {fault.do}"
    if response.is_success or response.status == 404:
        return True, f"Signed in as {who} ({settings.auth.value}); reports can be listed."
    words = redact(error_words(response), 200)
    said = f" The server says: {words}" if words else ""
    return False, f"{_diagnosis(client, response, who)}{said}"


def _diagnosis(client: Client, response: Response, who: str) -> str:
    if response.status == 401:
        skew = _skew_s(client, response)
        if skew is not None and abs(skew) > _LARGEST_SKEW_S:
            side = "behind" if skew > 0 else "ahead of"
            return (
                f"The signature of {who} is not accepted (401), and the clock of this machine is "
                f"{abs(skew):.0f} s {side} the server's: set the clock first."
            )
        return (
            f"The signature of {who} is not accepted (401): check key id, secret, merchant id and "
            "portfolio; a key of the test host does not open the production host."
        )
    if response.status == 403:
        return f"The key is known, but {who} may not list reports (403): ask for the permission."
    if response.status == 400:
        return f"{who} was not accepted (400): check the merchant id; is the organization known?"
    return f"{who} answered {response.status}: try again later."


def _skew_s(client: Client, response: Response) -> float | None:
    """Seconds the server's clock is ahead of ours, ``None`` where it does not tell."""
    try:
        theirs = parsedate_to_datetime(response.headers.get("date", ""))
        return (theirs - client.now()).total_seconds()
    except (ValueError, TypeError):  # no date, or one without a zone
        return None
