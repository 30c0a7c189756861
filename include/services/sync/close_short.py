"""Orders that SYSPRO calls complete with less invoiced than was paid: what becomes of the rest.

The rest was cancelled, a discount was given, or the order was closed by its status. Nobody has said
that money shall move, so the merchant's rule says it (``on_closed_short``), or a person does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from include.domain.erp_orders import ErpDocument, ErpOrder
from include.domain.errors import Rejected
from include.domain.money import Money, total
from include.domain.order_rules import OnClosedShort
from include.domain.order_state import OrderFacts
from include.domain.standing import is_all_returned, is_wholly_captured
from include.services.orders.moves import authorized
from include.services.orders.order_service import OrderService
from include.services.orders.sagas import Event
from include.services.sync.standing_orders import OrdersOfOne, standing

WHO = "SYSPRO"


@dataclass(frozen=True, slots=True)
class CloseShort:
    """Ends the orders of one company."""

    company_id: str
    feed: OrdersOfOne
    service: OrderService
    tolerance_minor: int  # an invoice may differ by this much: SYSPRO rounds tax by itself

    def end_short(self, order_id: str, found: ErpOrder, invoices: Sequence[ErpDocument]) -> bool:
        """Give back what was captured and not invoiced; what is not captured yet never will be.

        What is in doubt is left to the nightly comparison, and to a person: invoices in another
        currency, or not all shown. Safe to repeat.

        Returns:
            Whether that is all: nothing is in doubt, and no other order has the rest.

        Args:
            order_id: ours.
            found: a sales order of it, complete or cancelled.
            invoices: all that SYSPRO shows under its customer PO.

        Raises:
            Retryable: SYSPRO could not be asked.
            Rejected: nothing was invoiced and the order is paid, no refund is possible, or how it
                was paid is not known yet.
        """
        orders = self.service.orders
        order, facts = orders.content(order_id), orders.get(order_id).facts
        if any(one.amount.currency != order.currency for one in invoices):
            return False
        is_unknown = facts.payment is None and not facts.is_free
        if is_unknown and facts.stop is None:  # forgotten, by a store that was put back
            raise Rejected(
                f"closed, and how order {order_id} was paid is not known yet",
                f"SYSPRO {self.company_id}, sales order {found.sales_order}",
                "The gateway is asked by itself. Replay this once the order shows its payment.",
            )
        invoiced = total((one.amount for one in invoices), order.currency)
        if invoiced.minor < 0:  # a discount that is ahead of its goods: all that was paid goes back
            invoiced = Money(0, order.currency)
        never = authorized(order, facts) - invoiced
        left = self.service.left_minor(order_id, facts, invoiced.minor)
        is_paid = is_wholly_captured(facts) and facts.stop is None
        is_given = never.minor <= 0 or (is_paid and invoices and left <= self.tolerance_minor)
        if bool(invoices) if facts.is_free else is_given:
            return True
        ended = standing(self.feed, found)
        if not ended or not all(one.is_complete and is_shown(one, invoices) for one in ended):
            return False
        why = f"sales order {found.sales_order} was closed with {invoiced} invoiced"
        if not is_paid or (facts.is_free and not facts.shipments):
            told = Event("closed short in SYSPRO", {"why": why, "never": str(never)}, WHO)
            self.service.called_off(order_id, WHO, why, told)
            return True
        if not invoices:
            self._end_without_invoice(order_id, facts, found)
            return True
        rules = self.service.desk_of(order.shop_id).rules
        self.service.refund(
            order_id,
            Money(left, order.currency),
            origin="closed_short",
            origin_key=found.sales_order,
            who=WHO,
            reason=f"{why}, {Money(facts.captured_minor(), order.currency)} paid",
            is_asked=rules.on_closed_short is OnClosedShort.ask,
        )
        return True

    def _end_without_invoice(self, order_id: str, facts: OrderFacts, found: ErpOrder) -> None:
        """End one whose money has all gone back; leave it to a person to give back the rest."""
        if not facts.is_order_cancelled:
            told = Event("closed in SYSPRO without an invoice", {}, WHO)
            facts = self.service.orders.amend(order_id, _ended, told).facts
        if is_all_returned(facts):
            return
        is_how = "left" if facts.is_free else "is paid"
        raise Rejected(
            f"closed with nothing invoiced, and order {order_id} {is_how}",
            f"SYSPRO {self.company_id}, sales order {found.sales_order}",
            "Cancel the order here, which gives back what was paid; or invoice it in SYSPRO under "
            "the same customer PO.",
        )


def _ended(facts: OrderFacts) -> OrderFacts:
    return replace(facts, is_order_cancelled=True)


def is_shown(found: ErpOrder, invoices: Sequence[ErpDocument]) -> bool:
    """Say whether the last invoice of an order is among those that were read."""
    numbers = {one.invoice.lstrip("0") for one in invoices}
    return found.last_invoice.lstrip("0") in (*numbers, "")
