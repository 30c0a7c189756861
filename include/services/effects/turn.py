"""One worker's turn at one effect: from the commit that took the lease to the one that ends it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from include.services.effects.ports import Effect, EffectKind
from include.services.effects.schedule import waits_out
from include.services.effects.states import check_transition
from include.services.effects.store import Change, Decide, EffectStore, Lease


@dataclass(slots=True)
class Turn:
    """What a worker knows while it holds an effect."""

    kind: EffectKind
    lease: Lease
    now: datetime  # the store's time, as last read: never later than it is
    has_called: bool = False  # the partner, since the lease was taken or renewed
    is_over: bool = False  # it rests; the lease is given back, or runs out before then

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
            made[:] = [change]
            return ended(change, self.lease) if ends(change.after, now) else change

        after = store.change(self.lease, checked)
        self.is_over = bool(made) and ends(made[0].after, self.now)
        return after

    def renew(self, store: EffectStore, duration: timedelta) -> datetime:
        """Extend the lease; return the store's time.

        Raises:
            LeaseLost: somebody else has the effect now.
        """
        self.now = store.renew(self.lease, duration)
        self.lease = replace(self.lease, expires_at=self.now + duration)
        self.has_called = False
        return self.now


def ended(change: Change, lease: Lease) -> Change:
    """Let the last change of a turn give the lease back, unless nobody can use it anyway."""
    gives_back = not waits_out(change.after, lease.expires_at)
    return change if change.gives_back is gives_back else change.but(gives_back=gives_back)
