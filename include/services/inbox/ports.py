"""What the inbox needs: a store, and somebody who knows whether an event is genuine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

DEAD_LETTER_KIND = "inbox_event"


class InboxState(StrEnum):
    received = "received"
    handled = "handled"
    unhandled = "unhandled"  # nobody knows this type; kept
    failed = "failed"  # a dead letter is open
    emptied = "emptied"  # over for long: its bytes are gone, its key still refuses a repeat


@dataclass(frozen=True, slots=True)
class Incoming:
    """A genuine event, as it came."""

    source: str  # with the account, e.g. "cybersource|acme_us"
    event_key: str  # what makes it the same event when it comes again; never a trace id
    event_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class InboxRow:
    """An event as kept."""

    inbox_id: int
    source: str
    event_key: str
    event_type: str
    body: bytes
    state: InboxState
    reason: str
    tries: int
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What became of one try."""

    state: InboxState
    reason: str = ""
    next_at: datetime | None = None  # of the next try; only while received
    next_action: str = ""  # of the dead letter; only where it failed


class Inbox(Protocol):
    """Events by UNIQUE (source, event key)."""

    def store(self, events: Sequence[Incoming]) -> None:
        """Commit events in one transaction; one that is there stays as it is."""
        ...

    def due(self, limit: int) -> Sequence[InboxRow]:
        """Return events to be handled now, in the order in which they came."""
        ...

    def conclude(self, row: InboxRow, conclusion: Conclusion, owner: str) -> bool:
        """Write what became of a try, and the dead letter of one that failed.

        Returns:
            False where another worker was faster; nothing is written then.
        """
        ...

    def retry(self, event: str, who: str, *, via: str = "") -> None:
        """Have a failed or unhandled event handled again; ``event`` is its dead letter's key.

        Raises:
            Rejected: there is none, or it did not fail.
        """
        ...

    def now(self) -> datetime: ...


def key_of(row: InboxRow) -> str:
    """Name an event among dead letters."""
    return f"{row.source}|{row.event_key}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Genuine."""

    event_key: str
    event_type: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Not genuine, or not readable."""

    reason: str  # a code: "bad_signature", "unknown_key", "too_old" ...; no value of the request
    is_malformed: bool = False  # 400 rather than 401
    holds_card_number: bool = False  # genuine, but nothing of it may be kept


class Verifier(Protocol):
    """Says whether bytes come from whom they should. A total function: it never raises."""

    def __call__(self, raw: bytes, headers: Mapping[str, str], now: datetime) -> Verdict | Refusal:
        """Judge the raw bytes; header names are in lower case."""
        ...


@dataclass(frozen=True, slots=True)
class WebhookAccount:
    """Where one sender's events go, and how they are judged."""

    source: str
    verify: Verifier
    signed_by: str  # the header of the signature, in lower case; without it no body is read
    headers: frozenset[str] = frozenset()  # in lower case; one that comes twice is refused
