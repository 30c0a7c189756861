"""An authorisation that is about to lapse is made anew, by us: the shopper is not present.

Source: Cybersource reference, section 7.2. One that was captured in part holds the rest for the
next capture, and is worth no more than another once its days are over: the rest is made anew.
"""

from include.domain.order_state import OrderFacts
from include.domain.orders import Order, PaymentMethod, PaymentSource
from include.domain.paying import source_of
from include.domain.payments import Renewed
from include.domain.reviews import Decision


def renewal_source(order: Order, facts: OrderFacts) -> PaymentSource | None:
    """Return what a renewal is paid with: the token that was kept, or the one it was paid with."""
    stored = facts.payment.stored if facts.payment else None
    if stored is not None and stored.customer_token:
        return PaymentSource(
            PaymentMethod.stored_token,
            customer_token=stored.customer_token,
            instrument_token=stored.instrument_token,
        )
    source = source_of(order, facts)
    is_stored = source.method is PaymentMethod.stored_token
    if not is_stored or not source.customer_token:
        return None
    return PaymentSource(  # without what was of the shopper's own payment: device and proof
        PaymentMethod.stored_token,
        customer_token=source.customer_token,
        instrument_token=source.instrument_token,
    )


def renewed(facts: OrderFacts) -> Renewed | None:
    """Say what a renewal renews; ``None`` where nothing is held."""
    payment, approved = facts.payment, facts.approved
    if payment is None or approved is None:
        return None
    return Renewed(payment.network_id, approved)


def skips_decision(facts: OrderFacts) -> bool:
    """Say whether Decision Manager is left out of a renewal.

    A decision belongs to a request id, and a renewal has a new one. What an analyst has accepted is
    the order, and he is not asked again (``DECISION_SKIP``, reference 2.1). Where nobody was asked
    Decision Manager looks anew; what it holds then, it decides anew.
    """
    return facts.decision is Decision.accept
