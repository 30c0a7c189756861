"""A partner that is down is not asked by every order in turn: one asks, the others wait.

Opened by three faults in a row, by one that took long (each more would take as long again), or by a
server that names the time it wants to be left alone for. Open for longer each time the probe fails,
up to five minutes; checkout never passes here.
"""

import threading
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from include.domain.errors import (
    Busy,
    Illegible,
    LeftAlone,
    OutcomeUnknown,
    Retryable,
    Unconfigured,
)
from include.services.effects.ports import Difference, Effect, Found, Partner, Receipt

T = TypeVar("T")
Seconds = Callable[[], float]  # of a clock that nobody sets: the host's may be set back a day
_FIRST_S = 5.0
_LONGEST_S = 300.0
_FAULTS_TO_OPEN = 3  # in a row: a single lost answer closes nothing
_HANG_S = 10.0  # a fault that took so long counts for all of them


class Breaker:
    """Of one partner, shared by the threads of a process."""

    def __init__(self, name: str, seconds: Seconds = time.monotonic) -> None:
        self._name = name
        self._seconds = seconds
        self._lock = threading.Lock()
        self._faults = 0
        self._wait_s = _FIRST_S
        self._closed_from: float | None = None  # open until then

    def lets_through(self) -> bool:
        """Say whether the partner may be asked now."""
        return self._closed_from is None or self._seconds() >= self._closed_from

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
            if is_silence and not isinstance(fault, Unconfigured | LeftAlone | Illegible):
                self._failed(began, fault)
            else:  # nothing was asked, or it has answered: that opens nothing and closes nothing
                self._leave(probing_until)
            raise
        self._answered()
        return found

    def _enter(self) -> tuple[float, float | None]:
        """Say when the question begins and, of the one probe of an open breaker, until when.

        Raises:
            LeftAlone: it is open.
        """
        with self._lock:
            now = self._seconds()
            if self._closed_from is None:
                return now, None
            if now < self._closed_from:
                raise LeftAlone(
                    "it did not answer a moment ago and is left alone",
                    self._name,
                    f"It is asked again in {self._closed_from - now:.0f} s.",
                )
            self._closed_from = now + _LONGEST_S  # the others wait for how this one ends
            return now, self._closed_from

    def _failed(self, began: float, fault: BaseException) -> None:
        named_s = (fault.retry_after_s if isinstance(fault, Busy) else None) or 0.0
        with self._lock:
            now = self._seconds()
            took_s = now - began
            self._faults += _FAULTS_TO_OPEN if took_s >= _HANG_S or named_s else 1
            if self._faults >= _FAULTS_TO_OPEN:
                wait_s = min(max(self._wait_s, took_s), _LONGEST_S)
                self._closed_from = now + max(wait_s, named_s)
                self._wait_s = min(2 * wait_s, _LONGEST_S)

    def _leave(self, probing_until: float | None) -> None:
        """Let the next one be the probe, where this was it."""
        with self._lock:
            if probing_until is not None and self._closed_from == probing_until:
                self._closed_from = self._seconds()

    def _answered(self) -> None:
        if self._faults:
            with self._lock:
                self._faults, self._wait_s, self._closed_from = 0, _FIRST_S, None


class Asks(Protocol):
    """A breaker, or what stands before one."""

    def call(self, ask: Callable[[], T]) -> T: ...


class Passing:
    """Asks whatever was heard before, where each question is worth its wait: at checkout."""

    def call(self, ask: Callable[[], T]) -> T:
        return ask()


class Breakers:
    """A process's, one for each connection."""

    def __init__(self) -> None:
        self._made: dict[str, Breaker] = {}

    def of(self, conn_id: str) -> Breaker:
        return self._made.setdefault(conn_id, Breaker(conn_id))


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
