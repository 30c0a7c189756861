"""What a day's report says, independent of how it is written.

Every amount is ``Money`` or ``None``; ``None`` is printed as *not knowable* or *not yet known*,
never as zero. No instant of the clock is in here: the same day gives the same bytes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from include.domain.journal import Journal, JournalKind
from include.domain.money import Money, total
from include.domain.quality import QualityResult
from include.domain.settlement import Coverage, SettlementDay
from include.services.journal_book import UNDECIDED

NOT_KNOWABLE = "not knowable"
AWAITED = "awaited"
DRAFT = (
    "Journals wait for approval; nothing of them is posted. The day's report replaces this draft."
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the summary, e.g. refunds or fee.interchange."""

    name: str  # anchor and key: gross_sale, fee.interchange, net, bank_entries ...
    title: str  # for people
    amount: Money | None
    count: int | None  # lines that it sums; null where it sums none
    note: str = ""  # why the amount is not there, or what it leaves out
    is_part: bool = False  # a part of the figure above it

    @property
    def text(self) -> str:
        return self.amount.decimal if self.amount is not None else (self.note or NOT_KNOWABLE)


@dataclass(frozen=True, slots=True)
class CurrencySummary:
    """The figures of one currency, in the order a controller reads them."""

    currency: str
    figures: tuple[Figure, ...]

    def amount(self, name: str) -> Money | None:
        return next((f.amount for f in self.figures if f.name == name), None)


@dataclass(frozen=True, slots=True)
class TieOut:
    """What SYSPRO holds beside what we sent, in the company's base currency."""

    ours: Money
    theirs: Money
    detail: str

    @property
    def difference(self) -> Money:
        return self.theirs - self.ours


@dataclass(frozen=True, slots=True)
class Conservation:
    """The equation that a batch met before it was booked; all in the batch's currency."""

    control: Money  # the source's lines, without regard to class
    classes: tuple[tuple[str, Money], ...]
    opposing: Money  # every journal line but the net: minus the control total
    funded: Money
    named: tuple[tuple[str, Money], ...]  # open items of the net
    residual: Money

    @classmethod
    def of(cls, control: Mapping[str, Any], currency: str) -> "Conservation | None":
        """Read what was kept with the journal; None where it keeps no equation."""
        if "control_minor" not in control:
            return None

        def money(name: str) -> Money:
            return Money(control.get(name, 0), currency)

        def parts(name: str) -> tuple[tuple[str, Money], ...]:
            found = control.get(name, {})
            return tuple((key, Money(minor, currency)) for key, minor in sorted(found.items()))

        return cls(
            money("control_minor"),
            parts("classes"),
            money("opposing_minor"),
            money("funded_minor"),
            parts("named"),
            money("residual_minor"),
        )


@dataclass(frozen=True, slots=True)
class JournalReport:
    """A journal, where it stands and how it was proven."""

    journal: Journal
    state: str
    their_key: str  # SYSPRO year/period/journal; '' until posted
    conservation: Conservation | None
    tie_out: TieOut | None
    approval: str = ""  # who decided what, or ''

    @property
    def is_undecided(self) -> bool:
        """Say whether the day's question is about it; a write-off is asked about beside the day."""
        return self.state in UNDECIDED and self.journal.kind is not JournalKind.dispute_lost

    @property
    def number(self) -> str:
        return self.their_key or self.state

    @property
    def debit(self) -> Money:
        lines = (line.amount for line in self.journal.lines if line.amount.minor > 0)
        return total(lines, self.journal.currency)

    @property
    def credit(self) -> Money:
        lines = (-line.amount for line in self.journal.lines if line.amount.minor < 0)
        return total(lines, self.journal.currency)


@dataclass(frozen=True, slots=True)
class ItemReport:
    """An open item as of the settlement date of the report."""

    item_key: str
    settlement_date: date
    age_days: int
    stage: str
    cause: str
    currency: str
    amount: Money | None
    source: str  # "<file digest>:<line>", or ''
    document_id: str
    explanation: str
    next_action: str
    owner: str


@dataclass(frozen=True, slots=True)
class FileReport:
    """A file of the day; every version is kept."""

    source: str
    layout: str
    digest: str
    version: int
    size_bytes: int
    state: str
    reason: str
    records_in: int
    records_classified: int
    records_set_aside: int


@dataclass(frozen=True, slots=True)
class LineReport:
    """One classified line, with how it was matched where that is known."""

    source: str  # "<file digest>:<line>"
    file: str  # the merchant's name of the source
    line_class: str
    detail_code: str
    amount: Money
    request_id: str
    merchant_reference: str
    processor_reference: str
    batch_id: str
    case_number: str
    card_type: str
    occurred_at: str  # ISO, UTC; '' where unsaid
    rule: str  # which rule matched it; '' where none did or none was needed
    cause: str
    document_id: str


class Lines(Protocol):
    """The day's lines, read again on each iteration and never all in memory."""

    def __iter__(self) -> Iterator[LineReport]: ...

    def __len__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class VersionChange:
    """What a restatement changed, per currency and class: version n less version n-1."""

    version: int
    supersedes: str  # key of the journal that is topped up
    journal_key: str
    changes: tuple[tuple[str, Money], ...]  # what the line sums -> the difference in net terms


@dataclass(frozen=True, slots=True, eq=False)
class ReportModel:
    """Everything the report of one settlement day says."""

    day: SettlementDay
    zone: str
    state: str  # the last step that finished, or held, blocked
    reason: str
    owner: str
    period_policy: str
    summaries: tuple[CurrencySummary, ...]
    journals: tuple[JournalReport, ...]
    items: tuple[ItemReport, ...]
    coverage: tuple[Coverage, ...]
    quality: QualityResult | None  # None: the gate has not run
    files: tuple[FileReport, ...]
    lines: Lines
    mapping_version: str
    history: tuple[VersionChange, ...] = ()
    is_draft: bool = False  # written for whoever is asked about the journals

    @property
    def title(self) -> str:
        draft = " (draft)" if self.is_draft else ""
        return f"{self.day.merchant_id}, {self.day.settlement_date.isoformat()}{draft}"

    @property
    def is_restated(self) -> bool:
        return bool(self.history) or any(file.version > 1 for file in self.files)

    @property
    def stem(self) -> str:
        """The file name without suffix, e.g. ``tieout_acme_us_2026-10-31``."""
        return f"tieout_{self.day.merchant_id}_{self.day.settlement_date.isoformat()}"
