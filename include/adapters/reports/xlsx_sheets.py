"""What stands on each sheet of the workbook: columns with widths, and rows of cells."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from include.domain.money import Money, total
from include.services.report_model import DRAFT, JournalReport, LineReport, ReportModel


@dataclass(frozen=True, slots=True)
class Unknown:
    """A cell whose amount is not there, said in words."""

    text: str


Cell = Money | int | str | Unknown | None
Row = Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet's name and its columns with their widths in characters."""

    name: str
    columns: tuple[tuple[str, int], ...]


SUMMARY = Sheet(
    "Summary", (("Currency", 12), ("Figure", 34), ("Amount", 20), ("Lines", 12), ("Note", 60))
)
JOURNAL = Sheet(
    "Journal",
    (
        ("Journal", 18),
        ("State", 11),
        ("Kind", 13),
        ("Version", 9),
        ("Batch", 18),
        ("Posting date", 13),
        ("GL account", 12),
        ("Sums", 24),
        ("Currency", 10),
        ("Debit", 16),
        ("Credit", 16),
        ("Base currency", 14),
        ("Base debit", 16),
        ("Base credit", 16),
        ("SYSPRO difference", 18),
        ("Approval", 28),
        ("Narrative", 40),
        ("Reference", 24),
        ("Key", 52),
    ),
)
ITEMS = Sheet(
    "Open items",
    (
        ("Since", 12),
        ("Age in days", 12),
        ("Cause", 30),
        ("Currency", 10),
        ("Amount", 16),
        ("Why", 70),
        ("Next action", 60),
        ("Owner", 26),
        ("Step", 10),
        ("SYSPRO document", 26),
        ("File and line", 40),
        ("Item", 52),
    ),
)
LINES = Sheet(
    "Lines",
    (
        ("Source", 12),
        ("Class", 20),
        ("Code", 16),
        ("Currency", 10),
        ("Amount", 16),
        ("Merchant reference", 24),
        ("Request id", 25),
        ("Processor reference", 26),
        ("Batch", 18),
        ("Case", 16),
        ("Card", 16),
        ("Transaction at (UTC)", 22),
        ("Matched by", 18),
        ("Open because", 28),
        ("SYSPRO document", 26),
        ("File and line", 74),
    ),
)
COVERAGE = Sheet("Coverage", (("Class", 24), ("Known", 16), ("Source", 16), ("In words", 60)))
QUALITY = Sheet(
    "Quality",
    (("Suite", 16), ("Check", 34), ("Result", 10), ("What was found", 90), ("Next action", 70)),
)
FILES = Sheet(
    "Files",
    (
        ("Source", 14),
        ("Layout", 38),
        ("Version", 9),
        ("State", 13),
        ("Records", 11),
        ("Classified", 11),
        ("Set aside", 11),
        ("Bytes", 13),
        ("SHA-256", 68),
        ("Reason", 60),
    ),
)


def title_rows(model: ReportModel) -> Iterator[Row]:
    """What stands above the summary."""
    yield [f"Settlement of {model.title}"]
    if model.is_draft:
        yield ["Draft", DRAFT]
    yield ["State", f"{model.state}: {model.reason}" if model.reason else model.state]
    yield ["Zone", model.zone]
    yield ["Owner", model.owner]
    yield ["Period", f"closed period: {model.period_policy.replace('_', ' ')}"]
    yield ["Mappings", model.mapping_version]
    yield [""]


def summary_rows(model: ReportModel, listed: Mapping[str, int]) -> Iterator[Row]:
    """The figures, then the proof that the lines listed add up to net."""
    for summary in model.summaries:
        for figure in summary.figures:
            title = f"    {figure.title}" if figure.is_part else figure.title
            amount: Cell = figure.amount or Unknown(figure.text)
            note = figure.note if figure.amount else ""
            yield [summary.currency, title, amount, figure.count, note]
    yield []
    for summary in model.summaries:
        net, currency = summary.amount("net"), summary.currency
        if net is None:
            continue
        lines = Money(listed.get(currency, 0), currency)
        yield [currency, "Net by class", net]
        yield [currency, "Sum of the lines listed", lines]
        yield [currency, "Difference", lines - net]
    for report in model.journals:
        yield from _equation(report)


