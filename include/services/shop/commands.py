"""What we write to a shop: one frozen content per kind of effect.

Each becomes the payload of an effect by ``canonical.to_json``; the effect's key and reference come
from the flow that begins it. The reference is what is planted at the shop to find the write again.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from include.domain.canonical import from_json, to_json
from include.domain.card_numbers import refuse_card_numbers
from include.domain.money import Money

C = TypeVar("C", bound="ShopContent")
MOST_TEXT = 2000  # characters of a note or a reason


@dataclass(frozen=True, slots=True)
class ShopContent:
    """What all have in common."""

    shop_id: str

    def to_payload(self) -> str:
        """Canonical JSON: equal contents are equal bytes, so a digest names the content."""
        return to_json(self)

    @classmethod
    def from_payload(cls: type[C], payload: str) -> C:
        """Read ``to_payload`` back; constructors check again what they check."""
        return from_json(cls, payload)

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.to_payload().encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class OrderUpdate(ShopContent):
    """Tell the shop what became of an order.

    ``sequence`` ranks the updates of one order, e.g. by the rank of our state: an update that
    comes late leaves its note, but never puts an older status over a newer one.
    """

    order_number: str  # as the shop shows it
    sequence: int
    status: str = ""  # the shop's word, from the mapping; '' leaves it
    note: str = ""
    is_note_for_shopper: bool = False
    meta: tuple[tuple[str, str], ...] = ()  # e.g. ("tracking_number", "1Z999")
    kept: tuple[str, ...] = ()  # statuses that the shop's people give: the note alone is written

    def __post_init__(self) -> None:
        if self.sequence < 0 or not self.order_number:
            raise ValueError("an update needs an order and a sequence from 0 on")
        if not (self.status or self.note or self.meta):
            raise ValueError(f"order {self.order_number}: an update must update something")
        if len(self.note) > MOST_TEXT:
            raise ValueError(
                f"order {self.order_number}: a note has at most {MOST_TEXT} characters"
            )
        refuse_card_numbers([self.note, dict(self.meta)], f"update of {self.order_number}")


@dataclass(frozen=True, slots=True)
class RefundRecord(ShopContent):
    """Record a refund that Cybersource has made; the shop itself must move no money."""

    order_number: str
    amount: Money
    reason: str = ""

    def __post_init__(self) -> None:
        if self.amount.minor <= 0 or not self.order_number:
            raise ValueError(f"a refund needs an order and an amount above zero, not {self.amount}")
        if len(self.reason) > MOST_TEXT:
            raise ValueError(f"order {self.order_number}: a reason has at most {MOST_TEXT}")
        refuse_card_numbers(self.reason, f"refund of {self.order_number}")


@dataclass(frozen=True, slots=True)
class StockLevel(ShopContent):
    """Set the stock that a shop shows, as SYSPRO had it at ``as_of``; absolute, never a change."""

    sku: str
    quantity: int  # whole units; negative where more was sold than there is
    as_of: datetime  # an older level never replaces a newer one

    def __post_init__(self) -> None:
        if not self.sku or isinstance(self.quantity, bool) or self.as_of.tzinfo is None:
            raise ValueError(f"{self.sku!r}: a level needs a SKU, a quantity and an instant")

    @property
    def as_of_text(self) -> str:
        """The instant with a fixed width, so that texts compare as instants do."""
        return self.as_of.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    @property
    def key(self) -> str:
        """Name this write for ever: one SKU of one shop at one instant."""
        return f"{self.shop_id}|{self.sku}|stock|{self.as_of_text}"


@dataclass(frozen=True, slots=True)
class WebhookWish(ShopContent):
    """Have the shop call us about a topic. Its secret is in the connection, never in here."""

    topic: str  # e.g. "order.updated"
    url: str  # of our receiver, as the shop reaches it
    name: str  # planted; shows which secret signs

    def __post_init__(self) -> None:
        if not (self.topic and self.url and self.name):
            raise ValueError(f"{self.shop_id}: a webhook needs a topic, an address and a name")


@dataclass(frozen=True, slots=True)
class Callback(ShopContent):
    """One event for the shop's own server; the receiver dedupes it by its webhook-id."""

    event: str  # e.g. "order.captured"
    occurred_at: datetime
    data: str  # a JSON object
    url: str = ""  # '' is the connection's own address

    def __post_init__(self) -> None:
        if re.fullmatch(r"[a-z][a-z0-9_.]{0,60}", self.event) is None:
            raise ValueError(f"{self.event!r} is no event name")
        if self.occurred_at.tzinfo is None or not isinstance(self.content, dict):
            raise ValueError(f"{self.event}: an event needs an instant and a JSON object")
        refuse_card_numbers(self.content, f"callback {self.event}")
        to_json(self.content)  # refuses a number with a fraction now, not when it is sent

    @property
    def content(self) -> Any:
        return json.loads(self.data)

    @property
    def body(self) -> str:
        """The text that is signed and sent; ASCII, the same at every attempt."""
        return to_json(
            {
                "type": self.event,
                "timestamp": self.occurred_at,
                "shop": self.shop_id,
                "data": self.content,
            }
        )


def webhook_id(reference: str) -> str:
    """Return the id of a callback by its effect's reference: the same at every attempt."""
    return f"msg_{reference}"
