"""Let an expectation of Great Expectations describe itself once a run.

The library asks each for its configuration some seventy times a run and builds it anew every
time: two fifths of what a run takes. Nothing changes an expectation while a suite is judged, so
the first answer is the answer.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def described_once() -> Iterator[None]:
    """Remember for a while what each expectation says of itself; one thread at a time."""
    from great_expectations.expectations.expectation import Expectation

    known: dict[int, tuple[Any, Any]] = {}  # by identity: it, kept alive, and what it says
    library: Any = vars(Expectation)["configuration"]

    def configuration(self: Any) -> Any:
        if id(self) not in known:
            known[id(self)] = (self, library.fget(self))
        return known[id(self)][1]

    Expectation.configuration = property(configuration)  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        Expectation.configuration = library  # type: ignore[method-assign]
