"""What a capture that is asked for makes of an order's facts: by a person, or since goods left."""

from dataclasses import replace

from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.order_state import OrderFacts, RequestedCapture
from include.domain.orders import Order
from include.domain.reviews import Decision
from include.domain.standing import is_under_review, is_wholly_captured
from include.services.orders.moves import authorized
from include.services.orders.numbering import free_number


def with_asked(order: Order, facts: OrderFacts, amount: Money | None, cause: str) -> OrderFacts:
    """Want a capture; without an amount, of all that is left. The same cause asks once.

    Raises:
        Rejected: it has ended, is held for a decision, or the amount is more than is left.
    """
    if _is_wanted(facts, cause):
        return facts
    if facts.stop is not None:
        raise _not_authorized(order)
    _demand_authorized(order, facts)
    if _is_blocked(facts):
        raise _blocked(order)
    left = _left(order, facts)
    if amount is None and not left.minor:
        do = "Read the order: its captures are there, or asked for."
        raise Rejected("nothing of it is left to capture", f"order {order.number}", do)
    return _with(order, facts, amount or left, left, cause)


def with_delivered(
    order: Order, facts: OrderFacts, amount: Money, cause: str, tolerance_minor: int
) -> OrderFacts:
    """Want what has left, though it may have to wait: for a decision, or for a stop to be undone.

    Args:
        order: the order.
        facts: as they are.
        amount: of the goods.
        cause: what it is for; the same one asks once.
        tolerance_minor: by how much it may exceed what is left, which is then captured: an
            invoice rounds its tax by itself.

    Raises:
        Rejected: nothing is authorised, nothing would hold it back, or it is more than is left.
    """
    is_counted = facts.delivered_minor is not None  # with all invoices
    is_paid = is_wholly_captured(facts)  # its hold was about to lapse, say
    if is_counted or is_paid or _is_wanted(facts, cause):
        return facts
    _demand_authorized(order, facts)
    # What would not be held back by the order's own moves is never left to wait.
    will_wait = facts.is_contradicted or is_under_review(facts)
    if _is_blocked(facts) and not will_wait:
        raise _blocked(order)
    left = _left(order, facts)
    if 0 < amount.minor - left.minor <= tolerance_minor and left.minor:
        amount = Money(left.minor, amount.currency)
    return _with(order, facts, amount, left, cause)


def _is_wanted(facts: OrderFacts, cause: str) -> bool:
    return any(one.cause == cause for one in facts.requested_captures)


def _left(order: Order, facts: OrderFacts) -> Money:
    return Money(authorized(order, facts).minor - facts.promised_minor(), order.currency)


def _is_blocked(facts: OrderFacts) -> bool:
    return facts.is_contradicted or facts.decision in (Decision.review, Decision.reject)


def _demand_authorized(order: Order, facts: OrderFacts) -> None:
    if facts.is_free:
        do = "Nothing is to be done: its invoice ends it."
        raise Rejected("it was free: nothing of it is captured", f"order {order.number}", do)
    if facts.payment is None or facts.payment.authorized is None:
        raise _not_authorized(order)


def _with(order: Order, facts: OrderFacts, wanted: Money, left: Money, cause: str) -> OrderFacts:
    if wanted.currency != order.currency or not 0 < wanted.minor <= left.minor:
        raise Rejected(
            f"{wanted} cannot be captured, {left} is left",
            f"order {order.number}",
            "Ask for no more than is left, in the order's currency.",
        )
    one = RequestedCapture(free_number(facts), wanted, cause, is_final=wanted == left)
    requested = (*facts.requested_captures, one)
    return replace(facts, requested_captures=requested).with_problem("")


def _not_authorized(order: Order) -> Rejected:
    what, do = "there is no authorisation to capture", "Read the order first."
    return Rejected(what, f"order {order.number}", do)


def _blocked(order: Order) -> Rejected:
    what, do = "a fraud decision holds it", "Wait for the decision."
    return Rejected(what, f"order {order.number}", do)
