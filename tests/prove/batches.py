"""Orders of two captures with a batch between them: the one goes back by a void, the other not.

Played in some seeds: everything is captured at shipment and shipped in two parts, and the gateway
cuts a batch soon after a first part's capture.
"""

from typing import TYPE_CHECKING

from include.services.effects.ports import Effect
from include.services.effects.ports import EffectKind as K
from tests.prove.fraud_desk import hash_of
from tests.prove.plans import Plan

if TYPE_CHECKING:
    from tests.prove.world import World

_MOST_CUTS = 6  # each is a settlement to post


def ship_twice(plan: Plan) -> None:
    """Ship in two parts, and give back the whole, or each part by a note of its own."""
    drawn = int(plan.at * 1000)
    first = plan.invoices[0][0] if plan.invoices else 1500.0
    between = 60.0 + drawn % 2400
    plan.invoices = [(first, 40), (first + between, 60)]
    back = between + drawn % 1800
    turns = (
        [(back, 100, "api")],
        [(back, 100, "clerk")],
        [(back, 60, "clerk"), (back + 300, 40, "clerk")],
    )
    plan.gives_back = turns[drawn % 4] if drawn % 4 < len(turns) else plan.gives_back


class Batches:
    """Cuts a batch behind some first captures."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.is_played = world.swarm.batches
        self._cuts = 0

    def hear(self, effect: Effect) -> None:
        is_first = effect.kind is K.payment_capture and effect.key.endswith("|1")
        if not (self.is_played and is_first) or self._cuts >= _MOST_CUTS:
            return
        drawn = hash_of(effect.key)
        if drawn % 3:
            self._cuts += 1
            self._world.coverage["batch between captures", "CA", "cut"] += 1
            self._world.people.later(drawn * 7 % 900, self._world.people.settling.cut)
