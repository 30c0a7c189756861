"""What the file steps need and pass on: the lake, the record of files, and parsed files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Protocol

from include.domain.calendar import Window
from include.domain.settlement import SettlementDay
from include.services.ports import Download


@dataclass(frozen=True, slots=True)
class Expected:
    """What was asked for; a file that says otherwise inside is set aside, not trusted."""

    organization_id: str = ""  # '' asks nothing
    window: Window | None = None
    account_id: str = ""  # bank account, or the acquirer's merchant number
    statement_date: date | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a whole file is set aside: a stable word and the sentence for a person."""

    reason_code: str
    detail: str


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a file says of itself, before its records are believed; null is unsaid."""

    organization_id: str | None = None
    window: Window | None = None
    statement_date: date | None = None
    account_id: str | None = None
    fault: Fault | None = None  # found at its head or tail


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """One file run through its layout; the rows lie in Parquet at the two paths.

    ``rows_in = rows_classified + rows_quarantined``, always. A record yields no, one or several
    lines; a file set aside as a whole counts as one quarantined row.
    """

    digest: str
    facts: FileFacts
    lines_path: Path
    quarantine_path: Path
    rows_in: int
    rows_classified: int
    rows_quarantined: int
    rows_without_money: int  # classified: known records such as a retrieval request
    totals: Mapping[tuple[str, str], int]  # (currency, class) -> minor units
    reasons: Mapping[str, int] = field(default_factory=dict)  # reason code -> rows
    warnings: tuple[str, ...] = ()  # e.g. columns nobody knows

    @property
    def fault(self) -> Fault | None:
        return self.facts.fault


class FileState(StrEnum):
    """Where a received file stands."""

    received = "received"
    classified = "classified"
    quarantined = "quarantined"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One row of the table ``files``; ``file_id`` is 0 before it is kept."""

    merchant_id: str
    settlement_date: date
    source: str
    layout: str
    digest: str
    size_bytes: int
    received_at: datetime
    window: Window | None = None
    version: int = 0  # 1, then higher: given when it is kept
    state: FileState = FileState.received
    reason: str = ""
    lines_in: int | None = None
    lines_classified: int | None = None
    lines_quarantined: int | None = None
    lines_without_money: int | None = None  # classified records that yield no line
    file_id: int = 0


class Files(Protocol):
    """The record of every byte stream ever accepted."""

    def keep(self, file: StoredFile) -> StoredFile:
        """Record a file; the same digest of the same day and source is the same row."""
        ...

    def of_day(self, day: SettlementDay) -> Sequence[StoredFile]:
        """Return all versions of all sources of a day, oldest first."""
        ...

    def with_digest(self, merchant_id: str, source: str, digest: str) -> Sequence[StoredFile]:
        """Return where these bytes were received for this source, oldest first."""
        ...

    def conclude(self, file: StoredFile) -> None:
        """Write state, reason and counts of a file that is already kept."""
        ...


# A download that wants a sink; ``None`` where there was nothing to download.
RawDownload = Callable[[BinaryIO], Download | None]


class LakeStore(Protocol):
    """Write-once files: raw bytes by digest, results by name."""

    def write_raw(self, download: RawDownload) -> Download | None:
        """Let ``download`` fill a new file; keep it under its digest; ``None`` passes through."""
        ...

    def raw_path(self, digest: str) -> Path: ...

    def lines_path(self, digest: str, layout: str) -> Path: ...

    def quarantine_path(self, digest: str, layout: str) -> Path: ...

    def day_path(self, day: SettlementDay, name: str) -> Path: ...


class Layouts(Protocol):
    """The layouts and the engine that runs them."""

    def probe(self, path: Path, layout: str, expected: Expected) -> FileFacts:
        """Read head and tail only: what the file says of itself, and plain faults."""
        ...

    def parse(
        self,
        path: Path,
        layout: str,
        *,
        digest: str,
        lines_path: Path,
        quarantine_path: Path,
        expected: Expected,
    ) -> ParsedFile:
        """Classify every record; never raises for what the bytes say."""
        ...
