"""Live trade: what callers do while the sandbox runs, on a business date that is configured.

The generated world never changes; live lines stand beside it. Whatever reads a day with live
trade computes it anew after each change, and a day without any answers as if this module did not
exist. A live day is the merchant's local day ``date``; its time of day is the real one.
"""

import threading
from collections.abc import Sequence
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from include.sandbox.world.facts import MERCHANTS
from include.sandbox.world.model import Conversion, Transaction
from include.sandbox.world.orders import request_id

Key = tuple[str, date]  # merchant, settlement day

_IDS_A_MILLISECOND = 100_000  # the digits of an id that count requests


class LiveTrade:
    """Thread-safe; a request that is voided before its batch closes leaves no line."""

    def __init__(self, day: date) -> None:
        self._first_day = self._day = day
        self._lines: dict[Key, dict[str, Transaction]] = {}
        self._conversions: dict[Key, list[Conversion]] = {}
        self._versions: dict[Key, int] = {}
        self._count = 0  # never begins anew, so that no id is given out twice
        self._changes = 0  # nor does this, so that no version comes back after a reset
        self._lock = threading.Lock()

    @property
    def day(self) -> date:
        """The business date that live trade belongs to."""
        return self._day

    def move_to(self, day: date) -> None:
        with self._lock:
            self._day = day

    def now(self, merchant: str) -> datetime:
        """Return this moment of the merchant's business date, in UTC."""
        zone = ZoneInfo(MERCHANTS[merchant].zone)
        clock = datetime.now(zone).time()
        return datetime.combine(self._day, clock, zone).astimezone(UTC)

    def new_id(self, merchant: str, at: datetime) -> tuple[str, str]:
        """Return a request id and the processor's reference of a live request."""
        with self._lock:
            self._count += 1
            count = self._count
        facts = MERCHANTS[merchant]
        own_id = request_id(at, facts, "live", count % _IDS_A_MILLISECOND)
        return own_id, f"{90_000_000 + count % 10_000_000}"

    def put(self, merchant: str, line: Transaction) -> None:
        """Add a line to its settlement day, or change it."""
        if line.settlement_date is None:
            raise ValueError(f"{line.request_id} has no settlement date")
        key = (merchant, line.settlement_date)
        with self._lock:
            self._lines.setdefault(key, {})[line.request_id] = line
            self._touch(key)

    def take_out(self, merchant: str, day: date, line_id: str) -> None:
        """Forget a line that was voided; one that is unknown is no mistake."""
        key = (merchant, day)
        with self._lock:
            if self._lines.get(key, {}).pop(line_id, None):
                self._touch(key)

    def _touch(self, key: Key) -> None:
        self._changes += 1
        self._versions[key] = self._changes

    def lines(self, merchant: str, day: date) -> tuple[Transaction, ...]:
        """Return the captures and refunds of a day, by time."""
        with self._lock:
            found = list(self._lines.get((merchant, day), {}).values())
        return tuple(sorted(found, key=lambda t: (t.at, t.request_id)))

    def version(self, merchant: str, day: date) -> int:
        """Return a number that is new after each change of a day; 0 without live trade."""
        return self._versions.get((merchant, day), 0)

    def days(self, merchant: str) -> list[date]:
        """Return the settlement days with live trade."""
        with self._lock:
            return sorted(day for owner, day in self._versions if owner == merchant)

    def decide(self, merchant: str, conversion: Conversion) -> None:
        """Add a reviewer's decision to the business date."""
        with self._lock:
            self._conversions.setdefault((merchant, self._day), []).append(conversion)

    def conversions(self, merchant: str, day: date) -> Sequence[Conversion]:
        with self._lock:
            return tuple(self._conversions.get((merchant, day), ()))

    def reset(self) -> None:
        with self._lock:
            self._day = self._first_day
            self._lines.clear()
            self._conversions.clear()
            self._versions.clear()
