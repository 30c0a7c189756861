"""The saga of one refund: approval, the gateway, the books, SYSPRO's note, the shop.

A void that comes too late becomes a refund. Nothing is ever refunded twice: each part is an effect
under its own key, and what a refund may give was reserved with the order before it was made.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from include.domain.canonical import from_json
from include.domain.erp_orders import SetCustomField
from include.domain.money import Money
from include.domain.order_lines import part_of
from include.domain.order_steps import name_of, number_of
from include.domain.orders import Order, reference_of
from include.domain.payments import Moved, Refund, Void
from include.domain.refunds import Part, RefundFacts, RefundRow, RefundState, Ruling, Way
from include.services.effects.ports import Effect, EffectKind, EffectState
from include.services.orders.closed_periods import moved
from include.services.orders.commands import Command
from include.services.orders.driver import Move, Perform, Rest
from include.services.orders.folds import NOT_PASSED_ON, is_there
from include.services.orders.ports import ShopContext
from include.services.orders.sagas import Event, Saga
from include.services.orders.setting_back import Stake

_LONGEST_NOTE = 60  # characters of the custom form's field, as shops.yaml has it designed
_KINDS: Mapping[str, EffectKind] = {
    "void": EffectKind.payment_void,
    "refund": EffectKind.payment_refund,
    "book": EffectKind.ar_receipt,
    "note": EffectKind.custom_field,
    "tell": EffectKind.shop_refund,
    "callback": EffectKind.shop_callback,
}
# What the shop's server is told: who asked waits for it, and nothing else would call them back.
CALLED_BACK = (RefundState.waiting, RefundState.refused, RefundState.moved)


Refunds = Sequence[tuple[RefundRow, Saga[RefundFacts]]]


class RefundPlay:
    """Satisfies ``driver.Play`` for one refund."""

    def __init__(
        self,
        row: RefundRow,
        order: Order,
        desk: ShopContext,
        *,
        customer: str,
        sales_order: str,
        all_of_order: Callable[[], Refunds] = tuple,
    ) -> None:
        """Join the parts; ``all_of_order`` reads the order's refunds, the oldest first."""
        self.row = row
        self.order = order
        self.desk = desk
        self._customer = customer
        self._sales_order = sales_order
        self._all_of_order = all_of_order

    # Deciding --------------------------------------------------------------------------------

    def state_of(self, facts: RefundFacts) -> str:
        if facts.ruling is Ruling.refused:
            return RefundState.refused
        if facts.problem:
            return RefundState.stuck
        if facts.ruling is Ruling.none:
            return RefundState.waiting
        if all(part.request_id for part in facts.parts):
            return RefundState.moved
        return RefundState.moving if facts.step_at_stake else RefundState.approved

    def next_move(self, facts: RefundFacts, _now: datetime) -> Move:
        """Money first, then the books, then the words.

        The shop's server hears before the books: SYSPRO may be down for hours, and the money is
        on its way.
        """
        state = self.state_of(facts)
        is_news = state in CALLED_BACK and state != facts.callback_state
        if is_news and self.desk.callback_target:
            return Perform(f"callback|{state}")
        return self._next(facts)

    def _next(self, facts: RefundFacts) -> Move:
        if facts.ruling is Ruling.refused:  # a sweep had listed it before somebody said no
            return Rest(RefundState.refused, self.row.reason)
        if facts.problem:
            return Rest(RefundState.stuck, facts.problem)
        if facts.ruling is Ruling.none:
            return Rest(RefundState.waiting, "a second person approves it")
        for part in facts.parts:
            if not part.request_id:
                return Perform(part.step)
        for part in facts.parts:
            if self._customer and not part.receipt:
                return Perform(f"book|{part.capture_number}")
        if self.desk.refund_form[0] and self._sales_order and not facts.is_noted:
            return Perform("note|1")
        if self.row.origin != "shop" and self.desk.tells_refunds and not facts.is_told:
            return Perform("tell|1")
        return Rest(RefundState.done)

    def kind_of(self, step: str) -> EffectKind:
        return kind_of(step)

    def is_wanted(self, facts: RefundFacts, step: str) -> bool:
        return True

    def is_detached(self, step: str) -> bool:
        return name_of(step) in ("note", "tell", "callback")

    def may_abandon(self, facts: RefundFacts, effect: Effect) -> bool:
        return False

    def leave(self, facts: RefundFacts, step: str) -> RefundFacts:
        raise ValueError(f"{step}: no step of a refund is left behind")

    def begin(self, facts: RefundFacts, step: str) -> RefundFacts:
        return replace(facts, open_step=step)

    def fail(self, facts: RefundFacts, problem: str) -> RefundFacts:
        return replace(facts, problem=problem)

    def at_stake(self) -> Stake:
        return Stake("refund", self.row.amount, self.desk.owner)

    def open_step(self, facts: RefundFacts) -> str:
        return facts.open_step

    def problem(self, facts: RefundFacts) -> str:
        return facts.problem

    # Building --------------------------------------------------------------------------------

    def command(self, facts: RefundFacts, step: str) -> Command:
        name, row, desk = name_of(step), self.row, self.desk
        if name == "callback":
            state = RefundState(step.partition("|")[2])
            content: object = desk.translator.refund_callback(
                self.order, row, state, desk.clock.now()
            )
            return self._command(step, content, desk.callback_target, Money(0, row.amount.currency))
        if name == "tell":
            content = desk.translator.shop_refund(self.order, row)
            return self._command(step, content, desk.shop_target, row.amount)
        if name == "note":
            form, field = desk.refund_form
            value = self._references(facts)
            content = SetCustomField(desk.company_id, form, self._sales_order, field, value)
            return self._command(step, content, desk.company_id, Money(0, self.order.currency))
        part = _part(facts, number_of(step))
        if name == "book":
            reference = reference_of(f"{row.refund_id}|{step}")
            moved_date = part.moved_date or desk.today
            content = desk.translator.receipt(
                self.order, self._customer, -part.amount, moved_date, reference
            )
            return self._command(step, content, desk.company_id, part.amount, reference)
        return self._command(step, self._give(name, part), desk.organization_id, part.amount)

    def moved(self, effect: Effect) -> Command | None:
        return moved(effect, self.order, self.desk)

    def _references(self, facts: RefundFacts) -> str:
        """Return what has moved of this refund, then of the others of its order, the newest first.

        The field is the sales order's: this refund's alone would overwrite theirs. The oldest are
        left out where it is too short.
        """
        others = (
            it.facts for row, it in self._all_of_order() if row.refund_id != self.row.refund_id
        )
        known = [p.request_id for one in (facts, *reversed([*others])) for p in one.parts]
        value = ""
        for reference in dict.fromkeys(filter(None, known)):
            longer = f"{value} {reference}".strip()
            if len(longer) > _LONGEST_NOTE and value:
                break
            value = longer
        return value

    def _give(self, name: str, part: Part) -> object:
        order, organization = self.order, self.desk.organization_id
        captured_by = reference_of(f"{order.order_id}|capture|{part.capture_number}")
        if name == "void":
            return Void(
                order.order_id,
                organization,
                order.purchase_order,
                "captures",
                part.capture_id,
                part.amount,
                captured_by,
            )
        return Refund(
            order.order_id,
            self.row.refund_id,
            organization,
            order.purchase_order,
            part.capture_id,
            part.amount,
            captured_by,
            part_of(order.lines, part.amount),
        )

    def _command(
        self, step: str, content: object, target: str, amount: Money, reference: str = ""
    ) -> Command:
        return Command.of(self.desk, self.kind_of(step), content, target, amount, reference)

    # Folding ---------------------------------------------------------------------------------

    def fold(
        self, facts: RefundFacts, step: str, effect: Effect, _now: datetime
    ) -> tuple[RefundFacts, Event]:
        name = name_of(step)
        if name == "callback":
            state = step.partition("|")[2]
            told = Event("refund: callback begun", {"refund": self.row.refund_id, "state": state})
            return replace(facts, callback_state=state), told
        if name == "tell":
            words = "shop told" if is_there(effect) else "telling the shop begun"
            return replace(facts, is_told=True), Event(f"refund: {words}")
        if name == "note":
            words = "noted in SYSPRO" if is_there(effect) else "not noted in SYSPRO yet"
            return replace(facts, is_noted=True), Event(f"refund: {words}")
        if name == "book":
            found = json.loads(effect.evidence or "{}")
            receipt = str(found.get("journal") or effect.their_key)
            return _with_part(facts, step, receipt=receipt), Event(
                "refund: booked in SYSPRO", {"journal": receipt}
            )
        return _gave(facts, step, effect, self.desk.day_of(effect.sent_at))

    def answer(
        self, facts: RefundFacts, question: str, _now: datetime
    ) -> tuple[RefundFacts, Event | None]:
        raise ValueError(f"a refund asks nothing, not even {question!r}")


