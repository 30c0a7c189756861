"""Credit notes and cancellations found in SYSPRO become refunds, voids or reversals."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from include.domain.erp_orders import NOT_RELEASED, ErpDocument, ErpOrder, UnreadableRow
from include.domain.errors import Rejected
from include.domain.order_state import FOUND_IN_SUSPENSE, OrderFacts
from include.domain.order_steps import name_of
from include.services.orders.order_service import OrderService
from include.services.orders.sagas import Event
from include.services.orders.steps import ABOUT_THE_SALES_ORDER
from include.services.sync.ports import (
    Shelf,
    StartOf,
    Tally,
    Watermarks,
    always,
    marked,
    read_on,
    work_on,
)
from include.services.sync.standing_orders import OrdersOfOne, is_of, standing

WHO = "SYSPRO clerk"


class CreditFeed(OrdersOfOne, Protocol):
    """What SYSPRO's clerks did, by cursor."""

    def credit_notes_since(self, cursor: str) -> Sequence[ErpDocument | UnreadableRow]: ...

    def cancelled_since(self, cursor: str) -> Sequence[ErpOrder]: ...


@dataclass(frozen=True, slots=True)
class RefundPush:
    """Polls one company for the orders of one merchant."""

    merchant_id: str
    company_id: str
    feed: CreditFeed
    service: OrderService
    watermarks: Watermarks
    shelf: Shelf
    owner: str

    def poll(self, begin: str) -> Tally:
        """Work on credit notes, then on cancelled orders; ``begin`` is a first poll's cursor."""
        return self._poll(marked(self.watermarks, begin))

    def read_again(self, begin: str) -> Tally:
        """Poll from this cursor, whatever the watermarks say."""
        return self._poll(always(begin))

    def _poll(self, start_of: StartOf) -> Tally:
        tally = Tally()
        self._credit_notes(tally, start_of)
        self._cancellations(tally, start_of)
        return tally.check()

    def _credit_notes(self, tally: Tally, start_of: StartOf) -> None:
        name = f"credit_notes|{self.company_id}|{self.merchant_id}"
        read = self.feed.credit_notes_since
        for note in read_on(self.watermarks, name, read, lambda row: row.cursor, start_of):
            number = note.key if isinstance(note, UnreadableRow) else note.invoice
            key = f"{self.company_id}|{number}"
            work_on(
                tally,
                self.shelf,
                "credit_note",
                key,
                self.owner,
                partial(self.take_note, note),
            )

    def take_note(self, note: ErpDocument | UnreadableRow) -> bool:
        """Refund one credit note, once; one of an order that is not ours is left alone."""
        order_id = self.service.orders.find(self.merchant_id, note.purchase_order)
        if order_id is None:
            return False
        if isinstance(note, UnreadableRow):
            raise note.fault
        facts = self.service.orders.get(order_id).facts
        if not is_of(note, facts):
            raise Rejected(
                f"credit note {note.invoice} of customer {note.customer} has the customer PO "
                f"{note.purchase_order!r} of an order of customer {facts.customer}",
                f"company {self.company_id}",
                "Nothing is refunded. If it belongs to this order all the same, refund "
                f"{note.amount} through the shop or the API; then resolve this.",
            )
        if facts.is_free and not note.amount.minor:  # its goods came back: no money goes with them
            return True
        self.service.refund(
            order_id,
            note.amount,
            origin="credit_note",
            origin_key=note.invoice,
            who=WHO,
            reason=f"credit note {note.invoice}",
        )
        return True

    def _cancellations(self, tally: Tally, start_of: StartOf) -> None:
        name = f"cancelled|{self.company_id}|{self.merchant_id}"
        read = self.feed.cancelled_since
        for order in read_on(self.watermarks, name, read, lambda row: row.cursor, start_of):
            key = f"{self.company_id}|{order.sales_order}"
            work_on(
                tally,
                self.shelf,
                "erp_cancellation",
                key,
                self.owner,
                partial(self.take_cancellation, order),
            )

    def take_cancellation(self, found: ErpOrder) -> bool:
        """Unwind an order whose sales order a clerk cancelled; our own cancels are known."""
        order_id = self.service.orders.find(self.merchant_id, found.purchase_order)
        if order_id is None:
            return False
        saga = self.service.orders.get(order_id)
        if not is_of(found, saga.facts):
            return False
        if saga.facts.is_order_cancelled and saga.facts.stop:
            self._demand_no_other(saga.facts, found)
            return True
        others = standing(self.feed, found)
        if others:  # this one was one too many, or was entered anew
            self._adopt(order_id, found, others[-1])
            return True
        why = f"sales order {found.sales_order} was cancelled"
        detail = {"sales_order": found.sales_order, "why": why}
        told = Event("cancelled in SYSPRO", detail, WHO)
        self.service.called_off(order_id, WHO, why, told)
        return True

    def _demand_no_other(self, facts: OrderFacts, found: ErpOrder) -> None:
        """Tell a person where an order is unwound, and a clerk had entered it anew meanwhile."""
        if found.sales_order != facts.sales_order:
            return
        for other in standing(self.feed, found):
            is_charged = other.is_complete and facts.delivered_minor  # it had left by then
            if other.sales_order != facts.sales_order and not is_charged:
                raise self._unpaid(found, other)

    def _unpaid(self, found: ErpOrder, other: ErpOrder) -> Rejected:
        return Rejected(
            f"the order is cancelled here with sales order {found.sales_order}, and "
            f"{other.sales_order} stands under the same customer PO",
            f"company {self.company_id}",
            f"Nobody pays for {other.sales_order}: cancel it in SYSPRO, or have the order "
            "placed anew; what has left is to be collected. Then resolve this.",
        )

    def _adopt(self, order_id: str, found: ErpOrder, other: ErpOrder) -> None:
        """Go on with the sales order that stands, where the one that we knew is cancelled."""
        known = self.service.orders.get(order_id).facts
        if not known.sales_order and name_of(known.open_step) == "sales_order":
            raise Rejected(
                f"sales order {found.sales_order} was cancelled and {other.sales_order} stands, "
                f"and which of them we have made is not known yet",
                f"company {self.company_id}, order {order_id}",
                "Replay this when the order's page names a sales order.",
            )
        if known.sales_order != found.sales_order:
            return
        is_suspended = other.status in NOT_RELEASED

        def adopted(facts: OrderFacts) -> OrderFacts:
            """What we did to the other, e.g. release it, a clerk does to this one."""
            if facts.is_order_cancelled and facts.stop:  # we called it off while SYSPRO was asked
                raise self._unpaid(found, other)
            is_about_it = name_of(facts.open_step) in ABOUT_THE_SALES_ORDER
            suspended_for = facts.suspense_reason or FOUND_IN_SUSPENSE
            adopting = replace(
                facts,
                sales_order=other.sales_order,
                sales_order_version=facts.sales_order_version + 1,
                open_step="" if is_about_it else facts.open_step,
                forms_noted=tuple(one for one in facts.forms_noted if one != "payment"),
                is_suspended=is_suspended,
                suspense_reason=suspended_for if is_suspended else "",
            )
            return adopting.with_problem("") if is_about_it else adopting

        detail = {"cancelled": found.sales_order, "sales_order": other.sales_order}
        told = Event("goes on as another sales order", detail, WHO)
        self.service.orders.amend(order_id, adopted, told)
