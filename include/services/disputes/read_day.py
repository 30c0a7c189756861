"""What a settlement day's lines say about disputes, as events."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from include.domain.dispute_cases import DisputeEvent, DisputeEventKind
from include.domain.dispute_deadlines import day_of
from include.domain.settlement import LineClass, SettlementDay

_KINDS = {
    LineClass.chargeback.value: DisputeEventKind.chargeback,
    LineClass.chargeback_reversal.value: DisputeEventKind.reversal,
}
# A case is named by its number; where a source has none, by the capture it is about.
NAMES = ("case_number", "related_request_id", "request_id", "merchant_reference")
_TOLD = ("answer_by", "answered_at")  # lines classified by an earlier version have neither


def read_disputes(day: SettlementDay, lines: Path, zone: str) -> list[DisputeEvent]:
    """Return the day's events in the order of its lines.

    Args:
        day: the merchant's settlement date.
        lines: its lines.parquet.
        zone: of the merchant, whose calendar the deadlines are read in.
    """
    import polars as pl

    frame = pl.scan_parquet(lines).filter(pl.col("line_class").is_in(list(_KINDS)))
    missing = [name for name in _TOLD if name not in frame.collect_schema().names()]
    frame = frame.with_columns(pl.lit(None, pl.String).alias(name) for name in missing)
    wanted = ["file_digest", "line_no", "line_class", "detail_code", "currency", "amount_minor"]
    rows = frame.select(*wanted, *NAMES, *_TOLD).collect(engine="streaming")
    return [event for row in rows.iter_rows(named=True) for event in _events(row, day, zone)]


def _events(row: Mapping[str, Any], day: SettlementDay, zone: str) -> Iterator[DisputeEvent]:
    kind = _KINDS[row["line_class"]]
    source = f"{row['file_digest']}:{row['line_no']}"
    case = next((row[name] for name in NAMES if row[name]), source)
    is_taken = kind is DisputeEventKind.chargeback
    yield DisputeEvent(
        day.merchant_id,
        day.settlement_date,
        case,
        kind,
        row["currency"],
        row["amount_minor"],
        source,
        row["detail_code"] or "",
        day_of(row["answer_by"], zone) if is_taken else None,
    )
    if row["answered_at"]:
        yield answer(day, case, row["currency"], source, day_of(row["answered_at"], zone))


def answer(
    day: SettlementDay, case: str, currency: str, source: str, on: date | None
) -> DisputeEvent:
    """Return the event of a case that was contested; one told without a legible day was too."""
    return DisputeEvent(
        day.merchant_id,
        day.settlement_date,
        case,
        DisputeEventKind.answer,
        currency,
        0,
        source,
        answered_on=on or day.settlement_date,
    )
