"""A webhook about a fraud decision: it says when to ask the gateway, never what was decided.

The signature covers the payload alone, so the event's name, which is the decision, could be forged.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from include.domain.reviews import Decision, DecisionEvent, Merged
from include.services.inbox.handle_events import Handler, NotYet
from include.services.inbox.ports import InboxRow

_POLLED = "left to the poller, which reads every decision"


class DecisionSource(Protocol):
    """One gateway account."""

    def decided(self, request_ids: Sequence[str]) -> Iterable[DecisionEvent]:
        """Yield what is decided of these requests; one that is not yet yields nothing.

        Raises:
            Retryable, Rejected: could not ask.
        """
        ...


def decision_handler(
    read: Callable[[InboxRow], DecisionEvent | None],
    source_of: Callable[[InboxRow], DecisionSource | None],
    decide: Callable[[DecisionEvent], Merged | None],
    order_of: Callable[[str], str | None],
) -> Handler:
    """Return the handler of fraud decisions.

    Args:
        read: what the sender says was decided; ``None``: nothing that can be read.
        source_of: whom to ask about it; ``None``: no gateway of ours, so nobody polls it either,
            and a person is asked about an order of ours in the end.
        decide: ``OrderService.decide``; ``None`` says that no order is known for it yet.
        order_of: ``OrderBook.by_request``; the gateway is asked about no request but ours.
    """

    def handle(row: InboxRow) -> str:
        heard = read(row)
        if heard is None or heard.decision is Decision.review:
            return "it decides nothing; the poller reads the facts"
        unknown = f"no order is known for request {heard.request_id} yet"
        if order_of(heard.request_id) is None:
            raise NotYet(unknown, _POLLED)
        source = source_of(row)
        if source is None:
            raise NotYet(f"no shop in use has the gateway account of {row.source}")
        shown = next(iter(source.decided([heard.request_id])), None)
        if shown is None:
            why = f"the gateway does not show a decision of {heard.request_id} yet"
            raise NotYet(why, _POLLED)
        merged = decide(replace(shown, reviewer=shown.reviewer or heard.reviewer))
        if merged is None:
            raise NotYet(unknown, _POLLED)
        return f"decision {shown.decision}: {merged}"

    return handle
