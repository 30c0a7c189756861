"""A token bucket per client: so many requests a second, and a burst."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one request finds."""

    is_allowed: bool
    left: int
    wait_s: int  # until the next one is allowed


class Limiter:
    """Buckets of this process; each replica has its own."""

    def __init__(
        self, rate_per_s: int, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.rate_per_s, self.burst = rate_per_s, burst
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket] = {}  # one per known client: it cannot be filled up

    def spend(self, client_id: str) -> Allowance:
        """Spend one token of a client."""
        with self._lock:
            now = self._clock()
            bucket = self._buckets.setdefault(client_id, _Bucket(self.burst, now))
            earned = (now - bucket.at) * self.rate_per_s
            bucket.tokens, bucket.at = min(self.burst, bucket.tokens + earned), now
            if bucket.tokens < 1:
                return Allowance(False, 0, math.ceil((1 - bucket.tokens) / self.rate_per_s))
            bucket.tokens -= 1
            return Allowance(True, int(bucket.tokens), 0)

    def headers(self, allowance: Allowance) -> dict[str, str]:
        """Return the headers of draft-ietf-httpapi-ratelimit-headers-10."""
        window = max(1, self.burst // self.rate_per_s)
        return {
            "RateLimit-Policy": f'"client";q={self.burst};w={window}',
            "RateLimit": f'"client";r={allowance.left};t={max(1, allowance.wait_s)}',
        }
