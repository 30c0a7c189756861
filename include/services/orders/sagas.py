"""Sagas as they are kept: one row each, its timeline, and the store that both are written to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from include.services.effects.store import Lease
from include.services.orders.setting_back import Letter

F = TypeVar("F")


class Stale(Exception):
    """The row is no longer as it was read: somebody cancelled, decided or asked for a capture."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the timeline; what a person does is in the audit chain, too, in one commit."""

    what: str
    detail: Mapping[str, object] = field(default_factory=dict)
    who: str = ""
    via: str = ""  # the door a person came by: cli, api, airflow; '': no person


@dataclass(frozen=True, slots=True)
class Saga(Generic[F]):
    """One row, as read or as it shall be written."""

    key: str
    state: str
    facts: F
    version: int
    next_at: datetime | None = None
    reason: str = ""
    # The facts that the row of this version holds; None: not known.
    stored: F | None = field(default=None, compare=False, repr=False)

    def has_news(self) -> bool:
        """Say whether its facts must be written: most turns only move when to look again."""
        return self.facts is not self.stored and self.facts != self.stored


class SagaStore(Protocol[F]):
    """Rows of one kind of saga."""

    def get(self, key: str) -> Saga[F]: ...

    def lease(self, key: str, holder: str, duration: timedelta) -> tuple[Saga[F], Lease | None]:
        """Take the saga's lease and read its row, in one transaction; ``None``: another has it."""
        ...

    def save(
        self,
        saga: Saga[F],
        events: list[Event],
        *,
        releases: Lease | None = None,
        goes_on: bool = False,
        letter: Letter | None = None,
    ) -> Saga[F]:
        """Write if the row still has ``saga.version``; return it with the next.

        ``releases`` is given back in the same transaction. ``goes_on``: another commit follows
        before anything is sent, so this one need not reach the disk by itself. ``letter``: the
        saga's own dead letter, in the same transaction.

        Raises:
            Stale: it has moved on. Nothing was written.
        """
        ...

    def now(self) -> datetime: ...
