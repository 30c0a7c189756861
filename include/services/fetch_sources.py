"""Fetch sources of a day from their senders, and judge what arrives at the door.

The vendor's list says whether a report is ready, pending or empty; a 404 on its own says nothing
of the kind. A file is believed when the window, merchant or account inside it are those asked
for; yesterday's bytes under today's name are set aside and asked for once more. What arrived is
kept whatever happens to the others.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import BinaryIO

from include.domain.calendar import Window, report_date, settlement_window
from include.domain.errors import IntegrationError, NotKept, Rejected, Retryable
from include.domain.merchant import Merchant, Source, SourceKind
from include.domain.settlement import SettlementDay
from include.services.files import (
    Expected,
    Fault,
    FileFacts,
    Files,
    FileState,
    LakeStore,
    Layouts,
    StoredFile,
)
from include.services.ports import (
    Clock,
    Download,
    ReportEntry,
    ReportSource,
    ReportState,
    StatementSource,
)

# A JSON service has no state to ask for. Once the vendor has had this long after the window's
# end, its 404 means "no data"; before that it may mean "not yet", and an answer may not hold all,
# so the step *download* waits as long. Source: reference, 6.2.
SERVICE_READY = timedelta(hours=6)
_TRIES = 2  # a second download often serves the right bytes
_BY_WINDOW = ("wrong_window", "wrong_date")


class Outcome(StrEnum):
    """What became of one source of a day."""

    file = "file"  # arrived, the first of its window
    unchanged = "unchanged"  # the same bytes as before
    restated = "restated"  # other bytes for a window that was known: a new version
    empty = "empty"  # the source says there is no data
    awaited = "awaited"  # pending, absent, failed or not issued yet
    duplicate = "duplicate"  # another day's bytes, twice
    quarantined = "quarantined"  # arrived and set aside as a whole, twice


@dataclass(frozen=True, slots=True)
class SourceOutcome:
    """One source's outcome, with the file where there is one."""

    source: str
    outcome: Outcome
    digest: str = ""
    version: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Senders:
    """Who is asked, and where what arrives is kept."""

    reports: ReportSource
    statements: StatementSource
    acquirer: StatementSource
    lake: LakeStore
    files: Files
    layouts: Layouts
    clock: Clock


@dataclass(frozen=True, slots=True)
class _Run:
    """The parts of one call, so that they need not be passed one by one."""

    day: SettlementDay
    merchant: Merchant
    window: Window
    entries: Sequence[ReportEntry]
    senders: Senders
    now: datetime


def fetch_sources(
    day: SettlementDay, merchant: Merchant, sources: Sequence[Source], senders: Senders
) -> tuple[list[SourceOutcome], list[IntegrationError]]:
    """Return what became of each source, and the faults of those that could not be asked."""
    window = settlement_window(day.settlement_date, merchant.zone, merchant.cut_off)
    asks_list = any(source.kind is SourceKind.report for source in sources)
    entries = senders.reports.list_reports(merchant.organization_id, window) if asks_list else ()
    run = _Run(day, merchant, window, entries, senders, senders.clock.now())
    faults: list[IntegrationError] = []
    outcomes: list[SourceOutcome] = []
    for source in sources:
        try:
            outcomes.append(_fetch(run, source))
        except (Retryable, Rejected) as error:  # the other sources are fetched all the same
            held = _held(run, source) if isinstance(error, NotKept) else None
            if held is None:
                faults.append(error)
                held = SourceOutcome(source.name, Outcome.awaited, reason=str(error))
            outcomes.append(held)
    return outcomes, faults


def expected_of(day: SettlementDay, merchant: Merchant, source: Source) -> Expected:
    """Say what a file of this source must say of itself."""
    if source.kind in (SourceKind.bank, SourceKind.acquirer):
        return Expected(account_id=source.remote_name, statement_date=day.settlement_date)
    window = settlement_window(day.settlement_date, merchant.zone, merchant.cut_off)
    return Expected(organization_id=merchant.organization_id, window=window)


def _fetch(run: _Run, source: Source) -> SourceOutcome:
    if source.kind is SourceKind.report:
        state = _state(run, source)
        if state is ReportState.empty:
            return _no_data(run, source, "the list says NO_DATA")
        if state is ReportState.absent and (held := _held(run, source)):
            return held
        if state is not ReportState.ready:
            return SourceOutcome(source.name, Outcome.awaited, reason=f"the list says {state}")
    found: SourceOutcome | None = None
    for _ in range(_TRIES):
        before = _newest(run, source)
        download = run.senders.lake.write_raw(_download(run, source))
        if download is None:
            return found or _nothing(run, source)
        found = _judge(run, source, download, before)
        if found.outcome not in (Outcome.duplicate, Outcome.quarantined):
            return found
    if found is None:
        raise AssertionError("at least one try is made")
    return found


def _state(run: _Run, source: Source) -> ReportState:
    """Return the state of the report of exactly this window, in the type we read."""
    mine = [
        entry
        for entry in run.entries
        if entry.name == source.remote_name
        and (entry.window is None or entry.window == run.window)
        and (not entry.mime_type or entry.mime_type == source.mime_type)
    ]
    states = [entry.state for entry in mine]
    # A report that was run again is listed twice: one that is ready is what we came for.
    return next(
        (state for state in (ReportState.ready, *states) if state in states), ReportState.absent
    )


