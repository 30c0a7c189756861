"""Have the shop call us: its webhooks are made, and mended where the shop has given them up."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, EffectKind
from include.services.orders.commands import Command
from include.services.shop.commands import WebhookWish

log = logging.getLogger(__name__)


class Webhook(Protocol):
    """One of ours, as the shop shows it."""

    @property
    def webhook_id(self) -> str: ...
    @property
    def topic(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def modified_at(self) -> str:
        """Any change moves it."""
        ...

    def is_as_wished(self, wish: WebhookWish) -> bool: ...


class Webhooks(Protocol):
    """What a shop's connection asks for, and what is there."""

    def wishes(self) -> Iterable[WebhookWish]: ...
    def ours(self) -> Sequence[Webhook]: ...


@dataclass(frozen=True, slots=True)
class KeepWebhooks:
    """Keeps one shop's webhooks; one that a person has paused stays paused."""

    webhooks: Webhooks
    engine: Engine
    owner: str

    def run(self, today: date) -> str:
        """Begin an effect for each webhook that is missing or not as wished; say what was done.

        Raises:
            Retryable, Rejected: the shop's webhooks cannot be read.
        """
        wishes = list(self.webhooks.wishes())
        if not wishes:
            return "left alone"
        ours, said = self.webhooks.ours(), []
        for wish in wishes:
            known = [one for one in ours if one.topic == wish.topic]
            standing = [one for one in known if one.is_as_wished(wish)]
            if standing:
                said += [f"{one.topic} is paused" for one in standing if one.status == "paused"]
                continue
            seen = f"{known[0].webhook_id}|{known[0].modified_at}" if known else f"none|{today}"
            effect = self._wish(wish, seen)
            was = f"{known[0].status} in the shop" if known else "missing in the shop"
            log.warning("webhook %s was %s; now %s", wish.topic, was, effect.state.value)
            said.append(f"{wish.topic} was {was}: {effect.state.value} {effect.reason}".strip())
        return "; ".join(said) or f"{len(wishes)} as they should be"

    def _wish(self, wish: WebhookWish, seen: str) -> Effect:
        """One effect for each state that we found it in: asking again begins nothing new.

        A shop that has none is asked once a day, so that a lost answer never makes two.
        """
        key = f"{wish.shop_id}|webhook|{wish.topic}|{seen}|{wish.digest[:8]}"
        command = Command(EffectKind.shop_webhook, wish, wish.shop_id, "", 0, self.owner)
        return self.engine.perform(command.effect(key))
