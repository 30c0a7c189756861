"""Asking everything that a merchant's days and orders will need, before the first of them does.

Nothing is written outside. A check that fails says what to do; what hangs on a connection that does
not answer is not asked, so that one cause is one line.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from include.domain.errors import IntegrationError


class Verdict(StrEnum):
    """How a check ended."""

    ok = "ok"
    wrong = "wrong"
    not_asked = "not asked"  # what it needs is wrong already


@dataclass(frozen=True, slots=True)
class Check:
    """One question."""

    place: str  # e.g. the id of a connection
    what: str
    ask: Callable[[], str]  # what was found, in words; an ``IntegrationError`` is what is wrong
    opens: bool = False  # without it nothing else of its place can be asked


@dataclass(frozen=True, slots=True)
class Result:
    """One answer."""

    check: Check
    verdict: Verdict
    words: str
    do: str = ""  # the next step, where something is wrong


def preflight(checks: Iterable[Check]) -> Iterator[Result]:
    """Yield the answer of each check, in order."""
    shut: set[str] = set()
    for check in checks:
        if check.place in shut:
            yield Result(check, Verdict.not_asked, f"{check.place} does not answer")
            continue
        try:
            words = check.ask()
        except IntegrationError as fault:
            if check.opens:
                shut.add(check.place)
            yield Result(check, Verdict.wrong, fault.what, fault.do)
        else:
            yield Result(check, Verdict.ok, words)
