"""What is said of the lines that are not plain: the rows of explained.parquet."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from include.domain.matching import Cause, Rule
from include.domain.settlement import LineClass
from include.services.matching.columns import JOINT, SAYS_NOTHING
from include.services.matching.disputes import DisputeFinding
from include.services.matching.fees import FeeDrift
from include.services.matching.model import SALE, LineItem, MatchDecision
from include.services.matching.scene import PartRefund

Row = dict[str, Any]


def explained_rows(
    decisions: Iterable[MatchDecision],
    open_lines: Iterable[LineItem],
    disputes: Iterable[tuple[DisputeFinding, Mapping[str, Any]]],
    fee_drifts: Iterable[FeeDrift],
    parts_of_sales: Iterable[PartRefund],
    on: date,
) -> list[Row]:
    """Return what was decided and found, as rows of ``EXPLAINED_COLUMNS`` in their order.

    Args:
        decisions: what the rules took out.
        open_lines: lines no rule could settle.
        disputes: what was found out about each dispute line, and the line.
        fee_drifts: fees that differ from the agreed price.
        parts_of_sales: plain refunds of a part of what was sold.
        on: the settlement date.
    """
    found = [
        *(row for decision in decisions for row in _decided(decision)),
        *_rows_of_open(open_lines),
        *_rows_of_disputes(disputes, on),
        *_rows_of_fees(fee_drifts, on),
        *_rows_of_parts(parts_of_sales, on),
    ]
    return sorted(found, key=lambda r: (r["row"] < 0, r["row"], r["line_key"] or ""))


def _rows_of_open(lines: Iterable[LineItem]) -> Iterator[Row]:
    """Yield rows of the day's lines that wait for a document; earlier ones have theirs already."""
    for line in lines:
        if not line.is_earlier:
            yield _row(line, None, Cause.expected, "reference, currency and amount", "none")


def _rows_of_disputes(
    disputes: Iterable[tuple[DisputeFinding, Mapping[str, Any]]], on: date
) -> Iterator[Row]:
    for each, line in disputes:
        yield _words(
            each.row,
            f"{line['file_digest']}:{line['line_no']}",
            line["line_class"],
            on,
            rule=each.rule.value if each.rule else None,
            cause=each.cause.value if each.cause else None,
            line_key=each.key,
            compared=each.compared,
            runner_up=each.runner_up,
        )


def _rows_of_fees(drifts: Iterable[FeeDrift], on: date) -> Iterator[Row]:
    for drift in drifts:
        yield _words(
            drift.row,
            drift.source,
            LineClass.fee.value,
            on,
            cause=Cause.fee_drift.value,
            line_key=drift.key,
            compared=drift.explanation,
        )


def _rows_of_parts(parts: Iterable[PartRefund], on: date) -> Iterator[Row]:
    for part in parts:
        yield _words(
            part.row,
            part.source,
            LineClass.refund.value,
            on,
            rule=Rule.partial_refund.value,
            compared=part.compared,
        )


def _decided(decision: MatchDecision) -> list[Row]:
    """Return a decision's rows; lines of earlier days only where they are settled now."""
    ids = JOINT.join(document.document_id for document in decision.documents) or None
    left = sum(decision.taken)
    found = []
    for index, line in enumerate(decision.lines):
        if line.is_earlier and not decision.is_final:
            continue
        is_last = index == len(decision.lines) - 1
        # Parts of one order take what they are; the last takes the rest, so the sum is exact.
        taken = left if is_last else min(line.minor, left, key=abs)
        left -= taken
        row = _row(line, decision.rule, decision.cause, decision.compared, decision.runner_up)
        if ids:
            row |= {"document_id": ids, "taken_minor": taken}
            row["difference_minor"] = line.minor - taken
        found.append(row)
    return found


def _row(
    line: LineItem, rule: Rule | None, cause: Cause | None, compared: str, runner_up: str
) -> Row:
    line_class = LineClass.gross_sale if line.kind == SALE else LineClass.refund
    return _words(
        line.row,
        line.source,
        line_class.value,
        line.day,
        rule=rule.value if rule else None,
        cause=cause.value if cause else None,
        line_key=line.key,
        compared=compared,
        runner_up=runner_up,
    )


def _words(row: int, source: str, line_class: str, on: date, **said: str | None) -> Row:
    digest, _, number = source.rpartition(":")
    place = {"row": row, "file_digest": digest, "line_no": int(number)}
    return SAYS_NOTHING | place | {"line_class": line_class, "line_date": on} | said
