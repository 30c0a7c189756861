"""What the API is made of; ``joined.py`` puts the real parts together, tests put fakes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from include.domain.order_state import OrderFacts
from include.domain.orders import Order
from include.domain.payment_meanings import PaymentMeaning
from include.services.api.ports import Alarms, Answers, ApiClients, OrderViews, ShopTerms
from include.services.effects.chain import ChainVerdict
from include.services.effects.dead_letters import DeadLetters
from include.services.inbox.ports import Inbox, WebhookAccount
from include.services.orders.order_service import OrderService


class Replay(Protocol):
    """Tries again what a dead letter holds; looks first, so nothing is doubled."""

    def __call__(self, dead_letter_id: int, who: str) -> str:
        """Return the state it is in afterwards.

        Raises:
            Rejected: there is nothing to try again. Retryable: could not ask.
        """
        ...


@dataclass(frozen=True)
class Parts:
    """Everything the routes call. Nothing here is opened before the first request."""

    service: Callable[[], OrderService]
    views: OrderViews
    clients: ApiClients
    answers: Answers
    alarms: Alarms
    inbox: Inbox
    letters: DeadLetters
    replay: Replay  # of effects; inbox events are replayed by the inbox
    verify_audit: Callable[[str, int], ChainVerdict]  # since which hash; how many at most
    shop: Callable[[str], ShopTerms]  # by shop id; raises Rejected where there is none
    payment_of: Callable[[str, OrderFacts], PaymentMeaning | None]  # by shop id: for its shopper
    is_anothers_token: Callable[[Order], bool]  # what would pay is kept for another shopper
    unsold: Callable[[Order], Sequence[str]]  # its stock codes that are known not to be sold
    webhook: Callable[[str, str], WebhookAccount | None]  # by kind ("cybersource") and account
    now: Callable[[], datetime]  # the wall clock: ages of signatures
    works: Mapping[str, Callable[[], int]] = field(default_factory=dict)  # of the SagaWorker
