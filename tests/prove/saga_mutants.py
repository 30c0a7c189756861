"""The sagas of orders and refunds broken on purpose."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from include.adapters.store.orders import SqlOrders
from include.domain.erp_orders import ErpOrder
from include.domain.errors import Rejected
from include.domain.order_state import OrderFacts
from include.domain.orders import Order
from include.domain.refunds import RefundFacts
from include.domain.reviews import Decision, DecisionEvent, Merged
from include.services.effects.ports import Effect, EffectKind, Receipt
from include.services.inbox.handle_events import Handler, NotYet
from include.services.inbox.ports import InboxRow
from include.services.orders.order_service import OrderService
from include.services.orders.sagas import Event, Saga
from include.services.sync.push_refunds import RefundPush
from tests.prove.partner import SimulatedPartner
from tests.prove.world import Variant


class CapturesUnderReview(OrderService):
    """Takes an order in review for an accepted one."""

    def decide(self, event: DecisionEvent) -> Merged | None:
        return super().decide(replace(event, decision=Decision.accept))


def believes_the_webhook(
    read: Callable[[InboxRow], DecisionEvent],
    _source_of: Callable[[InboxRow], object],
    decide: Callable[[DecisionEvent], Merged | None],
    _order_of: Callable[[str], str | None],
) -> Handler:
    """Takes the decision from the event's name."""

    def handle(row: InboxRow) -> str:
        merged = decide(read(row))
        if merged is None:
            raise NotYet("no order is known for it yet")
        return merged.value

    return handle


class IgnoresContradictions(OrderService):
    """The last decision wins."""

    def decide(self, event: DecisionEvent) -> Merged | None:
        merged = super().decide(event)
        order_id = self.orders.by_request(event.request_id)
        if merged is Merged.contradiction and order_id:
            self.orders.amend(
                order_id,
                lambda facts: replace(facts, is_contradicted=False),
                Event("went on"),
            )
        return merged


class StepIsNotSaved(SqlOrders):
    """What is decided is not remembered before it is done."""

    def save(self, saga: Saga[OrderFacts], events: list[Event], **more: Any) -> Saga[OrderFacts]:
        if saga.facts.open_step and not saga.facts.problem:
            if not events:
                return saga
            kept = replace(saga, facts=replace(saga.facts, open_step=""))
            written = super().save(kept, events, **more)
            return replace(saga, version=written.version)
        return super().save(saga, events, **more)


class LastWriterWins(SqlOrders):
    """A saga's row is written whatever its version."""

    def save(self, saga: Saga[OrderFacts], events: list[Event], **more: Any) -> Saga[OrderFacts]:
        now = self.get(saga.key)
        return super().save(replace(saga, version=now.version), events, **more)


class ForgetsTheAuthorization(OrderService):
    """A cancelled order is at an end; what the bank holds is not its business."""

    def cancel(self, order_id: str, who: str, why: str, **more: str) -> Saga[OrderFacts]:
        saga = super().cancel(order_id, who, why, **more)
        if saga.facts.stop and not saga.facts.captures:
            return self.orders.amend(
                order_id, lambda facts: replace(facts, is_reversed=True), Event("forgotten")
            )
        return saga


class RefusesWhatMayBeSent(OrderService):
    """A refund is refused whose step has begun, without asking whether it ever left."""

    def _is_surely_unsent(self, saga: Saga[RefundFacts]) -> bool:
        return bool(saga.facts.open_step)


class VoidTooLateIsDone(SimulatedPartner):
    """A void that a batch has overtaken is taken for one that was made."""

    def read(self, effect: Effect, answer: Any) -> Receipt:
        receipt = super().read(effect, answer)
        if effect.kind is EffectKind.payment_void and receipt.is_no:
            return replace(receipt, is_no=False)
        return receipt


class PartialIsEnough(SimulatedPartner):
    """A declined authorisation is taken for an approved one."""

    def read(self, effect: Effect, answer: Any) -> Receipt:
        receipt = super().read(effect, answer)
        if effect.kind is not EffectKind.payment_authorization or not receipt.is_no:
            return receipt
        money = {"minor": effect.amount_minor, "currency": effect.currency}
        changed = {**receipt.evidence, "status": "authorized", "authorized": money}
        return Receipt(receipt.their_key, changed)


class NoteFundsAgain(OrderService):
    """A credit note that is read again is taken for another one."""

    def refund(self, order_id: str, amount: Any, **how: Any) -> str:
        if how["origin"] == "credit_note":
            how["origin_key"] += f" of {self.refunds.now()}"
        return super().refund(order_id, amount, **how)


class CancelsInTwoCommits(RefundPush):
    """A crash in between leaves an order that knows of its cancel, and goes on."""

    def take_cancellation(self, found: ErpOrder) -> bool:
        orders = self.service.orders
        order_id = orders.find(self.merchant_id, found.purchase_order)
        if order_id is None or orders.get(order_id).facts.is_order_cancelled:
            return order_id is not None
        noted = Event("cancelled in SYSPRO")
        orders.amend(order_id, lambda facts: replace(facts, is_order_cancelled=True), noted)
        with suppress(Rejected):
            self.service.cancel(order_id, "clerk", "cancelled in SYSPRO")
        return True


class NothingElseStands(RefundPush):
    """The surplus copy of a sales order is cancelled, and taken for the order itself."""

    def orders_of(self, purchase_order: str, customer: str) -> list[ErpOrder]:
        return []

    def take_cancellation(self, found: ErpOrder) -> bool:
        return RefundPush.take_cancellation(replace(self, feed=self), found)  # type: ignore[arg-type]


