"""Shoppers who pay once more after a decline: by the API, or with *Pay* on a failed order.

Played in some seeds. What is chosen is chosen by what was drawn already, so that every other draw
stays as it is.
"""

from contextlib import suppress
from typing import TYPE_CHECKING

from include.domain.errors import Rejected
from include.domain.order_state import ENDED
from include.domain.orders import PaymentMethod, PaymentSource
from include.domain.paying import sources_of
from include.domain.reviews import Decision
from tests.prove.plans import Outcome, Plan

if TYPE_CHECKING:
    from tests.prove.product import Kit
    from tests.prove.shop import There
    from tests.prove.world import World

_ONE_IN, _PLAYED = 4, 1  # by seed
_DECLINED = (Outcome.declined, Outcome.risk_declined, Outcome.partial)
_LATER = (  # what the cards that follow are answered
    (Outcome.good,),
    (Outcome.declined, Outcome.good),
    (Outcome.in_review,),
    (Outcome.risk_declined, Outcome.good),
    (Outcome.partial, Outcome.declined),
)
_LOOKS, _BETWEEN = 40, 300.0  # of a shopper who waits to hear of the decline


def let_pay_again(plan: Plan, seed: int) -> None:
    """Let the shopper of a declined order try other cards."""
    if seed % _ONE_IN != _PLAYED or plan.outcome not in _DECLINED:
        return
    drawn = int(plan.at * 1000)
    plan.pays_again = _LATER[drawn % len(_LATER)]
    if Outcome.in_review in plan.pays_again and drawn // 5 % 8:
        says = Decision.accept if drawn // 40 % 3 else Decision.reject
        plan.decisions = [(30.0 + drawn // 120 % 3000, says)]


def card(number: int) -> PaymentSource:
    """Return the card that is tried after so many others that followed the first."""
    token = f"again-{number}-".ljust(64, "f")
    return PaymentSource(PaymentMethod.transient_token, transient_id=token)


def outcome_of(plan: Plan, transient_id: str) -> Outcome | None:
    """Say how the gateway takes a card; ``None``: it is the order's first."""
    word, _, rest = transient_id.partition("-")
    return plan.pays_again[int(rest.partition("-")[0])] if word == "again" else None


class Again:
    """The shoppers of one seed who pay once more."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._in_shop: dict[str, int] = {}  # cards tried there, by order number

    def begin(self) -> None:
        """Let those come who buy through the API, some of them twice at once."""
        for plan in self._world.plans.values():
            if plan.is_polled:
                continue
            for number in range(len(plan.pays_again)):
                at = plan.at + 60.0 * (number + 1)
                self._pay(plan, number, at)
                if int(plan.at * 1000) % 3 == 0:
                    self._pay(plan, number, at + 0.5)

    def hear(self, there: "There") -> None:
        """The shop shows that a payment failed: its shopper presses *Pay*."""
        plan = next(one for one in self._world.plans.values() if one.order.number == there.number)
        number = self._in_shop.get(there.number, 0)
        if number < len(plan.pays_again):
            self._in_shop[there.number] = number + 1
            self._world.people.later(
                60.0 + int(plan.at) % 900, lambda: self._press_pay(there, number)
            )

    def _press_pay(self, there: "There", number: int) -> None:
        if there.status != "failed":
            return
        self._world.coverage["paid anew", "AU", "in the shop"] += 1
        self._world.shop.pay(there, card(number))

    def _pay(self, plan: Plan, number: int, at: float) -> None:
        def work(kit: "Kit") -> None:
            for _ in range(_LOOKS):
                if self._is_taken(kit, plan, number):
                    return
                self._world.hub.sleep(_BETWEEN)

        self._world.start("pays anew", at, work, is_awaited=True)

    def _is_taken(self, kit: "Kit", plan: Plan, number: int) -> bool:
        """Try a card; one that comes before the order is declined is refused, and comes again."""
        order_id, source = plan.order.order_id, card(number)
        with suppress(Rejected):
            saga = kit.service.orders.get(order_id)
            tried = sources_of(plan.order, saga.facts)
            is_over = saga.state in ENDED and saga.state != "declined"
            if is_over or source in tried:
                return True
            if number == 0 or card(number - 1) in tried:
                kit.service.pay_anew(order_id, source, "shop")
                self._world.coverage["paid anew", "AU", "by the API"] += 1
                return True
        return False
