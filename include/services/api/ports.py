"""What the real-time API needs of the store; adapters satisfy these without inheriting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from include.domain.money import Money
from include.domain.order_state import OrderFacts

ANY_SHOP = "*"  # of an operator of the house: every shop's


class Role(StrEnum):
    """What a client may do; one role does not hold another."""

    read = "read"
    write = "write"  # place, cancel, capture
    refund = "refund"  # ask for one, and approve another's
    operate = "operate"  # timelines and words for staff, decisions, dead letters, the audit chain


@dataclass(frozen=True, slots=True)
class ApiClient:
    """Who calls: a shop's server, or an operator of the house."""

    client_id: str
    shop_id: str  # what it may see and do is this shop's; ANY_SHOP for an operator
    roles: frozenset[Role]
    secret_hash: str
    is_active: bool = True


class ApiClients(Protocol):
    """Known clients. Secrets are kept as hashes only."""

    def get(self, client_id: str) -> ApiClient | None: ...

    def add(self, client: ApiClient) -> None:
        """Keep a new client.

        Raises:
            Rejected: the name is taken; names are never used again.
        """
        ...

    def revoke(self, client_id: str) -> None:
        """Refuse it from now on. Raises ``Rejected``: there is none."""
        ...

    def listing(self) -> Sequence[ApiClient]: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered: the same for every repeat of the request, once it is final."""

    status: int
    body: str  # JSON
    is_final: bool = True  # or a repeat shall ask again: how it ends is not known yet


class Standing(StrEnum):
    """What a key means for the request that brings it."""

    ours = "ours"  # do the work, then ``keep`` or ``release``
    in_progress = "in_progress"  # somebody else is doing it
    other_content = "other_content"  # the key belongs to another request
    answered = "answered"


@dataclass(frozen=True, slots=True)
class Claim:
    """An idempotency key, as one request finds it."""

    standing: Standing
    answer: Answer | None = None
    begun_at: datetime | None = None  # of our turn; whoever took over has a later one


class Answers(Protocol):
    """The API's answers by client and idempotency key."""

    def claim(self, client_id: str, key: str, fingerprint: str, stale_after: timedelta) -> Claim:
        """Take the key, or say what became of it; a turn older than ``stale_after`` is over."""
        ...

    def keep(self, client_id: str, key: str, claim: Claim, answer: Answer) -> None:
        """Write the answer, if the turn is still ours."""
        ...

    def reopen(self, client_id: str, key: str, claim: Claim, stale_after: timedelta) -> None:
        """End the turn, if still ours, without an answer: the same request may ask again at once.

        The key still belongs to its content.
        """
        ...

    def release(self, client_id: str, key: str, claim: Claim) -> None:
        """Forget the key, if the turn is still ours: the work may be asked for again."""
        ...

    def purge(self, older_than: timedelta) -> int:
        """Forget keys that are older; return how many."""
        ...


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """An order as the API shows it; who buys stays in the database."""

    order_id: str
    shop_id: str
    number: str
    purchase_order: str
    amount: Money
    captured: Money
    refunding: Money  # refunds asked for and not refused
    state: str
    reason: str
    facts: OrderFacts
    accepted_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders; '' and ``None`` do not restrict."""

    shop_id: str = ""
    state: str = ""
    number: str = ""
    accepted_from: datetime | None = None  # included
    accepted_until: datetime | None = None  # excluded
    updated_from: datetime | None = None  # included


class OrderViews(Protocol):
    """Orders, read only."""

    def get(self, order_id: str) -> OrderRecord | None: ...

    def listing(
        self, wanted: OrderFilter, limit: int, after: tuple[datetime, str] | None
    ) -> Sequence[OrderRecord]:
        """List them, newest first; ``after`` is the last one of the page before."""
        ...

    def shops_of(self, order_ids: Sequence[str]) -> Mapping[str, str]:
        """Return the shop of each order that is there."""
        ...

    def is_reachable(self) -> bool:
        """Say that the store answers; a fault of its driver says that it does not."""
        ...


class Alarms(Protocol):
    """What must be told to a person, one row per cause."""

    def sight(self, cause: str, rule: str, words: str, count: int) -> None:
        """Count another ``count`` of a cause; ``words`` hold no secret and no card number."""
        ...


class ShopTerms(Protocol):
    """What the API must know of a shop; ``domain.shops.Shop`` satisfies it."""

    @property
    def merchant_id(self) -> str: ...

    @property
    def currencies(self) -> tuple[str, ...]: ...

    def purchase_order(self, number: str) -> str:
        """Return what SYSPRO and the gateway call an order of this shop."""
        ...