def _equation(report: JournalReport) -> Iterator[Row]:
    """Control total = classes = -(opposing lines) = funding + named open items."""
    proof, journal = report.conservation, report.journal
    if proof is None:
        return
    where, currency = f"batch {journal.batch_id}, version {journal.version}", journal.currency
    zero = Money(0, currency)
    yield []
    yield [currency, "Control total of the source", proof.control, None, where]
    yield [currency, "Sum of the classes", sum((m for _, m in proof.classes), zero), None, where]
    yield [currency, "Opposing journal lines, turned round", -proof.opposing, None, where]
    explained = sum((m for _, m in proof.named), proof.funded)
    yield [currency, "Funding and named open items", explained, None, where]
    yield [currency, "Residual", proof.residual, None, where]


def journal_rows(model: ReportModel) -> Iterator[Row]:
    """One row per journal line; below, debits and credits per currency."""
    for report in model.journals:
        yield from _journal(report)
    yield []
    for currency in sorted({report.journal.currency for report in model.journals}):
        own = [report for report in model.journals if report.journal.currency == currency]
        debit = total((report.debit for report in own), currency)
        credit = total((report.credit for report in own), currency)
        yield ["Total", *[None] * 7, currency, debit, credit]


def _journal(report: JournalReport) -> Iterator[Row]:
    journal = report.journal
    difference = report.tie_out.difference if report.tie_out else Unknown("not yet tied out")
    for line in journal.lines:
        yield [
            report.number,
            report.state,
            journal.kind.value,
            journal.version,
            journal.batch_id,
            journal.posting_date.isoformat(),
            line.gl_account,
            line.source,
            line.amount.currency,
            line.amount if line.amount.minor > 0 else None,
            None if line.amount.minor > 0 else -line.amount,
            line.base.currency,
            line.base if line.base.minor > 0 else None,
            None if line.base.minor > 0 else -line.base,
            difference,
            report.approval,
            line.narrative or journal.narrative,
            journal.reference,
            journal.key,
        ]


def item_rows(model: ReportModel) -> Iterator[Row]:
    """One row per open item; below, what they add up to."""
    sums: dict[str, list[Money]] = {}
    for item in model.items:
        if item.amount is not None:
            sums.setdefault(item.currency, []).append(item.amount)
        yield [
            item.settlement_date.isoformat(),
            item.age_days,
            item.cause.replace("_", " "),
            item.currency,
            item.amount or Unknown("not known"),
            item.explanation,
            item.next_action,
            item.owner,
            item.stage,
            item.document_id,
            item.source,
            item.item_key,
        ]
    yield []
    for currency in sorted(sums):
        yield ["Total", None, None, currency, total(sums[currency], currency)]


def line_row(line: LineReport) -> Row:
    return [
        line.file,
        line.line_class.replace("_", " "),
        line.detail_code,
        line.amount.currency,
        line.amount,
        line.merchant_reference,
        line.request_id,
        line.processor_reference,
        line.batch_id,
        line.case_number,
        line.card_type,
        line.occurred_at,
        line.rule.replace("_", " "),
        line.cause.replace("_", " "),
        line.document_id,
        line.source,
    ]


def coverage_rows(model: ReportModel) -> Iterator[Row]:
    for coverage in model.coverage:
        known = coverage.knowledge.value.replace("_", " ")
        yield [coverage.line_class.value.replace("_", " "), known, coverage.source, str(coverage)]


def quality_rows(model: ReportModel) -> Iterator[Row]:
    if model.quality is None:
        yield ["", "", Unknown("not run")]
        return
    for suite in model.quality.suites:
        for finding in suite.findings:
            result = "passed" if finding.is_passed else finding.severity.value
            check = finding.check.replace("_", " ")
            yield [suite.suite, check, result, finding.sentence, finding.do]


def file_rows(model: ReportModel) -> Iterator[Row]:
    for file in model.files:
        yield [
            file.source,
            file.layout,
            file.version,
            file.state,
            file.records_in,
            file.records_classified,
            file.records_set_aside,
            file.size_bytes,
            file.digest,
            file.reason,
        ]
