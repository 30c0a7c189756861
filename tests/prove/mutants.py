"""The product broken on purpose. A simulator that does not catch each of these proves nothing.

Numbers with m are those of the reliability reference, section 3.2; the sagas' own stand in
``saga_mutants``.
"""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, text

from include.adapters.store.effects import SqlEffectStore
from include.adapters.store.refunds import SqlRefunds
from include.domain.canonical import from_json
from include.domain.erp_orders import BookReceipt
from include.domain.errors import Rejected, Retryable
from include.domain.money import Money
from include.domain.order_state import OrderFacts
from include.domain.orders import Order
from include.domain.reviews import DecisionEvent
from include.services.effects.departure import depart, departing
from include.services.effects.ports import Effect, EffectKind, Found, Receipt
from include.services.effects.store import Decide, Lease
from tests.orders.partners import PlainTranslator
from tests.prove.again_mutants import AGAIN_MUTANTS
from tests.prove.forgetting_mutants import FORGETTING_MUTANTS
from tests.prove.late_mutants import LATE_MUTANTS
from tests.prove.partner import SimulatedPartner
from tests.prove.play_mutants import PLAY_MUTANTS
from tests.prove.receiver import Receiver, incoming
from tests.prove.saga_mutants import SAGA_MUTANTS
from tests.prove.world import TIMINGS, Variant
from tests.simulator.mutants import (
    DropsWhatIsParked,
    ForgetsWhatIsParked,
    Hearsay,
    IgnoresLateEvidence,
    NoQuiescence,
    OneAbsentLook,
    SendsAfterSleeping,
    TakesTheFirstOfMany,
    TrustsItsOwnClock,
    with_rules,
)

_WHERE, _DO = "a mutant", "Nothing."


# The partner -------------------------------------------------------------------------------------


class RecordsAfterSending(SimulatedPartner):
    """The record comes when the answer is known."""

    def send(self, effect: Effect) -> Receipt:
        try:
            with departing(lambda: None):
                return super().send(effect)
        finally:
            depart()


class RecordsBeforePreparing(SimulatedPartner):
    """Q counts from before the turn at SYSPRO's operator, its logon and its period."""

    def send(self, effect: Effect) -> Receipt:
        depart()
        with departing(lambda: None):
            return super().send(effect)


class NewReferencePerRetry(SimulatedPartner):
    def send(self, effect: Effect) -> Receipt:
        if not effect.sends:
            return super().send(effect)
        return super().send(replace(effect, reference=f"{effect.reference}-{effect.sends}"))


class DuplicateIsSuccess(SimulatedPartner):
    def duplicate(self, effect: Effect) -> Receipt:
        money = {"minor": effect.amount_minor, "currency": effect.currency}
        evidence = {"request_id": "?", "theirs": "DUPLICATE", "amount": money, "authorized": money}
        evidence |= {"status": "authorized", "sales_order": "?", "decision": "accept"}
        return Receipt("?", {**evidence, "reviewer": ""})


class DuplicateIsFailure(SimulatedPartner):
    def duplicate(self, effect: Effect) -> Receipt:
        raise Rejected("it says duplicate", _WHERE, _DO)


class LoneRefusalIsFailure(SimulatedPartner):
    """Both what is wrong, and what was done before, is told so: this takes it for a no at once."""

    def lone_refusal(self) -> Receipt:
        return replace(super().lone_refusal(), may_be_repeat=False)


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

    def ask(self, row: Any, **how: Any) -> tuple[str, bool]:
        with self._engine.begin() as connection:
            asked = text("SELECT captured_minor, refunding_minor FROM orders WHERE order_id = :id")
            taken, given = connection.execute(asked.bindparams(id=row.order_id)).one()
        if given + row.amount.minor <= taken:
            self.world.hub.sleep(1.0)
            self._is_checked = True
        try:
            return super().ask(row, **how)
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


class QueryThenRetryAtOnce(NoQuiescence):
    def looks_to_resend(self) -> int:
        return 1


MUTANTS = (
    Variant("m1 intent recorded after the send", partner=RecordsAfterSending),
    Variant(
        "m1b recorded before the way to the first byte",
        partner=RecordsBeforePreparing,
        hunted_from=25,
    ),
    Variant("m2 intent not committed", effects=SendIsNotCommitted),
    Variant("m3 new reference per retry", partner=NewReferencePerRetry),
    Variant("m4 no Q", engine=with_rules(NoQuiescence)),
    Variant("m4b query, then retry at once", engine=with_rules(QueryThenRetryAtOnce)),
    Variant("m5 Q by the worker's clock", engine=TrustsItsOwnClock, hunted_from=28),
    Variant(
        "m6 Q ignores the index lag",
        engine=with_rules(OneAbsentLook),
        timings=replace(TIMINGS, quiescence=timedelta(seconds=241)),
    ),
    Variant("m7 duplicate answer taken as success", partner=DuplicateIsSuccess, hunted_from=5),
    Variant("m8 duplicate answer taken as failure", partner=DuplicateIsFailure, hunted_from=5),
    Variant("m8b lone refusal taken as a no at once", partner=LoneRefusalIsFailure, hunted_from=24),
    Variant("m9 502 taken as failure", partner=BadGatewayIsFailure),
    Variant("m9b time-out taken as not sent", partner=TimeoutIsNotSent),
    Variant("m9c lost session taken as not sent", partner=LostSessionIsNotSent, hunted_from=5),
    Variant("m10 any 200 taken as success", partner=AnyTwoHundredIsSuccess),
    Variant("m10b unreadable look taken as absent", partner=UnreadableLookIsAbsent),
    Variant("m11 events told apart by trace id", receiver=DedupesByTrace),
    Variant("m12 2xx before the inbox commits", receiver=AcknowledgesFirst, hunted_from=11),
    Variant("m13 check, then insert", effects=ChecksThenInserts, hunted_from=42),
    Variant("m14 lease without fencing", effects=NoFencing),
    Variant(
        "m14b sends after sleeping through its lease", engine=SendsAfterSleeping, hunted_from=62
    ),
    Variant("m15 refund limit checked outside", refunds=LimitOutsideTheTransaction, hunted_from=4),
    Variant(
        "m16 janitor does not read again under the lease",
        effects=JanitorDoesNotReadAgain,
        hunted_from=4,
    ),
    Variant("m17 float money", translator=FloatMoney),
    Variant("m18 restated report posted whole", reposts_whole=True, hunted_from=7),
    Variant("m19 finished states ignore late evidence", engine=IgnoresLateEvidence),
    Variant(
        "m20 closed period drops the posting", engine=with_rules(DropsWhatIsParked), hunted_from=18
    ),
    Variant(
        "m20b closed period is never asked again",
        engine=with_rules(ForgetsWhatIsParked),
        hunted_from=18,
    ),
    Variant("m23 takes the first of many", engine=with_rules(TakesTheFirstOfMany), hunted_from=9),
    *SAGA_MUTANTS,
    *LATE_MUTANTS,
    *PLAY_MUTANTS,
    *FORGETTING_MUTANTS,
    *AGAIN_MUTANTS,
)
