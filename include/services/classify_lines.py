"""Step 2 of the day: split every record into its class, or set it aside; both are counted.

The newest version of each source is run through its layout; a broken one replaces nothing, and the
whole one before it stays in force. Lines of the classes a source supplies become the day's lines;
one that another day has counted already is set aside. Rows in = rows classified + rows
quarantined, per file, or the step fails.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from include.domain.errors import Rejected
from include.domain.merchant import Merchant, Source
from include.domain.open_items import Stage
from include.domain.settlement import Coverage, Knowledge, LineClass, SettlementDay
from include.services.download_reports import DOWNLOADS, read_outcomes
from include.services.fetch_sources import Outcome, SourceOutcome, expected_of
from include.services.files import (
    Fault,
    Files,
    FileState,
    LakeStore,
    Layouts,
    ParsedFile,
    StoredFile,
)
from include.services.late_files import awaited_items, awaited_key
from include.services.matching.ports import ItemStore
from include.services.set_aside_items import CLASSIFIER, findings_of, mended


@dataclass(frozen=True, slots=True)
class ClassifyResult:
    """What the day's files amount to; ``coverage`` has one entry per class and source."""

    coverage: tuple[Coverage, ...]
    totals: Mapping[tuple[str, LineClass], int]  # (currency, class) -> minor units
    rows_in: int
    rows_classified: int
    rows_quarantined: int
    files: tuple[ParsedFile, ...]

    def __str__(self) -> str:
        return (
            f"{len(self.files)} files, {self.rows_in} rows: {self.rows_classified} classified, "
            f"{self.rows_quarantined} set aside"
        )


@dataclass(frozen=True, slots=True)
class _Read:
    """One file, read."""

    source: Source
    file: StoredFile
    found: ParsedFile


def classify_lines(
    day: SettlementDay,
    merchant: Merchant,
    *,
    lake: LakeStore,
    files: Files,
    layouts: Layouts,
    open_items: ItemStore,
) -> ClassifyResult:
    """Write the day's ``lines.parquet``, ``quarantine.parquet`` and ``bank_entries.parquet``.

    Findings go to ``open_items`` under stage ``classify``, replaced as a whole. A line that another
    day left to this one, and that its files do not hold any more, is an item of that other day. A
    run with the same files gives the same bytes.

    Raises:
        Rejected: a file's rows do not add up; nothing of the day is published.
    """
    from include.services.day_tables import DayTables  # loads Polars
    from include.services.moved_lines import close_counted, moved_lines, tell_moved

    arrived = files.of_day(day)
    read = [
        one
        for source in merchant.sources
        for one in _versions(day, merchant, source, arrived, lake, layouts)
    ]
    tables = DayTables(day, lake)
    good = [(one.source, one.found) for one in read if _is_good(one.found)]
    set_aside = tables.write(good, [one.found for one in read])
    parsed: list[ParsedFile] = []
    for one in read:
        again = set_aside.get(one.found.digest, 0)
        found = replace(
            one.found,
            rows_classified=one.found.rows_classified - again,
            rows_quarantined=one.found.rows_quarantined + again,
        )
        parsed.append(found)
        files.conclude(_concluded(one.file, found, tables.records_with_lines(found.digest)))
    kept = files.of_day(day)
    items = findings_of(day, merchant, kept, tables.quarantined())
    open_items.replace_findings(day, Stage.classify, items)
    open_items.resolve(
        mended(day, kept), resolved_by=CLASSIFIER, resolution="A later version came whole."
    )
    open_items.open(awaited_items(day, merchant, _broken(read)))
    open_items.resolve(  # the step before does not know that a mended layout reads the bytes now
        [awaited_key(day, source.name) for source, _ in good],
        resolved_by=CLASSIFIER,
        resolution="It was read whole.",
    )
    close_counted(day, open_items)
    tell_moved(day, merchant, moved_lines(day, lake, files), open_items)
    outcomes = read_outcomes(lake.day_path(day, DOWNLOADS))
    return ClassifyResult(
        coverage=coverage_of(merchant, {s.name: found for s, found in good}, outcomes),
        totals=tables.totals() | ({} if merchant.reports_funding else tables.funding()),
        rows_in=sum(found.rows_in for found in parsed),
        rows_classified=sum(found.rows_classified for found in parsed),
        rows_quarantined=sum(found.rows_quarantined for found in parsed),
        files=tuple(parsed),
    )


