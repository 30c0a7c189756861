"""What each finished step of an order changes in its facts, and its line of the timeline."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from include.domain.canonical import from_json
from include.domain.erp_orders import SUSPENDED
from include.domain.money import Money
from include.domain.order_state import (
    CREDIT_HOLDS,
    FOUND_IN_SUSPENSE,
    Captured,
    OrderFacts,
    OrderState,
    Stop,
)
from include.domain.order_steps import name_of, number_of
from include.domain.orders import Order
from include.domain.paying import begun_anew, was_declined
from include.domain.payments import Authorized, Capture, Moved, PaymentStatus
from include.domain.reviews import Decision
from include.domain.standing import holds_money, is_for_delivered, is_under_review, was_reviewed
from include.services.effects.ports import Effect, EffectState
from include.services.effects.states import EXECUTED
from include.services.orders.gateway_refusals import with_refusal
from include.services.orders.own_letters import TIEOUT
from include.services.orders.ports import ShopContext
from include.services.orders.sagas import Event

NOT_PASSED_ON = "not passed on to the processor (Level III)"
Folded = tuple[OrderFacts, Event]


@dataclass(frozen=True, slots=True)
class Folding:
    """A finished step, and the facts that it is taken into."""

    desk: ShopContext
    order: Order
    facts: OrderFacts
    step: str
    effect: Effect
    now: datetime

    @property
    def number(self) -> int:
        return number_of(self.step)

    @property
    def evidence(self) -> dict[str, Any]:
        """Return what the partner's answer showed; empty where it showed nothing."""
        found: dict[str, Any] = json.loads(self.effect.evidence or "{}")
        return found


Fold = Callable[[Folding], Folded]


def reason_to_suspend(facts: OrderFacts) -> str:
    """Say why a sales order must not be worked on yet; '' if it may."""
    if is_under_review(facts):
        return "review"
    return facts.credit if facts.credit in CREDIT_HOLDS else ""


def _authorized(it: Folding) -> Folded:
    found = from_json(Authorized, it.effect.evidence)
    if it.number > it.facts.attempt and was_declined(it.facts):  # paid anew, and forgotten
        held = it.facts.payment if holds_money(it.facts) else it.facts.replaced
        anew = replace(it, facts=begun_anew(it.facts, it.number))
        facts, told = _with_authorized(anew, found, held)
        if facts.is_closed and not was_declined(facts):  # cancelled before it was found again
            facts = replace(facts, stop=Stop(TIEOUT, "it was cancelled after its decline"))
        return facts, told
    if it.number > it.facts.attempt:
        return _renewed(it, found)
    return _with_authorized(it, found, it.facts.replaced)


def _renewed(it: Folding, found: Authorized) -> Folded:
    """Take in another authorisation of what is not captured yet, in place of the one there is."""
    facts, old = it.facts, it.facts.payment
    is_partial = found.status is PaymentStatus.partial and it.desk.rules.reverse_partial
    # An order of which something has left is not called off by it any more.
    has_begun = facts.is_invoiced or bool(facts.captures)
    is_unwanted = is_partial or (found.status is PaymentStatus.risk_declined and has_begun)
    if found.authorized is None or is_unwanted:
        # The old hold is good for some time yet: it is used, and a person learns of it. What was
        # approved all the same is given back.
        why = f"{found.theirs} {found.reason}".strip()
        held = found if found.authorized is not None else None
        facts = replace(facts, attempt=it.number, unrenewed=why, replaced=held)
        return facts, Event("renewal declined", {"reason": why, "request_id": found.request_id})
    if old is not None:
        # The series goes on with the token and the network's id of the shopper's own payment.
        first_id = old.network_id or found.network_id
        found = replace(found, stored=found.stored or old.stored, network_id=first_id)
    # What captures were drawn on is not given back any more: its rest lapses with its days.
    return _with_authorized(it, found, old if facts.is_unspent else facts.replaced)


def _with_authorized(it: Folding, found: Authorized, replaced: Authorized | None) -> Folded:
    """Take an answered attempt in; ``replaced`` is another one that still holds money."""
    sent_at, effect = it.effect.sent_at or it.now, it.effect
    facts = with_payment(it.desk, it.facts, found, sent_at, it.now, is_anew=it.number > 1)
    held, beyond = found.authorized, 0
    if held is not None and held.currency == effect.currency:
        beyond = max(0, held.minor - effect.amount_minor)
    facts = replace(facts, attempt=it.number, replaced=replaced, beyond_minor=beyond)
    if held is not None and held.currency != effect.currency:
        # Its amount says nothing about the order's: a person looks, and the hold is not forgotten.
        problem = f"the gateway approved {found.authorized} of an order in {effect.currency}"
        facts = facts.with_problem(problem)
    return facts, payment_event(found)


