"""What a step of a saga writes to the outside, and the effect it becomes under its key."""

import hashlib
from dataclasses import dataclass

from include.domain.canonical import to_json
from include.domain.money import Money
from include.domain.orders import reference_of
from include.services.effects.ports import Effect, EffectKind
from include.services.orders.ports import ShopContext


@dataclass(frozen=True, slots=True)
class Command:
    """What a step writes to the outside: everything of its effect but the bookkeeping."""

    kind: EffectKind
    content: object  # a frozen dataclass of the domain
    target: str
    currency: str
    amount_minor: int
    owner: str
    reference: str = ""  # '': made from the key
    is_shared: bool = False  # what another saga writes under this reference does as well

    @classmethod
    def of(
        cls,
        desk: ShopContext,
        kind: EffectKind,
        content: object,
        target: str,
        amount: Money,
        reference: str = "",
    ) -> "Command":
        """Return a shop's command; ``amount`` is at stake in it, none of it where no money is."""
        return cls(kind, content, target, amount.currency, amount.minor, desk.owner, reference)

    def effect(self, key: str) -> Effect:
        payload = to_json(self.content)
        return Effect(
            kind=self.kind,
            key=key,
            reference=self.reference or reference_of(key),
            payload=payload,
            digest=hashlib.sha256(payload.encode()).hexdigest(),
            target=self.target,
            currency=self.currency,
            amount_minor=self.amount_minor,
            owner=self.owner,
        )


def of_another(key: str, effect: Effect) -> str:
    """Name whose effect the saga of this key waits for, for who reads why; ``''``: its own."""
    if effect.key == key:
        return ""
    whose = effect.key.partition("|")[0]
    return f"waits for {effect.kind} {effect.reference} of {whose} (effect {effect.key}): "
