"""A merchant with one source of each kind, and senders that serve what a test puts there."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import create_engine

from include.adapters.lake import Lake
from include.adapters.layouts.parse import LayoutReader
from include.adapters.store.files import SqlFiles
from include.adapters.store.schema import metadata
from include.domain.calendar import Window, settlement_window
from include.domain.errors import IntegrationError
from include.domain.merchant import Merchant, Source, SourceKind
from include.domain.open_items import OpenItem
from include.domain.settlement import LineClass, SettlementDay
from include.services.classify_lines import ClassifyResult, classify_lines
from include.services.download_reports import DownloadResult, download_reports
from include.services.fetch_sources import Senders
from include.services.ports import Download, ReportEntry, ReportState
from tests.support_books import merchant as plain_merchant

DAY = SettlementDay("acme_us", date(2026, 10, 31))
NEXT = SettlementDay("acme_us", date(2026, 11, 1))  # 25 hours: the clocks went back
NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)
SALES = Source(
    "sales",
    SourceKind.report,
    "Sales",
    "payment_batch_detail_classic_csv",
    (LineClass.gross_sale, LineClass.refund),
)
DISPUTES = Source(
    "disputes",
    SourceKind.service,
    "chargeback-details",
    "chargeback_details_json",
    (LineClass.chargeback, LineClass.chargeback_reversal),
    is_required=False,
)
BANK = Source("bank", SourceKind.bank, "US-001", "bank_csv", (), is_required=False)
HEADINGS = (
    "batch_id,merchant_id,batch_date,request_id,merchant_ref_number,TransactionReferenceNumber,"
    "payment_type,currency,amount,ics_applications,status,transaction_date\n"
)


def merchant(*sources: Source) -> Merchant:
    """Return acme_us with these sources."""
    return plain_merchant(
        sources=sources or (SALES,),
        amount_tolerance_minor=0,
        date_tolerance_days=3,
        settlement_sla_days=3,
        owner="ar.us@acme.example",
    )


def window_of(day: SettlementDay) -> Window:
    return settlement_window(day.settlement_date, "America/New_York")


def sales_file(day: SettlementDay, *rows: str, organization: str = "acme_us") -> bytes:
    """Return a classic file of a day's window."""
    window = window_of(day)
    said = f"{window.start_at:%Y-%m-%dT%H:%M:%SZ} to {window.end_at:%Y-%m-%dT%H:%M:%SZ}"
    first = f"{organization},Sales,PaymentBatchDetail,1.10,{said},,,,,,,\n"
    return (first + HEADINGS + "".join(rows)).encode()


def sale(number: int, amount: str = "35.00", application: str = "ics_bill") -> str:
    """Return one record; equal numbers are one request."""
    return (
        f"B1,acme_us,2026-11-01T03:50:00Z,70000000000000000{number:05d},ORD-{number},9{number},"
        f"Visa,USD,{amount},{application},BATCHED,2026-10-31T11:00:00Z\n"
    )


@dataclass
class Gateway:
    """Serves each download in turn, the last one for ever; an error is raised instead."""

    states: dict[str, ReportState] = field(default_factory=dict)
    files: dict[tuple[str, str], list[bytes | IntegrationError]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    parameters: list[dict[str, str]] = field(default_factory=list)  # of each service asked

    def put(self, name: str, day: SettlementDay, *contents: bytes | IntegrationError) -> None:
        """Serve these for a day, one per download."""
        self.files[name, day.settlement_date.isoformat()] = list(contents)

    def list_reports(self, organization_id: str, window: Window) -> Sequence[ReportEntry]:
        return [
            ReportEntry(name, state, "text/csv", window, organization_id)
            for name, state in self.states.items()
        ]

    def download_report(
        self, organization_id: str, report_name: str, report_date: date, mime: str, sink: BinaryIO
    ) -> Download | None:
        on = date.fromordinal(report_date.toordinal() - 1)  # reportDate is the window's end
        return self._serve(report_name, on, sink)

    def download_service(
        self, service: str, organization_id: str, window: Window, sink: BinaryIO, **more: str
    ) -> Download | None:
        self.parameters.append(more)
        return self._serve(service, window.start_at.date(), sink)

    def download_statement(
        self, account_id: str, statement_date: date, sink: BinaryIO
    ) -> Download | None:
        return self._serve(account_id, statement_date, sink)

    def batch_totals(self, organization_id: str, window: Window) -> Sequence[dict[str, object]]:
        return ()

    def transaction(self, request_id: str) -> None:
        return None

    def _serve(self, name: str, on: date, sink: BinaryIO) -> Download | None:
        key = (name, on.isoformat())
        self.asked.append(key)
        waiting = self.files.get(key, [])
        if not waiting:
            return None
        content = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(content, IntegrationError):
            raise content
        sink.write(content)
        return Download(hashlib.sha256(content).hexdigest(), len(content), "text/csv")


@dataclass
class Findings:
    """Keeps the findings of the last run of each stage and day."""

    found: dict[tuple[str, str], list[OpenItem]] = field(default_factory=dict)
    opened: list[OpenItem] = field(default_factory=list)
    resolved: list[str] = field(default_factory=list)

    def replace_findings(self, day: SettlementDay, stage: str, items: Sequence[OpenItem]) -> None:
        self.found[str(day), stage] = list(items)

    def open(self, items: Sequence[OpenItem]) -> None:
        self.opened += items

    def replace_stage(
        self, merchant_id: str, stage: str, items: Sequence[OpenItem], resolution: str
    ) -> None:
        self.opened += items

    def resolve(self, item_keys: Sequence[str], *, resolved_by: str, resolution: str) -> None:
        self.resolved += item_keys

    def causes(self, day: SettlementDay) -> list[str]:
        return sorted(item.cause.value for item in self.found[str(day), "classify"])


class _Clock:
    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now


class Bench:
    """The two file steps over a real lake, a real table of files and real layouts."""

    def __init__(self, folder: Path, *sources: Source) -> None:
        engine = create_engine(f"sqlite:///{folder / 'tieout.db'}")
        metadata.create_all(engine)
        self.lake, self.files, self.layouts = (
            Lake(folder / "lake"),
            SqlFiles(engine),
            LayoutReader(),
        )
        self.gateway, self.findings = Gateway({"Sales": ReportState.ready}), Findings()
        self.merchant = merchant(*sources)
        self.now = NOW

    def download(self, day: SettlementDay = DAY) -> DownloadResult:
        return download_reports(day, self.merchant, self.senders, self.findings)

    @property
    def senders(self) -> Senders:
        return Senders(
            reports=self.gateway,
            statements=self.gateway,
            acquirer=self.gateway,
            lake=self.lake,
            files=self.files,
            layouts=self.layouts,
            clock=_Clock(self.now),
        )

    def classify(self, day: SettlementDay = DAY) -> ClassifyResult:
        return classify_lines(
            day,
            self.merchant,
            lake=self.lake,
            files=self.files,
            layouts=self.layouts,
            open_items=self.findings,
        )

    def outcomes(self, day: SettlementDay = DAY) -> dict[str, str]:
        return {found.source: found.outcome.value for found in self.download(day).sources}
