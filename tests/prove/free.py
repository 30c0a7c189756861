"""Orders that cost nothing: a gift, or one with a coupon of all of it.

Played in some seeds, by dice of their own, so that every other draw stays as it is.
"""

import random
from collections.abc import Sequence
from dataclasses import replace

from include.domain.money import Money
from include.domain.orders import PaymentMethod, PaymentSource
from tests.prove.plans import Outcome, Plan

_ONE_IN, _PLAYED = 15, 0  # by seed
_SHARE = 0.4  # of its orders


def let_be_free(plans: Sequence[Plan], seed: int) -> None:
    """Let some orders cost nothing; what befalls them beside their payment stays as drawn."""
    if seed % _ONE_IN != _PLAYED:
        return
    dice = random.Random(f"free {seed}")  # noqa: S311  reproducible on purpose
    for plan in plans:
        after = dice.uniform(600, 6000)
        if dice.random() < _SHARE:
            _make_free(plan, after)


def _make_free(plan: Plan, invoiced_after: float) -> None:
    order, nothing = plan.order, Money(0, plan.order.currency)
    lines = tuple(replace(line, net=nothing) for line in order.lines)
    payment = PaymentSource(PaymentMethod.none)
    plan.order = replace(order, amount=nothing, lines=lines, payment=payment)
    plan.outcome = plan.renewal = Outcome.good
    plan.decisions, plan.pays_again = [], ()
    plan.is_by_shop, plan.frees_after = False, None
    # Never shipped, it would wait for ever: no hold of it lapses.
    plan.invoices = plan.invoices or [(invoiced_after, 100)]
