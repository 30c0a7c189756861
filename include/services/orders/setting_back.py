"""A saga that cannot be driven is set back, with a dead letter, instead of being tried each second.

Enough of them would fill every sweep, and no newer order would have its turn.
"""

from dataclasses import dataclass
from datetime import timedelta

from include.domain.errors import IntegrationError, Rejected
from include.domain.money import Money
from include.services.bugs import describe
from include.services.effects.store import DeadLetterNote

_MARK = "cannot be driven: "
_RECHECK = timedelta(minutes=15)
_SOON = timedelta(minutes=1)  # a fault for the first time may have been the database, gone for once
_AGAIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Stake:
    """What a dead letter says of a saga, beside its fault."""

    kind: str  # of the dead letter: order, refund
    amount: Money
    owner: str


@dataclass(frozen=True, slots=True)
class SetBack:
    """How long a saga waits, why, and what a person is told; ``None``: nobody yet."""

    reason: str
    wait: timedelta
    note: DeadLetterNote | None


def set_back(reason: str, fault: Exception) -> SetBack:
    """Decide it from the saga's last reason to rest, and the fault.

    What a person must correct is told at once; a fault of ours from its second time on.
    """
    words = _MARK + (str(fault) if isinstance(fault, IntegrationError) else describe(fault))
    if isinstance(fault, Rejected):
        return SetBack(words, _RECHECK, DeadLetterNote(words, f"{fault.do} It then goes on."))
    if isinstance(fault, IntegrationError):
        return SetBack(words, _AGAIN, None)
    if not is_set_back(reason):
        return SetBack(words, _SOON, None)
    do = "Mend what fails: it is tried again every 15 minutes, and goes on by itself."
    return SetBack(words, _RECHECK, DeadLetterNote(words, do))


def is_set_back(reason: str) -> bool:
    """Say whether a saga rests because it could not be driven."""
    return reason.startswith(_MARK)
