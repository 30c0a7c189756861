"""What watching disputes needs from the outside; the store and the mappings satisfy these."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, Protocol

from include.domain.chargeback_reasons import ChargebackReason
from include.domain.dispute_cases import DisputeEvent
from include.domain.journal import Journal
from include.domain.open_items import OpenItem
from include.domain.settlement import SettlementDay
from include.services.books.ports import BookMappings, JournalRecord
from include.services.effects.chain import Signed
from include.services.journal_book import JournalState


class TakenStore(Protocol):
    """What a day's files say was taken."""

    def taken(self, day: SettlementDay, currency: str) -> Mapping[str, int]:
        """Return what each case took on that day, in minor units, positive."""
        ...


class CaseEvents(TakenStore, Protocol):
    """What was said about cases, as far as the books of a day need it."""

    def events(self, merchant_id: str, cases: Collection[str] = ()) -> Sequence[DisputeEvent]:
        """Return all events of the open cases and of those named."""
        ...


class DisputeStore(CaseEvents, Protocol):
    """What was said about disputes, day by day."""

    def read_day(self, day: SettlementDay, events: Sequence[DisputeEvent]) -> set[str]:
        """Make ``events`` what the files of a day say; return the cases named before or now."""
        ...

    def note_answer(self, event: DisputeEvent, signed: Signed) -> None:
        """Keep what a person said, and sign it in the same commit."""
        ...

    def days_read(self, merchant_id: str, since: date) -> set[date]: ...

    def latest_day(self, merchant_id: str) -> date | None: ...


class DayBook(Protocol):
    """The journals of a day."""

    def versions(self, day: SettlementDay) -> Sequence[JournalRecord]: ...


class WriteOffBook(DayBook, Protocol):
    """The journal book, as far as write-offs need it."""

    def add(
        self,
        journal: Journal,
        mapping_version: str,
        control: Mapping[str, Any],
        *,
        is_held: bool = False,
        signed: Signed | None = None,
    ) -> None:
        """Keep a new journal; that a person wanted it is signed in the same commit."""
        ...

    def sign(self, journal: Journal, signed: Signed) -> None:
        """Sign that a person wants what is there already."""
        ...

    def void(self, journal: Journal, *, is_retired: bool = False) -> bool: ...

    def move(self, journal: Journal, state: JournalState, their_key: str = "") -> None: ...

    def write_offs_of(self, merchant_id: str, cases: Collection[str]) -> Sequence[JournalRecord]:
        """Return every version of the cases' write-offs, void ones too, oldest first."""
        ...

    def write_offs_in(
        self, merchant_id: str, states: Collection[JournalState]
    ) -> Sequence[JournalRecord]: ...


class StageItems(Protocol):
    """Open items of a stage that looks at all of a merchant's days at once."""

    def replace_stage(
        self, merchant_id: str, stage: str, items: Sequence[OpenItem], resolution: str
    ) -> None:
        """Make ``items`` the stage's findings; those no longer among them are resolved."""
        ...


class DisputeMappings(BookMappings, Protocol):
    """The mappings' side of disputes."""

    def chargeback_reason(self, code: str, on: date) -> ChargebackReason: ...
