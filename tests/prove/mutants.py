"""The product broken on purpose. A simulator that does not catch each of these proves nothing.

Numbers with m are those of the reliability reference, section 3.2; those with s are of the sagas.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from include.adapters.store.effects import SqlEffectStore
from include.adapters.store.orders import SqlOrders
from include.adapters.store.refunds import SqlRefunds
from include.domain.canonical import from_json
from include.domain.erp_orders import BookReceipt, ErpOrder
from include.domain.errors import IntegrationError, Rejected, Retryable
from include.domain.money import Money
from include.domain.order_state import OrderFacts
from include.domain.orders import Order
from include.domain.reviews import Decision, DecisionEvent, Merged
from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, EffectKind, Found, Receipt
from include.services.effects.store import Change, Decide, Lease
from include.services.effects.turn import Turn
from include.services.orders.driver import Event, Saga
from include.services.orders.order_service import OrderService
from include.services.sync.push_refunds import RefundPush
from tests.orders.partners import PlainTranslator
from tests.prove.partner import SimulatedPartner
from tests.prove.product import Receiver, incoming
from tests.prove.world import TIMINGS, Variant
from tests.simulator.mutants import (
    DropsWhatIsParked,
    ForgetsWhatIsParked,
    Hearsay,
    IgnoresLateEvidence,
    NoQuiescence,
    OneAbsentLook,
    TakesTheFirstOfMany,
    TrustsItsOwnClock,
    with_rules,
)

_WHERE, _DO = "a mutant", "Nothing."


# The engine --------------------------------------------------------------------------------------


class RecordsAfterSending(Engine):
    """Both ways to send: the record comes when the answer is known."""

    def perform(self, effect: Effect, **more: Any) -> Effect:
        if self.find(effect.kind, effect.key) is None:
            now = self._store.now()
            mark = self._rules[effect.kind].mark_sent(replace(effect, intended_at=now), now)
            with suppress(IntegrationError):
                self._partners[effect.kind].send(mark.after)
        return super().perform(effect, **more)


class NewReferencePerRetry(Engine):
    def _send(self, unsent: Effect, sent: Effect) -> Change:
        if sent.sends < 2:
            return super()._send(unsent, sent)
        change = super()._send(unsent, replace(sent, reference=f"{sent.reference}-{sent.sends}"))
        return replace(change, before=sent, after=replace(change.after, reference=sent.reference))


class SendsAfterSleeping(Engine):
    def _may_still_send(self, turn: Turn, sent: Effect) -> bool:
        return True


# The partner -------------------------------------------------------------------------------------


class DuplicateIsSuccess(SimulatedPartner):
    def duplicate(self, effect: Effect) -> Receipt:
        money = {"minor": effect.amount_minor, "currency": effect.currency}
        evidence = {"request_id": "?", "theirs": "DUPLICATE", "amount": money, "authorized": money}
        return Receipt("?", {**evidence, "status": "authorized", "sales_order": "?"})


class DuplicateIsFailure(SimulatedPartner):
    def duplicate(self, effect: Effect) -> Receipt:
        raise Rejected("it says duplicate", _WHERE, _DO)


class BadGatewayIsFailure(SimulatedPartner):
    def bad_status(self, status: int) -> Exception:
        return Rejected(f"HTTP {status}", _WHERE, _DO)


class TimeoutIsNotSent(SimulatedPartner):
    def no_answer(self) -> Exception:
        return Retryable("no answer", _WHERE, _DO)


class LostSessionIsNotSent(SimulatedPartner):
    def session_lost(self) -> Exception:
        return Retryable("session lost", _WHERE, _DO)


class AnyTwoHundredIsSuccess(SimulatedPartner):
    def unreadable(self, effect: Effect) -> Receipt:
        return DuplicateIsSuccess.duplicate(self, effect)  # type: ignore[arg-type]


class UnreadableLookIsAbsent(SimulatedPartner):
    def unreadable_look(self, status: int) -> tuple[Found, ...]:
        return ()


# The stores --------------------------------------------------------------------------------------


class SendIsNotCommitted(SqlEffectStore):
    """Intent and send stay in the worker's memory until the conclusion commits them."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self._waiting: dict[str, tuple[Any, ...]] = {}

    def begin(self, effect: Effect, mark: Any, who: str, duration: timedelta, **more: Any) -> Any:
        if self.get(effect.kind, effect.key) is not None:
            return super().begin(effect, mark, who, duration, **more)
        name = f"{effect.kind.value}|{effect.key}"
        lease = self.acquire(name, who, duration)
        fresh = replace(effect, intended_at=self.now())
        if lease is None:
            return self.insert(fresh, who), None
        self._waiting = {**self._waiting, name: (effect, mark, who, duration)}
        return replace(mark(fresh).after, fence=lease.fence), lease

    def change(self, lease: Lease, decide: Decide, *, in_passing: bool = False) -> Effect:
        waiting = self._waiting.pop(lease.name, None)
        if waiting is None:
            return super().change(lease, decide, in_passing=in_passing)
        self.release(lease)
        sent, again = super().begin(*waiting)
        if again is None:
            return sent
        return super().change(again, lambda now: replace(decide(now), before=sent))