def _is_good(found: ParsedFile | None) -> bool:
    return found is not None and found.fault is None


def _broken(read: Sequence[_Read]) -> dict[str, str]:
    """Return the sources of which nothing came whole, with what is wrong with the newest file."""
    whole = {one.source.name for one in read if _is_good(one.found)}
    return {
        one.source.name: _reason(one.file, one.found.fault)
        for one in reversed(read)
        if one.found.fault is not None and one.source.name not in whole
    }


def _reason(file: StoredFile, fault: Fault) -> str:
    """Say what is wrong; the door knows more, e.g. that the bytes are another day's."""
    return file.reason or f"{fault.reason_code}: {fault.detail}"


def _versions(
    day: SettlementDay,
    merchant: Merchant,
    source: Source,
    arrived: Sequence[StoredFile],
    lake: LakeStore,
    layouts: Layouts,
) -> list[_Read]:
    """Read the newest version of a source; where it is broken, those before it until one is not."""
    read: list[_Read] = []
    for file in reversed([file for file in arrived if file.source == source.name]):
        if read and file.state is FileState.quarantined:
            continue
        read.append(_Read(source, file, _parse(day, merchant, source, file, lake, layouts)))
        if _is_good(read[-1].found):
            break
    return read


def _parse(
    day: SettlementDay,
    merchant: Merchant,
    source: Source,
    file: StoredFile,
    lake: LakeStore,
    layouts: Layouts,
) -> ParsedFile:
    found = layouts.parse(
        lake.raw_path(file.digest),
        file.layout,
        digest=file.digest,
        lines_path=lake.lines_path(file.digest, file.layout),
        quarantine_path=lake.quarantine_path(file.digest, file.layout),
        expected=expected_of(day, merchant, source),
    )
    if found.rows_in != found.rows_classified + found.rows_quarantined:
        raise Rejected(
            f"{found.rows_in} rows in, {found.rows_classified} classified and "
            f"{found.rows_quarantined} quarantined",
            f"{source.name} of {day}",
            "This is a fault of ours: report it with the file's digest.",
        )
    return found


def _concluded(file: StoredFile, found: ParsedFile, with_lines: int) -> StoredFile:
    fault = found.fault
    reason = "" if fault is None else _reason(file, fault)
    return replace(
        file,
        state=FileState.classified if fault is None else FileState.quarantined,
        reason=reason,
        lines_in=found.rows_in,
        lines_classified=found.rows_classified,
        lines_quarantined=found.rows_quarantined,
        lines_without_money=found.rows_classified - with_lines if fault is None else 0,
    )


def coverage_of(
    merchant: Merchant,
    parsed: Mapping[str, ParsedFile],
    outcomes: Mapping[str, SourceOutcome],
) -> tuple[Coverage, ...]:
    """Say for each class where its figure comes from; no source at all is 'not knowable'."""
    found: list[Coverage] = []
    for line_class in LineClass:
        sources = [s for s in merchant.sources if line_class in s.supplies]
        found += [
            Coverage(line_class, _knowledge(parsed.get(s.name), outcomes.get(s.name)), s.name)
            for s in sources
        ]
        if not sources:
            found.append(Coverage(line_class, Knowledge.not_knowable))
    return tuple(found)


def _knowledge(found: ParsedFile | None, outcome: SourceOutcome | None) -> Knowledge:
    if _is_good(found):
        return Knowledge.reported
    if outcome is not None and outcome.outcome is Outcome.empty:
        return Knowledge.empty
    return Knowledge.awaited
