"""One thread looks at every exchange when its time is up, also in a process that was forked."""

import os
import threading
import time

from include.adapters.http.watchdog import WATCHDOG, Watchdog


def test_looks_are_called_in_the_order_of_their_time_and_again_where_asked() -> None:
    seen: list[str] = []
    is_over = threading.Event()

    def again() -> float | None:
        seen.append("again")
        return 0.05 if seen.count("again") == 1 else None

    def last() -> float | None:
        seen.append("last")
        is_over.set()
        return None

    dog = Watchdog()
    dog.look_in(0.2, last)
    dog.look_in(0.02, again)  # sooner than what it waits for
    assert is_over.wait(3)
    assert seen == ["again", "again", "last"]


def test_a_forked_child_has_a_watchdog_of_its_own() -> None:
    WATCHDOG.look_in(60, lambda: None)
    child = os.fork()
    if child == 0:  # no pytest in here: only the exit code tells
        is_seen = threading.Event()
        WATCHDOG.look_in(0.01, lambda: is_seen.set())  # type: ignore[func-returns-value]
        os._exit(0 if is_seen.wait(3) else 1)
    until = time.monotonic() + 5
    assert os.waitpid(child, 0)[1] == 0
    assert time.monotonic() < until
