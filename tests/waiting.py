"""Wait for what other threads and processes do, as long as a busy machine may need."""

import time
from collections.abc import Callable

PATIENCE_S = 60


def wait_until(is_so: Callable[[], object], seconds: float = PATIENCE_S) -> None:
    """Return once ``is_so``; fail where it does not come to pass."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"it did not come to pass within {seconds:g} s"
        time.sleep(0.005)
