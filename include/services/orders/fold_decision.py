"""What a fraud decision makes of an order's facts: another's, or a person's between two."""

from dataclasses import replace

from include.domain.errors import Rejected
from include.domain.order_state import OrderFacts, Stop
from include.domain.paying import was_declined
from include.domain.payments import PaymentStatus
from include.domain.reviews import Decision, DecisionEvent, Merged, merge


def with_decision(facts: OrderFacts, event: DecisionEvent) -> tuple[OrderFacts, Merged]:
    """Advance by rank, never by arrival.

    To accept a request is to accept nothing that was authorised after it; a reject is about the
    order whichever request it names, but for one by which a payment of it was declined.
    """
    if event.decision is Decision.accept and event.request_id != _current(facts, event):
        return facts, Merged.known
    if event.decision is Decision.reject and _is_its_decline(facts, event):
        return facts, Merged.known
    merged = merge(facts.decision, event.decision)
    if merged is Merged.contradiction:
        return replace(facts, is_contradicted=True), merged
    if merged is Merged.known:
        return facts, merged
    who = event.reviewer or event.origin
    facts = replace(facts, decision=event.decision, decided_by=who)
    if event.decision is Decision.reject:
        return _rejected(facts, who), merged
    is_first = facts.payment is not None and facts.payment.status is PaymentStatus.review_first
    if event.decision is Decision.accept and is_first:
        # The bank was never asked: ask it now, without another review.
        facts = replace(facts, payment=None, attempt=facts.attempt + 1, skips_decision=True)
    return facts, merged


def _current(facts: OrderFacts, event: DecisionEvent) -> str:
    """Name the request that may be accepted; the first may be decided before it is known here."""
    if facts.payment is not None:
        return facts.payment.request_id
    return facts.source.request_id if facts.source else event.request_id


def _is_its_decline(facts: OrderFacts, event: DecisionEvent) -> bool:
    """Say whether the gateway tells, once more, why it has declined a payment by itself.

    Its shopper may have paid with another card since, which is judged by itself. A person who
    rejects means the order.
    """
    last = facts.payment if was_declined(facts) else None
    declined = (*facts.declined_payments, *((last,) if last else ()))
    return not event.reviewer and event.request_id in {one.request_id for one in declined}


def settled(facts: OrderFacts, *, decision: Decision, who: str) -> OrderFacts:
    """Let a person's word end two decisions against each other.

    Raises:
        Rejected: there are none.
    """
    if not facts.is_contradicted:
        raise Rejected("there is no contradiction", "the order", "Read it first.")
    facts = replace(facts, is_contradicted=False, decision=decision, decided_by=who)
    return facts if decision is Decision.accept else _rejected(facts, who)


def _rejected(facts: OrderFacts, who: str) -> OrderFacts:
    if facts.stop is not None:
        return facts
    return replace(facts, stop=Stop(who, "rejected by fraud review")).with_problem("")
