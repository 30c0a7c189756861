"""An analyst accepts or rejects a held order: carried to case management, then taken in here.

One service for the command line, the API and Airflow. Should our answer be lost, the decision comes
back by webhook or poller, as everybody else's does; a repeat finds the effect and sends nothing.
Somebody at the gateway's own desk may have been faster: what the case says is taken in, not ours.
"""

from dataclasses import dataclass

from include.domain.canonical import from_json
from include.domain.card_numbers import refuse_in_words
from include.domain.errors import Rejected
from include.domain.order_state import OrderFacts
from include.domain.orders import Order
from include.domain.payments import Authorized, DecideReview, Reviewed
from include.domain.reviews import Decision, DecisionEvent, Merged
from include.domain.standing import is_under_review
from include.services.effects.chain import detail_of
from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, EffectKind
from include.services.effects.states import EXECUTED
from include.services.orders.commands import Command
from include.services.orders.order_service import OrderService
from include.services.orders.sagas import Event

_FINAL = (Decision.accept, Decision.reject)


@dataclass(frozen=True, slots=True)
class Decided:
    """How far a decision has come."""

    effect: Effect
    merged: Merged | None  # None: the gateway has not confirmed it yet
    others: str = ""  # what somebody else had decided before us, and who; '': nobody had

    @property
    def is_certain(self) -> bool:
        """Say whether the gateway holds it and nothing speaks against it."""
        return self.merged in (Merged.news, Merged.known) and not self.others

    def __str__(self) -> str:
        if self.others:
            return f"the case had been decided before: {self.others}, which stands"
        if self.merged is not None:
            return f"decided at the gateway: {self.merged}"
        return f"{self.effect.state}: {self.effect.reason or 'it is asked for again'}"


def decide_review(
    service: OrderService,
    engine: Engine,
    order_id: str,
    decision: Decision,
    *,
    analyst: str,
    comments: str = "",
    via: str = "",
) -> Decided:
    """Decide one order under review; the same decision again is the same decision.

    Who asked is on the timeline, and in the audit chain with the door (``via``), before it is sent;
    so is a second analyst who says the same.

    Raises:
        Rejected: it is not under review, or was decided the other way from here.
        CardNumberRefused: the comments hold one, which the gateway's case would keep.
    """
    refuse_in_words({"comment": comments}, f"order {order_id}")
    order, facts = service.orders.content(order_id), service.orders.get(order_id).facts
    payment = facts.payment
    if payment is None or decision not in _FINAL:
        raise Rejected("there is nothing to decide", f"order {order.number}", "Read the order.")
    key = f"{order_id}|review|{payment.request_id}"
    detail = {"decision": decision.value, "comment": comments}
    asked = Event("decision asked for", detail, analyst, via)
    known = engine.find(EffectKind.review_decision, key)
    if known is None:
        _demand_waiting(order, facts)
        desk = service.desk_of(order.shop_id)
        content = DecideReview(
            order_id=order_id,
            organization_id=desk.organization_id,
            code=order.purchase_order,
            request_id=payment.request_id,
            decision=decision,
            analyst=analyst,
            comments=comments,
        )
        kind, target = EffectKind.review_decision, desk.organization_id
        command = Command.of(desk, kind, content, target, order.amount)
        _tell_once(service, order_id, asked)
        effect = engine.perform(command.effect(key))
    else:
        if _decided_same(known, order, decision) != analyst:
            _tell_once(service, order_id, asked)
        effect = engine.advance(EffectKind.review_decision, key)
    if effect.state not in EXECUTED:
        return Decided(effect, None)
    said = from_json(Reviewed, effect.evidence)  # one that was found decided may say the other
    if said.decision is not decision:
        merged = _take_in(service, payment, said.decision, said.reviewer, "")
        return Decided(effect, merged, f"{said.decision} by {said.reviewer or 'somebody else'}")
    return Decided(effect, _take_in(service, payment, decision, analyst, comments))


def _tell_once(service: OrderService, order_id: str, asked: Event) -> None:
    """Tell who asked, but for a repeat: the store may have been lost before anything was sent."""
    told = service.orders.timeline(order_id)[-1]
    if (told.what, told.detail, told.who) != (asked.what, detail_of(**asked.detail), asked.who):
        service.orders.tell(order_id, asked)


def _take_in(
    service: OrderService, payment: Authorized, decision: Decision, analyst: str, comments: str
) -> Merged | None:
    return service.decide(
        DecisionEvent(
            request_id=payment.request_id,
            decision=decision,
            at=service.orders.now(),
            origin="analyst",
            event_key=f"analyst|{payment.request_id}|{decision}",
            reviewer=analyst,
            comments=comments,
        )
    )


def _demand_waiting(order: Order, facts: OrderFacts) -> None:
    waits = is_under_review(facts) and facts.decision is Decision.review
    if not waits or facts.stop is not None:
        raise Rejected(
            f"it is not under review (decision {facts.decision or 'none'})",
            f"order {order.number}",
            "Read the order; cancel or refund it where it must not go on.",
        )


def _decided_same(known: Effect, order: Order, decision: Decision) -> str:
    """Return who decided it before; raise ``Rejected``: the other way."""
    made = from_json(DecideReview, known.payload)
    if made.decision is not decision:
        raise Rejected(
            f"{made.analyst} has decided {made.decision} before",
            f"order {order.number}",
            "Agree with them; two decisions against each other would block the order.",
        )
    return made.analyst
