"""What people and partners may ask of orders: place, capture, cancel, refund, decide, advance.

Everything here is safe to repeat. Facts are changed by ``amend``; money and goods move only when
the sagas are driven, in this process or by the DAG that sweeps.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.order_state import (
    ENDED,
    ENDED_BY_SELLER,
    OrderFacts,
    OrderState,
    Stop,
)
from include.domain.order_steps import name_of
from include.domain.orders import Order, PaymentSource
from include.domain.paying import closed, is_declined, paid_anew, was_declined
from include.domain.reviews import Decision, DecisionEvent, Merged
from include.domain.standing import gives_back, news_of, state_of
from include.services.effects.engine import Engine
from include.services.effects.seek import seek
from include.services.effects.store import Leases
from include.services.orders.driver import Driver
from include.services.orders.fold_decision import settled, with_decision
from include.services.orders.gateway_refusals import tried_again
from include.services.orders.place_order import OrderPlay
from include.services.orders.ports import ShopContext
from include.services.orders.refund_service import Refunding
from include.services.orders.sagas import Event, Saga
from include.services.orders.setting_back import NO_DESK, Stake
from include.services.orders.stores import DecisionBook, OrderBook, RefundBook
from include.services.orders.undrivable import turn_away
from include.services.orders.wanted_captures import with_asked, with_delivered


@dataclass(frozen=True, slots=True)
class OrderService(Refunding):
    """Order to cash over one store. ``desk_of`` and ``engine_of`` join a merchant's partners."""

    orders: OrderBook
    refunds: RefundBook
    decisions: DecisionBook
    leases: Leases
    desk_of: Callable[[str], ShopContext]  # by shop id
    engine_of: Callable[[str], Engine]  # by shop id; may open connections lazily
    worker: str
    keep_token: Callable[[Order, OrderFacts], object] = lambda _order, _facts: None

    # Asking ----------------------------------------------------------------------------------

    def place(self, order: Order, who: str) -> tuple[Saga[OrderFacts], bool]:
        """Accept an order and authorise its payment; the rest follows by ``advance``.

        Returns:
            The order as it stands (its payment decided, or pending), and whether it is new.

        Raises:
            Rejected: its number is there with other content, or the merchant's rules refuse it.
        """
        order = self.desk_of(order.shop_id).translator.normalized(order)
        self._may_place(order)
        is_asked = not (order.is_free or order.payment.request_id)
        first = OrderFacts(open_step="authorize|1" if is_asked else "", is_free=order.is_free)
        state = state_of(first) if order.is_free else OrderState.accepted
        saga, is_new = self.orders.accept(order, first, state, who)
        if saga.state in ENDED or _is_paid(saga.facts):
            return saga, is_new
        return self._drive(order, until=_is_paid), is_new

    def pay_anew(
        self, order_id: str, source: PaymentSource, who: str, *, cause: str = "", via: str = ""
    ) -> Saga[OrderFacts]:
        """Pay a declined order with another payment, under its number; a repeat changes nothing.

        ``cause`` names the request, ``via`` the door a person came by, for the audit chain.

        Returns:
            The order as it stands: its payment decided, or pending.

        Raises:
            Rejected: it is not declined or must not be paid any more (see ``paying.paid_anew``),
                the merchant's rules refuse it now, or the payment is another order's.
        """
        order, news = self.orders.content(order_id), ""

        def anew(facts: OrderFacts) -> OrderFacts:
            nonlocal news
            found = paid_anew(order, facts, source, cause)
            if found is not facts:
                self._demand_allowed(order)
            news = "" if found is facts else news_of(OrderState.declined, facts)
            return found

        known = self.orders.get(order_id).facts
        if was_declined(known) and not is_declined(known):  # its hold goes back now, not later
            self._drive(order, until=is_declined)
        told = Event("paid anew", {"method": source.method.value}, who, via)
        saga = self.orders.amend(order_id, anew, told)
        if news:  # nobody is told of the decline any more who has not heard of it
            self._withdraw_unsent(order_id, f"tell|{news}", f"callback|{news}")
        if saga.state in ENDED or _is_paid(saga.facts):
            return saga
        return self._drive(order, until=_is_paid)

    def _may_place(self, order: Order) -> None:
        """Hold a new order against the merchant's rules; one that is there already passed them."""
        try:
            self._demand_allowed(order)
        except Rejected:
            if self.orders.find(order.merchant_id, order.purchase_order) is None:
                raise

    def _demand_allowed(self, order: Order) -> None:
        desk, where = self.desk_of(order.shop_id), f"order {order.number}"
        desk.demand_open()
        desk.rules.check_amount(order.amount, where)
        desk.rules.check_country(order.shopper.ship_to.country, where)

    def capture(
        self, order_id: str, amount: Money | None, who: str, cause: str, *, via: str = ""
    ) -> None:
        """Ask for a capture; without an amount, of all that is left. The same cause asks once.

        ``cause`` is what it is for, ``via`` the door a person came by, for the audit chain.

        Raises:
            Rejected: it has ended, is held for a decision, or the amount is more than is left.
        """
        order = self.orders.content(order_id)
        self.orders.amend(
            order_id,
            lambda facts: with_asked(order, facts, amount, cause),
            _asked(cause, str(amount or "all that is left"), who, via),
        )

    def capture_delivered(
        self, order_id: str, amount: Money, cause: str, tolerance_minor: int = 0
    ) -> None:
        """Ask for the capture of goods that have left, by SYSPRO's word. The same cause asks once.

        It is noted, and captured once an open fraud decision allows it or a cancellation has come
        too late, instead of being refused for good.

        Args:
            order_id: of the order.
            amount: of the goods.
            cause: what it is for.
            tolerance_minor: by how much it may exceed what is left, which is then captured.

        Raises:
            Rejected: as ``capture``, but for what waits.
        """
        order = self.orders.content(order_id)
        self.orders.amend(
            order_id,
            lambda facts: with_delivered(order, facts, amount, cause, tolerance_minor),
            _asked(cause, str(amount), "SYSPRO", ""),
        )

    def cancel(
        self, order_id: str, who: str, why: str, *, told: str = ENDED_BY_SELLER, via: str = ""
    ) -> Saga[OrderFacts]:
        """Have an order unwound; one that is being unwound, or has been, stays as it is.

        One that was declined holds nothing: by a person's word it is paid no more. A shop's own
        word does not close it, for a shop may take its status back, and is read again then.

        Args:
            order_id: the order.
            who: asks for it.
            why: in their words, for staff.
            told: what the shopper may read of it.
            via: the door a person came by, for the audit chain.

        Raises:
            Rejected: it is invoiced or completed; money then goes back by a refund.
        """

        def stop(facts: OrderFacts) -> OrderFacts:
            if via and was_declined(facts):
                return closed(facts)
            if facts.is_invoiced and not facts.is_order_cancelled:
                do = "Credit the invoice in SYSPRO: the money then goes back by itself."
                raise Rejected(f"it is invoiced as {facts.invoice}", order_id, do)
            stop = facts.stop or Stop(who, why, told=told)
            return facts if facts.stop else replace(facts, stop=stop).with_problem("")

        saga = self.orders.get(order_id)
        has_ended = saga.state in (OrderState.cancelled, OrderState.declined) or saga.facts.stop
        if has_ended and not (via and was_declined(saga.facts)):
            return saga
        if saga.state == OrderState.completed:
            raise Rejected("it is delivered and invoiced", order_id, "Refund it instead.")
        return self._change(order_id, stop, Event("cancel asked for", {"why": why}, who, via))

    def called_off(self, order_id: str, who: str, why: str, told: Event) -> None:
        """Take in that SYSPRO ships no more of an order: what has not left is given back.

        What was invoiced of it stays paid, so one that is completed may still be called off.
        """
        saga, stop = self.orders.get(order_id), Stop(who, why)
        is_known = saga.facts.is_order_cancelled and saga.facts.stop
        if is_known or saga.state in (OrderState.declined, OrderState.cancelled):
            return

        def unwound(facts: OrderFacts) -> OrderFacts:
            """Both at once: a crash in between would leave a cancelled order's money with us."""
            facts = replace(facts, is_order_cancelled=True)
            return facts if facts.stop else replace(facts, stop=stop).with_problem("")

        self._change(order_id, unwound, told)

    def give_up(self, order_id: str, who: str, why: str, *, via: str = "") -> Saga[OrderFacts]:
        """End an order that is stuck beside SYSPRO's invoice, because a person says so.

        Its hold is released, what was captured stays, and accounts receivable has the invoice.

        Raises:
            Rejected: it is not stuck, or not invoiced.
        """
        is_stuck = self.orders.get(order_id).state == OrderState.stuck

        def stop(facts: OrderFacts) -> OrderFacts:
            if not ((is_stuck or facts.problem) and facts.is_invoiced):
                do = "Do what its page says; one that is not invoiced can be cancelled."
                raise Rejected("it is not stuck beside an invoice", order_id, do)
            return replace(facts, stop=Stop(who, why, keeps_invoice=True)).with_problem("")

        return self._change(order_id, stop, Event("given up", {"why": why}, who, via))

    def hold_is_gone(self, order_id: str, who: str, why: str, *, via: str = "") -> Saga[OrderFacts]:
        """Take a person's word that a hold which cannot be reversed holds nothing any more.

        Raises:
            Rejected: it is not stuck in a reversal.
        """

        def gone(facts: OrderFacts) -> OrderFacts:
            name = name_of(facts.refused or facts.open_step) if facts.problem else ""
            if name not in ("reverse", "reverse_old"):
                do = "Do what its page says; a hold that can be reversed is."
                raise Rejected("it is not stuck in a reversal", order_id, do)
            freed = replace(facts, open_step="").with_problem("")
            if name == "reverse_old":
                return replace(freed, replaced=None)
            return replace(freed, is_reversed=True)

        return self.orders.amend(order_id, gone, Event("hold is gone", {"why": why}, who, via))

    def try_again(self, order_id: str, who: str, *, via: str = "") -> Saga[OrderFacts]:
        """Ask the gateway once more for a capture or a reversal that it has refused.

        Raises:
            Rejected: it has refused none.
        """
        return self.orders.amend(order_id, tried_again, Event("tried again", {}, who, via))

    def decide(self, event: DecisionEvent) -> Merged | None:
        """Take a fraud decision in; ``None``: no order is known for it yet.

        A decision against an earlier one blocks the capture and waits for a person.
        """
        order_id = self.orders.by_request(event.request_id)
        if order_id is None:
            self.decisions.record(event, "", None)
            return None
        outcome: list[Merged] = []

        def take(facts: OrderFacts) -> OrderFacts:
            found, merged = with_decision(facts, event)
            outcome[:] = [merged]
            return found

        words = f"decision {event.decision}"
        detail = {"origin": event.origin, "reviewer": event.reviewer, "at": str(event.at)}
        self._change(order_id, take, Event(words, detail, event.reviewer))
        self.decisions.record(event, order_id, outcome[0])
        return outcome[0]

    def settle_contradiction(
        self, order_id: str, decision: Decision, who: str, *, why: str = "", via: str = ""
    ) -> None:
        """Let a person end two decisions against each other.

        Raises:
            Rejected: there are none.
        """
        told = Event(f"contradiction settled: {decision}", {"why": why} if why else {}, who, via)
        self._change(order_id, partial(settled, decision=decision, who=who), told)

    # Moving ----------------------------------------------------------------------------------

    def advance(self, order_id: str) -> Saga[OrderFacts]:
        """Drive an order as far as it goes now; its captures go back if it is being unwound."""
        return self.carry_on(self.orders.content(order_id))

    def book(self, order: Order) -> Saga[OrderFacts]:
        """Drive an order until SYSPRO has it, or as far as it goes; ``carry_on`` does the rest."""
        return self._drive(order, until=_is_booked)

    def carry_on(self, order: Order) -> Saga[OrderFacts]:
        """Drive an order as ``advance`` does, where it has been read already."""
        return self._drive(order)

    def _drive(
        self, order: Order, until: Callable[[OrderFacts], bool] = lambda _facts: False
    ) -> Saga[OrderFacts]:
        order_id, stake = order.order_id, Stake("order", order.amount, NO_DESK)
        try:
            desk, engine = self.desk_of(order.shop_id), self.engine_of(order.shop_id)
        except Exception as fault:  # noqa: BLE001 - as a driver does
            return turn_away(self, self.orders, order_id, fault, stake, OrderState.stuck)
        driver = Driver(self.orders, self.leases, engine, self.worker)
        seeking = partial(seek, engine) if engine.is_doubted() else None
        play = OrderPlay(order, desk, engine.find, seeking)
        saga = driver.advance(order_id, play, until=until)
        facts = saga.facts
        if facts.payment is not None and facts.payment.stored is not None:
            self.keep_token(order, facts)
        if gives_back(facts):
            self._give_back(order, facts)
        return saga

    def sweep(
        self,
        merchants: Sequence[str],
        limit: int,
        goes_on: Callable[[], bool] = lambda: True,
        *,
        orders: int | None = None,
    ) -> int:
        """Drive what is due of these merchants, the oldest order first; return how many.

        Args:
            merchants: whose orders and refunds.
            limit: of each.
            orders: of orders, where others have been driven already; ``None``: ``limit``.
            goes_on: whether SYSPRO is up, asked before each; once it is down the orders that wait
                for it are left alone, and what may need only the gateway is driven.

        Raises:
            ExceptionGroup: at the end, if some could not be driven; the others were.
        """
        done, broken = 0, list[Exception]()
        most = limit if orders is None else orders
        for is_up in (True, False):
            if goes_on() is not is_up:
                continue
            for drive, key in self._due(merchants, limit, most, is_erp_down=not is_up):
                if is_up and not goes_on():
                    break
                try:
                    drive(key)
                    done += 1
                except Exception as error:  # noqa: BLE001 - one must not stop the rest
                    broken.append(error)
        if broken:
            raise ExceptionGroup(f"{len(broken)} sagas could not be driven", broken)
        return done

    def _due(
        self, merchants: Sequence[str], limit: int, most: int, *, is_erp_down: bool
    ) -> Iterator[tuple[Callable[[str], object], str]]:
        """Yield orders, then refunds, then the orders that the refunds have moved on."""
        due = partial(self.orders.due, merchants, most, is_erp_down=is_erp_down)
        yield from ((self.advance, one) for one in due())
        refunds = self.refunds.due(merchants, limit)
        yield from ((self.advance_refund, one) for one in refunds)
        if refunds:
            yield from ((self.advance, one) for one in due())


def _asked(cause: str, amount: str, who: str, via: str) -> Event:
    return Event("capture asked for", {"cause": cause, "amount": amount}, who, via)


def _is_paid(facts: OrderFacts) -> bool:
    """Say whether the bank has answered, or is not asked: all that a shopper waits for."""
    return facts.payment is not None or facts.is_free


def _is_booked(facts: OrderFacts) -> bool:
    return bool(facts.sales_order)
