"""Where an order stands, read from its facts alone: pure questions with a yes or no.

What follows from them is in ``services/orders/moves.py``.
"""

from dataclasses import replace

from include.domain.order_state import CREDIT_HOLDS, ENDED, OrderFacts, OrderState
from include.domain.order_steps import name_of
from include.domain.payments import PaymentStatus
from include.domain.reviews import Decision

NOT_PAID = (
    PaymentStatus.declined,
    PaymentStatus.invalid,
    PaymentStatus.authentication_needed,
)


def state_of(facts: OrderFacts) -> OrderState:
    """Name the state from the facts alone."""
    if facts.problem or facts.is_contradicted:
        return OrderState.stuck
    if facts.stop is not None:
        return OrderState.cancelling
    if facts.is_free:
        booked = OrderState.booked if facts.sales_order else OrderState.authorized
        return OrderState.completed if facts.is_invoiced else booked
    if facts.payment is None:
        return OrderState.pending if facts.open_step else OrderState.accepted
    if facts.payment.status in NOT_PAID:
        return OrderState.declined
    if is_under_review(facts):
        return OrderState.in_review
    if facts.captures:
        is_over = facts.is_invoiced and is_wholly_captured(facts)
        return OrderState.completed if is_over else OrderState.captured
    return OrderState.booked if facts.sales_order else OrderState.authorized


def progress_of(state: str, facts: OrderFacts) -> OrderState:
    """Name how far it has come, whatever is in its way: it may go on from there.

    One that was completed with a part of it has come to its end, and its facts do not say so.
    """
    if state == OrderState.completed:
        return OrderState.completed
    return state_of(replace(facts.with_problem(""), is_contradicted=False, stop=None))


def state_after(state: str, before: OrderFacts, after: OrderFacts) -> str:
    """Name the state once facts were changed from outside the order's saga.

    At once: a sweep during an outage of SYSPRO chooses by it. One that is stuck by a question
    stays so until it is asked again; one that has ended goes on only where it is paid anew.
    """
    is_anew = after.first_attempt > before.first_attempt
    is_open = is_anew or (state not in (*ENDED, OrderState.stuck) and after != before)
    return state_of(after) if is_open else state


def news_of(state: str, facts: OrderFacts) -> str:
    """Name what is told of a state, e.g. ``captured.2``: a later capture is news of its own.

    So is all of an order that is paid anew, e.g. ``declined.attempt3``.
    """
    again = f".attempt{facts.first_attempt}" if facts.first_attempt > 1 else ""
    is_later = state == OrderState.captured and len(facts.captures) > 1
    return f"{state}{again}.{facts.captures[-1].number}" if is_later else f"{state}{again}"


def is_too_late(facts: OrderFacts) -> bool:
    """Say whether SYSPRO has invoiced what was to be cancelled: the goods have left, so it goes on.

    What a fraud decision has rejected is charged to nobody: that stays for a person.
    """
    stop, is_rejected = facts.stop, facts.decision is Decision.reject
    if stop is None or stop.keeps_invoice or is_rejected or facts.is_order_cancelled:
        return False
    return facts.is_invoiced


def gives_back(facts: OrderFacts) -> bool:
    """Say whether captures of an unwound order go back: first SYSPRO must ship it no more."""
    if facts.stop is None or facts.open_step:
        return False
    is_known = facts.is_order_cancelled and facts.delivered_minor is not None
    if facts.sales_order and not is_known:
        return False
    kept = facts.kept_minor()
    given = facts.returned_minor - min(facts.credited_minor, kept)
    return facts.captured_minor() - kept > given


def is_for_delivered(facts: OrderFacts, step: str) -> bool:
    """Say whether a capture is for what was delivered before the order was called off."""
    is_capture = name_of(step) == "capture" and facts.is_order_cancelled
    return is_capture and bool(facts.delivered_minor)


def holds_money(facts: OrderFacts) -> bool:
    """Say whether this attempt's authorisation was approved and not reversed."""
    is_approved = facts.payment is not None and facts.payment.authorized is not None
    return is_approved and not facts.is_reversed


def is_wholly_captured(facts: OrderFacts) -> bool:
    """Say whether nothing is left to capture; goods on back order are captured when they leave."""
    approved = facts.approved
    return facts.is_free or (approved is not None and facts.captured_minor() >= approved.minor)


def is_all_returned(facts: OrderFacts) -> bool:
    """Say whether everything that was captured has gone back."""
    return bool(facts.captures) and facts.returned_minor >= facts.captured_minor()


def is_back_unshipped(facts: OrderFacts) -> bool:
    """Say whether all that was paid went back before anything was invoiced: credit notes apart.

    Nothing of such an order may leave any more; one that has left is told.
    """
    is_back = bool(facts.captures) and facts.early_minor >= facts.captured_minor()
    return is_back and is_wholly_captured(facts)


def is_under_review(facts: OrderFacts) -> bool:
    """Say whether a fraud decision is still awaited; nothing is captured until it is made."""
    return was_reviewed(facts) and facts.decision is not Decision.accept


def was_reviewed(facts: OrderFacts) -> bool:
    """Say whether the payment was held for a fraud review, whatever was decided since."""
    held = (PaymentStatus.in_review, PaymentStatus.review_first)
    return facts.payment is not None and facts.payment.status in held


def waits_for_clerk(facts: OrderFacts) -> bool:
    """Say whether SYSPRO keeps the goods until a clerk releases them: until then nobody is charged.

    What has left was released, whatever else is known.
    """
    if facts.is_invoiced:
        return False
    is_over_limit = facts.credit in CREDIT_HOLDS
    if not facts.sales_order:
        return is_over_limit  # it goes there in suspense
    is_reviews = facts.suspense_reason == "review" and not is_over_limit  # whose end releases it
    return facts.is_suspended and not is_reviews
