"""What the effects partners need of a shop; WooCommerce and the generic shop both satisfy it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from include.adapters.shop.settings import ShopSettings
from include.domain.money import Money
from include.services.shop.commands import OrderUpdate, RefundRecord
from include.services.shop.ports import ShopOrder, ShopProduct, ShopRefund


@dataclass(frozen=True, slots=True)
class RefundSeen:
    """A refund as the shop shows it."""

    refund_id: str
    amount: Money
    references: str  # every text in which ours could stand
    moved_money: bool  # the shop's own payment plugin paid, too


@dataclass(frozen=True, slots=True)
class RefundTold:
    """What the shop says of how a refund came about."""

    by: str = ""  # who made it: the login in the shop; '' where it does not say
    reason: str = ""  # in that person's words


class HasSettings(Protocol):
    """Belongs to one shop's connection."""

    @property
    def settings(self) -> ShopSettings: ...


class ShopWrites(HasSettings, Protocol):
    """Reads and writes of one shop. Marks are names and values that we planted."""

    @property
    def derived_statuses(self) -> frozenset[str]:
        """Statuses that the shop sets by itself and that must not be set by a write."""
        ...

    @property
    def discarded_statuses(self) -> frozenset[str]:
        """Statuses of orders that somebody threw away: a write leaves them there."""
        ...

    def order(self, order_number: str) -> ShopOrder | None: ...

    def order_marks(self, order: ShopOrder) -> Mapping[str, str]: ...

    def has_note(self, order: ShopOrder, reference: str) -> bool: ...

    def update_order(
        self, order: ShopOrder, update: OrderUpdate, marks: Mapping[str, str], reference: str
    ) -> ShopOrder:
        """Note, status and marks; the marks are written last, so that they prove the rest.

        A status of '' stays as it is.
        """
        ...

    def refunds(self, order_number: str) -> tuple[ShopRefund, ...]: ...

    def refund_seen(self, order: ShopOrder, refund: ShopRefund) -> RefundSeen:
        """Read one of an order's refunds; nothing is called.

        Raises:
            Rejected: its amount cannot be read.
        """
        ...

    def refund_told(self, refund: ShopRefund) -> RefundTold:
        """Say who made a refund, and why; the shop may be asked for the name.

        Raises:
            Retryable: it could not be asked.
        """
        ...

    def record_refund(
        self, order: ShopOrder, content: RefundRecord, reference: str
    ) -> ShopRefund: ...

    def product(self, sku: str) -> ShopProduct | None: ...

    def product_mark(self, product: ShopProduct) -> str: ...

    def product_modified_at(self, product: ShopProduct) -> datetime: ...

    def set_stock(
        self, product: ShopProduct, quantity: int, mark: str, reference: str
    ) -> ShopProduct: ...
