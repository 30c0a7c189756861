"""What the engine demands of an effect, and its rules by kind."""

import hashlib
from collections.abc import Callable
from datetime import datetime

from include.domain.errors import Rejected
from include.services.effects.ports import Effect, EffectKind, EffectState
from include.services.effects.rules import Rules


class NotThereError(ValueError):
    """There is no such effect: a bug of ours, or it was withdrawn and another took its place."""


class RulesByKind(dict[EffectKind, Rules]):
    """Made when first asked for: a connection is read only where its partner is needed."""

    def __init__(self, make: Callable[[EffectKind], Rules]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, kind: EffectKind) -> Rules:
        self[kind] = self._make(kind)
        return self[kind]


def check_digest(effect: Effect) -> None:
    """Refuse an effect that was put together wrongly: our own bug."""
    if effect.digest != hashlib.sha256(effect.payload.encode()).hexdigest():
        raise ValueError(f"the digest of {effect.key} is not that of its payload")


def demand_same(stored: Effect, effect: Effect) -> None:
    """Let the same content pass.

    Raises:
        Rejected: the key is already used for other content.
    """
    if (stored.digest, stored.reference) != (effect.digest, effect.reference):
        raise Rejected(
            f"{effect.key!r} was intended as {stored.digest[:12]} for {stored.amount_minor} "
            f"{stored.currency} and now comes as {effect.digest[:12]} for "
            f"{effect.amount_minor} {effect.currency}",
            f"effect {effect.kind.value}",
            "Compare the two; correct a posted one by a new version under its own key.",
        )


def demand_replayable(effect: Effect) -> None:
    """Let pass what a person may have tried again.

    Raises:
        Rejected: it is neither rejected nor a dead letter.
    """
    if effect.state not in (EffectState.rejected, EffectState.dead_letter):
        raise Rejected(
            f"{effect.key!r} is {effect.state.value}, not rejected or a dead letter",
            f"effect {effect.kind.value}",
            "Look again instead; nothing is sent twice.",
        )


def instant_of(effect: Effect) -> datetime:
    """Return when the store took the intent."""
    if effect.intended_at is None:
        raise ValueError(f"effect {effect.key} was never stored")
    return effect.intended_at
