"""Do one thing many times, at a pace or as fast as so many threads can, and time each.

At a pace, a call is timed from the instant it was due: a slow answer makes the next ones late, and
that counts. (Timed from its own beginning, a server that stalls would look fast.)
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Timed:
    """What each call took, in seconds, and what it returned."""

    seconds: list[float] = field(default_factory=list)
    outcomes: list[Any] = field(default_factory=list)
    wall_s: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.wall_s

    def ms(self, percent: float) -> float:
        """Return a percentile in milliseconds."""
        found = sorted(self.seconds)
        return 1000 * found[min(len(found) - 1, int(len(found) * percent / 100))]


def timed(count: int, threads: int, rate: float, work: Callable[[int], Any]) -> Timed:
    """Call ``work`` with 0 .. count-1; ``rate`` a second, or 0 for as fast as it goes."""
    found = Timed()
    began = time.perf_counter() + 0.1

    def run(number: int) -> None:
        due = began + number / rate if rate else 0.0
        time.sleep(max(0.0, due - time.perf_counter()))
        start = due or time.perf_counter()
        outcome = work(number)
        found.seconds.append(time.perf_counter() - start)
        found.outcomes.append(outcome)

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(run, range(count)):  # raises what a call raised
            pass
    found.wall_s = time.perf_counter() - began
    return found
