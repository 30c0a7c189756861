"""Step 9 of the day: say everything that is known of it, as XLSX, HTML and CSV.

Written on every run, whatever happened before: a stopped day's report says where it stopped. A
draft is written before a person is asked about the journals. The same inputs give the same bytes.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Protocol

from include.domain.errors import Rejected
from include.domain.merchant import Merchant, SourceKind
from include.domain.money import Money
from include.domain.quality import QualityResult
from include.domain.settlement import NET_CLASSES, Coverage, Knowledge, LineClass, SettlementDay
from include.services.day_files import ENTRIES, EXPLAINED, LINES, MATCHES
from include.services.report_lines import (
    LineSum,
    ParquetLines,
    sum_bank_entries,
    sum_lines,
    sum_repeats,
)
from include.services.report_model import (
    AWAITED,
    NOT_KNOWABLE,
    CurrencySummary,
    Figure,
    FileReport,
    ItemReport,
    JournalReport,
    ReportModel,
    VersionChange,
)
from include.services.whole_files import written_whole

TITLES = {
    LineClass.gross_sale: "Gross sales",
    LineClass.refund: "Refunds",
    LineClass.fee: "Fees",
    LineClass.chargeback: "Chargebacks",
    LineClass.chargeback_reversal: "Chargeback reversals",
    LineClass.adjustment: "Adjustments",
    LineClass.reserve: "Reserve",
    LineClass.funding: "Funding",
}


@dataclass(frozen=True, slots=True)
class DayState:
    """Where a day stands, as the store says it."""

    state: str
    reason: str
    coverage: tuple[Coverage, ...]
    mapping_version: str


class ReportFacts(Protocol):
    """What the store knows of a day."""

    def day_state(self, day: SettlementDay) -> DayState | None: ...

    def journals(self, day: SettlementDay) -> Sequence[JournalReport]:
        """Return the journals that are not void, first versions first."""
        ...

    def items(self, day: SettlementDay) -> Sequence[ItemReport]:
        """Return the merchant's items still open that arose on the day or before."""
        ...

    def files(self, day: SettlementDay) -> Sequence[FileReport]:
        """Return every version of every file of the day."""
        ...

    def quality(self, day: SettlementDay) -> QualityResult | None: ...


class FeeKinds(Protocol):
    """The mappings, as far as the report needs them."""

    @property
    def version(self) -> str: ...

    def fee_kind(self, layout: str, raw_code: str, on: date) -> str: ...


class ReportFolder(Protocol):
    """The lake, as far as the report needs it."""

    def day_path(self, day: SettlementDay, name: str) -> Path: ...

    def report_path(self, day: SettlementDay, name: str) -> Path: ...


class ReportWriter(Protocol):
    """Writes one format."""

    def write(self, model: ReportModel, path: Path) -> None:
        """Write the whole report to ``path``; the same model gives the same bytes."""
        ...


class Reports(Protocol):
    """Where it is remembered what was written."""

    def record(self, day: SettlementDay, fmt: str, path: str, digest: str) -> None: ...


def write_report(
    day: SettlementDay,
    merchant: Merchant,
    *,
    facts: ReportFacts,
    lake: ReportFolder,
    mappings: FeeKinds,
    writers: Mapping[str, ReportWriter],
    reports: Reports,
    state: str = "",
    reason: str = "",
    is_draft: bool = False,
) -> dict[str, Path]:
    """Write the report in every format, in place of the one before; return path by format.

    It says that the day stands at ``state`` for ``reason``; '': where, and why, the store says. A
    draft says that it is one, and that its journals wait for approval.
    """
    known = assemble(day, merchant, facts=facts, lake=lake, mappings=mappings)
    state, reason = state or known.state, reason or known.reason
    model = replace(known, state=state, reason=reason, is_draft=is_draft)
    written = {}
    for fmt, writer in writers.items():
        path = Path(lake.report_path(day, f"{model.stem}.{fmt}"))
        with written_whole(path) as part:  # a reader sees the old report or the new one, never half
            writer.write(model, part)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        reports.record(day, fmt, str(path), digest)
        written[fmt] = path
    return written


