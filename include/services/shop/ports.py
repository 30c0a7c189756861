"""A shop, as the product reads it. What it says stays in its own words.

Turning a shop's order into ours is mapping work (``include/mappings``): only there is it known
what a field of one shop means. Here are the few facts that every flow needs of any order.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol

Raw = Mapping[str, Any]  # JSON as the shop wrote it; a number with a fraction is text


@dataclass(frozen=True, slots=True)
class ShopOrder:
    """One order in the shop's present state."""

    shop_id: str
    order_id: str  # how the shop addresses it
    order_number: str  # what the shopper sees
    status: str  # the shop's word
    modified_at: datetime  # UTC
    raw: Raw


@dataclass(frozen=True, slots=True)
class Checkout:
    """How an order came about, as far as its shop says."""

    method: str  # of payment, in the shop's word; '' until one is chosen, or where none is needed
    is_named: bool  # it names a payment of ours
    is_free: bool  # nothing is to be paid
    placed_on: date | None  # as its field says: UTC of WooCommerce, else in the shop's own zone


@dataclass(frozen=True, slots=True)
class ShopRefund:
    """One refund as the shop recorded it; amounts stay in ``raw``."""

    shop_id: str
    refund_id: str
    raw: Raw


@dataclass(frozen=True, slots=True)
class ShopProduct:
    """One thing the shop sells. ``stock_quantity`` is ``None`` where the shop does not count."""

    shop_id: str
    product_id: str
    sku: str  # the SYSPRO stock code, where mappings say no other
    stock_quantity: int | None
    raw: Raw


class ShopReader(Protocol):
    """Reads one shop. Every fault is ``Retryable`` or ``Rejected``; nothing is ever changed."""

    @property
    def shop_id(self) -> str:
        """Our name of the shop."""
        ...

    @property
    def discarded_statuses(self) -> frozenset[str]:
        """Statuses of orders that somebody threw away: only a list asked by the status has them."""
        ...

    def orders_changed_since(
        self, since: datetime, overlap: timedelta, discarded: str = ""
    ) -> Iterator[ShopOrder]:
        """Yield each order changed after ``since - overlap``, oldest change first.

        Those thrown away come only where ``discarded`` names their status, and then alone.

        The overlap is what makes a watermark safe: shops commit late and count in whole seconds.
        So an order may come again in the next call; who takes it must not mind. The next
        ``since`` is the highest ``modified_at`` that was worked on.
        """
        ...

    def order(self, order_number: str) -> ShopOrder | None:
        """Return one order by the number it shows, ``None`` where the shop has none."""
        ...

    def refunds(self, order_number: str) -> tuple[ShopRefund, ...]:
        """Return all refunds recorded with an order, ours and others'."""
        ...

    def products(self) -> Iterator[ShopProduct]:
        """Yield every product and variation."""
        ...

    def product(self, sku: str) -> ShopProduct | None:
        """Return the product of a SKU, ``None`` where the shop has none.

        Raises:
            Rejected: two products carry it.
        """
        ...