def with_payment(
    desk: ShopContext,
    facts: OrderFacts,
    found: Authorized,
    sent_at: datetime,
    now: datetime,
    *,
    is_anew: bool = False,
) -> OrderFacts:
    """Take an authorisation in. Its life began when the bank made it, however late we hear of it.

    Args:
        desk: of the shop.
        facts: as they are.
        found: the authorisation.
        sent_at: when it was asked for, where the gateway does not say when it was made.
        now: no authorisation was made later than that.
        is_anew: not the order's first, so that no decision can be about it yet. (About the first
            one may be: a decision can be heard before its payment.)
    """
    rules = desk.rules
    made_at = sent_at if desk.has_fixed_day else found.at or sent_at
    expires_at = (
        rules.authorization_expires_at(min(made_at, now), found.brand) if found.authorized else None
    )
    facts = replace(facts, payment=found, expires_at=expires_at)
    is_review = found.status in (PaymentStatus.in_review, PaymentStatus.review_first)
    # A reject is about the order, whichever request it names: no renewal takes it back.
    is_open = facts.decision is None or (is_anew and facts.decision is not Decision.reject)
    if is_review and is_open:
        facts = replace(facts, decision=Decision.review, decided_by="")
    is_unwanted = found.status is PaymentStatus.risk_declined or (
        found.status is PaymentStatus.partial and rules.reverse_partial
    )
    if is_unwanted and facts.stop is None:
        why = f"{found.theirs} {found.reason}".strip()
        facts = replace(facts, stop=Stop("gateway", why, OrderState.declined))
    return facts


def payment_event(found: Authorized) -> Event:
    detail = {
        "status": found.theirs,
        "reason": found.reason,
        "request_id": found.request_id,
        "authorized": str(found.authorized) if found.authorized else "nothing",
        "token_failure": found.token_failure,
    }
    return Event(f"payment {found.status}", {k: v for k, v in detail.items() if v})


def is_there(effect: Effect) -> bool:
    """Say whether it is made; what is detached is folded in once it is begun, however it ends."""
    return effect.state in EXECUTED


def _customer_there(it: Folding) -> Folded:
    facts = replace(it.facts, is_customer_known=True)
    return facts, Event("customer in SYSPRO", {"customer": facts.customer})


def _sales_order_there(it: Folding) -> Folded:
    facts, effect, found = it.facts, it.effect, it.evidence
    number = str(found.get("sales_order") or effect.their_key)
    # As it was sent, not as it would be sent now: the review may have ended meanwhile.
    sent = json.loads(effect.payload)
    ours = reason_to_suspend(facts) or "review"
    reason = ours if sent["is_suspended"] else _found_suspended(it)
    facts = replace(facts, sales_order=number, is_suspended=bool(reason), suspense_reason=reason)
    # Whoever has an order there is a customer, whichever of the two was looked for.
    customer = facts.customer or str(sent["customer"])
    facts = replace(facts, customer=customer, is_customer_known=True)
    # Before it was sent it was not there: no clerk can have done anything to it earlier.
    facts = replace(facts, looked_at=effect.sent_at)
    detail = {"sales_order": number, "held": reason, "warnings": found.get("warnings", [])}
    if left_out := it.desk.translator.left_out(it.order):  # whoever packs may need it
        detail["left out"] = list(left_out)
    return facts, Event("sales order in SYSPRO", detail)


def _found_suspended(it: Folding) -> str:
    """Say why an order that a store had forgotten is in suspense; '' where it is not.

    Our own review has left it there, and releases it; what else did is released by a clerk.
    """
    if it.effect.sends or str(it.evidence.get("status", "")) != SUSPENDED:
        return ""
    return "review" if was_reviewed(it.facts) else FOUND_IN_SUSPENSE


def _moved_order(it: Folding) -> Folded:
    name, facts = name_of(it.step), it.facts
    if name == "hold":
        facts = replace(facts, is_suspended=True, suspense_reason="review")
    elif name == "release":
        facts = replace(facts, is_suspended=False, suspense_reason="")
    else:
        facts = replace(facts, is_order_cancelled=True)
    return facts, Event(f"sales order: {name}", {"sales_order": facts.sales_order})


