"""The journals of a day and where each stands, as the steps after ``build`` need them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from include.domain.journal import Journal
from include.domain.settlement import SettlementDay


class JournalState(StrEnum):
    """From built to proven; ``void`` is a built journal that a re-run replaced unposted."""

    built = "built"
    approved = "approved"
    held = "held"  # a person said no; a question that nobody answered leaves it as it was
    parked = "parked"  # approved; waits for its posting period
    posted = "posted"
    tied_out = "tied_out"
    void = "void"


UNDECIDED = (JournalState.built, JournalState.held)  # nobody has approved it
WAITING = (JournalState.approved, JournalState.parked)  # SYSPRO shall have it, and has it not
IN_LEDGER = (JournalState.posted, JournalState.tied_out)  # SYSPRO holds it
DECIDED = (*WAITING, *IN_LEDGER)


@dataclass(frozen=True, slots=True)
class BookedJournal:
    """A journal and its state."""

    journal: Journal
    state: JournalState
    their_key: str = ""  # SYSPRO's year/period/journal; '' until posted


class JournalBook(Protocol):
    """Where journals are kept."""

    def of_day(self, day: SettlementDay) -> Sequence[BookedJournal]:
        """Return the day's journals that are not void, in the order they are to be posted."""
        ...

    def unfinished(self) -> Sequence[BookedJournal]:
        """Return what is approved or parked, of any day: the janitor's view."""
        ...

    def move(self, journal: Journal, state: JournalState, their_key: str = "") -> None:
        """Set the state of exactly this content.

        Raises:
            Rejected: the journal was rebuilt meanwhile; its digest is another.
        """
        ...
