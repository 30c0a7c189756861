"""What building journals needs from the outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from include.domain.accounts import GlTemplate
from include.domain.journal import Journal
from include.domain.settlement import SettlementDay
from include.services.journal_book import JournalState
from include.services.ports import PostingPeriod


@dataclass(frozen=True, slots=True)
class JournalRecord:
    """A journal as it was built: what later versions are the difference to."""

    journal: Journal
    state: JournalState
    mapping_version: str
    control: Mapping[str, Any] = field(hash=False)  # see conservation.py


class JournalStore(Protocol):
    """Every journal ever built."""

    def versions(self, day: SettlementDay) -> Sequence[JournalRecord]:
        """Return all journals of a day, void ones too, by batch, currency, kind and version."""
        ...

    def add(
        self,
        journal: Journal,
        mapping_version: str,
        control: Mapping[str, Any],
        *,
        is_held: bool = False,
    ) -> None:
        """Keep a new journal as ``built``, or as ``held``; the same content again changes nothing.

        Raises:
            Rejected: the key is taken by other content.
        """
        ...

    def void(self, journal: Journal, *, is_retired: bool = False) -> bool:
        """Void a journal nobody has approved; ``False``: it went on meanwhile and stands.

        ``is_retired``: nobody can send it any more, so an approved or parked one goes as well.
        """
        ...


class BookMappings(Protocol):
    """The mappings' side of the books."""

    @property
    def version(self) -> str:
        """Return the digest of the mappings."""
        ...

    def gl_template(self, name: str, on: date) -> GlTemplate: ...

    def fee_kind(self, layout: str, raw_code: str, on: date) -> str: ...

    def fx_rate(self, from_currency: str, to_currency: str, on: date) -> int: ...


class Periods(Protocol):
    """SYSPRO's calendar; ``services.ports.ErpReader`` satisfies it."""

    def posting_period(self, company_id: str, posting_date: date) -> PostingPeriod: ...
