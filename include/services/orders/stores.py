"""Where orders, refunds and decisions are kept. "Once" is a constraint of the store, not an if."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from include.domain.money import Money
from include.domain.order_state import OrderFacts, OrderState
from include.domain.orders import Order
from include.domain.refunds import RefundFacts, RefundRow
from include.domain.reviews import DecisionEvent, Merged
from include.services.effects.store import Lease
from include.services.orders.sagas import Event, Saga
from include.services.orders.setting_back import Letter

Amend = Callable[[OrderFacts], OrderFacts]


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One line of an order's story."""

    at: datetime
    what: str
    detail: str  # JSON
    who: str


class OrderBook(Protocol):
    """Orders with their facts and timelines; satisfies ``sagas.SagaStore`` too."""

    def accept(
        self, order: Order, facts: OrderFacts, state: OrderState, who: str
    ) -> tuple[Saga[OrderFacts], bool]:
        """Keep a new order, or return the one that is there; the flag says whether it is new.

        Raises:
            Rejected: the number, or its purchase order, is there with other content.
        """
        ...

    def content(self, order_id: str) -> Order:
        """Return the order as accepted.

        Raises:
            Rejected: there is none.
        """
        ...

    def find(self, merchant_id: str, purchase_order: str) -> str | None:
        """Return the order id behind a purchase order of ours."""
        ...

    def by_sales_order(self, merchant_id: str, sales_order: str) -> str | None:
        """Return the order id behind a sales order of SYSPRO."""
        ...

    def get(self, key: str) -> Saga[OrderFacts]: ...

    def lease(
        self, key: str, holder: str, duration: timedelta
    ) -> tuple[Saga[OrderFacts], Lease | None]: ...

    def save(
        self,
        saga: Saga[OrderFacts],
        events: list[Event],
        *,
        releases: Lease | None = None,
        goes_on: bool = False,
        letter: Letter | None = None,
    ) -> Saga[OrderFacts]: ...

    def now(self) -> datetime: ...

    def tell(self, order_id: str, event: Event) -> None:
        """Write one line of an order's timeline; nothing of the order changes."""
        ...

    def amend(self, order_id: str, change: Amend, event: Event) -> Saga[OrderFacts]:
        """Change an order's facts from outside its saga, and make it due at once.

        ``change`` may be called again if somebody else was faster.
        """
        ...

    def due(
        self, merchant_ids: Sequence[str], limit: int, *, is_erp_down: bool = False
    ) -> Sequence[str]:
        """Return orders whose time has come, the oldest first.

        While SYSPRO is down without those that wait to be booked there, the latest news first:
        thousands may be waiting, and what needs only the gateway is not to queue behind them.
        """
        ...

    def by_request(self, request_id: str) -> str | None:
        """Return the order that a gateway request belongs to."""
        ...

    def timeline(self, order_id: str) -> Sequence[TimelineEntry]: ...


class RefundBook(Protocol):
    """Refunds; satisfies ``sagas.SagaStore`` too."""

    def ask(
        self,
        row: RefundRow,
        *,
        may_void: bool,
        limit: Money | None,
        since: date | None = None,
        via: str = "",
    ) -> tuple[str, bool]:
        """Reserve and keep a refund in one transaction, or return the one that is there.

        Args:
            row: what is asked for; who approves it is not known yet.
            may_void: no batch can have taken the captures yet.
            limit: what may leave the order without a second person; ``None``: nothing.
            since: the earliest day whose captures may give it back; ``None``: any.
            via: the door a client came by, for the audit chain; '': no person asks.

        Returns:
            Its id, and whether it is new.

        Raises:
            Rejected: more than the order's captures still hold, or than the young ones of them do.
        """
        ...

    def row(self, refund_id: str) -> RefundRow:
        """Return what was asked for. Raises ``Rejected``: there is none."""
        ...

    def approve(self, refund_id: str, who: str, *, via: str = "api") -> RefundRow:
        """Let a second person approve it; ``via`` tells the audit chain where they did.

        Raises:
            Rejected: it is approved already, or by the one who asked.
        """
        ...

    def refuse(
        self,
        refund_id: str,
        who: str,
        why: str,
        *,
        via: str = "api",
        under: Lease | None = None,
    ) -> None:
        """Refuse one that has not moved, and give its reservation back.

        Args:
            refund_id: of the refund.
            who: says no.
            why: in their words.
            via: tells the audit chain where they did.
            under: the saga's lease, of who has made sure under it that the open step was never
                sent and never will be.

        Raises:
            Rejected: it has moved, may have, or gives a cancelled order's money back.
            LeaseLost: somebody has taken ``under`` over; nothing was written.
        """
        ...

    def mend(self, saga: Saga[RefundFacts], event: Event) -> None:
        """Let a person change the course of a refund that the gateway has refused.

        Raises:
            Rejected: it has moved on since it was read.
        """
        ...

    def get(self, key: str) -> Saga[RefundFacts]: ...

    def lease(
        self, key: str, holder: str, duration: timedelta
    ) -> tuple[Saga[RefundFacts], Lease | None]: ...

    def save(
        self,
        saga: Saga[RefundFacts],
        events: list[Event],
        *,
        releases: Lease | None = None,
        goes_on: bool = False,
        letter: Letter | None = None,
    ) -> Saga[RefundFacts]: ...

    def now(self) -> datetime: ...

    def due(self, merchant_ids: Sequence[str], limit: int) -> Sequence[str]: ...

    def of_order(self, order_id: str) -> Sequence[tuple[RefundRow, Saga[RefundFacts]]]: ...


class DecisionBook(Protocol):
    """Every decision ever heard, once."""

    def record(self, event: DecisionEvent, order_id: str, merged: Merged | None) -> bool:
        """Keep a decision; false: this very event is known. ``None``: no order is known for it."""
        ...

    def matchable(self) -> Sequence[DecisionEvent]:
        """Return decisions that came before their order, and whose order is known by now."""
        ...
