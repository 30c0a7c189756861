"""What the product may read at the gateway and at SYSPRO, and how far its polls have come."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from include.domain.erp_orders import ErpDocument, ErpOrder, Shipment
from include.domain.reviews import DecisionEvent
from tests.prove.partner import documents, erp_order
from tests.prove.sales_order import SalesOrder
from tests.prove.wire import LAG
from tests.simulator.hub import EPOCH

if TYPE_CHECKING:
    from tests.prove.world import World


@dataclass(frozen=True, slots=True)
class Page:
    """What a poll of decisions hands out at once."""

    events: tuple[DecisionEvent, ...]
    cursor: datetime
    unread: tuple[str, ...] = ()


class Feeds:
    """Satisfies the pollers' ports; people.py fills it as it acts."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.decisions: list[DecisionEvent] = []
        self.changed: list[tuple[str, SalesOrder]] = []
        self.cancelled: list[tuple[str, SalesOrder]] = []
        self.credit_notes: list[ErpDocument] = []
        self._known: tuple[int, dict[str, str]] = (-1, {})  # the watermarks, at that many changes

    def decisions_since(self, cursor: datetime) -> Iterator[Page]:
        events = tuple(event for event in self.decisions if event.at > cursor)
        if events:
            yield Page(events, events[-1].at)

    def decided(self, request_ids: Sequence[str]) -> Iterator[DecisionEvent]:
        """Yield what the gateway shows now: the latest decision, once its search knows of it."""
        known_until = self._world.index_knows_until() - LAG
        for request_id in request_ids:
            shown = [
                event
                for event in self.decisions
                if event.request_id == request_id
                and (event.at - EPOCH).total_seconds() <= known_until
            ]
            for event in shown[-1:]:
                key = f"search|{request_id}|{event.decision}"
                yield replace(event, origin="search", event_key=key, reviewer="")

    def orders_since(self, cursor: str) -> Sequence[ErpOrder]:
        return [erp_order(order) for at, order in self.changed if at > cursor]

    def shipments_since(self, cursor: str) -> Sequence[Shipment]:
        return []

    def orders_of(self, purchase_order: str, customer: str) -> Sequence[ErpOrder]:
        orders = self._world.truth.sales_orders.values()
        return [erp_order(one) for one in orders if one.purchase_order == purchase_order]

    def documents_of(self, purchase_order: str, customer: str) -> Sequence[ErpDocument]:
        invoices = [
            one
            for order in self._world.truth.orders_of(purchase_order)[:1]
            for one in documents(order, self._world.receivables)
        ]
        return invoices + [n for n in self.credit_notes if n.purchase_order == purchase_order]

    def credit_notes_since(self, cursor: str) -> Sequence[ErpDocument]:
        return [note for note in self.credit_notes if note.cursor > cursor]

    def cancelled_since(self, cursor: str) -> Sequence[ErpOrder]:
        return [erp_order(order) for at, order in self.cancelled if at > cursor]

    def has_news(self, feed: str) -> bool:
        name, latest = self._latest(feed)
        if not latest:
            return False
        return self._marks().get(name, "") < latest

    def _marks(self) -> dict[str, str]:
        """Read how far the polls have come; afresh only where something was written since."""
        database = self._world.database
        changes = database.raw.total_changes
        if self._known[0] != changes:
            self._known = changes, dict(database.rows("SELECT name, value FROM watermarks"))
        return self._known[1]

    def news(self) -> tuple[int, ...]:
        """Count what the feeds hold; it only grows."""
        return tuple(map(len, (self.decisions, self.changed, self.cancelled, self.credit_notes)))

    def has_any_news(self) -> bool:
        return any(self.has_news(f) for f in ("decisions", "orders", "credit_notes", "cancelled"))

    def _latest(self, feed: str) -> tuple[str, str]:
        if feed == "decisions":
            at = self.decisions[-1].at.isoformat() if self.decisions else ""
            return "decisions|acme_us", at
        if feed == "credit_notes":
            cursor = self.credit_notes[-1].cursor if self.credit_notes else ""
            return "credit_notes|A|acme_us", cursor
        rows = self.changed if feed == "orders" else self.cancelled
        name = "erp_orders|A|acme_us" if feed == "orders" else "cancelled|A|acme_us"
        return name, rows[-1][1].cursor if rows else ""
