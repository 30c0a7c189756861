"""Dead letters: what the engine could not finish, with owner, age, amount and next action."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from include.domain.errors import Rejected
from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, EffectKind, EffectState


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One item set aside; it still counts in the control totals."""

    dead_letter_id: int
    kind: str
    key: str
    currency: str
    amount_minor: int | None  # ``None``: could not be read
    reason: str
    next_action: str
    owner: str
    state: str  # open, resolved
    opened_at: datetime
    resolved_at: datetime | None = None
    resolved_by: str = ""
    resolution: str = ""


class DeadLetters(Protocol):
    """The shelf they lie on. Every action on it is audited."""

    def listing(
        self,
        state: str = "open",
        limit: int = 1000,
        *,
        shop_id: str = "",
        after: tuple[datetime, int] | None = None,
    ) -> Sequence[DeadLetter]:
        """List them, oldest first.

        Args:
            state: open or resolved.
            limit: the most.
            shop_id: only those of this shop's orders and refunds; '': all.
            after: when the last of the page before was opened, and its number.
        """
        ...

    def is_open(self, kind: str, key: str) -> bool:
        """Say whether there is an open one of exactly this item."""
        ...

    def show(self, dead_letter_id: int, shop_id: str = "") -> DeadLetter:
        """Read one; with a shop, only if it is of its orders or refunds.

        Raises:
            Rejected: there is none with this number.
        """
        ...

    def resolve(
        self, dead_letter_id: int, who: str, resolution: str, *, via: str = ""
    ) -> DeadLetter:
        """Close one because a person has dealt with it; the first resolution stands.

        ``via`` tells the audit chain which door they came by.

        Raises:
            Rejected: unknown, or already resolved otherwise.
        """
        ...


def replay(letters: DeadLetters, engine: Engine, dead_letter_id: int, who: str) -> Effect:
    """Try the effect behind a dead letter again, looking first; or look again where it was sent.

    Raises:
        Rejected: there is no such dead letter, or it is not one of an effect.
        Retryable: the other side could not be asked.
    """
    letter = letters.show(dead_letter_id)
    if letter.state != "open":
        raise Rejected(
            f"dead letter {dead_letter_id} is resolved: {letter.resolution!r}",
            f"dead letter {dead_letter_id}",
            "Nothing is left to try again.",
        )
    if letter.kind not in set(EffectKind):
        raise Rejected(
            f"dead letter {dead_letter_id} is a {letter.kind}, not an effect",
            f"dead letter {dead_letter_id}",
            "Replay it with `dead-letters replay`.",
        )
    kind = EffectKind(letter.kind)
    effect = engine.recheck(kind, letter.key)
    if effect.state in (EffectState.rejected, EffectState.dead_letter):
        effect = engine.replay(kind, letter.key, who)
    return effect
