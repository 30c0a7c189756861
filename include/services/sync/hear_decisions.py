"""Fraud decisions by polling: the guarantee, of which the webhook is only a hint."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from include.domain.reviews import DecisionEvent
from include.services.orders.order_service import OrderService
from include.services.sync.ports import Tally, Watermarks


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

    def poll(self, begin: datetime, under_review: Sequence[str]) -> Tally:
        """Take every decision since the watermark in, then ask for what is still open.

        Args:
            begin: where a first poll starts.
            under_review: request ids that wait for a decision.
        """
        name, tally = f"decisions|{self.merchant_id}", Tally()
        mark = self.watermarks.get(name)
        for page in self.feed.decisions_since(datetime.fromisoformat(mark) if mark else begin):
            for event in page.events:
                self._take(tally, event)
            tally.notes += page.unread
            self.watermarks.move(name, page.cursor.isoformat())
        for event in self.feed.decided(under_review):
            self._take(tally, event)
        for event in self.service.decisions.matchable():
            self._take(tally, event)
        return tally.check()

    def _take(self, tally: Tally, event: DecisionEvent) -> None:
        tally.read += 1
        if self.service.decide(event) is None:
            tally.not_ours += 1  # kept; its order may still come
        else:
            tally.done += 1