def _noted(it: Folding) -> Folded:
    word, facts = name_of(it.step).removeprefix("note_"), it.facts
    facts = replace(facts, forms_noted=(*facts.forms_noted, word))
    words = "noted in SYSPRO" if is_there(it.effect) else "not noted in SYSPRO yet"
    return facts, Event(f"{word} {words}", {})


def _captured(it: Folding) -> Folded:
    facts, step, effect = it.facts, it.step, it.effect
    found = from_json(Moved, effect.evidence)
    if effect.state is EffectState.declined:
        why = f"{found.theirs} {found.reason}".strip()
        if facts.stop is not None and not is_for_delivered(facts, step):
            # It was under way when the order was called off: nothing was taken, as is wanted now.
            facts = replace(facts, left_behind=(*facts.left_behind, step))
            return facts, Event("capture refused, as is wanted now", {"why": why})
        # Goods may have left, so nothing is unwound by itself: a person cancels, or asks again.
        facts = with_refusal(facts, step, why)
        return facts, Event("capture refused", {"why": why})
    amount = found.amount or Money(effect.amount_minor, effect.currency)
    drawn_on = from_json(Capture, effect.payload).authorization_id
    made_on = it.desk.day_of(effect.sent_at)
    captured = Captured(it.number, found.request_id, amount, made_on, authorization_id=drawn_on)
    facts = replace(facts, captures=(*facts.captures, captured))
    detail = {"amount": str(amount), "request_id": found.request_id}
    detail |= {"lines": NOT_PASSED_ON} if found.passed_on is False else {}
    return facts, Event("captured", detail)


def _received(it: Folding) -> Folded:
    facts, found, number = it.facts, it.evidence, it.number
    journal = str(found.get("journal") or it.effect.their_key)
    document = str(found.get("document", ""))
    captures = tuple(
        replace(one, receipt=journal, receipt_document=document) if one.number == number else one
        for one in facts.captures
    )
    return replace(facts, captures=captures), Event("receipt in SYSPRO", {"journal": journal})


def _applied(it: Folding) -> Folded:
    """Note that it is begun; the order does not wait for how it ends."""
    facts, effect, number = it.facts, it.effect, it.number
    planned = next(one for one in facts.applications if one.number == number)
    applications = tuple(
        replace(one, is_begun=True) if one.number == number else one for one in facts.applications
    )
    words = "receipt applied" if is_there(effect) else "receipt not applied yet"
    detail = {"invoice": planned.invoice, "amount": str(planned.amount), "why": effect.reason}
    return replace(facts, applications=applications), Event(
        words, {name: value for name, value in detail.items() if value}
    )


def _reversed(it: Folding) -> Folded:
    facts, step, effect = it.facts, it.step, it.effect
    is_old = name_of(step) == "reverse_old"
    freed = replace(facts, replaced=None) if is_old else replace(facts, is_reversed=True)
    if effect.state is EffectState.declined:
        found = from_json(Moved, effect.evidence)
        why = effect.reason or f"{found.theirs} {found.reason}".strip()
        has_lapsed = facts.expires_at is not None and it.now >= facts.expires_at
        if has_lapsed and not is_old:  # nothing is held any more, and nothing taken of it
            return freed, Event("authorisation had lapsed", {"why": why})
        held = facts.replaced if is_old else facts.payment
        if held is not None and facts.drawn_on(held.request_id):  # voided: some do both at once
            return freed, Event("authorisation was released with the void", {"why": why})
        return with_refusal(facts, step, why), Event("reversal refused", {"why": why})
    return freed, Event(f"{'older ' if is_old else ''}authorisation reversed", {})


def _told(it: Folding) -> Folded:
    """Note that it is begun; the order does not wait for how it ends, maybe as a dead letter."""
    facts, state = it.facts, it.step.partition("|")[2]
    if name_of(it.step) == "callback":
        return replace(facts, callback_state=state), Event("callback begun", {"state": state})
    words = "shop told" if is_there(it.effect) else "telling the shop begun"
    return replace(facts, shop_told_state=state), Event(words, {"state": state})


FOLDS: Mapping[str, Fold] = {
    "authorize": _authorized,
    "customer": _customer_there,
    "sales_order": _sales_order_there,
    "hold": _moved_order,
    "release": _moved_order,
    "cancel_order": _moved_order,
    "note_payment": _noted,
    "note_token": _noted,
    "capture": _captured,
    "receipt": _received,
    "apply": _applied,
    "reverse": _reversed,
    "reverse_old": _reversed,
    "tell": _told,
    "callback": _told,
}
