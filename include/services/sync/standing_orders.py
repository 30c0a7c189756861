"""Which sales orders stand under one customer PO: an order is over when none of them goes on.

There may be several: a clerk splits one or enters it anew, or cancels one that was one too many.
"""

from collections.abc import Sequence
from typing import Protocol

from include.domain.erp_orders import ErpOrder


class OrdersOfOne(Protocol):
    """SYSPRO, read side."""

    def orders_of(self, purchase_order: str, customer: str) -> Sequence[ErpOrder]: ...


def standing(feed: OrdersOfOne, found: ErpOrder) -> Sequence[ErpOrder]:
    """Return the orders with the same PO that are not cancelled, complete ones among them.

    Raises:
        Retryable, Rejected: SYSPRO could not be asked.
    """
    shown = feed.orders_of(found.purchase_order, found.customer)
    return [one for one in shown if not one.is_cancelled]
