"""The fraud desk: it decides at the gateway, and through us; each case is decided once.

Played in some seeds. Whoever comes second is refused, and what the first has said is shown.
"""

from typing import TYPE_CHECKING

from include.domain.errors import Rejected
from include.domain.reviews import Decision, DecisionEvent
from include.services.effects.ports import Effect
from tests.prove.truth import Entry

if TYPE_CHECKING:
    from tests.prove.product import Kit
    from tests.prove.world import World

OURS = "ann"
_OTHER = {Decision.accept: Decision.reject, Decision.reject: Decision.accept}


class Analysts:
    """Who decides through us, and who is at the same case elsewhere."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.certain: list[tuple[str, Decision]] = []  # what we called decided, by request

    def takes(self, order_id: str, request_id: str, after: float, decision: Decision) -> bool:
        """Say whether somebody decides a case through us, and let them; perhaps others do too."""
        world = self._world
        turn = sum(request_id.encode()) % 4
        if not world.swarm.reviews or turn == 0:
            return False
        world.people.later(after, lambda: self._ask(order_id, request_id, decision))
        if turn > 1:  # somebody has the same case open at the gateway's own desk
            theirs = decision if turn == 2 else _OTHER[decision]
            world.coverage["decided elsewhere", "RV", "case"] += 1
            when = max(0.0, after + (sum(order_id.encode()) % 9 - 4) * 30)
            world.people.later(when, lambda: self._decide_there(request_id, theirs))
        return True

    def _decide_there(self, request_id: str, decision: Decision) -> None:
        if not self._world.truth.cases[request_id]:
            self._world.people.decide(request_id, 0, decision)

    def _ask(self, order_id: str, request_id: str, decision: Decision) -> None:
        def work(kit: "Kit") -> None:
            for _ in range(4):
                try:
                    found = self._world.variant.decide(
                        kit.service, kit.engine, order_id, decision, analyst=OURS
                    )
                except Rejected:  # not under review, or not yet
                    self._world.hub.sleep(900)
                    continue
                if found.is_certain:
                    about = found.effect.key.rpartition("|")[2]  # may be a later request by now
                    self.certain.append((about, decision))
                    return
                self._world.hub.sleep(900)

        self._world.start("analyst", self._world.hub.seconds, work, is_awaited=True)

    def hear(self, effect: Effect, entry: Entry) -> None:
        """The gateway tells of a decision of ours as of everybody's."""
        decision = Decision(str(entry.evidence["decision"]))
        request_id, now = str(entry.evidence["request_id"]), self._world.hub.now()
        key = f"{request_id}|{effect.reference}"
        event = DecisionEvent(request_id, decision, now, "conversion_details", key, OURS)
        self._world.feeds.decisions.append(event)
