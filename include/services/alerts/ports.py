"""What the alerts need: what is seen, what was told, and ways to reach people."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from include.domain.alerts import AlertKind, AlertRule, Recipient


@dataclass(frozen=True, slots=True)
class Seen:
    """One cause, as the store shows it now."""

    cause: str  # e.g. "erp_unreachable|A"; one alert for each
    count: int
    words: str  # what it is about, for people


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One cause, as it was raised."""

    cause: str
    count: int
    words: str
    raised_at: datetime
    told_at: datetime | None
    told_count: int = 0  # what they were told then, of what lasts


class Sightings(Protocol):
    """Counts what is watched, from the rows that are there anyway."""

    def seen(self, rule: AlertRule, now: datetime) -> Sequence[Seen]:
        """Return the causes of one kind; one below the threshold may be among them."""
        ...


class AlertBook(Protocol):
    """Alerts, one row for each cause."""

    def now(self) -> datetime: ...

    def raised(self, kind: AlertKind) -> Sequence[AlertRow]:
        """Return the causes of a kind that last."""
        ...

    def raise_one(self, rule: AlertRule, seen: Seen) -> AlertRow:
        """Raise a cause, or bring the raised one up to date."""
        ...

    def mark_sent(self, row: AlertRow, *, counted: int) -> None:
        """Note that people know; ``counted`` sightings are taken off what was counted."""
        ...

    def clear(self, row: AlertRow) -> None:
        """Note that a cause is over, unless it was seen again since ``row`` was read."""
        ...


Send = Callable[[Recipient, str, str], bool]  # subject, text; whether this way exists
