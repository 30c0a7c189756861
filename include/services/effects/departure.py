"""The line before the first byte of a write: nothing crosses it whose send is not on record.

What comes before that byte may take minutes: waiting for SYSPRO's one operator, its logon, asking
for its open period, a connection. Q counts from the record, so the record is made last of all. The
engine opens the way around its partner's call; the HTTP client crosses the line by ``depart``,
right before the first byte of any write. The partners in between need not know, and cannot forget.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_way: ContextVar[Callable[[], None] | None] = ContextVar("departure", default=None)


@contextmanager
def departing(way: Callable[[], None]) -> Iterator[None]:
    """Let what is called inside write to the outside, each write by ``way``."""
    token = _way.set(way)
    try:
        yield
    finally:
        _way.reset(token)


def depart() -> None:
    """Cross the line; called by whoever is about to write the first byte of a write.

    Raises:
        RuntimeError: no engine is sending. A write that nobody has recorded is a bug of ours.
        Exception: as the way says, e.g. ``Retryable``: it is too late to leave. Nothing may.
    """
    way = _way.get()
    if way is None:
        raise RuntimeError("a write was to leave without the effects engine")
    way()
