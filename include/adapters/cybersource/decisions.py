"""Fraud decisions by polling: the guarantee, of which the webhook is only a hint (finding F6).

A *cursor*, not a window: it is the instant up to which all decisions have been handed out. A poll
reads from ``overlap`` before it until now, in pieces of less than a day, and each page carries the
cursor to keep once its events are stored. So a poller that was down for days, or died between two
pages, goes on where it was and loses nothing; what comes twice has the same ``event_key``.
Source: Cybersource reference, section 3.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from include.adapters.cybersource.answers import Json, read_time, split, text_of
from include.adapters.cybersource.client import Client
from include.adapters.cybersource.reasons import BuiltInReasons, ReasonTable
from include.adapters.cybersource.reporting import Reporting
from include.adapters.cybersource.rows import Row, Rows
from include.adapters.cybersource.search import Search, between
from include.adapters.cybersource.services import LONGEST_CONVERSIONS
from include.adapters.http.redact import redact
from include.domain.calendar import Window
from include.domain.card_numbers import mask_card_numbers
from include.domain.errors import Retryable
from include.domain.payment_meanings import Meaning
from include.domain.reviews import Decision, DecisionEvent

OVERLAP = timedelta(hours=24)  # how late a decision may appear in the report; not published
_LONGEST_CASE = timedelta(days=31)  # longer than an authorization lives; a call for each day
_NAMES = ("requestId", "conversionTime", "newDecision", "merchantReferenceNumber")
_MARGIN = timedelta(hours=1)
_WORDS = {"REVIEW": Decision.review, "ACCEPT": Decision.accept, "REJECT": Decision.reject}
_APPLICATIONS = ("ics_decision", "ics_decision_early")
_OF_MEANING = {
    Meaning.approved: Decision.accept,
    Meaning.declined: Decision.reject,
    Meaning.review_first: Decision.review,
}


@dataclass(frozen=True, slots=True)
class Conversion:
    """One reviewer's decision, as the report tells it."""

    request_id: str
    decision: Decision
    at: datetime
    reviewer: str
    comments: str

    @property
    def is_final(self) -> bool:
        return self.decision is not Decision.review


@dataclass(frozen=True, slots=True)
class DecisionPage:
    """Events, oldest first, and the cursor to keep once they are stored."""

    events: tuple[DecisionEvent, ...]
    cursor: datetime
    unread: tuple[str, ...] = ()  # items that could not be read, by what identifies them


def window_since(at: datetime, now: datetime) -> Window:
    """Return when a reviewer may have decided about a payment of that instant.

    From its own time on, which a server's business date may set apart from ours.
    """
    start_at = at - _MARGIN
    return Window(start_at, min(max(now, at) + _MARGIN, start_at + _LONGEST_CASE))


def windows_since(instants: Iterable[datetime], now: datetime) -> list[Window]:
    """Return the same for many payments: a case that is very old must not hide a young one."""
    found: list[Window] = []
    for window in (window_since(at, now) for at in sorted(instants)):
        if found and window.start_at <= found[-1].end_at:
            found[-1] = Window(found[-1].start_at, max(found[-1].end_at, window.end_at))
        else:
            found.append(window)
    return found


class Conversions:
    """``GET /reporting/v3/conversion-details``."""

    def __init__(self, client: Client) -> None:
        self._reporting = Reporting(client)

    def within(self, organization_id: str, window: Window) -> Iterator[Conversion]:
        """Yield the decisions made in a window; 404 is none.

        Raises:
            Retryable: an item that cannot be read; it may be the one that was looked for.
        """
        for item, made in self.items(organization_id, window):
            if made is None:
                raise Retryable(
                    f"a decision cannot be read: {redact(_as_text(item), 100)}",
                    "conversion-details",
                    "Read it again; if it stays, the vendor changed the answer: tell engineering.",
                )
            yield made

    def items(
        self, organization_id: str, window: Window
    ) -> Iterator[tuple[Json, Conversion | None]]:
        """Yield each item and what it says; ``None`` where it cannot be read."""
        for item in self._reporting.items("conversion-details", organization_id, window):
            yield item, _read(item)


