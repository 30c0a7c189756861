"""A refund that Cybersource made, recorded at the shop: it must not pay a second time.

No shop here refuses a repeat, so our reference stands in the refund, and a look lists them all.
"""

from include.adapters.shop.calls import looking
from include.adapters.shop.partners.common import content_of, demand_order, difference, unknown
from include.adapters.shop.shop_writes import ShopWrites
from include.domain.errors import Rejected
from include.services.effects.ports import Difference, Effect, Found, Receipt
from include.services.shop.commands import RefundRecord


class RefundRecordPartner:
    """Satisfies ``effects.ports.Partner`` for ``shop_refund``."""

    def __init__(self, shop: ShopWrites) -> None:
        self._shop = shop

    def look(self, effect: Effect) -> tuple[Found, ...]:
        """Return the refunds of the order that carry the reference."""
        content = content_of(RefundRecord, effect, self._shop)
        with looking():
            order = self._shop.order(content.order_number)
            if order is None:
                return ()
            seen = [
                self._shop.refund_seen(order, refund)
                for refund in self._shop.refunds(content.order_number)
            ]
        return tuple(
            Found(
                refund.refund_id,
                {
                    "total_minor": refund.amount.minor,
                    "currency": refund.amount.currency,
                    "moved_money": refund.moved_money,
                },
            )
            for refund in seen
            if effect.reference in refund.references
        )

    def send(self, effect: Effect) -> Receipt:
        """Record once; see the port for the errors."""
        content = content_of(RefundRecord, effect, self._shop)
        order = demand_order(self._shop, content.order_number)
        refund = self._shop.record_refund(order, content, effect.reference)
        try:
            seen = self._shop.refund_seen(order, refund)
        except Rejected as fault:  # it was recorded all the same
            raise unknown(fault.what, self._shop) from None
        if seen.amount != content.amount:
            raise unknown(f"the shop answered {seen.amount} to {content.amount}", self._shop)
        return Receipt(refund.refund_id, {"amount": seen.amount.decimal})

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        """Compare amount and currency, and that the shop itself moved no money."""
        content, facts = content_of(RefundRecord, effect, self._shop), found.facts
        return (
            *difference("amount in minor units", content.amount.minor, facts["total_minor"]),
            *difference("currency", content.amount.currency, facts["currency"]),
            *difference("money moved by the shop", False, facts["moved_money"]),
        )
