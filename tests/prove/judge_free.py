"""Whether what costs nothing was sold as any other order is, and no money moved for it: I46."""

from collections.abc import Iterator

from include.services.effects.ports import EffectKind as K
from tests.prove.judge import Judge, Violation

_ABOUT_MONEY = frozenset(
    (*(kind for kind in K if kind.value.startswith("payment_")), K.review_decision, K.ar_receipt,
     K.ar_application, K.shop_refund)
)  # fmt: skip


class FreeJudge(Judge):
    """Judges the orders that nobody pays for."""

    def free(self) -> Iterator[Violation]:
        found = {name for name, plan in self.world.plans.items() if plan.order.is_free}
        if not found:
            return
        for call in self.world.notes.calls:
            if call.kind in _ABOUT_MONEY and call.key.partition("|")[0] in found:
                yield Violation("I46 what is free moves no money", f"{call.kind} {call.key}")
        for (order_id,) in self.rows("SELECT order_id FROM refunds"):
            if order_id in found:
                yield Violation("I46 what is free is not refunded", order_id)
        for order_id, state in self.rows("SELECT order_id, state FROM orders"):
            if order_id in found:
                yield from self._ended(order_id, state)

    def _ended(self, order_id: str, state: str) -> Iterator[Violation]:
        """It is complete where goods of it have left, and else it was called off."""
        orders = [one for one in self.truth.sales_orders.values() if one.order_id == order_id]
        has_left = any(one.invoices for one in orders)
        if state != ("completed" if has_left else "cancelled"):
            what = f"{order_id} is {state}, and {'has left' if has_left else 'nothing left'}"
            yield Violation("I46 what is free is sold to its end", what)
