"""What a settlement day's lines say about disputes, as events."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from include.domain.dispute_cases import CASE_NAMES, DisputeEvent, DisputeEventKind
from include.domain.dispute_deadlines import day_of
from include.domain.settlement import LineClass, SettlementDay
from include.services.matching.history import DISPUTE_LOOKBACK_DAYS, History

_KINDS = {
    LineClass.chargeback.value: DisputeEventKind.chargeback,
    LineClass.chargeback_reversal.value: DisputeEventKind.reversal,
}
Row = Mapping[str, Any]
_REQUESTS = ("related_request_id", "request_id")
_TOLD = ("answer_by", "answered_at")  # lines classified by an earlier version have neither


def read_disputes(
    day: SettlementDay, lines: Path, zone: str, history: History
) -> list[DisputeEvent]:
    """Return the day's events in the order of its lines.

    Args:
        day: the merchant's settlement date.
        lines: its lines.parquet.
        zone: of the merchant, whose calendar the deadlines are read in.
        history: earlier days, whose chargebacks a reversal may be of.
    """
    import polars as pl

    frame = pl.scan_parquet(lines).filter(pl.col("line_class").is_in(list(_KINDS)))
    missing = [name for name in _TOLD if name not in frame.collect_schema().names()]
    frame = frame.with_columns(pl.lit(None, pl.String).alias(name) for name in missing)
    wanted = ["file_digest", "line_no", "line_class", "detail_code", "currency", "amount_minor"]
    rows = frame.select(*wanted, *CASE_NAMES, *_TOLD).collect(engine="streaming").to_dicts()
    taken = _chargebacks(rows, history)
    return [event for row in rows for event in _events(row, day, zone, _case(row, taken))]


def _chargebacks(rows: Sequence[Row], history: History) -> Mapping[tuple[str, str], list[Row]]:
    """Return the chargebacks by request and currency that reversals of the day may be of."""
    import polars as pl

    reversals = [row for row in rows if not _is_taken(row)]
    wanted = sorted({row[name] for row in reversals for name in _REQUESTS if row[name]})
    columns = ["line_class", "currency", *CASE_NAMES]
    past = history.lines(DISPUTE_LOOKBACK_DAYS, columns) if wanted else None
    known = [row for row in rows if _is_taken(row)]
    if past is not None:
        is_wanted = pl.any_horizontal(pl.col(name).is_in(wanted) for name in _REQUESTS)
        is_taken = pl.col("line_class") == LineClass.chargeback.value
        known += past.filter(is_taken, is_wanted).collect(engine="streaming").to_dicts()
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in known:
        for request_id in {row[name] for name in _REQUESTS if row[name]}:
            found[request_id, row["currency"]].append(row)
    return found


def _case(row: Row, taken: Mapping[tuple[str, str], list[Row]]) -> str:
    """Name the case of a line.

    A reversal is of the only case about its request, where either of the two bears no number;
    two that bear different ones are two.
    """
    own = _name(row)
    if _is_taken(row):
        return own
    about = [one for name in _REQUESTS for one in taken.get((row[name] or "", row["currency"]), ())]
    cases = {_name(one) for one in about if not (row["case_number"] and one["case_number"])}
    is_told = own in {_name(one) for one in about}
    return cases.pop() if len(cases) == 1 and not is_told else own


def _name(row: Row) -> str:
    source = f"{row.get('file_digest')}:{row.get('line_no')}"
    return str(next((row[name] for name in CASE_NAMES if row[name]), source))


def _is_taken(row: Row) -> bool:
    return _KINDS[row["line_class"]] is DisputeEventKind.chargeback


def _events(row: Row, day: SettlementDay, zone: str, case: str) -> Iterator[DisputeEvent]:
    kind = _KINDS[row["line_class"]]
    source = f"{row['file_digest']}:{row['line_no']}"
    yield DisputeEvent(
        day.merchant_id,
        day.settlement_date,
        case,
        kind,
        row["currency"],
        row["amount_minor"],
        source,
        row["detail_code"] or "",
        day_of(row["answer_by"], zone) if _is_taken(row) else None,
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