def kind_of(step: str) -> EffectKind:
    """Name the effect behind a step."""
    return _KINDS[name_of(step)]


def _gave(
    facts: RefundFacts, step: str, effect: Effect, moved_date: date
) -> tuple[RefundFacts, Event]:
    found = from_json(Moved, effect.evidence)
    detail = {"amount": str(Money(effect.amount_minor, effect.currency)), "theirs": found.theirs}
    detail |= {"lines": NOT_PASSED_ON} if found.passed_on is False else {}
    if effect.state is not EffectState.declined:
        facts = _with_part(facts, step, request_id=found.request_id, moved_date=moved_date)
        return facts, Event(f"{name_of(step)} made", {**detail, "request_id": found.request_id})
    if name_of(step) == "void":  # a batch has taken the capture meanwhile
        return _with_part(facts, step, way=Way.refund), Event("void too late: refunded", detail)
    problem = f"the gateway refused the refund: {found.theirs} {found.reason}"
    return replace(facts, problem=problem), Event("refund refused", {**detail, "why": problem})


def _part(facts: RefundFacts, number: int) -> Part:
    return next(part for part in facts.parts if part.capture_number == number)


def _with_part(facts: RefundFacts, step: str, **changed: object) -> RefundFacts:
    number = number_of(step)
    parts = tuple(
        replace(part, **changed) if part.capture_number == number else part  # type: ignore[arg-type]
        for part in facts.parts
    )
    return replace(facts, parts=parts)
