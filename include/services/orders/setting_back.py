"""A saga that cannot be driven is set back, with a dead letter, instead of being tried each second.

Enough of them would fill every sweep, and no newer order would have its turn.
"""

import re
from dataclasses import dataclass
from datetime import timedelta

from include.domain.errors import IntegrationError, Rejected, Unconfigured
from include.domain.money import Money
from include.services.effects.store import DeadLetterNote
from include.services.fault_words import describe

_MARK = "cannot be driven"
_REASON = re.compile(_MARK + r" \(([a-z ]+)\)(?:, (\d+) times in a row)?: (.*)", re.DOTALL)
NO_DESK = "integration"  # owns the letter of what no shop's desk will drive: it is not set up
# What a person may do about the letter beside mending what fails, by its kind.
WAYS_OUT = {
    "order": "cancel the order",
    "refund": "refuse the refund while nothing of it has moved",
}
_WITHOUT_DESK = {"order": "Cancelled meanwhile, it is unwound then and no sooner."}


@dataclass(frozen=True, slots=True)
class Stake:
    """What a dead letter says of a saga, beside its fault."""

    kind: str  # of the dead letter: order, refund
    amount: Money
    owner: str


@dataclass(frozen=True, slots=True)
class Letter:
    """What a saga's own dead letter shall be: opened with a note, or closed without one."""

    stake: Stake
    note: DeadLetterNote | None = None
    stays_resolved: bool = False  # this was told before: a person's word on it stands


@dataclass(frozen=True, slots=True)
class SetBack:
    """How long a saga waits, why, and what a person is told; ``None``: nobody yet."""

    reason: str
    wait: timedelta
    note: DeadLetterNote | None = None
    was_told: bool = False  # the last time too, in the same words


@dataclass(frozen=True, slots=True)
class _Patience:
    """How a saga waits with one sort of fault, by how often in a row it could not be driven."""

    sort: str
    waits: tuple[timedelta, ...]  # the last one stays
    told_from: int | None  # the time that opens the letter; ``None``: never


_MINUTE = timedelta(minutes=1)
_RECHECK = 15 * _MINUTE
_REFUSED = _Patience("refused", (_RECHECK,), 1)  # a person must correct it: told at once
# The third time is 2.5 minutes after the first. Airflow's database that is restarted looks like a
# connection that is missing: told earlier, each blink of it would be a letter of each order.
_UNCONFIGURED = _Patience("not set up", (_MINUTE / 2, 2 * _MINUTE, 5 * _MINUTE, _RECHECK), 3)
# One alert says that a partner is down, not a letter of each order. As slow as its breaker at most.
_UNREACHABLE = _Patience("unreachable", (_MINUTE / 2, _MINUTE, 2 * _MINUTE, 5 * _MINUTE), None)
# The first may have been the database, gone for once.
_BUG = _Patience("fault", (_MINUTE, _RECHECK), 2)


def way_out(kind: str, owner: str) -> str:
    """Say what a person may do about a letter beside mending what fails; '' is nothing."""
    if owner == NO_DESK and kind in _WITHOUT_DESK:
        return _WITHOUT_DESK[kind]
    return f"Or {WAYS_OUT[kind]}." if kind in WAYS_OUT else ""


def set_back(last: str, fault: Exception, stake: Stake) -> SetBack:
    """Decide it from the saga's last reason to rest, the fault, and what its letter is about.

    Times in a row are counted anew once the saga goes on, and with another sort of fault: what
    stood before was mended, and a hundred tries of a partner that was down are no patience with
    the one connection that was not found next.
    """
    patience = _patience(fault)
    sort, before, words_before = _times(last)
    before = before if sort == patience.sort else 0
    times = before + 1
    is_known = isinstance(fault, IntegrationError)
    words = str(fault) if is_known else describe(fault)
    often = f", {times} times in a row" if before else ""
    reason = f"{_MARK} ({patience.sort}){often}: {words}"
    wait = patience.waits[min(times, len(patience.waits)) - 1]
    if patience.told_from is None or times < patience.told_from:
        return SetBack(reason, wait)
    do = fault.do if isinstance(fault, IntegrationError) else "Mend what fails."
    again = "It is tried again every 15 minutes, and goes on by itself."
    next_action = f"{do} {again} {way_out(stake.kind, stake.owner)}".rstrip()
    was_told = words == words_before and before >= patience.told_from
    return SetBack(reason, wait, DeadLetterNote(f"{_MARK}: {words}", next_action), was_told)


def is_set_back(reason: str) -> bool:
    """Say whether a saga rests because it could not be driven."""
    return _times(reason)[1] > 0


def _patience(fault: Exception) -> _Patience:
    if isinstance(fault, Rejected):
        return _REFUSED
    if isinstance(fault, Unconfigured):
        return _UNCONFIGURED
    return _UNREACHABLE if isinstance(fault, IntegrationError) else _BUG


def _times(reason: str) -> tuple[str, int, str]:
    """Say by what sort of fault, how often in a row and why a saga was not driven; 0: it was."""
    found = _REASON.fullmatch(reason)
    return (found[1], int(found[2] or 1), found[3]) if found else ("", 0, "")
