"""How a measurement tells the time and waits; a test hands in a clock that stands still."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from include.services.effects.ports import Difference, Effect, Found, Partner, Receipt


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """Seconds of a clock that nobody sets, and a way to let them pass."""

    seconds: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def ms_since(self, began: float) -> int:
        """Return whole milliseconds, rounded up: a wait must outlast them."""
        return -int(-(self.seconds() - began) * 1000 // 1)


class TimedPartner:
    """A partner that remembers when its last send began; satisfies ``effects.ports.Partner``."""

    def __init__(self, partner: Partner, watch: Stopwatch) -> None:
        self._partner = partner
        self._watch = watch
        self.began: float | None = None
        self.took_ms: int | None = None  # None: no answer, or none yet

    def look(self, effect: Effect) -> tuple[Found, ...]:
        return self._partner.look(effect)

    def send(self, effect: Effect) -> Receipt:
        self.began, self.took_ms = self._watch.seconds(), None
        receipt = self._partner.send(effect)
        self.took_ms = self._watch.ms_since(self.began)
        return receipt

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        return self._partner.compare(effect, found)
