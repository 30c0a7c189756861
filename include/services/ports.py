"""What the use cases need from the outside; hooks and adapters satisfy these without inheriting."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import BinaryIO, Protocol

from include.domain.calendar import Window
from include.domain.merchant import ErpCondition


class Clock(Protocol):
    """The only source of 'now'."""

    def now(self) -> datetime:
        """Return an aware UTC instant."""
        ...


class ReportState(StrEnum):
    """Where a report stands, as the vendor's list call says it."""

    ready = "ready"  # COMPLETED
    pending = "pending"  # PENDING, QUEUED, RUNNING, RERUN
    empty = "empty"  # NO_DATA
    failed = "failed"  # ERROR
    absent = "absent"  # not in the list: proves nothing


@dataclass(frozen=True, slots=True)
class ReportEntry:
    """One row of the vendor's report list."""

    name: str
    state: ReportState
    mime_type: str  # text/csv or application/xml
    window: Window | None
    organization_id: str


@dataclass(frozen=True, slots=True)
class Download:
    """Bytes that arrived whole; the digest was computed on the way."""

    digest: str  # SHA-256, hex, of the decoded bytes
    size_bytes: int
    content_type: str


@dataclass(frozen=True, slots=True)
class TransactionFacts:
    """What the gateway says of one transaction; ``None`` is unknown, never zero."""

    request_id: str
    root_id: str | None
    merchant_reference: str | None
    currency: str | None
    authorized_minor: int | None
    amount_minor: int | None  # the amount of this very request
    applications: tuple[str, ...]  # ics_auth, ics_bill, ics_credit ...


class ReportSource(Protocol):
    """The gateway's reporting side. Reads only; a repeat is always allowed."""

    def list_reports(self, organization_id: str, window: Window) -> Sequence[ReportEntry]:
        """List the reports whose time frame lies in ``window``; an empty list proves nothing."""
        ...

    def download_report(
        self,
        organization_id: str,
        report_name: str,
        report_date: date,
        mime_type: str,
        sink: BinaryIO,
    ) -> Download | None:
        """Stream one report to ``sink``; ``None`` is the vendor's 404: no report or no data."""
        ...

    def download_service(
        self, service: str, organization_id: str, window: Window, sink: BinaryIO, **more: str
    ) -> Download | None:
        """Stream every page of a JSON service, as one JSON document ``{service: [items...]}``.

        ``service`` is the last part of the path, e.g. ``chargeback-details``; ``more`` are further
        parameters of the vendor's, e.g. ``viewBy="requestDate"``. ``None`` is 404.
        """
        ...

    def batch_totals(self, organization_id: str, window: Window) -> Sequence[Mapping[str, object]]:
        """Return ``payment-batch-summaries`` rows as the vendor names them."""
        ...

    def transaction(self, request_id: str) -> TransactionFacts | None:
        """Look one transaction up; ``None`` is 404, which shortly after a 201 proves nothing."""
        ...


class StatementSource(Protocol):
    """The bank. Reads only."""

    def download_statement(
        self, account_id: str, statement_date: date, sink: BinaryIO
    ) -> Download | None:
        """Stream the statement of one account and booking date; ``None``: none issued (yet)."""
        ...


class PeriodState(StrEnum):
    """Whether SYSPRO takes a posting dated so."""

    open = "open"
    closed = "closed"
    future = "future"


@dataclass(frozen=True, slots=True)
class PostingPeriod:
    """A fiscal period of one company."""

    year: int
    period: int
    state: PeriodState


class ErpReader(Protocol):
    """SYSPRO, read side."""

    def documents(
        self, company_id: str, first: date, last: date, only: Sequence[ErpCondition] = ()
    ) -> Iterator[Mapping[str, object]]:
        """Yield AR documents dated first..last, rows as ``settlement.DOCUMENT_COLUMNS``.

        ``only`` leaves out documents that do not fulfil every condition.
        """
        ...

    def posting_period(self, company_id: str, posting_date: date) -> PostingPeriod:
        """Say which period a date falls in and whether it is open."""
        ...