def assemble(
    day: SettlementDay,
    merchant: Merchant,
    *,
    facts: ReportFacts,
    lake: ReportFolder,
    mappings: FeeKinds,
) -> ReportModel:
    """Gather what is known of a day."""
    state = facts.day_state(day)
    files = tuple(facts.files(day))
    journals = tuple(facts.journals(day))
    coverage = state.coverage if state else ()
    lines = Path(lake.day_path(day, LINES))
    sums = sum_lines(lines)
    layouts = {file.digest: file.layout for file in files}
    summaries = _summaries(
        day,
        merchant,
        coverage,
        _by_kind(sums, layouts, mappings, day.settlement_date),
        sum_bank_entries(Path(lake.day_path(day, ENTRIES))),
        sum_repeats(lines, Path(lake.day_path(day, EXPLAINED))),
    )
    return ReportModel(
        day=day,
        zone=merchant.zone,
        state=state.state if state else "not begun",
        reason=state.reason if state else "",
        owner=merchant.owner,
        period_policy=merchant.period_policy.value,
        summaries=summaries,
        journals=journals,
        items=tuple(facts.items(day)),
        coverage=coverage,
        quality=facts.quality(day),
        files=files,
        lines=ParquetLines(
            lines,
            Path(lake.day_path(day, MATCHES)),
            {file.digest: file.source for file in files},
        ),
        mapping_version=(state.mapping_version if state else "") or mappings.version,
        history=_history(journals),
    )


Repeats = Mapping[tuple[str, str], Money]  # by currency and class
Sums = Mapping[str, Mapping[str, tuple[int, int]]]  # currency -> figure name -> (minor, lines)


def _by_kind(
    sums: Sequence[LineSum], layouts: Mapping[str, str], mappings: FeeKinds, on: date
) -> Sums:
    """Add sums up per figure: classes by their name, fees by kind as ``fee.<kind>``."""
    minor: dict[str, Counter[str]] = defaultdict(Counter)
    count: dict[str, Counter[str]] = defaultdict(Counter)
    for part in sums:
        name = part.line_class
        if name == LineClass.fee:
            name = f"fee.{_kind(part, layouts, mappings, on)}"
        minor[part.currency][name] += part.total.minor
        count[part.currency][name] += part.count
    return {c: {n: (minor[c][n], count[c][n]) for n in minor[c]} for c in minor}


def _kind(part: LineSum, layouts: Mapping[str, str], mappings: FeeKinds, on: date) -> str:
    try:
        return mappings.fee_kind(layouts.get(part.file_digest, ""), part.detail_code, on)
    except Rejected:  # stops the posting elsewhere; the report still shows the money
        return f"unmapped code {part.detail_code}"


def _summaries(
    day: SettlementDay,
    merchant: Merchant,
    coverage: Sequence[Coverage],
    sums: Sums,
    bank_entries: Mapping[str, tuple[Money, int]],
    repeats: Repeats,
) -> tuple[CurrencySummary, ...]:
    currencies = sorted({*merchant.currencies, *sums, *bank_entries})
    if not merchant.reports_funding:
        funded = {c: {LineClass.funding.value: (m.minor, n)} for c, (m, n) in bank_entries.items()}
        sums = {c: {**sums.get(c, {}), **funded.get(c, {})} for c in currencies}
    return tuple(
        CurrencySummary(
            currency,
            (
                *_class_figures(currency, coverage, sums.get(currency, {}), repeats),
                _funding(currency, merchant, coverage, sums.get(currency, {}), bank_entries),
                _bank_entries(day, merchant, bank_entries.get(currency)),
            ),
        )
        for currency in currencies
    )