class GivesBackBeforeItIsCalledOff(OrderService):
    """The captures of a cancelled order go back while SYSPRO may still ship it."""

    def _drive(
        self, order: Order, until: Callable[[OrderFacts], bool] = lambda _facts: False
    ) -> Saga[OrderFacts]:
        saga = super()._drive(order, until)
        facts = saga.facts
        holds = facts.captured_minor() > facts.returned_minor
        if facts.stop is not None and holds and not facts.open_step:
            self._give_back(order, facts)
        return saga


class AcceptsWhateverIsRenewed(OrderService):
    """Who has accepted a request has accepted all that is authorised after it."""

    def decide(self, event: DecisionEvent) -> Merged | None:
        order_id = self.orders.by_request(event.request_id)
        payment = self.orders.get(order_id).facts.payment if order_id else None
        named = payment.request_id if payment else event.request_id
        return super().decide(replace(event, request_id=named))


class ForgetsVoids(SqlOrders):
    """What was captured is taken for captured, whatever became of it."""

    def _read(self, connection: Connection, key: str) -> Saga[OrderFacts]:
        saga = super()._read(connection, key)
        taken = tuple(replace(one, is_voided=False) for one in saga.facts.captures)
        return replace(saga, facts=replace(saga.facts, captures=taken))


class CancelsWhatIsInvoiced(OrderService):
    """A cancellation that comes too late is never taken back."""

    def _drive(
        self, order: Order, until: Callable[[OrderFacts], bool] = lambda _facts: False
    ) -> Saga[OrderFacts]:
        if (facts := self.orders.get(order.order_id).facts).stop and facts.is_invoiced:
            return self.orders.get(order.order_id)
        return super()._drive(order, until)


class CreditedGoodsWereNeverDelivered(OrderService):
    """What was credited goes back by its credit note, and once more when the rest is called off."""

    def left_minor(self, order_id: str, facts: OrderFacts, delivered_minor: int) -> int:
        notes = [row for row, _ in self.refunds.of_order(order_id) if row.origin == "credit_note"]
        credited = sum(row.amount.minor for row in notes)
        return super().left_minor(order_id, facts, delivered_minor - credited)


class GivesBackWhatWasDelivered(OrderService):
    """An order that is called off after a part of it has left gets everything back."""

    def left_minor(self, order_id: str, facts: OrderFacts, delivered_minor: int) -> int:
        return super().left_minor(order_id, facts, 0)


class NotesPayWhatIsLeft(OrderService):
    """A credit note gives back all that the order holds, whatever it says."""

    def refund(self, order_id: str, amount: Any, **how: Any) -> str:
        if how["origin"] == "credit_note":
            facts = self.orders.get(order_id).facts
            left = facts.captured_minor() - facts.returned_minor
            amount = replace(amount, minor=max(left, amount.minor))
        return super().refund(order_id, amount, **how)


class OneNotePerOrder(RefundPush):
    """A second credit note of an order is taken for the first."""

    def take_note(self, note: Any) -> bool:
        order_id = self.service.orders.find(self.merchant_id, note.purchase_order)
        known = self.service.refunds.of_order(order_id) if order_id else ()
        funded = [row.origin_key for row, _ in known if row.origin == "credit_note"]
        if funded and note.invoice not in funded:
            return True
        return super().take_note(note)


class DeliveredGoodsAreForgotten(OrderService):
    """Of an order that is called off, what had left is charged to nobody."""

    def called_off(self, order_id: str, who: str, why: str, told: Event) -> None:
        super().called_off(order_id, who, why, told)
        if (facts := self.orders.get(order_id).facts).stop and not facts.captures:
            forgotten = Event("forgotten")
            self.orders.amend(order_id, lambda it: replace(it, delivered_minor=0), forgotten)


SAGA_MUTANTS = (
    Variant("s1 every decision is an accept", service=CapturesUnderReview),
    Variant("s2 contradictions ignored", service=IgnoresContradictions),
    Variant("s3 step not saved before it is done", orders=StepIsNotSaved),
    Variant("s4 last writer of an order wins", orders=LastWriterWins, hunted_from=201),
    Variant("s5 a cancelled order keeps its hold", service=ForgetsTheAuthorization),
    Variant("s6 a void too late taken as made", partner=VoidTooLateIsDone),
    Variant("s7 a decline taken as an approval", partner=PartialIsEnough),
    Variant(
        "s8 a credit note read again funds another refund", service=NoteFundsAgain, hunted_from=4
    ),
    Variant("s9 a cancellation noted, then made", push=CancelsInTwoCommits, hunted_from=38),
    Variant(
        "s10 given back before it is called off",
        service=GivesBackBeforeItIsCalledOff,
        hunted_from=10,
    ),
    Variant("s11 a cancellation too late is never withdrawn", service=CancelsWhatIsInvoiced),
    Variant("s12 delivered goods are given back", service=GivesBackWhatWasDelivered, hunted_from=4),
    Variant(
        "s13 a surplus order cancelled is the order cancelled",
        push=NothingElseStands,
        hunted_from=23,
    ),
    Variant(
        "s14 credited goods go back twice", service=CreditedGoodsWereNeverDelivered, hunted_from=66
    ),
    Variant("s15 the word of a webhook is taken", hear=believes_the_webhook, hunted_from=3),
    Variant("s16 a voided capture keeps its hold", orders=ForgetsVoids),
    Variant(
        "s17 an accept is for renewals, too", service=AcceptsWhateverIsRenewed, hunted_from=543
    ),
    Variant(
        "s18 a refund that may have been sent is refused",
        service=RefusesWhatMayBeSent,
        hunted_from=42,
    ),
    Variant("s19 a credit note pays all that is left", service=NotesPayWhatIsLeft, hunted_from=4),
    Variant("s20 one credit note is enough", push=OneNotePerOrder, hunted_from=4),
    Variant("s21 delivered goods are forgotten", service=DeliveredGoodsAreForgotten),
)
