"""One worker's turn at one effect: from the commit that took the lease to the one that ends it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from include.services.effects.ports import Effect, EffectKind
from include.services.effects.states import check_transition
from include.services.effects.store import Change, Decide, EffectStore, Lease


@dataclass(slots=True)
class Turn:
    """What a worker knows while it holds an effect."""

    kind: EffectKind
    lease: Lease
    now: datetime  # the store's time, as last read: never later than it is
    has_called: bool = False  # the partner, since the lease was taken or renewed
    is_over: bool = False  # the last change gave the lease back

    def write(
        self, store: EffectStore, decide: Decide, ends: Callable[[Effect, datetime], bool]
    ) -> Effect:
        """Let the store write what is decided; ``ends`` says whether that ends the turn.

        Raises:
            LeaseLost: somebody else has the effect now, or it has changed. Nothing was written.
        """
        made: list[Change] = []

        def checked(now: datetime) -> Change:
            change = decide(now)
            check_transition(change.before.state, change.after.state)
            self.now = now
            made[:] = [replace(change, ends_turn=ends(change.after, now))]
            return made[0]

        after = store.change(self.lease, checked)
        self.is_over = made[0].ends_turn if made else False
        return after