def _class_figures(
    currency: str,
    coverage: Sequence[Coverage],
    sums: Mapping[str, tuple[int, int]],
    repeats: Repeats,
) -> list[Figure]:
    figures: list[Figure] = []
    twice = Money(0, currency)
    for line_class in NET_CLASSES:
        parts = {n: s for n, s in sums.items() if n.split(".")[0] == line_class.value}
        repeated = repeats.get((currency, line_class.value), Money(0, currency))
        twice += repeated
        figures.append(_with_repeats(_figure(currency, line_class, coverage, parts), repeated))
        figures += [
            Figure(name, name.removeprefix("fee."), Money(minor, currency), count, is_part=True)
            for name, (minor, count) in sorted(parts.items())
            if "." in name
        ]
    return [*figures, _with_repeats(_net(currency, figures), twice)]


def _with_repeats(figure: Figure, repeated: Money) -> Figure:
    """Say what of a figure is reported twice, and so neither booked nor awaited at the bank."""
    if not repeated.minor:
        return figure
    said = f"{repeated.decimal} of it is reported twice and not booked"
    return replace(figure, note=f"{figure.note}; {said}" if figure.note else said)


def _funding(
    currency: str,
    merchant: Merchant,
    coverage: Sequence[Coverage],
    sums: Mapping[str, tuple[int, int]],
    bank_entries: Mapping[str, tuple[Money, int]],
) -> Figure:
    """Return what was sent to the bank; where only the bank tells it, what the bank says."""
    parts = {name: part for name, part in sums.items() if name == LineClass.funding.value}
    told_by = {c.source for c in coverage if c.line_class is LineClass.funding and c.source}
    banks = {source.name for source in merchant.sources if source.kind is SourceKind.bank}
    if parts or not told_by or not told_by <= banks:
        return _figure(currency, LineClass.funding, coverage, parts)
    amount, count = bank_entries.get(currency, (Money(0, currency), 0))
    note = "as the bank says: what arrived on this day, of any batch"
    return Figure(LineClass.funding.value, TITLES[LineClass.funding], amount, count, note)


def _figure(
    currency: str,
    line_class: LineClass,
    coverage: Sequence[Coverage],
    parts: Mapping[str, tuple[int, int]],
) -> Figure:
    title = TITLES[line_class]
    said = {c.knowledge: c.source for c in coverage if c.line_class is line_class}
    note = f"without {said[Knowledge.awaited]}: awaited" if Knowledge.awaited in said else ""
    if parts or Knowledge.reported in said or Knowledge.empty in said:
        minor = sum(value for value, _ in parts.values())
        count = sum(lines for _, lines in parts.values())
        return Figure(line_class.value, title, Money(minor, currency), count, note)
    known = AWAITED if Knowledge.awaited in said else NOT_KNOWABLE
    return Figure(line_class.value, title, None, None, known)


def _net(currency: str, figures: Sequence[Figure]) -> Figure:
    whole = [figure for figure in figures if not figure.is_part]
    known = [figure.amount.minor for figure in whole if figure.amount is not None]
    unknown = [f"{figure.title.lower()} ({figure.note})" for figure in whole if not figure.amount]
    if not known:
        return Figure("net", "Net", None, None, NOT_KNOWABLE)
    note = f"without {', '.join(unknown)}" if unknown else ""
    return Figure("net", "Net", Money(sum(known), currency), None, note)


def _bank_entries(
    day: SettlementDay, merchant: Merchant, found: tuple[Money, int] | None
) -> Figure:
    title = f"Bank entries of {day.settlement_date}"
    if found is not None:
        return Figure("bank_entries", title, found[0], found[1])
    has_bank = any(source.kind is SourceKind.bank for source in merchant.sources)
    return Figure(
        "bank_entries", title, None, None, "no statement entry" if has_bank else NOT_KNOWABLE
    )


def _history(journals: Sequence[JournalReport]) -> tuple[VersionChange, ...]:
    """What each later version topped up; its lines are the difference, as posted."""
    return tuple(
        VersionChange(
            version=report.journal.version,
            supersedes=report.journal.supersedes,
            journal_key=report.journal.key,
            changes=tuple((line.source, line.amount) for line in report.journal.lines),
        )
        for report in journals
        if report.journal.version > 1
    )
