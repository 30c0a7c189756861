"""A partner that is down is not asked by every order in turn: one asks, the others wait.

Open for longer each time the probe fails, up to five minutes; checkout never passes here.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from include.domain.errors import OutcomeUnknown, Retryable
from include.services.effects.ports import Difference, Effect, Found, Partner, Receipt
from include.services.ports import Clock

T = TypeVar("T")
_FIRST = timedelta(seconds=5)
_LONGEST = timedelta(minutes=5)
_FAULTS_TO_OPEN = 3  # in a row: a single lost answer closes nothing


class Breaker:
    """Of one partner, shared by the threads of a process."""

    def __init__(self, name: str, clock: Clock) -> None:
        self._name = name
        self._clock = clock
        self._lock = threading.Lock()
        self._faults = 0
        self._wait = _FIRST
        self._closed_from: datetime | None = None  # open until then

    def lets_through(self) -> bool:
        """Say whether the partner may be asked now."""
        return self._closed_from is None or self._clock.now() >= self._closed_from

    def call(self, ask: Callable[[], T]) -> T:
        """Ask, and learn from how it ends.

        Raises:
            Retryable: it is known to be down; nothing was sent.
        """
        if not self.lets_through():
            raise Retryable(
                "it did not answer a moment ago and is left alone",
                self._name,
                f"It is asked again from {self._closed_from:%H:%M:%S} UTC on.",
            )
        try:
            found = ask()
        except (Retryable, OutcomeUnknown):
            self._failed()
            raise
        self._answered()
        return found

    def _failed(self) -> None:
        with self._lock:
            self._faults += 1
            if self._faults >= _FAULTS_TO_OPEN:
                self._closed_from = self._clock.now() + self._wait
                self._wait = min(2 * self._wait, _LONGEST)

    def _answered(self) -> None:
        if self._faults:
            with self._lock:
                self._faults, self._wait, self._closed_from = 0, _FIRST, None


class Asks(Protocol):
    """A breaker, or what stands before one."""

    def call(self, ask: Callable[[], T]) -> T: ...


class GuardedPartner:
    """A partner behind a breaker; satisfies ``effects.ports.Partner``."""

    def __init__(self, partner: Partner, breaker: Asks) -> None:
        self._partner = partner
        self._breaker = breaker

    def look(self, effect: Effect) -> tuple[Found, ...]:
        return self._breaker.call(lambda: self._partner.look(effect))

    def send(self, effect: Effect) -> Receipt:
        return self._breaker.call(lambda: self._partner.send(effect))

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        return self._partner.compare(effect, found)
