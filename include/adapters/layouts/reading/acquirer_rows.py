"""Records of the acquirer's daily statement, with the trailer's count and sums met."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from include.adapters.layouts.reading.faults import FileFaultError, malformed, of, truncated
from include.adapters.layouts.reading.row_source import Row, RowSource, whole_text
from include.adapters.layouts.shape import Layout
from include.domain.errors import Rejected
from include.domain.money import Money
from include.services.files import Expected, FileFacts

_REQUEST_ID = re.compile(r"[0-9]{22}")
_PARTS = {"H": 6, "F": 5, "R": 4, "A": 4, "T": 5}


def acquirer_rows(path: Path, layout: Layout, expected: Expected) -> RowSource:
    """Open a statement; a missing or unmet trailer sets it aside before any row is taken."""
    lines = [line.rstrip("\r") for line in whole_text(path).split("\n")]
    lines = [line for line in lines if line]
    head = lines[0].split("|") if lines else []
    if len(head) != _PARTS["H"] or head[:2] != ["H", "ACQ"]:
        raise of("not_this_report", "The file does not start with H|ACQ")
    _, _, merchant, day, currency, statement_id = head
    facts = FileFacts(account_id=merchant, statement_date=_day(day))
    refuse_other_statement(facts, expected)
    trailer = lines[-1].split("|")
    if trailer[0] != "T" or len(trailer) != _PARTS["T"]:
        raise truncated("there is no trailer record T")
    records = [line.split("|") for line in lines[1:-1]]
    _meet_trailer(records, trailer, currency)
    return RowSource(facts, _rows(records, statement_id, currency))


def refuse_other_statement(facts: FileFacts, expected: Expected) -> None:
    """Refuse a statement of another account or day.

    Raises:
        FileFaultError: it names both.
    """
    error: FileFaultError | None = None
    wanted, found = expected.statement_date, facts.statement_date
    if expected.account_id and facts.account_id and facts.account_id != expected.account_id:
        account = facts.account_id[:60]
        error = of(
            "wrong_account", f"The statement is for {account!r}, not for {expected.account_id!r}"
        )
    elif wanted and found and wanted != found:
        error = of(
            "wrong_date",
            f"The statement is of {found}, not of {wanted}",
            "Fetch the statement of the day asked for.",
        )
    if error is not None:
        error.facts = facts
        raise error


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise malformed(f"The header's date {text[:20]!r} is not a date") from None


def _meet_trailer(records: Sequence[Sequence[str]], trailer: Sequence[str], currency: str) -> None:
    sums: Counter[str] = Counter()
    for number, record in enumerate(records, start=2):
        if len(record) != _PARTS.get(record[0], len(record)):
            continue  # quarantined as a row; the trailer then cannot be met and says so
        if record[0] in ("F", "A"):
            sums[record[0]] += _minor(record[-2], currency, number)
        elif record[0] == "R":
            held = -1 if record[1] == "HOLD" else 1
            sums["R"] += held * _minor(record[2], currency, number)
    said = [_minor(text, currency, len(records) + 2) for text in trailer[2:]]
    found = [sums["F"], sums["R"], sums["A"]]
    if trailer[1] != str(len(records)) or said != found:
        raise of(
            "control_total_differs",
            f"The trailer says {'|'.join(trailer[1:])}; the records give {len(records)} rows and "
            f"{'|'.join(Money(minor, currency).decimal for minor in found)}",
        )


def _minor(text: str, currency: str, line: int) -> int:
    try:
        return Money.parse(text, currency, f"line {line}").minor
    except Rejected as error:
        raise of("control_total_unreadable", f"{error.what} at line {line}") from None


def _rows(records: Sequence[Sequence[str]], statement_id: str, currency: str) -> Iterator[Row]:
    for record in records:
        raw = "|".join(record).encode()
        kind = record[0]
        if len(record) != _PARTS.get(kind, 0):
            is_long = len(record) > 3  # amount and currency come last in every record we know
            amount, of_amount = record[-2:] if is_long else (None, currency)
            yield {"type": kind, "amount": amount, "currency": of_amount}, raw
            continue
        word = f"R {record[1]}" if kind == "R" else kind
        about = record[2] if kind == "F" else None
        is_request = about is not None and _REQUEST_ID.fullmatch(about) is not None
        yield (
            {
                "type": word,
                "code": record[1],
                "request_id": about if is_request else None,
                "reference": None if is_request else about,
                "amount": record[-2],
                "currency": record[-1],
                "statement_id": statement_id,
            },
            raw,
        )
