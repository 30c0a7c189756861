"""What a doubted store may have forgotten of an order: looked for before it is unwound."""

from collections.abc import Sequence

from include.domain.order_state import OrderFacts
from include.domain.order_steps import name_of
from include.domain.orders import Order, PaymentMethod
from include.domain.paying import source_of, was_declined
from include.domain.standing import holds_money
from include.services.orders.driver import Ask
from include.services.orders.numbering import next_number, reversal_step
from include.services.orders.renewals import renewal_source

FORGOTTEN = "forgotten: "  # begins the question for a step


def to_seek(
    order: Order, facts: OrderFacts, *, has_money: bool, is_lapsing: bool = False
) -> Ask | None:
    """Ask for the next step that may be forgotten: what nobody knows of is not taken back.

    Args:
        order: the order.
        facts: as they are.
        has_money: an authorisation of it holds money, or a capture has taken some.
        is_lapsing: the authorisation has been due to be renewed; whoever did has reversed it.
    """
    steps = list[str]()
    if facts.is_free:
        return _asking(facts, [] if facts.sales_order else ["sales_order|1"])
    if facts.payment is None:
        if source_of(order, facts).method is PaymentMethod.authorized:
            return Ask("authorization")
        steps.append(f"authorize|{facts.attempt}")
    if is_lapsing:
        steps += _renewals(order, facts)
    if has_money:
        steps += [] if facts.sales_order else ["sales_order|1"]
        # What was refused a person may have replayed since: that is forgotten as well.
        steps += [one for one in facts.left_behind if name_of(one) == "capture"]
        steps.append(f"capture|{next_number(facts)}")
    return _asking(facts, steps)


def payment_to_seek(facts: OrderFacts) -> Ask | None:
    """Ask for another payment of a declined order: its shopper may have paid anew since.

    Before anything of it is unwound: what is found beside may be paid by the later one. What was
    held went back before that one was made, but where the first one was made anew.
    """
    if not was_declined(facts):
        return None
    steps = [reversal_step("reverse", facts)] if holds_money(facts) else []
    return _asking(facts, [*steps, f"authorize|{facts.attempt + 1}"])


def renewal_to_seek(order: Order, facts: OrderFacts) -> Ask | None:
    """Ask for a renewal before the authorisation is used that it may have replaced."""
    return _asking(facts, _renewals(order, facts))


def _renewals(order: Order, facts: OrderFacts) -> list[str]:
    is_renewed = renewal_source(order, facts) is not None and not facts.unrenewed
    return [f"authorize|{facts.attempt + 1}"] if is_renewed else []


def _asking(facts: OrderFacts, steps: Sequence[str]) -> Ask | None:
    step = next((one for one in steps if one not in facts.steps_sought), "")
    return Ask(f"{FORGOTTEN}{step}") if step else None
