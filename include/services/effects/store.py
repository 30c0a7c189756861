"""What the engine needs of a store: once by constraint, changes under a fenced lease, one clock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from include.domain.copied import Copied
from include.services.effects.ports import Effect, EffectKind, EffectState

EVERY_STATE = tuple(EffectState)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to change one thing, until somebody with a higher fence has it."""

    name: str  # "<kind>|<key>", or e.g. "syspro-operator|<server>|<operator>"
    holder: str
    fence: int  # grows with every take-over of this name, and never shrinks
    expires_at: datetime


class LeaseLost(Exception):
    """Another worker has taken over, or the row is no longer as it was read. Nothing was written.

    Not an error of the job: whoever took over goes on with it.
    """


@dataclass(frozen=True, slots=True)
class DeadLetterNote:
    """What a person needs to know when the engine stops."""

    reason: str
    next_action: str


@dataclass(frozen=True, slots=True)
class Change(Copied):
    """One state change, its cause, and what it does to the effect's dead letter.

    The store writes the row, the audit entry and the dead letter in one transaction.
    """

    before: Effect  # as read under the lease; the row must still be so
    after: Effect
    cause: str
    dead_letter: DeadLetterNote | None = None  # opened; if one is open, it is brought up to date
    resolution: str = ""  # closes the open dead letter, if there is one
    who: str = ""  # a person, if a person asked; otherwise the lease's holder
    gives_back: bool = False  # the lease, in the same transaction


Decide = Callable[[datetime], Change]  # of the store's time, inside the transaction that writes it


@dataclass(frozen=True, slots=True)
class Leased:
    """An effect as read in the transaction that took its lease, and the store's time then."""

    effect: Effect | None  # None: never intended
    lease: Lease | None  # None: somebody else has it
    now: datetime


class Leases(Protocol):
    """Leases by name, on the store's clock."""

    def acquire(self, name: str, holder: str, duration: timedelta) -> Lease | None:
        """Take a free or expired lease; ``None``: somebody holds it."""
        ...

    def renew(self, lease: Lease, duration: timedelta) -> datetime:
        """Extend a lease that is still ours, and return the store's time.

        Raises:
            LeaseLost: somebody took it over.
        """
        ...

    def release(self, lease: Lease) -> None:
        """Give it back. A lease already lost is left alone."""
        ...


class EffectStore(Leases, Protocol):
    """Effects. Its clock is the only one that decides."""

    def now(self) -> datetime:
        """Return the store's time: one clock for all workers."""
        ...

    def insert(self, effect: Effect, who: str, *, under: Lease | None = None) -> Effect:
        """Commit a new effect, or return the one that already has its kind and key.

        ``under``: a lease of the caller's, e.g. of its saga, that it must still have then.

        Raises:
            Rejected: another key already uses this reference at this target.
            LeaseLost: somebody has taken ``under`` over; nothing was written.
        """
        ...

    def begin(
        self,
        effect: Effect,
        mark: Callable[[Effect], Change],
        who: str,
        duration: timedelta,
        *,
        under: Lease | None = None,
    ) -> tuple[Effect, Lease | None]:
        """Commit a new effect as sent, or as found, under a lease, in one transaction.

        Args:
            effect: as intended; the store puts its instant in.
            mark: makes the change of it, e.g. to ``sent``.
            who: holds the lease and signs the audit entries.
            duration: of the lease.
            under: as in ``insert``.

        Returns:
            The effect as marked and its lease; or the one that already has its kind and key,
            untouched, and ``None``.

        Raises:
            Rejected: another key already uses this reference at this target.
            LeaseLost: somebody has taken ``under`` over; nothing was written.
        """
        ...

    def get(self, kind: EffectKind, key: str) -> Effect | None:
        """Read one effect."""
        ...

    def holder(self, target: str, reference: str) -> Effect | None:
        """Read the effect that plants this reference at this target."""
        ...

    def has_later(self, effect: Effect) -> bool:
        """Say whether its saga, named before the key's first bar, made a later one of its kind."""
        ...

    def lease(self, kind: EffectKind, key: str, holder: str, duration: timedelta) -> Leased:
        """Take the effect's lease, then read its row, in one transaction."""
        ...

    def change(self, lease: Lease, decide: Decide, *, in_passing: bool = False) -> Effect:
        """Write what is decided if the lease is ours and the row is as the change knows it.

        ``decide`` is called once, with the store's time, in the transaction that writes.
        ``in_passing``: another commit follows at once, so this one need not reach the disk alone.

        Returns:
            The row as written, with the lease's fence.

        Raises:
            LeaseLost: the fencing token is old, or the row has changed.
        """
        ...

    def due(
        self, limit: int, targets: Sequence[str] | None = None
    ) -> Sequence[tuple[EffectKind, str]]:
        """List unfinished effects whose time has come, oldest first; of these targets only."""
        ...

    def listing(self, states: Sequence[EffectState], limit: int = 1000) -> Sequence[Effect]:
        """List effects in these states, oldest intent first: the operator's view."""
        ...

    def counts(self, states: Sequence[EffectState] = EVERY_STATE) -> dict[EffectState, int]:
        """Count the effects per state; to count the finished ones reads all that ever were."""
        ...

    def is_in_transaction(self) -> bool:
        """Say whether this thread has a transaction open; it must not while a partner is called."""
        ...
