"""How an order is paid, and paid anew: its shopper may try once more after a decline.

What was ordered stays as it was accepted. Only an order that holds and has taken nothing, and that
SYSPRO never had, is paid anew: its facts begin again, at the next attempt.
"""

from dataclasses import replace

from include.domain.errors import Rejected
from include.domain.order_state import OrderFacts, OrderState
from include.domain.orders import Order, PaymentMethod, PaymentSource
from include.domain.reviews import Decision
from include.domain.standing import NOT_PAID, holds_money

MOST_PAYMENTS = 10  # of one order; card networks fine who asks again and again


def source_of(order: Order, facts: OrderFacts) -> PaymentSource:
    """Return how an order is paid now."""
    return facts.source or order.payment


def sources_of(order: Order, facts: OrderFacts) -> tuple[PaymentSource, ...]:
    """Return every payment of an order, the first one first."""
    return (*facts.declined_sources, source_of(order, facts))


def is_shops(order: Order, facts: OrderFacts) -> bool:
    """Say whether the attempt that stands is the shop's: it has authorised, and we look it up."""
    is_first = facts.attempt == facts.first_attempt
    return is_first and source_of(order, facts).method is PaymentMethod.authorized


def is_tried(order: Order, facts: OrderFacts, source: PaymentSource) -> bool:
    """Say whether a payment of the order was tried.

    It is known by its token alone, wherever the shopper sits, unless it comes with a proof of who
    pays: a bank that wanted one has refused the token, and takes the same token with it.
    """
    return any(_is_repeat(source, one) for one in sources_of(order, facts))


def _is_repeat(source: PaymentSource, tried: PaymentSource) -> bool:
    return _token(source) == _token(tried) and source.authentication in (None, tried.authentication)


def _token(source: PaymentSource) -> object:
    card = source.customer_token, source.instrument_token
    return source.transient_id or source.request_id or card


def paid_anew(
    order: Order, facts: OrderFacts, source: PaymentSource, cause: str = ""
) -> OrderFacts:
    """Begin again with another payment. A repeat changes nothing.

    What can be used once and was tried is a repeat whenever it comes. A stored card may be tried
    again once it was declined: by another ``cause``, where whoever asks names one.

    Raises:
        Rejected: the order is not declined, or must not be paid any more.
    """
    is_stored = source.method is PaymentMethod.stored_token
    is_again = facts.source is not None and _is_repeat(source, facts.source)
    is_under_way = not cause and is_again and not is_declined(facts)
    is_spent = not is_stored and is_tried(order, facts, source)
    if is_spent or is_under_way or cause in facts.payments_asked:
        return facts
    why, do = _why_not(facts)
    if why:
        raise Rejected(why, f"order {order.number}", do)
    anew = begun_anew(facts, facts.attempt + 1)
    asked = (*facts.payments_asked, cause) if cause else facts.payments_asked
    tried = sources_of(order, facts)
    return replace(anew, source=source, declined_sources=tried, payments_asked=asked)


def begun_anew(facts: OrderFacts, attempt: int) -> OrderFacts:
    """Begin again with the payment of an attempt: what was told and refused stays known."""
    declined = (facts.payment,) if facts.payment else ()
    return OrderFacts(
        attempt=attempt,
        first_attempt=attempt,
        source=facts.source,
        declined_sources=facts.declined_sources,
        declined_payments=(*facts.declined_payments, *declined),
        payments_asked=facts.payments_asked,
        is_closed=facts.is_closed,
        left_behind=facts.left_behind,
        steps_sought=facts.steps_sought,
        shop_changed=facts.shop_changed,
        shop_told_state=facts.shop_told_state,
        callback_state=facts.callback_state,
    )


def closed(facts: OrderFacts) -> OrderFacts:
    """Take no more payments of a declined order: it was cancelled. A repeat changes nothing."""
    return facts if facts.is_closed else replace(facts, is_closed=True)


def is_declined(facts: OrderFacts) -> bool:
    """Say whether its payment was declined, and whatever was held all the same is given back."""
    is_held = holds_money(facts) or facts.replaced is not None
    return was_declined(facts) and not is_held and not facts.problem


def was_declined(facts: OrderFacts) -> bool:
    """Say whether its payment was declined, though what was held may not be given back yet."""
    if facts.payment is None or facts.stop is not None:
        return facts.stop is not None and facts.stop.ends_as is OrderState.declined
    return facts.payment.status in NOT_PAID


def is_over(facts: OrderFacts) -> bool:
    """Say whether a declined order takes no other payment, whoever brings one."""
    return was_declined(facts) and bool(_why_no_more(facts))


def _why_not(facts: OrderFacts) -> tuple[str, str]:
    """Say why an order is not paid anew, and what to do; '' where it is."""
    if was_declined(facts) and not is_declined(facts) and not facts.problem:
        why = "it is not declined yet: what was held for it is being given back"
        return why, "Send it again in a minute; once its state is declined it is taken."
    if not is_declined(facts):
        return "it is not declined, so it is not paid anew", "Read the order first."
    why = _why_no_more(facts)
    return why, "Place what is still wanted anew, under another number." if why else ""


def _why_no_more(facts: OrderFacts) -> str:
    if facts.is_closed:
        return "it was cancelled after its decline, so it is paid no more"
    if facts.sales_order or facts.decision is Decision.reject or facts.is_contradicted:
        return "it has ended for good"
    if len(facts.declined_sources) + 1 >= MOST_PAYMENTS:
        return f"{MOST_PAYMENTS} payments of it were declined"
    return ""