class ChecksThenInserts(SqlEffectStore):
    """Looks whether the key is there, then writes without a constraint in the way."""

    world: Any

    def begin(self, effect: Effect, mark: Any, who: str, duration: timedelta, **more: Any) -> Any:
        if self.get(effect.kind, effect.key) is None:
            self.world.hub.sleep(0.2)
            with self._engine.begin() as connection:
                values = {"kind": effect.kind.value, "key": effect.key}
                gone = text("DELETE FROM effects WHERE kind = :kind AND key = :key")
                connection.execute(gone.bindparams(**values))
                freed = text("UPDATE leases SET expires_at = '2000-01-01' WHERE name = :name")
                connection.execute(freed.bindparams(name=f"{effect.kind.value}|{effect.key}"))
        return super().begin(effect, mark, who, duration, **more)


class NoFencing(SqlEffectStore):
    """Any worker may write, whatever its token and whatever the row says."""

    def change(self, lease: Lease, decide: Decide, *, in_passing: bool = False) -> Effect:
        kind, _, key = lease.name.partition("|")
        known = self.get(EffectKind(kind), key)
        if known is None:
            return super().change(lease, decide, in_passing=in_passing)
        with self._engine.begin() as connection:
            asked = text("SELECT fence FROM leases WHERE name = :name").bindparams(name=lease.name)
            fence = connection.execute(asked).scalar_one()
        forged = replace(lease, fence=fence)
        written = super().change(forged, lambda now: replace(decide(now), before=known))
        with self._engine.begin() as connection:
            mark = text("UPDATE effects SET fence = :fence WHERE kind = :kind AND key = :key")
            connection.execute(
                mark.bindparams(fence=lease.fence, kind=known.kind.value, key=known.key)
            )
        return replace(written, fence=lease.fence)


class JanitorDoesNotReadAgain(Hearsay, SqlEffectStore):
    """m16: trusts what it read before it had the lease, and writes whatever the row says now."""

    def change(self, lease: Lease, decide: Decide, *, in_passing: bool = False) -> Effect:
        kind, _, key = lease.name.partition("|")
        known = self.get(EffectKind(kind), key)
        if known is None:
            return super().change(lease, decide, in_passing=in_passing)
        return super().change(lease, lambda now: replace(decide(now), before=known))


class LimitOutsideTheTransaction(SqlRefunds):
    """m15: what is left is read first; the reservation is written later, unconditionally."""

    world: Any

    def ask(self, row: Any, *, may_void: bool, next_at: datetime | None) -> tuple[str, bool]:
        with self._engine.begin() as connection:
            asked = text("SELECT captured_minor, refunding_minor FROM orders WHERE order_id = :id")
            taken, given = connection.execute(asked.bindparams(id=row.order_id)).one()
        if given + row.amount.minor <= taken:
            self.world.hub.sleep(1.0)
            self._is_checked = True
        try:
            return super().ask(row, may_void=may_void, next_at=next_at)
        finally:
            self._is_checked = False

    def _reserve(self, connection: Connection, row: Any) -> OrderFacts:
        if getattr(self, "_is_checked", False):
            free = text(
                "UPDATE orders SET refunding_minor = refunding_minor + :minor WHERE order_id = :id"
            )
            connection.execute(free.bindparams(minor=row.amount.minor, id=row.order_id))
            asked = text("SELECT facts FROM orders WHERE order_id = :id")
            facts = connection.execute(asked.bindparams(id=row.order_id)).scalar_one()
            return from_json(OrderFacts, facts)
        return super()._reserve(connection, row)

    def _returned(self, connection: Connection, order_id: str) -> dict[int, int]:
        return {}


class LastWriterWins(SqlOrders):
    """A saga's row is written whatever its version."""

    def save(self, saga: Saga[OrderFacts], events: list[Event], **more: Any) -> Saga[OrderFacts]:
        now = self.get(saga.key)
        return super().save(replace(saga, version=now.version), events, **more)


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


# The receiver, the settlement, the services -------------------------------------------------------


class DedupesByTrace(Receiver):
    """m11: a redelivery has a new trace id."""

    def receive(self, event: DecisionEvent, delivery: int) -> None:
        self._inbox.store([incoming(event, f"{event.event_key}|trace {delivery}")])
        self._world.notes.acknowledged.append(event.event_key)


