"""Which sales orders stand under one customer PO: an order is over when none of them goes on.

There may be several: a clerk splits one or enters it anew, or cancels one that was one too many.
"""

from collections.abc import Sequence
from typing import Protocol

from include.domain.erp_orders import ErpDocument, ErpOrder, same_key
from include.domain.order_state import OrderFacts


class OrdersOfOne(Protocol):
    """SYSPRO, read side."""

    def orders_of(self, purchase_order: str, customer: str) -> Sequence[ErpOrder]: ...


def is_of(found: ErpOrder | ErpDocument, facts: OrderFacts) -> bool:
    """Say whether what SYSPRO shows under an order's customer PO is the order's own.

    Another customer may give an order of his own the same number. A clerk may have moved ours to
    another customer, and then it still is the sales order that we know.
    """
    if not facts.customer or same_key(facts.customer, found.customer):
        return True
    return bool(facts.sales_order) and same_key(facts.sales_order, found.sales_order)


def standing(feed: OrdersOfOne, found: ErpOrder) -> Sequence[ErpOrder]:
    """Return the orders with the same PO that are not cancelled, complete ones among them.

    Raises:
        Retryable, Rejected: SYSPRO could not be asked.
    """
    shown = feed.orders_of(found.purchase_order, found.customer)
    return [one for one in shown if not one.is_cancelled]
