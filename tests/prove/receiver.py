"""The webhook receiver of the worlds: what arrives is stored, and may be lost around its commit."""

import json
from datetime import datetime
from typing import TYPE_CHECKING

from include.domain.reviews import Decision, DecisionEvent
from include.services.inbox.ports import Inbox, InboxRow, Incoming
from tests.simulator.worker import Life

if TYPE_CHECKING:
    from tests.prove.world import World


class Receiver:
    """The webhook receiver: the event is committed before the sender hears 2xx."""

    def __init__(self, inbox: Inbox, world: "World") -> None:
        self._inbox = inbox
        self._world = world

    def receive(self, event: DecisionEvent, _delivery: int) -> None:
        self._strike("crash before commit")
        self._inbox.store([incoming(event, event.event_key)])
        self._strike("crash before ack")
        self._world.notes.acknowledged.append(event.event_key)

    def _strike(self, where: str) -> None:
        world = self._world
        life = world.hub.current
        if not world.is_calm and isinstance(life, Life) and world.dice.random() < 0.1:
            world.coverage[where, "WH", "delivery"] += 1
            life.die()


def incoming(event: DecisionEvent, key: str) -> Incoming:
    body = {
        "request_id": event.request_id,
        "decision": event.decision.value,
        "at": event.at.isoformat(),
        "key": event.event_key,
    }
    return Incoming("cybersource|acme_us", key, "decision", json.dumps(body).encode())


def read_event(row: InboxRow) -> DecisionEvent:
    found = json.loads(row.body)
    at = datetime.fromisoformat(found["at"])
    return DecisionEvent(
        found["request_id"], Decision(found["decision"]), at, "webhook", "wh|" + found["key"], "ann"
    )
