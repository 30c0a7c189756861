"""The numbers of an order's next steps: the same again in a store that has forgotten some."""

from include.domain.order_state import OrderFacts
from include.domain.order_steps import name_of, number_of


def free_number(facts: OrderFacts) -> int:
    """Number a capture that is asked for: by none that was wanted, taken or refused.

    The next one, however far the others are: the same is found again by a store that forgot it.
    """
    return max(_last(facts), *(one.number for one in facts.requested_captures), 0) + 1


def next_number(facts: OrderFacts) -> int:
    """Number a capture that nobody asked for: after those that were made or refused."""
    return _last(facts) + 1


def reversal_step(name: str, facts: OrderFacts) -> str:
    """Name a reversal; one that was refused is tried again under another reference."""
    step = f"{name}|{facts.attempt}"
    refused = sum(one.partition(".")[0] == step for one in facts.left_behind)
    return f"{step}.{refused + 1}" if refused else step


def _last(facts: OrderFacts) -> int:
    left = [number_of(step) for step in facts.left_behind if name_of(step) == "capture"]
    return max((0, *left, *(one.number for one in facts.captures)))
