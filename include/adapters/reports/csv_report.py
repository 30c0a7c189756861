"""The report as one CSV table (RFC 4180, UTF-8): a section per row, filterable in any tool."""

import csv
from collections.abc import Iterator
from pathlib import Path

from include.adapters.reports.safe_text import safe_csv_text
from include.domain.money import Money
from include.services.report_model import DRAFT, JournalReport, ReportModel

COLUMNS = (
    "section merchant_id settlement_date currency name detail amount count status source "
    "reference batch_id document_id age_days owner explanation next_action"
).split()
Row = dict[str, str]


class CsvReport:
    """Satisfies ``services.write_report.ReportWriter``."""

    def write(self, model: ReportModel, path: Path) -> None:
        """Write every figure, journal line, item, file and line of the day."""
        same = {
            "merchant_id": safe_csv_text(model.day.merchant_id),
            "settlement_date": model.day.settlement_date.isoformat(),
        }
        with path.open("w", encoding="utf-8", newline="") as file:
            out = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\r\n")
            out.writeheader()
            for row in _rows(model):
                out.writerow({**same, **row})


def _amount(amount: Money | None) -> Row:
    """Amounts are ours, made of digits: written as they are, never as text to be escaped."""
    return {} if amount is None else {"amount": amount.decimal, "currency": amount.currency}


def _text(**values: str) -> Row:
    return {name: safe_csv_text(value) for name, value in values.items()}


def _rows(model: ReportModel) -> Iterator[Row]:
    yield {"section": "day", **_text(status=model.state, detail=model.reason, owner=model.owner)}
    if model.is_draft:
        yield {"section": "day", **_text(name="draft", detail=DRAFT)}
    yield {"section": "day", **_text(name="mapping_version", detail=model.mapping_version)}
    for summary in model.summaries:
        for figure in summary.figures:
            yield {
                "section": "summary",
                "currency": summary.currency,
                **_text(name=figure.name, detail=figure.title, status=figure.note),
                **_amount(figure.amount),
                "count": "" if figure.count is None else str(figure.count),
            }
    for report in model.journals:
        yield from _journal_rows(report)
    for item in model.items:
        yield {
            "section": "open_item",
            "age_days": str(item.age_days),
            **_text(
                currency=item.currency,
                name=item.cause,
                detail=item.stage,
                status="" if item.amount else "amount not known",
                source=item.source,
                reference=item.item_key,
                document_id=item.document_id,
                owner=item.owner,
                explanation=item.explanation,
                next_action=item.next_action,
            ),
            **_amount(item.amount),
        }
    yield from _evidence_rows(model)
    for line in model.lines:
        yield {
            "section": "line",
            **_text(
                name=line.line_class,
                detail=line.detail_code,
                status=line.cause or line.rule,
                source=line.source,
                reference=line.request_id or line.merchant_reference,
                batch_id=line.batch_id,
                document_id=line.document_id,
            ),
            **_amount(line.amount),
        }


def _journal_rows(report: JournalReport) -> Iterator[Row]:
    journal = report.journal
    for line in journal.lines:
        yield {
            "section": "journal_line",
            **_text(
                name=line.gl_account,
                detail=line.source,
                status=report.number,
                source=journal.key,
                reference=journal.reference,
                batch_id=journal.batch_id,
                explanation=line.narrative or journal.narrative,
            ),
            **_amount(line.amount),
        }
    if report.tie_out is not None:
        yield {
            "section": "tie_out",
            **_text(
                name="difference",
                source=journal.key,
                reference=journal.reference,
                status=report.number,
                detail=f"ours {report.tie_out.ours}, SYSPRO {report.tie_out.theirs}",
                explanation=report.tie_out.detail,
            ),
            **_amount(report.tie_out.difference),
        }


def _evidence_rows(model: ReportModel) -> Iterator[Row]:
    for coverage in model.coverage:
        yield {
            "section": "coverage",
            **_text(
                name=coverage.line_class.value,
                status=coverage.knowledge.value.replace("_", " "),
                source=coverage.source,
                explanation=str(coverage),
            ),
        }
    for suite in model.quality.suites if model.quality else ():
        for finding in suite.findings:
            status = "passed" if finding.is_passed else finding.severity.value
            yield {
                "section": "quality",
                **_text(
                    name=finding.check,
                    detail=finding.suite,
                    status=status,
                    explanation=finding.sentence,
                    next_action=finding.do,
                ),
            }
    for file in model.files:
        yield {
            "section": "file",
            "count": str(file.records_in),
            **_text(
                name=file.source,
                detail=f"{file.layout}, version {file.version}",
                status=file.state,
                source=file.digest,
                explanation=file.reason,
            ),
        }
