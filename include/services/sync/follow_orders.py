"""What SYSPRO's clerks do to orders: invoices capture and complete, shipments are told.

Shops are told once SYSPRO has been heard: one that hangs would keep SYSPRO's operator meanwhile.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from include.domain.erp_orders import NOT_RELEASED, ErpDocument, ErpOrder, Shipment, owed_by
from include.domain.errors import IntegrationError, Rejected
from include.domain.money import Money, total
from include.domain.order_rules import CaptureWhen
from include.domain.order_state import OrderFacts, OrderState, Shipped
from include.domain.orders import Order
from include.domain.refunds import was_refused
from include.services.effects.engine import Engine
from include.services.effects.ports import EffectKind
from include.services.orders.commands import Command
from include.services.orders.moves import authorized
from include.services.orders.order_service import OrderService
from include.services.orders.own_letters import TIEOUT
from include.services.orders.sagas import Event, Saga
from include.services.sync.close_short import CloseShort, is_shown
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
from include.services.sync.standing_orders import OrdersOfOne, is_of

WHO = "SYSPRO"
_UNDO_CANCEL = (
    "Credit the invoice in SYSPRO, which gives the money back, or tell who asked that it stands; "
    "then resolve this."
)
_UNDO_REFUND = (
    "Have the goods back and credit the invoice in SYSPRO, for its refund goes on; or refuse the "
    "refund, where it has not moved, and tell who asked that the order stands. Then resolve this."
)
_WORD, _CALL = EffectKind.shop_order_update, EffectKind.shop_callback
ShipmentUpdate = Callable[[Order, Saga[OrderFacts], Shipment], object | None]


class OrderFeed(OrdersOfOne, Protocol):
    """Changed orders and dispatch notes of one company, by cursor."""

    def orders_since(self, cursor: str) -> Sequence[ErpOrder]: ...

    def shipments_since(self, cursor: str) -> Sequence[Shipment]: ...

    def documents_of(self, purchase_order: str, customer: str) -> Sequence[ErpDocument]: ...


@dataclass(frozen=True, slots=True)
class OrderFollower:
    """Polls one company for the orders of one merchant."""

    merchant_id: str
    company_id: str
    feed: OrderFeed
    service: OrderService
    engine_of: Callable[[str], Engine]  # by shop id
    shipment_update: ShipmentUpdate
    watermarks: Watermarks
    shelf: Shelf
    owner: str
    tolerance_minor: int  # an invoice may differ by this much: SYSPRO rounds tax by itself
    noted: list[tuple[Engine, EffectKind, str]] = field(default_factory=list)  # words to shops

    def poll(self, begin: str) -> Tally:
        """Work on changed sales orders, then on new dispatch notes; ``tell`` tells shops of them.

        ``begin`` is a first poll's cursor.
        """
        return self._poll(marked(self.watermarks, begin))

    def read_again(self, begin: str) -> Tally:
        """Poll from this cursor, whatever the watermarks say."""
        return self._poll(always(begin))

    def _poll(self, start_of: StartOf) -> Tally:
        tally = Tally()
        name = f"erp_orders|{self.company_id}|{self.merchant_id}"
        orders, notes = self.feed.orders_since, self.feed.shipments_since
        for changed in read_on(self.watermarks, name, orders, lambda row: row.cursor, start_of):
            key = f"{self.company_id}|{changed.sales_order}"
            work_on(
                tally,
                self.shelf,
                "erp_order",
                key,
                self.owner,
                partial(self.take_order, changed),
            )
        name = f"shipments|{self.company_id}|{self.merchant_id}"
        for note in read_on(self.watermarks, name, notes, lambda row: row.cursor, start_of):
            key = f"{self.company_id}|{note.note}"
            work_on(
                tally,
                self.shelf,
                "shipment",
                key,
                self.owner,
                partial(self.take_shipment, note),
            )
        return tally.check()

    def take_order(self, found: ErpOrder) -> bool:
        """Note what a clerk did with a sales order; at shipment, capture what was invoiced."""
        order_id = self.service.orders.find(self.merchant_id, found.purchase_order)
        if order_id is None:
            return False
        saga = self.service.orders.get(order_id)
        if not is_of(found, saga.facts):
            return False
        is_released = found.status not in NOT_RELEASED and not found.is_cancelled
        if saga.facts.is_suspended and is_released:
            self.service.orders.amend(order_id, _look_again, Event("changed in SYSPRO", {}, WHO))
        is_over = found.is_complete or found.is_cancelled
        is_ended = saga.state in (OrderState.declined, OrderState.cancelled)
        if is_ended or saga.facts.followed == _row(found) or not (found.last_invoice or is_over):
            return True
        invoices = self._take_invoices(saga, found)
        is_all = is_shown(found, invoices)
        if is_over:
            ending = CloseShort(self.company_id, self.feed, self.service, self.tolerance_minor)
            is_all = ending.end_short(order_id, found, invoices) and is_all
        if is_all and found.sales_order == saga.facts.sales_order:
            self._remember(order_id, found)
        return True

    def _remember(self, order_id: str, found: ErpOrder) -> None:
        """Note how far the row was worked on: feeds give it again and again, documents are dear."""
        detail = {"status": found.status, "last invoice": found.last_invoice}
        told = Event("sales order in SYSPRO followed", detail, WHO)
        self.service.orders.amend(
            order_id, lambda facts: replace(facts, followed=_row(found)), told
        )

    def _take_invoices(self, saga: Saga[OrderFacts], found: ErpOrder) -> Sequence[ErpDocument]:
        order_id = saga.key
        shown = self.feed.documents_of(found.purchase_order, found.customer)
        invoices = [one for one in shown if one.document_type == "I"]
        numbers = tuple(one.invoice for one in invoices)
        new = [one for one in numbers if one not in saga.facts.invoices]
        if new:
            late = self._set_late_cancellation_aside(saga, new[0])
            self.service.orders.amend(
                order_id,
                lambda facts: replace(
                    facts.with_invoices(numbers), late_stop=late or facts.late_stop
                ),
                Event("invoiced in SYSPRO", {"invoice": ", ".join(new)}, WHO),
            )
        order = self.service.orders.content(order_id)
        # One that was captured at once, before the merchant's rule was changed, is paid already.
        is_paid = saga.facts.captures and not saga.facts.requested_captures
        rules = self.service.desk_of(order.shop_id).rules
        if saga.facts.is_free:
            self._demand_covered(order, invoices)
        elif rules.capture_when is CaptureWhen.shipment and not is_paid:
            for invoice, owed in owed_by(invoices):
                cause = f"invoice {invoice.invoice}"
                self.service.capture_delivered(order_id, owed, cause, self.tolerance_minor)
            self._demand_covered(order, invoices)
        return invoices

    def _demand_covered(self, order: Order, invoices: Sequence[ErpDocument]) -> None:
        """Refuse to call it done while more is invoiced than is charged.

        What is charged before the hold lapses, and what had left of an order that was called off,
        is charged as far as it is held: no capture is refused for the rest. What is invoiced of
        one after it was counted what had left is not charged at all.
        """
        facts = self.service.orders.get(order.order_id).facts
        ours = [one.amount for one in invoices if one.amount.currency == order.currency]
        invoiced, counted = total(ours, order.currency), facts.delivered_minor
        if facts.stop is not None and facts.stop.keeps_invoice:
            if facts.stop.who != TIEOUT or not facts.captures:
                return  # whoever gave it up knows it, or was told
            counted = facts.captured_minor()  # of the rest the hold was gone
        most = authorized(order, facts) if counted is None else Money(counted, order.currency)
        if (invoiced - most).minor > self.tolerance_minor:
            raise Rejected(
                f"invoiced {invoiced}, and no more than {most} is charged: nobody pays the rest",
                f"SYSPRO {self.company_id}, order {order.number}",
                "Collect the rest from the customer, or credit it in SYSPRO; then resolve this.",
            )

    def _set_late_cancellation_aside(self, saga: Saga[OrderFacts], invoice: str) -> str:
        """Tell a person whom nobody else would: who asked believes that it is cancelled.

        Returns:
            Who had asked for its end too late; ``''``: nobody, or in time, or by a refund that was
            refused since. Who asks for it again after that one is heard again.
        """
        stop = saga.facts.stop
        if stop is None or stop.keeps_invoice or saga.facts.is_order_cancelled:
            return ""
        late = Rejected(
            f"to be cancelled ({stop.why}, asked by {stop.who}), but invoiced as {invoice}",
            f"SYSPRO {self.company_id}, sales order {saga.facts.sales_order}",
            _UNDO_REFUND if saga.facts.is_refunded else _UNDO_CANCEL,
        )
        amount = self.service.orders.content(saga.key).amount
        self.shelf.set_aside("late_cancellation", saga.key, late, owner=self.owner, amount=amount)
        return "" if was_refused(saga.facts) else stop.who

    def take_shipment(self, note: Shipment) -> bool:
        """Keep one dispatch note with its order; the shop and its server are told of it once."""
        order_id = self._order_of(note.sales_order)
        if order_id is None:
            return False
        order = self.service.orders.content(order_id)
        saga, desk = self.service.orders.get(order_id), self.service.desk_of(order.shop_id)
        update = self.shipment_update(order, saga, note)
        if update is not None:
            self._note(order, _WORD, f"{order_id}|shipment|{note.note}", desk.shop_target, update)
        if desk.callback_target:
            event = desk.translator.shipped_callback(order, note, desk.clock.now())
            key = f"{order_id}|callback|shipped.{note.note}"
            self._note(order, _CALL, key, desk.callback_target, event)
        self._keep(order_id, saga.facts, note)
        return True

    def _note(self, order: Order, kind: EffectKind, key: str, target: str, content: object) -> None:
        engine = self.engine_of(order.shop_id)
        if engine.find(kind, key) is None:
            command = Command(kind, content, target, order.currency, 0, self.owner)
            engine.intend(command.effect(key))
            self.noted.append((engine, kind, key))

    def _keep(self, order_id: str, facts: OrderFacts, note: Shipment) -> None:
        """Put the note among the order's facts; one that shows more by now takes its own place."""
        one = Shipped(note.note, note.carrier, note.tracking)
        if one in facts.shipments:
            return
        detail = {"note": one.note, "carrier": one.carrier, "tracking": one.tracking}
        told = Event("shipped", {name: text for name, text in detail.items() if text}, WHO)
        self.service.orders.amend(order_id, lambda known: _with_shipment(known, one), told)

    def tell(self) -> None:
        """Tell the shops what was noted; what is not told now, the janitor tells.

        Raises:
            IntegrationError: at the end, if some shops cannot be spoken to, e.g. for want of a
                connection; of the family of the first. The others were told.
            ExceptionGroup: at the end too, if a fault of ours is among them.
        """
        broken, bugs = list[IntegrationError](), list[Exception]()
        while self.noted:
            engine, kind, key = self.noted.pop(0)
            try:
                engine.advance(kind, key)
            except IntegrationError as fault:
                broken.append(fault)
            except Exception as bug:  # noqa: BLE001 - one shop must not stop the others
                bugs.append(bug)
        if bugs:
            words = f"{len(bugs) + len(broken)} shipments could not be told"
            raise ExceptionGroup(words, [*bugs, *broken])
        if broken:
            what = "; ".join(dict.fromkeys(one.what for one in broken))
            raise type(broken[0])(what, broken[0].where, broken[0].do)

    def _order_of(self, sales_order: str) -> str | None:
        return self.service.orders.by_sales_order(self.merchant_id, sales_order)


def _row(found: ErpOrder) -> str:
    return f"{found.sales_order}|{found.status}|{found.last_invoice}"


def _look_again(facts: OrderFacts) -> OrderFacts:
    return replace(facts, looked_at=None)


def _with_shipment(facts: OrderFacts, one: Shipped) -> OrderFacts:
    if all(known.note != one.note for known in facts.shipments):
        return replace(facts, shipments=(*facts.shipments, one))
    kept = tuple(one if known.note == one.note else known for known in facts.shipments)
    return replace(facts, shipments=kept)
