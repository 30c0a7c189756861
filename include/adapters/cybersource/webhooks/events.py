"""What a notification says: both generations of event names, both shapes of ``payload``.

Inner bodies are documented for tokens only, so an inner id is a pointer: the facts are fetched.
Source: Cybersource reference 5.3 and 5.5; reliability reference F7 and 2.1, row WH.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from include.adapters.cybersource.answers import read_time
from include.adapters.cybersource.webhooks.body import payload_name
from include.domain.reviews import Decision, DecisionEvent

_REQUEST_ID = re.compile(r"[0-9]{20,26}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONGEST_TYPE = 120
_LINK = re.compile(
    r"/(?P<room>pts/v2/[a-z]+|tss/v2/transactions|risk/v1/decisions"
    r"|tms/v[12]/[a-z-]+)/(?P<id>[A-Za-z0-9_-]{1,64})"
)
_TOKENS = "tms."  # how the names of a token's events begin
_DECISIONS: Mapping[str, Decision] = {
    "risk.casemanagement.decision.accept": Decision.accept,
    "risk.casemanagement.decision.reject": Decision.reject,
    "risk.profile.decision.reject": Decision.reject,
    "risk.profile.decision.review": Decision.review,
    "payments.authorization.status.reviewed": Decision.review,
    "payments.payments.review": Decision.review,
}


@dataclass(frozen=True, slots=True)
class Event:
    """One notification, read. The key is the same for every retry of it."""

    key: str
    event_type: str
    organization_id: str
    token_ids: tuple[str, ...]  # pointers into TMS: instruments, identifiers, customers
    decision: DecisionEvent | None


def read_event(members: Mapping[str, Any], received_at: datetime) -> Event:
    """Read a notification's members; an unknown type or shape says nothing and is no error.

    Args:
        members: the JSON object, already checked.
        received_at: stands in for an event date that cannot be read.
    """
    event_type = _text(members, "eventType")[:_LONGEST_TYPE]
    payload = members.get(payload_name(members))
    ids = tuple(dict.fromkeys(_pointers(payload, is_token=event_type.startswith(_TOKENS))))
    key = _key(members, payload, ids)
    at = _event_date(_text(members, "eventDate")) or received_at
    return Event(
        key,
        event_type,
        _text(members, "organizationId") or _organization(payload),
        tuple(one for room, one in ids if room == "token"),
        _decision(event_type, [one for room, one in ids if room == "request"], at, key),
    )


def _decision(
    event_type: str, request_ids: Sequence[str], at: datetime, key: str
) -> DecisionEvent | None:
    decision = _DECISIONS.get(event_type)
    if decision is None or not request_ids:
        return None
    return DecisionEvent(request_ids[0], decision, at, "webhook", key)


def _key(members: Mapping[str, Any], payload: Any, ids: tuple[tuple[str, str], ...]) -> str:
    """Subscription, type, date and identity of the payload; the trace id is new on every retry.

    ``notificationId`` is left out too: that it stays over retries and replays is not confirmed.
    """
    identity = (
        ",".join(one for _, one in ids)
        if ids
        else hashlib.sha256(
            json.dumps(payload, sort_keys=True, separators=(",", ":")).encode()
        ).hexdigest()
    )
    named = [_text(members, name) for name in ("webhookId", "eventType", "eventDate")]
    return "webhook_" + hashlib.sha256("|".join([*named, identity]).encode()).hexdigest()


def _event_date(text: str) -> datetime | None:
    """Read a date; the guide shows it without a zone, recordings with one: without is UTC."""
    found = read_time(text)
    if found is None and text:
        try:
            bare = datetime.fromisoformat(text)
        except ValueError:
            return None
        found = bare.replace(tzinfo=UTC) if bare.tzinfo is None else bare.astimezone(UTC)
    return found


def _pointers(value: Any, *, is_token: bool) -> Iterator[tuple[str, str]]:
    """Yield ``(request or token, id)``; the order is that of the body.

    ``is_token``: the event is about a token, so every id in it is one of the vault's, whether it
    has links or not (``tms.token.*`` has none), and be it as long a number as a request's.
    """
    if isinstance(value, list):
        for one in value:
            yield from _pointers(one, is_token=is_token)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, dict | list):
                yield from _pointers(inner, is_token=is_token)
            elif isinstance(inner, str | int) and not isinstance(inner, bool):
                yield from _pointer(name, str(inner), is_token, has_links="_links" in value)


def _pointer(name: str, text: str, is_token: bool, *, has_links: bool) -> Iterator[tuple[str, str]]:
    if name == "href" and (found := _LINK.search(text)):
        yield "token" if found["room"].startswith("tms/") else "request", found["id"]
    elif name == "id" and is_token and _TOKEN.fullmatch(text):
        yield "token", text
    elif name in ("id", "requestId", "transactionId") and _REQUEST_ID.fullmatch(text):
        yield "request", text
    elif name == "id" and has_links and _TOKEN.fullmatch(text):
        yield "token", text


def _text(members: Mapping[str, Any], name: str) -> str:
    found = members.get(name)
    return found.strip() if isinstance(found, str) else ""


def _organization(payload: Any) -> str:
    first = payload[0] if isinstance(payload, list) and payload else payload
    return _text(first, "organizationId") if isinstance(first, dict) else ""
