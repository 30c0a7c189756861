"""The steps of a settlement day in their order, and how far its own record says it has come.

Airflow lets a step begin once the one before it is green, and a person may mark anything green.
What a step needs is therefore read from the day, which only a step that has ended moves on.
"""

from itertools import pairwise
from typing import Protocol

from include.domain.errors import Rejected
from include.domain.settlement import SettlementDay

BLOCKED = "blocked"
STEPS = tuple("download classify check match build approve post tie_out".split())
NEXT = dict(pairwise((*STEPS, "report")))
_BEFORE = {then: step for step, then in NEXT.items()}
_DONE = {  # the last step that has ended, by state of the day; of a blocked one see ``_last_done``
    "downloaded": "download",
    "classified": "classify",
    "checked": "check",
    "matched": "match",
    "built": "build",
    "held": "build",
    "approved": "approve",
    "posted": "post",
    "parked": "post",
    "tied_out": "tie_out",
    "reported": "tie_out",
    "shadow": "tie_out",  # nothing of it is posted, so nothing is owed
}


class DayState(Protocol):
    """Where a day stands; a blocked one's reason begins with the step that has not ended."""

    @property
    def state(self) -> str: ...

    @property
    def reason(self) -> str: ...


def missing_before(step: str, known: DayState | None) -> str:
    """Return the first step that this one needs and that has not ended, or ''.

    The report needs none: it is written however far the day has come.
    """
    if step not in STEPS:
        return ""
    done = _last_done(known)
    reached = STEPS.index(done) + 1 if done else 0
    return STEPS[reached] if reached < STEPS.index(step) else ""


def not_ended(missing: str, step: str, day: SettlementDay) -> Rejected:
    """Return the refusal to begin a step before one that it needs."""
    return Rejected(
        f"{missing!r} has not ended, so {step!r} cannot begin: somebody marked it a success, or "
        "another run is at the same day",
        str(day),
        f"Clear {missing!r} of this merchant, with all that follows it.",
    )


def _last_done(known: DayState | None) -> str:
    if known is None:
        return ""
    if known.state == BLOCKED:
        return _BEFORE.get(known.reason.partition(":")[0], "")
    return _DONE.get(known.state, "")
