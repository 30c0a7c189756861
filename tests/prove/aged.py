"""Refunds that come when the gateway gives a capture back no more: a person pays them by hand.

Played in some seeds, whose rule counts few days. The gateway counts from the capture, to the
second; the rule counts calendar days, so that what was asked for in time may still come too late.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from include.adapters.store.watermarks import SqlShelf
from include.domain.errors import IntegrationError
from include.services.effects.dead_letters import DeadLetter
from tests.prove.plans import Plan

if TYPE_CHECKING:
    from tests.prove.world import World

TOO_OLD = "is older than"
REFUND_DAYS = 2  # after the capture, by the rule
GIVES_BACK_S = (REFUND_DAYS + 1) * 86_400.0  # by the gateway itself
_HALF_A_DAY = 43_200.0


def ask_late(plan: Plan) -> None:
    """Move what is asked of an order by some days; of some a second part is shipped days later."""
    drawn = int(plan.at * 1000)
    late = drawn % 11 * _HALF_A_DAY
    if drawn % 3 and not plan.gives_back:
        plan.gives_back = [(0.0, 40, "clerk")]
    plan.gives_back = [(after + late, share, who) for after, share, who in plan.gives_back]
    if len(plan.invoices) > 1:
        first, (last, share) = plan.invoices
        plan.invoices = [first, (last + drawn % 7 * _HALF_A_DAY, share)]
    elif plan.clerk_cancels_after is not None and drawn % 2:  # nothing of it ever leaves
        plan.clerk_cancels_after += late
        plan.invoices = []


class Shelf(SqlShelf):
    """Notes when somebody was told first that an item is too old; a letter keeps its first date."""

    world: "World"

    def set_aside(self, kind: str, key: str, fault: IntegrationError, **more: Any) -> None:
        if TOO_OLD in fault.what:
            self.world.aged.told.setdefault((kind, key), self.world.hub.now())
        super().set_aside(kind, key, fault, **more)


@dataclass(frozen=True, slots=True)
class Paid:
    """What a person paid back by hand, as a letter had told them to."""

    minor: int
    told_at: datetime


class Aged:
    """The person who pays by hand, and keeps a list of it: by order and by what it was for."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.is_played = world.swarm.ages
        self.by_hand: dict[tuple[str, str], Paid] = {}
        self.told: dict[tuple[str, str], datetime] = {}  # by kind and key of its letter

    def of_order(self, order_id: str) -> int:
        return sum(one.minor for (name, _), one in self.by_hand.items() if name == order_id)

    def pay(self, letter: DeadLetter, order_id: str, what: str, minor: int) -> None:
        """Pay once, and no more than the order's page and the own list show to be left."""
        told_at = self.told.get((letter.kind, letter.key), self._world.hub.now())
        asked = "SELECT captured_minor - refunding_minor FROM orders WHERE order_id = ?"
        left = int(self._world.database.rows(asked, order_id)[0][0]) - self.of_order(order_id)
        if 0 < minor <= left:
            self._world.coverage["too old", "RF", "paid by hand"] += 1
            self.by_hand.setdefault((order_id, what), Paid(minor, told_at))
