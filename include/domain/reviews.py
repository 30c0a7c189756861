"""Fraud decisions that arrive in any order, twice, or against each other.

State advances by rank, never by arrival. Source: reliability reference, section 2.2, protocol O.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Decision(StrEnum):
    """What Decision Manager, or a person there, said of a payment."""

    review = "review"
    accept = "accept"
    reject = "reject"


_RANK = {Decision.review: 0, Decision.accept: 1, Decision.reject: 1}


@dataclass(frozen=True, slots=True)
class DecisionEvent:
    """One decision about one request id, from a webhook, the poller or our own analyst."""

    request_id: str  # of the authorisation
    decision: Decision
    at: datetime  # as the gateway says, UTC
    origin: str  # webhook, conversion_details, search, analyst
    event_key: str  # what makes it the same event when it comes again
    reviewer: str = ""
    comments: str = ""


class Merged(StrEnum):
    """What a decision does to what is known."""

    news = "news"
    known = "known"  # the same or an older one: recorded, nothing changes
    contradiction = "contradiction"  # accept after reject, or the reverse: a person decides


def merge(current: Decision | None, event: Decision) -> Merged:
    """Say what ``event`` does to ``current``."""
    if current is None or _RANK[event] > _RANK[current]:
        return Merged.news
    if event is current or _RANK[event] < _RANK[current]:
        return Merged.known
    return Merged.contradiction
