"""The saga of one order: how each step is built, and how it is driven.

``steps.py`` names the steps and what takes each back; ``moves.py`` decides what comes next;
``folds.py`` and ``answers.py`` say what an answer changes.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from include.domain.erp_orders import ApplyReceipt, MoveSalesOrder, OrderMove, SetCustomField
from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.order_lines import part_of
from include.domain.order_state import Captured, OrderFacts, OrderState
from include.domain.order_steps import name_of, number_of
from include.domain.orders import Order, reference_of
from include.domain.paying import is_shops, source_of
from include.domain.payments import Authorize, Authorized, Capture, Reverse
from include.domain.standing import is_for_delivered, is_too_late, state_of
from include.services.effects.ports import Effect, EffectKind, EffectState
from include.services.effects.states import SETTLED
from include.services.orders.answers import ANSWERS
from include.services.orders.applications import applies_receipts, receipt_reference
from include.services.orders.closed_periods import moved
from include.services.orders.commands import Command
from include.services.orders.driver import Move
from include.services.orders.folds import FOLDS, Folding, reason_to_suspend
from include.services.orders.forgotten import FORGOTTEN
from include.services.orders.moves import Situation, next_capture, next_move
from include.services.orders.ports import ShopContext
from include.services.orders.renewals import renewal_source, renewed, skips_decision
from include.services.orders.sagas import Event
from include.services.orders.setting_back import Stake
from include.services.orders.steps import FORWARD, STEPS, UNWINDING
from include.services.orders.whose_customer import account_of

Seek = Callable[[Effect], Effect | None]  # None: it is not there
Find = Callable[[EffectKind, str], Effect | None]


class OrderPlay:
    """Satisfies ``driver.Play`` for one order."""

    def __init__(
        self, order: Order, desk: ShopContext, find: Find, seek: Seek | None = None
    ) -> None:
        """Join the parts; ``seek`` asks for what a doubted store may have forgotten."""
        self.order = order
        self.desk = desk
        self.find = find
        self.seek = seek

    # Deciding --------------------------------------------------------------------------------

    def state_of(self, facts: OrderFacts) -> str:
        return state_of(facts)

    def next_move(self, facts: OrderFacts, now: datetime) -> Move:
        desk = self.desk
        return next_move(
            Situation(
                self.order,
                facts,
                desk.rules,
                now,
                notes_payment=bool(desk.payment_form[0]),
                notes_token=bool(desk.token_form[0]),
                told_states=desk.told_states,
                calls_back=bool(desk.callback_target),
                # Asked for only then: a checkout reads no connection of SYSPRO.
                applies_receipts=bool(facts.invoices) and applies_receipts(desk),
                is_doubted=self.seek is not None,
            )
        )

    def kind_of(self, step: str) -> EffectKind:
        return STEPS[name_of(step)].kind

    def is_wanted(self, facts: OrderFacts, step: str) -> bool:
        return is_wanted(facts, step)

    def is_detached(self, step: str) -> bool:
        return STEPS[name_of(step)].is_detached

    def may_abandon(self, facts: OrderFacts, effect: Effect) -> bool:
        if facts.stop is None or effect.state is not EffectState.rejected:
            return False
        name = name_of(facts.open_step)
        if name == "cancel_order":  # SYSPRO has invoiced it, or ended it, and nobody asks again
            is_over = facts.is_order_cancelled or facts.stop.keeps_invoice
            return is_over or is_too_late(facts)
        if is_for_delivered(facts, facts.open_step):
            return facts.stop.keeps_invoice
        return name not in UNWINDING

    def leave(self, facts: OrderFacts, step: str) -> OrderFacts:
        return replace(facts, open_step="", left_behind=(*facts.left_behind, step))

    def begin(self, facts: OrderFacts, step: str) -> OrderFacts:
        return facts.but(open_step=step)

    def fail(self, facts: OrderFacts, problem: str) -> OrderFacts:
        return facts if facts.problem == problem else facts.with_problem(problem)

    def at_stake(self) -> Stake:
        return Stake("order", self.order.amount, self.desk.owner)

    def open_step(self, facts: OrderFacts) -> str:
        return facts.open_step

    def problem(self, facts: OrderFacts) -> str:
        return facts.problem

    # Building --------------------------------------------------------------------------------

    def command(self, facts: OrderFacts, step: str) -> Command:
        build: Mapping[str, Callable[[OrderFacts, str], Command]] = {
            "authorize": self._authorize,
            "customer": self._customer,
            "sales_order": self._sales_order,
            "hold": self._move,
            "release": self._move,
            "cancel_order": self._move,
            "note_payment": self._note,
            "note_token": self._note,
            "capture": self._capture,
            "receipt": self._receipt,
            "apply": self._apply,
            "reverse": self._reverse,
            "reverse_old": self._reverse,
            "tell": self._tell,
            "callback": self._callback,
        }
        return build[name_of(step)](facts, step)

    def moved(self, effect: Effect) -> Command | None:
        return moved(effect, self.order, self.desk)

    def _at_gateway(self, step: str, content: object, amount: Money) -> Command:
        target = self.desk.organization_id
        return Command.of(self.desk, self.kind_of(step), content, target, amount)

    def _in_erp(self, step: str, content: object, amount: Money, reference: str = "") -> Command:
        target = self.desk.company_id
        return Command.of(self.desk, self.kind_of(step), content, target, amount, reference)

    def _authorize(self, facts: OrderFacts, step: str) -> Command:
        order, attempt = self.order, number_of(step)
        is_renewal = attempt > facts.attempt
        amount = order.amount
        if is_renewal:  # of what is not captured yet
            amount -= Money(facts.captured_minor(), order.currency)
        before = reference_of(f"{order.order_id}|authorize|{attempt - 1}") if attempt > 1 else ""
        content = Authorize(
            order.order_id,
            attempt,
            self.desk.organization_id,
            order.purchase_order,
            amount,
            (renewal_source(order, facts) if is_renewal else None) or source_of(order, facts),
            order.shopper,
            order.lines if amount == order.amount else (),  # they add up to nothing less
            skips_decision(facts) if is_renewal else facts.skips_decision,
            self._known_reference(facts) if is_renewal else before,
            renewed(facts) if is_renewal else None,
            order.buyer,
        )
        return self._at_gateway(step, content, amount)

    def _customer(self, facts: OrderFacts, step: str) -> Command:
        content = self.desk.translator.add_customer(self.order, facts.customer)
        command = self._in_erp(step, content, Money(0, self.order.currency), facts.customer)
        return replace(command, is_shared=True)  # by the other orders of this shopper

    def _sales_order(self, facts: OrderFacts, step: str) -> Command:
        content = self.desk.translator.add_sales_order(
            self.order,
            facts.customer or self._whose(),
            self.desk.today,
            is_suspended=bool(reason_to_suspend(facts)),
            is_short=facts.stock == "accepted",
        )
        return self._in_erp(step, content, self.order.amount, self.order.purchase_order)

    def _whose(self) -> str:
        """Name the customer of an order that is looked for before anybody has asked whose it is."""
        return account_of(self.order, self.desk, "")[0].customer

    def _move(self, facts: OrderFacts, step: str) -> Command:
        move = {"hold": OrderMove.hold, "release": OrderMove.release}.get(
            name_of(step), OrderMove.cancel
        )
        content = MoveSalesOrder(
            self.desk.company_id,
            facts.sales_order,
            self.order.purchase_order,
            move,
            authority=self.desk.credit_authority if move is OrderMove.release else "",
        )
        return self._in_erp(step, content, self.order.amount)

    def _note(self, facts: OrderFacts, step: str) -> Command:
        is_token = name_of(step) == "note_token"
        form, name = self.desk.token_form if is_token else self.desk.payment_form
        stored = facts.payment.stored if facts.payment else None
        token = stored.customer_token if stored else ""
        value = token if is_token else _payment(facts).request_id
        key = facts.customer if is_token else facts.sales_order
        content = SetCustomField(self.desk.company_id, form, key, name, value)
        return self._in_erp(step, content, Money(0, self.order.currency))

    def _capture(self, facts: OrderFacts, step: str) -> Command:
        wanted = next_capture(self.order, facts, self.desk.rules)
        content = Capture(
            self.order.order_id,
            number_of(step),
            self.desk.organization_id,
            self.order.purchase_order,
            _payment(facts).request_id,
            wanted.amount,
            wanted.is_final,
            self._known_reference(facts),
            sequence=len(facts.drawn) + 1,
            lines=part_of(self.order.lines, wanted.amount),
        )
        return self._at_gateway(step, content, wanted.amount)

    def _receipt(self, facts: OrderFacts, step: str) -> Command:
        captured = _captured(facts, number_of(step))
        reference = reference_of(f"{self.order.order_id}|{step}")
        content = self.desk.translator.receipt(
            self.order, facts.customer, captured.amount, captured.captured_date, reference
        )
        return self._in_erp(step, content, captured.amount, reference)

    def _apply(self, facts: OrderFacts, step: str) -> Command:
        planned = next(one for one in facts.applications if one.number == number_of(step))
        reference = receipt_reference(self.order, planned.capture)
        content = ApplyReceipt(
            company_id=self.desk.company_id,
            customer=facts.customer,
            purchase_order=self.order.purchase_order,
            receipt_reference=reference,
            invoice=planned.invoice,
            amount=planned.amount,
            receipt_left=planned.receipt_left,
            invoice_left=planned.invoice_left,
            bank=self.desk.translator.clearing_bank(planned.amount.currency),
            posting_date=self.desk.today,
        )
        return self._in_erp(step, content, planned.amount)

    def _reverse(self, facts: OrderFacts, step: str) -> Command:
        old = facts.replaced if name_of(step) == "reverse_old" else facts.payment
        if old is None or old.authorized is None:
            raise ValueError(f"{self.order.order_id}: nothing to reverse")
        why = facts.stop.why if facts.stop else "a newer authorisation replaces it"
        content = Reverse(
            self.order.order_id,
            self.desk.organization_id,
            self.order.purchase_order,
            old.request_id,
            old.authorized,  # what it answered, not what was asked for
            why,
            self._known_reference(facts),
            is_after_void=bool(facts.drawn_on(old.request_id)),
        )
        return self._at_gateway(step, content, old.authorized)

    def _known_reference(self, facts: OrderFacts) -> str:
        """Return the reference of what we did last for this order; '' where the shop did it."""
        if not is_shops(self.order, facts):
            return reference_of(f"{self.order.order_id}|authorize|{facts.attempt}")
        number = facts.captures[0].number if facts.captures else 0
        return reference_of(f"{self.order.order_id}|capture|{number}") if number else ""

    def _tell(self, facts: OrderFacts, step: str) -> Command:
        content = self.desk.translator.shop_update(self.order, facts, _state_told(step))
        return self._no_money(step, content, self.desk.shop_target)

    def _callback(self, facts: OrderFacts, step: str) -> Command:
        desk, order = self.desk, self.order
        content = desk.translator.callback(order, facts, _state_told(step), desk.clock.now())
        return self._no_money(step, content, desk.callback_target)

    def _no_money(self, step: str, content: object, target: str) -> Command:
        nothing = Money(0, self.order.currency)
        return Command.of(self.desk, self.kind_of(step), content, target, nothing)

    # Folding ---------------------------------------------------------------------------------

    def fold(
        self, facts: OrderFacts, step: str, effect: Effect, now: datetime
    ) -> tuple[OrderFacts, Event]:
        return FOLDS[name_of(step)](Folding(self.desk, self.order, facts, step, effect, now))

    def answer(
        self, facts: OrderFacts, question: str, now: datetime
    ) -> tuple[OrderFacts, Event | None]:
        if question.startswith(FORGOTTEN):
            return self._sought(facts, question.removeprefix(FORGOTTEN), now)
        if question == "applications":
            facts = self._with_refused(facts)
        return ANSWERS[question](self.order, self.desk, facts, now)

    def _with_refused(self, facts: OrderFacts) -> OrderFacts:
        """Note what SYSPRO took nothing of: no step waits for an application to end."""

        def is_refused(number: int) -> bool:
            effect = self.find(EffectKind.ar_application, self._key(f"apply|{number}"))
            return effect is not None and effect.state is EffectState.rejected

        known = facts.applications
        return replace(
            facts,
            applications=tuple(replace(a, is_refused=is_refused(a.number)) for a in known),
        )

    def _sought(
        self, facts: OrderFacts, step: str, now: datetime
    ) -> tuple[OrderFacts, Event | None]:
        """Take in a step that was made and forgotten; what then undoes it follows by itself."""
        effect = self.seek and self.seek(self.command(facts, step).effect(self._key(step)))
        facts = replace(facts, steps_sought=(*facts.steps_sought, step))
        nothing = [EffectState.rejected, EffectState.withdrawn]
        nothing += [EffectState.declined] if step in facts.left_behind else []  # known already
        if effect is None or effect.state in nothing:
            return facts, None
        if effect.state in SETTLED:
            return self.fold(facts, step, effect, now)
        where, do = (
            f"order {self.order.number}",
            "See the dead letter of the effect, if it has one.",
        )
        raise Rejected(f"{step} was made and forgotten: {effect.reason}", where, do)

    def _key(self, step: str) -> str:
        return f"{self.order.order_id}|{step}"


def is_wanted(facts: OrderFacts, step: str) -> bool:
    """An order that is stopped takes no step forward; two decisions take no money."""
    name = name_of(step)
    if name == "capture" and facts.is_contradicted:
        return False
    if is_for_delivered(facts, step):
        return True
    return facts.stop is None or name not in FORWARD


def _state_told(step: str) -> OrderState:
    """``tell|captured.2`` tells of the state captured."""
    return OrderState(step.partition("|")[2].partition(".")[0])


def _payment(facts: OrderFacts) -> Authorized:
    if facts.payment is None:
        raise ValueError("there is no authorisation")
    return facts.payment


def _captured(facts: OrderFacts, number: int) -> Captured:
    return next(one for one in facts.captures if one.number == number)
