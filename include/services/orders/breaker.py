"""A partner that is down is not asked by every order in turn: one asks, the others wait.

Opened by three faults in a row, or by one that took long: each more would take as long again. Open
for longer each time the probe fails, up to five minutes; checkout never passes here.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from include.domain.errors import LeftAlone, OutcomeUnknown, Retryable, Unconfigured
from include.services.effects.ports import Difference, Effect, Found, Partner, Receipt
from include.services.ports import Clock

T = TypeVar("T")
_FIRST = timedelta(seconds=5)
_LONGEST = timedelta(minutes=5)
_FAULTS_TO_OPEN = 3  # in a row: a single lost answer closes nothing
_HANG = timedelta(seconds=10)  # a fault that took so long counts for all of them


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
            LeftAlone: it is known to be down; nothing was asked.
        """
        began, probing_until = self._enter()
        try:
            found = ask()
        except BaseException as fault:
            is_silence = isinstance(fault, Retryable | OutcomeUnknown)
            if is_silence and not isinstance(fault, Unconfigured | LeftAlone):
                self._failed(began)
            else:  # nothing was asked, or it answered no: that opens nothing and closes nothing
                self._leave(probing_until)
            raise
        self._answered()
        return found

    def _enter(self) -> tuple[datetime, datetime | None]:
        """Say when the question begins and, of the one probe of an open breaker, until when.

        Raises:
            LeftAlone: it is open.
        """
        with self._lock:
            now = self._clock.now()
            if self._closed_from is None:
                return now, None
            if now < self._closed_from:
                raise LeftAlone(
                    "it did not answer a moment ago and is left alone",
                    self._name,
                    f"It is asked again from {self._closed_from:%H:%M:%S} UTC on.",
                )
            self._closed_from = now + _LONGEST  # the others wait for how this one ends
            return now, self._closed_from

    def _failed(self, began: datetime) -> None:
        with self._lock:
            now = self._clock.now()
            took = now - began
            self._faults += _FAULTS_TO_OPEN if took >= _HANG else 1
            if self._faults >= _FAULTS_TO_OPEN:
                wait = min(max(self._wait, took), _LONGEST)
                self._closed_from = now + wait
                self._wait = min(2 * wait, _LONGEST)

    def _leave(self, probing_until: datetime | None) -> None:
        """Let the next one be the probe, where this was it."""
        with self._lock:
            if probing_until is not None and self._closed_from == probing_until:
                self._closed_from = self._clock.now()

    def _answered(self) -> None:
        if self._faults:
            with self._lock:
                self._faults, self._wait, self._closed_from = 0, _FIRST, None


class Asks(Protocol):
    """A breaker, or what stands before one."""

    def call(self, ask: Callable[[], T]) -> T: ...


class Passing:
    """Asks whatever was heard before, where each question is worth its wait: at checkout."""

    def call(self, ask: Callable[[], T]) -> T:
        return ask()


class Breakers:
    """A process's, one for each connection."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._made: dict[str, Breaker] = {}

    def of(self, conn_id: str) -> Breaker:
        return self._made.setdefault(conn_id, Breaker(conn_id, self._clock))


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
