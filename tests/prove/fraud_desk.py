"""Those who look at held payments, and the events that tell of what they decide."""

from dataclasses import replace

from include.domain.reviews import Decision, DecisionEvent
from tests.prove.plans import Plan
from tests.prove.product import Kit


class FraudDesk:
    """A part of ``People``, who have the world, its feeds and errands."""

    def _review(self, plan: Plan, request_id: str) -> None:
        decisions, plan.decisions = plan.decisions, []
        if len(decisions) > 1:
            self._world.coverage["contradiction", "WH", "delivery"] += 1
        is_refused = all(decision is Decision.reject for _, decision in decisions)
        if self._world.dice.random() < (0.8 if is_refused else 0.1):
            self._forge(request_id)
        about = self._world.truth.by_their_key[request_id].order_id
        if decisions and self._world.analysts.takes(about, request_id, *decisions[0]):
            decisions = []
        for number, (after, decision) in enumerate(decisions):
            self.later(after, lambda n=number, d=decision: self.decide(request_id, n, d))

    def _forge(self, request_id: str) -> None:
        """Somebody alters the name of an event on its way, which is not signed, to an accept."""
        self._world.coverage["forged name", "WH", "delivery"] += 1
        key, now = f"{request_id}|forged", self._world.hub.now()
        event = DecisionEvent(request_id, Decision.accept, now, "webhook", key)
        self._deliver(event, self._world.dice.uniform(0, 300), 0)

    def _review_again(self, plan: Plan, request_id: str) -> None:
        """A renewal is a case of its own; what was said of the first is heard again meanwhile."""
        self._world.coverage["held", "WH", "renewal"] += 1
        old = next((one for one in self._feeds.decisions if self._is_about(one, plan)), None)
        if old is not None:
            again = replace(old, event_key=f"{old.event_key}|again")
            self.later(60, lambda: self._deliver(again, 0, 0))
        kinds = (Decision.accept, Decision.accept, Decision.reject)
        said = kinds[hash_of(request_id) % len(kinds)]
        after = (1_800, 200_000)[hash_of(request_id) % 2]  # before goods would leave, or after
        self.later(after, lambda: self.decide(request_id, 0, said))

    def _is_about(self, event: DecisionEvent, plan: Plan) -> bool:
        found = self._world.truth.by_their_key[event.request_id]
        return found.order_id == plan.order.order_id

    def decide(self, request_id: str, number: int, decision: Decision) -> None:
        world, dice = self._world, self._world.dice
        key = f"{request_id}|{number}"
        now = world.hub.now()
        event = DecisionEvent(request_id, decision, now, "conversion_details", key, "ann")
        self._feeds.decisions.append(event)
        world.truth.note_decision(request_id, decision.value, world.next_seq(), world.hub.seconds)
        if dice.random() < 0.25:
            world.coverage["never sent", "WH", "delivery"] += 1
            return
        after = dice.uniform(0, 900)
        is_at_once = any(one.at == event.at for one in self._feeds.decisions[:-1])
        self._deliver(event, 60 if is_at_once else after, 0)
        if dice.random() < 0.25:
            world.coverage["delivered twice", "WH", "delivery"] += 1
            self._deliver(event, dice.uniform(0, 900), 1)

    def _deliver(self, event: DecisionEvent, after: float, delivery: int) -> None:
        def work(kit: Kit) -> None:
            world = self._world
            known = world.database.rows(
                "SELECT 1 FROM payment_requests WHERE request_id = ?", event.request_id
            )
            world.coverage["before its order", "WH", "delivery"] += not known
            later = self._feeds.decisions[-1] if self._feeds.decisions else event
            is_late = later.request_id == event.request_id and later is not event
            world.coverage["out of order", "WH", "delivery"] += is_late
            kit.receiver.receive(event, delivery)

        self._world.start("sender", self._world.hub.seconds + after, work, is_awaited=True)


def hash_of(text: str) -> int:
    """A number that depends on nothing but the text."""
    return sum(text.encode())
