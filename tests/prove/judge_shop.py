"""Whether the shop is heard and told: its refunds, its changes, and how each order ended there.

Asked of what its people did, in the seeds in which they act.
"""

from collections import Counter
from collections.abc import Iterator
from functools import cached_property

from include.services.effects.ports import EffectKind as K
from tests.prove.judge import Judge, Violation
from tests.prove.shop import STATUS, TRASH, There

_CALLED_OFF = ("cancelled", "declined")


class ShopJudge(Judge):
    """Judges what stands between the shop and us."""

    def shop(self) -> Iterator[Violation]:
        if not self.world.shop.is_played:
            return
        by_number = {plan.order.number: name for name, plan in self.world.plans.items()}
        for there in self.world.shop.orders.values():
            order_id = by_number[there.number]
            state = self._states_here.get(order_id)
            if state is None:
                continue  # called off before anybody had taken it: judged beside what was accepted
            yield from self._ended_there(there, order_id, state)
            yield from self._edited(there, order_id, state)
            yield from self._shipped_refunded(there, order_id)

    @cached_property
    def _states_here(self) -> dict[str, str]:
        return dict(self.rows("SELECT order_id, state FROM orders"))

    @cached_property
    def _written(self) -> Counter[tuple[str, str]]:
        """Count the letters that people were ever written, by kind and item."""
        return Counter(self.rows("SELECT kind, key FROM dead_letters"))

    def _was_told(self, there: There, order_id: str, *kinds: str) -> bool:
        keys = (f"web|{there.number}", order_id)
        return any(self._written[kind, key] for kind in kinds for key in keys)

    def _ended_there(self, there: There, order_id: str, state: str) -> Iterator[Violation]:
        """The shop shows how an order ended, unless its own people have the last word."""
        is_off = there.called_off_at is not None
        invoiced = any(o.invoices for o in self.truth.sales_orders.values()
                       if o.order_id == order_id)  # fmt: skip
        if is_off and state not in _CALLED_OFF:
            is_told = self._was_told(there, order_id, "shop_order", "late_cancellation")
            asked = "SELECT 1 FROM order_events WHERE order_id = ? AND what IN "
            asked += "('closed short in SYSPRO', 'cancelled in SYSPRO', "
            asked += "'delivered in part before it was called off')"
            is_unwound = bool(self.rows(asked, order_id))  # what had left of it stays charged
            if not (is_told or (invoiced and (there.status == TRASH or is_unwound))):
                yield Violation("I35 what the shop calls off is", f"{order_id} is {state}")
        # Of what was paid; its people may have changed the total since. Their own word stays.
        back = sum(one.minor for one in there.refunds)
        paid = self.world.plans[order_id].order.amount.minor
        is_refunded = there.status == "refunded"
        is_all_back = is_refunded and (back >= paid or state not in _CALLED_OFF)
        is_raced = there.is_overtaken and there.set_by == "ours"
        is_raced |= self.world.restored.has_happened and self._was_cancelled(there, order_id, state)
        if not (there.status in (STATUS[state], TRASH) or is_all_back or is_raced):
            if there.set_by in ("clerk", "shopper") and self._may_stay(there, order_id, state):
                return
            what = f"{order_id} is {state}, and the shop shows {there.status!r}"
            yield Violation("I36 the shop shows how it ended", f"{what}, by {there.set_by}")

    def _was_cancelled(self, there: There, order_id: str, state: str) -> bool:
        """Say whether it had ended, which was forgotten: it ends so again, or a person is told."""
        is_over = state in _CALLED_OFF and there.status in ("cancelled", "failed")
        return is_over or self._was_told(there, order_id, "late_cancellation")

    def _may_stay(self, there: There, order_id: str, state: str) -> bool:
        """Say whether a person was told, or there is nothing to tell: over is over."""
        is_over = state in _CALLED_OFF and there.status in ("pending", "cancelled", "failed")
        return (
            is_over
            or state == "completed"
            or self._was_told(there, order_id, "shop_order", "shop_changed")
        )

    def _edited(self, there: There, order_id: str, state: str) -> Iterator[Violation]:
        """A total that was changed after the order was taken is told, and no other is."""
        taken = self.world.plans[order_id].order.amount.minor
        if self.world.restored.has_happened:  # it may be taken in once more, as it is shown then
            ((taken,),) = self.rows("SELECT amount_minor FROM orders WHERE order_id = ?", order_id)
        is_other = there.shown.amount.minor != taken
        if state in _CALLED_OFF or there.status in ("cancelled", TRASH):
            return
        if is_other and not self._was_told(there, order_id, "shop_changed"):
            yield Violation("I37 a changed total is told", order_id)

    def _shipped_refunded(self, there: There, order_id: str) -> Iterator[Violation]:
        """What its people gave back whole, before anything left, does not leave unseen."""
        taken = [one for one in self.done(K.payment_capture) if one.order_id == order_id]
        paid = sum(one.amount_minor for one in taken)
        is_theirs = sum(one.minor for one in self.world.shop.made(there.number)) >= paid
        if not (taken and is_theirs) or paid < self.world.plans[order_id].order.amount.minor:
            return
        left, back_at = paid, 0
        gone = self.done(K.payment_refund, K.payment_void)
        for entry in sorted(gone, key=lambda one: one.seq):
            if entry.order_id == order_id and left > 0:
                left, back_at = left - entry.amount_minor, entry.seq
        orders = [one for one in self.truth.sales_orders.values() if one.order_id == order_id]
        invoiced = [int(cursor) for one in orders for _, _, cursor in one.invoices]
        if left > 0 or not invoiced or min(invoiced) < back_at:
            return
        if not self._was_told(there, order_id, "shipped_refunded", "late_cancellation"):
            yield Violation("I45 what went back whole is not shipped unseen", order_id)
