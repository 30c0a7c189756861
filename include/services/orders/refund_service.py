"""What people and partners may ask of refunds: reserve, decide, mend, advance. Safe to repeat."""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from include.domain.card_numbers import refuse_in_words
from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.order_state import OrderFacts
from include.domain.orders import Order
from include.domain.refunds import (
    RefundFacts,
    RefundRow,
    RefundState,
    called_off,
    calls_off,
    demand_another,
    is_refused,
    may_be_refused,
    paid_outside,
    tried_again,
)
from include.services.effects.ports import EffectState
from include.services.effects.schedule import may_be_withdrawn
from include.services.effects.seek import seek
from include.services.effects.store import LeaseLost, Leases
from include.services.orders.changing import Changing
from include.services.orders.driver import NOT_WANTED, Driver
from include.services.orders.ports import ShopContext
from include.services.orders.refund_saga import RefundPlay, kind_of
from include.services.orders.sagas import Event, Saga
from include.services.orders.setting_back import NO_DESK, Stake
from include.services.orders.stores import RefundBook
from include.services.orders.undrivable import SAGA_LEASE, turn_away

_NOTHING = (EffectState.declined, EffectState.withdrawn, EffectState.rejected)  # moved


class Refunding(Changing):
    """The refunds' side of ``OrderService``."""

    __slots__ = ()
    refunds: RefundBook
    leases: Leases
    desk_of: Callable[[str], ShopContext]
    worker: str

    def refund(
        self,
        order_id: str,
        amount: Money,
        *,
        origin: str,
        origin_key: str,
        who: str,
        reason: str,
        via: str = "",
        is_asked: bool = False,
    ) -> str:
        """Reserve a refund and return its id.

        It waits for a second person if one is asked for, or if more than the limit would leave
        the order without one: two halves are one refund. So does each while the store may have
        forgotten what went back already, which the gateway alone can tell. With the door (``via``)
        a client came by it is in the audit chain: within the limit nobody else decides.

        Together with the others it may call the order off (see ``domain.refunds``), whether or not
        a second person has approved it: a cancelled order gives its money back anyhow.

        One that is known stays as it is, however old its captures are by now.

        Raises:
            Rejected: more than was captured, another currency, or too late for a refund.
        """
        order = self.orders.content(order_id)
        desk = self.desk_of(order.shop_id)
        facts = self.orders.get(order_id).facts
        self._may_refund(order, facts, amount)
        is_doubted = self.engine_of(order.shop_id).is_doubted()
        limit = None if is_asked or is_doubted else desk.rules.refund_limit(amount.currency)
        key = f"{order_id}|{origin}|{origin_key}"
        row = RefundRow(
            refund_id="ref_" + hashlib.sha256(key.encode()).hexdigest()[:26],
            order_id=order_id,
            origin=origin,
            origin_key=origin_key,
            amount=amount,
            asked_by=who,
            approved_by="",
            reason=reason,
        )
        # A void of another day may be forgotten: one that is not there is refused, then refunded.
        may_void = is_doubted or all(one.captured_date == desk.today for one in facts.captures)
        # What is cancelled must go back: there the gateway itself says if it is too late.
        since = None if origin == "cancellation" else desk.rules.gives_back_since(desk.today)
        refund_id = self.refunds.ask(row, may_void=may_void, limit=limit, since=since, via=via)[0]
        self._call_off(row)
        return refund_id

    def _call_off(self, row: RefundRow) -> None:
        """Have the order unwound where the shop's people, or the API, take all of it back.

        One that is known is asked about again: a process may have died in between.
        """

        def change(facts: OrderFacts) -> OrderFacts:
            left = self.left_minor(row.order_id, facts, 0)
            return called_off(facts, row.asked_by) if calls_off(facts, row.origin, left) else facts

        facts = self.orders.get(row.order_id).facts
        if change(facts) is not facts:
            told = Event("called off: all of it is refunded", {"refund": row.refund_id})
            self._change(row.order_id, change, told)

    @staticmethod
    def _may_refund(order: Order, facts: OrderFacts, amount: Money) -> None:
        where = f"order {order.number}"
        if facts.is_free:
            do = "Cancel it while it is not invoiced; take what comes back in by a credit note."
            raise Rejected("it was free: nothing was paid, so nothing goes back", where, do)
        if amount.currency != order.currency or amount.minor <= 0:
            raise Rejected(
                f"{amount} is no refund of a {order.currency} order",
                where,
                "Name a positive amount in the order's currency.",
            )
        if not facts.captures:
            raise Rejected("nothing was captured", where, "Cancel the order instead.")

    def approve_refund(self, refund_id: str, who: str, *, via: str = "api") -> None:
        """Let a second person approve a refund above the limit; audited, with where they did.

        Raises:
            Rejected: by the one who asked, or not waiting.
        """
        self.refunds.approve(refund_id, who, via=via)

    def refuse_refund(self, refund_id: str, who: str, why: str, *, via: str = "api") -> None:
        """Let a person say no to a refund; a step that was never sent is withdrawn for it.

        Raises:
            Rejected: it has moved, may have, or gives a cancelled order's money back; or the words
                hold a card number, which the shop's server would be told.
            Retryable: the store is doubted, and the gateway could not be asked.
        """
        refuse_in_words({"reason": why}, f"refund {refund_id}")
        self._demand_unmoved(refund_id)
        if not self.refunds.get(refund_id).facts.step_at_stake:
            self.refunds.refuse(refund_id, who, why, via=via)
            return
        saga, lease = self.refunds.lease(refund_id, self.worker, SAGA_LEASE)
        busy = Rejected("it is being worked on", f"refund {refund_id}", "Try in two minutes.")
        if lease is None:
            raise busy
        try:
            under = lease if self._is_surely_unsent(saga) else None
            self.refunds.refuse(refund_id, who, why, via=via, under=under)
        except LeaseLost:
            raise busy from None
        finally:
            self.leases.release(lease)

    def _demand_unmoved(self, refund_id: str) -> None:
        """Refuse a no to what was given back, and forgotten by a store that is doubted."""
        row, facts = self.refunds.row(refund_id), self.refunds.get(refund_id).facts
        order = self.orders.content(row.order_id)
        engine = self.engine_of(order.shop_id)
        if facts.step_at_stake or not engine.is_doubted():
            return
        play = RefundPlay(row, order, self.desk_of(order.shop_id), customer="", sales_order="")
        for part in facts.parts:
            for step in {part.step, f"refund|{part.capture_number}"}:
                effect = seek(engine, play.command(facts, step).effect(f"{refund_id}|{step}"))
                if effect is not None and effect.state not in _NOTHING:
                    do = "Approve it: what was made is taken for ours, and nothing moves again."
                    raise Rejected("it went back already", f"refund {refund_id}", do)

    def _is_surely_unsent(self, saga: Saga[RefundFacts]) -> bool:
        """End the open step's effect, if nothing of it ever left; say whether nothing did or can.

        The saga's lease is ours: without it nobody begins the effect, and one that is withdrawn is
        sent by no janitor.
        """
        row, step = self.refunds.row(saga.key), saga.facts.step_at_stake
        if row.origin == "cancellation" or not (step and may_be_refused(saga.facts, unsent=True)):
            return False
        kind, key = kind_of(step), f"{saga.key}|{step}"
        engine = self.engine_of(self.orders.content(row.order_id).shop_id)
        effect = engine.find(kind, key)
        if effect is not None and may_be_withdrawn(effect):
            effect = engine.withdraw(kind, key, NOT_WANTED)
        return effect is None or effect.state is EffectState.withdrawn

    def try_refund_again(self, refund_id: str, who: str, *, via: str = "api") -> None:
        """Ask the gateway once more for a refund that it has refused.

        Raises:
            Rejected: it has not; or who asked for it does, where it needed a second person.
        """
        saga = self._refused(refund_id, who)
        again = replace(saga, state=RefundState.approved, facts=tried_again(saga.facts))
        told = Event("refund tried again", {"refund": refund_id}, who, via)
        self.refunds.mend(replace(again, next_at=self.refunds.now()), told)

    def pay_refund_outside(
        self, refund_id: str, reference: str, who: str, *, via: str = "api"
    ) -> None:
        """End a refund that the gateway has refused: a person has paid it, and books it by hand.

        Raises:
            Rejected: the gateway has not refused it; the reference holds a card number; or who
                asked for it says so, where it needed a second person.
        """
        refuse_in_words({"reference": reference}, f"refund {refund_id}")
        saga = self._refused(refund_id, who)
        paid = replace(saga, state=RefundState.moved, facts=paid_outside(saga.facts, reference))
        detail = {"refund": refund_id, "reference": reference}
        told = Event("refund paid outside the gateway", detail, who, via)
        self.refunds.mend(replace(paid, next_at=self.refunds.now()), told)

    def advance_refund(self, refund_id: str) -> Saga[RefundFacts]:
        """Drive a refund as far as it goes now; its order learns of what moved as it moves."""
        row = self.refunds.row(refund_id)
        order = self.orders.content(row.order_id)
        facts = self.orders.get(row.order_id).facts
        stake = Stake("refund", row.amount, NO_DESK)
        try:
            desk, engine = self.desk_of(order.shop_id), self.engine_of(order.shop_id)
        except Exception as fault:  # noqa: BLE001 - as a driver does
            return turn_away(self, self.refunds, refund_id, fault, stake, RefundState.stuck)
        customer = facts.customer if facts.is_customer_known else ""  # '': AR was never touched
        play = RefundPlay(
            row,
            order,
            desk,
            customer=customer,
            sales_order=facts.sales_order,
            all_of_order=partial(self.refunds.of_order, row.order_id),
        )
        return Driver(self.refunds, self.leases, engine, self.worker).advance(refund_id, play)

    def _refused(self, refund_id: str, who: str) -> Saga[RefundFacts]:
        """Return one that the gateway has refused, if this person may say what becomes of it."""
        saga = self.refunds.get(refund_id)
        if not is_refused(saga.facts):
            do = "Read the order's page; replay its dead letter, if it has one."
            raise Rejected(f"the gateway has not refused it: {saga.state}", refund_id, do)
        row = self.refunds.row(refund_id)
        demand_another(refund_id, row.asked_by, row.approved_by, who)
        return saga

    def left_minor(self, order_id: str, facts: OrderFacts, delivered_minor: int) -> int:
        """Return what was captured for goods that were not delivered, and no refund has promised.

        A credit note's refund gives back what was delivered: of the rest it promises nothing.
        """
        promised: Counter[str] = Counter()
        for row, saga in self.refunds.of_order(order_id):
            if saga.state != RefundState.refused:
                promised[row.origin] += row.amount.minor
        notes = promised.pop("credit_note", 0)
        return facts.captured_minor() - max(delivered_minor, notes) - promised.total()

    def _give_back(self, order: Order, facts: OrderFacts) -> None:
        """Refund what an unwound order captured and no refund has promised.

        Once, and once more for each refund that promised some of it and was then refused.
        """
        # Numbered first: who is overtaken here by another asks for the same one again.
        known = self.refunds.of_order(order.order_id)
        number = 1 + sum(row.origin == "cancellation" for row, _ in known)
        left = self.left_minor(order.order_id, facts, facts.kept_minor())
        if left <= 0:
            return
        stop = facts.stop
        self.refund(
            order.order_id,
            Money(left, order.currency),
            origin="cancellation",
            origin_key=f"{order.order_id}|{number}",
            who=stop.who if stop else "tieout",
            reason=stop.told if stop else "",  # the shop shows it to its shopper
        )