def _download(run: _Run, source: Source) -> Callable[[BinaryIO], Download | None]:
    org, on = run.merchant.organization_id, run.day.settlement_date

    def report(sink: BinaryIO) -> Download | None:
        return run.senders.reports.download_report(
            org, source.remote_name, report_date(on), source.mime_type, sink
        )

    def service(sink: BinaryIO) -> Download | None:
        return run.senders.reports.download_service(
            source.remote_name, org, run.window, sink, **source.parameters
        )

    def bank(sink: BinaryIO) -> Download | None:
        return run.senders.statements.download_statement(source.remote_name, on, sink)

    def acquirer(sink: BinaryIO) -> Download | None:
        return run.senders.acquirer.download_statement(source.remote_name, on, sink)

    return {
        SourceKind.report: report,
        SourceKind.service: service,
        SourceKind.bank: bank,
        SourceKind.acquirer: acquirer,
    }[source.kind]


def _nothing(run: _Run, source: Source) -> SourceOutcome:
    """Decide what a 404 means; for a report whose list says ready it is a contradiction."""
    if held := _held(run, source):
        return held
    if source.kind is SourceKind.service and run.now >= run.window.end_at + SERVICE_READY:
        return _no_data(run, source, "the service has no data for a window long closed")
    return SourceOutcome(source.name, Outcome.awaited, reason="nothing to download yet (404)")


def _held(run: _Run, source: Source) -> SourceOutcome | None:
    """Return the version we hold, where the sender has none to show any more.

    Senders keep files for some weeks; a day can be run again for ever.
    """
    mine = [file for file in run.senders.files.of_day(run.day) if file.source == source.name]
    whole = [file for file in mine if file.state is not FileState.quarantined]
    if not whole:
        return None
    newest = whole[-1]
    reason = "the sender does not show it any more; the version that arrived counts"
    return SourceOutcome(source.name, Outcome.unchanged, newest.digest, newest.version, reason)


def _no_data(run: _Run, source: Source, reason: str) -> SourceOutcome:
    newest = _newest(run, source)
    if newest is not None and newest.state is not FileState.quarantined:
        contradiction = f"{reason}, but version {newest.version} had arrived before"
        return SourceOutcome(
            source.name, Outcome.awaited, newest.digest, newest.version, contradiction
        )
    return SourceOutcome(source.name, Outcome.empty, reason=reason)


def _newest(run: _Run, source: Source) -> StoredFile | None:
    mine = [file for file in run.senders.files.of_day(run.day) if file.source == source.name]
    return mine[-1] if mine else None


def _judge(
    run: _Run, source: Source, download: Download, before: StoredFile | None
) -> SourceOutcome:
    """Keep what arrived under its version, believed or set aside."""
    expected = expected_of(run.day, run.merchant, source)
    facts = run.senders.layouts.probe(
        run.senders.lake.raw_path(download.digest), source.layout, expected
    )
    fault = facts.fault
    reason = _reason(run, source, download, fault) if fault else ""
    kept = run.senders.files.keep(_stored(run, source, download, facts, reason))
    if fault is not None:
        twice = Outcome.duplicate if reason.startswith("duplicate_file") else Outcome.quarantined
        return SourceOutcome(source.name, twice, kept.digest, kept.version, reason)
    if kept.state is FileState.quarantined:  # known: these bytes broke when their records were read
        return SourceOutcome(
            source.name, Outcome.quarantined, kept.digest, kept.version, kept.reason
        )
    good = [
        file
        for file in run.senders.files.of_day(run.day)
        if file.source == source.name
        and file.version < kept.version
        and file.state is not FileState.quarantined
    ]
    outcome = Outcome.restated if good else Outcome.file
    if before is not None and before.digest == kept.digest:
        outcome = Outcome.unchanged
    return SourceOutcome(source.name, outcome, kept.digest, kept.version)


def _reason(run: _Run, source: Source, download: Download, fault: Fault) -> str:
    """Name the fault; another window whose bytes we hold already is a duplicate file."""
    if fault.reason_code in _BY_WINDOW:
        elsewhere = [
            file.settlement_date.isoformat()
            for file in run.senders.files.with_digest(
                run.merchant.merchant_id, source.name, download.digest
            )
            if file.settlement_date != run.day.settlement_date
        ]
        if elsewhere:
            return f"duplicate_file: these are the bytes of {elsewhere[0]}. {fault.detail}"
    return f"{fault.reason_code}: {fault.detail}"


def _stored(
    run: _Run, source: Source, download: Download, facts: FileFacts, reason: str
) -> StoredFile:
    return StoredFile(
        merchant_id=run.merchant.merchant_id,
        settlement_date=run.day.settlement_date,
        source=source.name,
        layout=source.layout,
        digest=download.digest,
        size_bytes=download.size_bytes,
        received_at=run.now,
        window=facts.window,
        state=FileState.quarantined if reason else FileState.received,
        reason=reason,
    )
