"""Fraud decisions by polling: the guarantee, of which the webhook is only a hint."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from include.domain.errors import Rejected
from include.domain.reviews import DecisionEvent
from include.services.orders.order_service import OrderService
from include.services.sync.ports import Shelf, Tally, Watermarks, work_on

READING, TAKING = "decision_unreadable", "decision_not_taken"  # kinds of dead letters


class Page(Protocol):
    """Events, oldest first, and the cursor to keep once they are stored."""

    @property
    def events(self) -> tuple[DecisionEvent, ...]: ...

    @property
    def cursor(self) -> datetime: ...

    @property
    def unread(self) -> tuple[str, ...]: ...


class DecisionFeed(Protocol):
    """One gateway account."""

    def decisions_since(self, cursor: datetime) -> Iterator[Page]: ...

    def decided(self, request_ids: Sequence[str]) -> Iterator[DecisionEvent]: ...


@dataclass(frozen=True, slots=True)
class DecisionPoll:
    """Hears the decisions of one merchant."""

    merchant_id: str
    feed: DecisionFeed
    service: OrderService
    watermarks: Watermarks
    shelf: Shelf
    owner: str

    def poll(self, begin: datetime, under_review: Sequence[str]) -> Tally:
        """Take every decision since the watermark in, then ask for what is still open.

        A decision that cannot be read or taken in is set aside, and holds up no other.

        Args:
            begin: where a first poll starts.
            under_review: request ids that wait for a decision.
        """
        name, tally = f"decisions|{self.merchant_id}", Tally()
        mark = self.watermarks.get(name)
        for page in self.feed.decisions_since(datetime.fromisoformat(mark) if mark else begin):
            for event in page.events:
                self._hear(tally, event)
            for item in page.unread:
                self._set_aside(tally, item)
            self.watermarks.move(name, page.cursor.isoformat())
        for event in self.service.decisions.matchable():  # nobody needs to be asked for these
            self._hear(tally, event)
        for event in self.feed.decided(under_review):
            self._hear(tally, event)
        return tally.check()

    def _hear(self, tally: Tally, event: DecisionEvent) -> None:
        # One that no order is known for is kept; its order may still come.
        def hear() -> bool:
            return self.service.decide(event) is not None

        work_on(tally, self.shelf, TAKING, event.event_key, self.owner, hear)

    def _set_aside(self, tally: Tally, item: str) -> None:
        """Open a letter about an item; the overlap shows it again, and resolved is resolved."""
        key = f"{self.merchant_id}|{hashlib.sha256(item.encode()).hexdigest()}"
        fault = Rejected(
            f"a fraud decision cannot be read: {item}",
            "conversion-details",
            "Decide the order as the gateway's case says (reviews accept, reviews reject), tell "
            "engineering, then resolve this.",
        )
        self.shelf.set_aside(READING, key, fault, owner=self.owner, reopens=False)
        tally.read += 1
        tally.set_aside += 1