class DecisionPoller:
    """Reads the decisions of one account; satisfies what the review poller needs."""

    def __init__(
        self,
        client: Client,
        overlap: timedelta = OVERLAP,
        reasons: ReasonTable | None = None,
    ) -> None:
        self._client = client
        self._overlap = overlap
        self._conversions = Conversions(client)
        self._search = Search(client)
        self._rows = Rows(client, reasons or BuiltInReasons())

    def decisions_since(
        self, cursor: datetime, until: datetime | None = None
    ) -> Iterator[DecisionPage]:
        """Yield a page per piece of the time since ``cursor``, oldest first.

        Args:
            cursor: of the last page that was stored; for a first poll, when the account went live.
            until: the gateway's present; ``None`` is our clock.

        Raises:
            Retryable, Rejected: could not ask; pages yielded before are whole.
        """
        end_at = until or self._client.now()
        start_at = min(cursor, end_at) - self._overlap
        organization_id = self._client.settings.organization_id
        for piece in split(Window(start_at, end_at), LONGEST_CONVERSIONS):
            items = list(self._conversions.items(organization_id, piece))
            made = sorted(
                (one for _, one in items if one is not None),
                key=lambda one: (one.at, one.request_id),
            )
            yield DecisionPage(
                tuple(map(_event, made)),
                max(piece.end_at, cursor),  # a piece of the overlap must not take the cursor back
                tuple(_as_text(item) for item, one in items if one is None),
            )

    def reviews_between(self, window: Window) -> Iterator[DecisionEvent]:
        """Yield the requests of a window that Decision Manager holds: even of a lost answer."""
        for body in self._search.transactions(
            between("submitTimeUtc", window.start_at, window.end_at)
        ):
            event = self._of_row(self._rows.read(body))
            if event is not None and event.decision is Decision.review:
                yield event

    def decided(self, request_ids: Sequence[str]) -> Iterator[DecisionEvent]:
        """Yield what became of reviews that are still open with us; nothing of those still open.

        Transaction search may go on showing a request as it was answered, so one that it shows as
        held is looked for among the reviewers' decisions, all of them in one reading.
        """
        held: dict[str, datetime] = {}
        for request_id in request_ids:
            row = self._rows.detail(request_id)
            event = self._of_row(row) if row is not None else None
            if event is not None and event.decision is Decision.review:
                held[request_id] = event.at
            elif event is not None:
                yield event
        if held:
            yield from self._converted(held)

    def _converted(self, held: Mapping[str, datetime]) -> Iterator[DecisionEvent]:
        """Yield the last word on each held request; one that cannot be read tells nothing."""
        organization_id = self._client.settings.organization_id
        last: dict[str, Conversion] = {}
        items = (
            item
            for window in windows_since(held.values(), self._client.now())
            for item in self._conversions.items(organization_id, window)
        )
        for _, made in items:
            if made is None or not made.is_final or made.request_id not in held:
                continue
            if made.request_id not in last or last[made.request_id].at <= made.at:
                last[made.request_id] = made
        yield from map(_event, last.values())

    def _of_row(self, row: Row) -> DecisionEvent | None:
        for name in _APPLICATIONS:
            if name not in row.applications or row.at is None:
                continue
            decision = _OF_MEANING.get(self._rows.meaning(row, "authorization", name))
            if decision is not None:
                key = f"search|{row.request_id}|{decision.value}"
                return DecisionEvent(row.request_id, decision, row.at, "search", key)
        return None


def _event(made: Conversion) -> DecisionEvent:
    return DecisionEvent(
        made.request_id,
        made.decision,
        made.at,
        "conversion_details",
        f"conversion|{made.request_id}|{made.decision.value}|{made.at.isoformat()}",
        made.reviewer,
        made.comments,
    )


def _as_text(item: Json) -> str:
    """Return what identifies an item; what a reviewer wrote about a person stays out."""
    named = {name: text_of(item, name) or "" for name in _NAMES}
    return mask_card_numbers(json.dumps(named))


def _read(item: Json) -> Conversion | None:
    request_id, at = text_of(item, "requestId"), read_time(text_of(item, "conversionTime"))
    decision = _WORDS.get((text_of(item, "newDecision") or "").upper())
    if request_id is None or at is None or decision is None:
        return None
    return Conversion(
        request_id,
        decision,
        at,
        mask_card_numbers(text_of(item, "reviewer") or ""),
        # A person wrote it, perhaps with the card's number before him.
        mask_card_numbers(text_of(item, "reviewerComments") or "")[:1000],
    )