class AcknowledgesFirst(Receiver):
    """m12: 2xx, then the commit."""

    def receive(self, event: DecisionEvent, _delivery: int) -> None:
        self._world.notes.acknowledged.append(event.event_key)
        if not self._world.is_calm and self._world.dice.random() < 0.05:
            return  # died in between; the sender has its answer and does not come again
        self._inbox.store([incoming(event, event.event_key)])


class FloatMoney(PlainTranslator):
    """m17: an amount passes through a binary fraction."""

    def receipt(
        self, order: Order, customer: str, amount: Money, posting_date: date, reference: str
    ) -> BookReceipt:
        wrong = Money(int(float(amount.decimal) * 100), amount.currency)
        return super().receipt(order, customer, wrong, posting_date, reference)


class CapturesUnderReview(OrderService):
    """Takes an order in review for an accepted one."""

    def decide(self, event: DecisionEvent) -> Merged | None:
        return super().decide(replace(event, decision=Decision.accept))


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


class ForgetsTheAuthorization(OrderService):
    """A cancelled order is at an end; what the bank holds is not its business."""

    def cancel(self, order_id: str, who: str, why: str) -> Saga[OrderFacts]:
        saga = super().cancel(order_id, who, why)
        if saga.facts.stop and not saga.facts.taken:
            return self.orders.amend(
                order_id, lambda facts: replace(facts, is_reversed=True), Event("forgotten")
            )
        return saga


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


class QueryThenRetryAtOnce(NoQuiescence):
    def looks_to_resend(self) -> int:
        return 1


MUTANTS = (
    Variant("m1 intent recorded after the send", engine=RecordsAfterSending),
    Variant("m2 intent not committed", effects=SendIsNotCommitted),
    Variant("m3 new reference per retry", engine=NewReferencePerRetry),
    Variant("m4 no Q", engine=with_rules(NoQuiescence)),
    Variant("m4b query, then retry at once", engine=with_rules(QueryThenRetryAtOnce)),
    Variant("m5 Q by the worker's clock", engine=TrustsItsOwnClock),
    Variant(
        "m6 Q ignores the index lag",
        engine=with_rules(OneAbsentLook),
        timings=replace(TIMINGS, quiescence=timedelta(seconds=241)),
    ),
    Variant("m7 duplicate answer taken as success", partner=DuplicateIsSuccess),
    Variant("m8 duplicate answer taken as failure", partner=DuplicateIsFailure),
    Variant("m9 502 taken as failure", partner=BadGatewayIsFailure),
    Variant("m9b time-out taken as not sent", partner=TimeoutIsNotSent),
    Variant("m9c lost session taken as not sent", partner=LostSessionIsNotSent),
    Variant("m10 any 200 taken as success", partner=AnyTwoHundredIsSuccess),
    Variant("m10b unreadable look taken as absent", partner=UnreadableLookIsAbsent),
    Variant("m11 events told apart by trace id", receiver=DedupesByTrace),
    Variant("m12 2xx before the inbox commits", receiver=AcknowledgesFirst),
    Variant("m13 check, then insert", effects=ChecksThenInserts),
    Variant("m14 lease without fencing", effects=NoFencing),
    Variant("m14b sends after sleeping through its lease", engine=SendsAfterSleeping),
    Variant("m15 refund limit checked outside", refunds=LimitOutsideTheTransaction),
    Variant("m16 janitor does not read again under the lease", effects=JanitorDoesNotReadAgain),
    Variant("m17 float money", translator=FloatMoney),
    Variant("m18 restated report posted whole", reposts_whole=True),
    Variant("m19 finished states ignore late evidence", engine=IgnoresLateEvidence),
    Variant("m20 closed period drops the posting", engine=with_rules(DropsWhatIsParked)),
    Variant("m20b closed period is never asked again", engine=with_rules(ForgetsWhatIsParked)),
    Variant("m23 takes the first of many", engine=with_rules(TakesTheFirstOfMany)),
    Variant("s1 every decision is an accept", service=CapturesUnderReview),
    Variant("s2 contradictions ignored", service=IgnoresContradictions),
    Variant("s3 step not saved before it is done", orders=StepIsNotSaved),
    Variant("s4 last writer of an order wins", orders=LastWriterWins),
    Variant("s5 a cancelled order keeps its hold", service=ForgetsTheAuthorization),
    Variant("s6 a void too late taken as made", partner=VoidTooLateIsDone),
    Variant("s7 a decline taken as an approval", partner=PartialIsEnough),
    Variant("s8 a credit note read again funds another refund", service=NoteFundsAgain),
    Variant("s9 a cancellation noted, then made", push=CancelsInTwoCommits),
)
