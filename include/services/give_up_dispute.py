"""Write a contested chargeback off, because it was lost or its deadline has passed.

The journal joins the books of the chargeback's own settlement day and is approved and posted with
them; giving the same case up twice is the same journal. Source: accounting reference, section 3.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from include.domain.errors import Rejected
from include.domain.journal import Journal, JournalKind
from include.domain.merchant import Merchant
from include.domain.money import Money
from include.domain.settlement import LineClass, SettlementDay
from include.services.books.ports import BookMappings, JournalRecord
from include.services.build_dispute_lost import build_dispute_lost


class Books(Protocol):
    """The journal book, as far as it is needed here."""

    def versions(self, day: SettlementDay) -> list[JournalRecord]: ...

    def add(self, journal: Journal, mapping_version: str, control: Mapping[str, Any]) -> None: ...


class DayFolder(Protocol):
    """The lake, as far as it is needed here."""

    def day_path(self, day: SettlementDay, name: str) -> Path: ...


def give_up_dispute(
    day: SettlementDay,
    merchant: Merchant,
    *,
    case_number: str,
    posting_date: date,
    lake: DayFolder,
    books: Books,
    mappings: BookMappings,
) -> Journal:
    """Build the journal that writes the case off, and keep it with the day's others.

    The amount is the file's own, and the rate that of the settlement journal that booked it.

    Raises:
        Rejected: no such chargeback on that day, it was reversed, or it is not booked yet.
    """
    amount = _still_disputed(lake.day_path(day, "lines.parquet"), case_number, day)
    booked = [
        record.journal
        for record in books.versions(day)
        if record.journal.kind is JournalKind.settlement
        and record.journal.currency == amount.currency
        and any(line.source == LineClass.chargeback.value for line in record.journal.lines)
    ]
    if not booked:
        raise Rejected(
            f"no journal of {day} has booked a chargeback in {amount.currency}",
            f"case {case_number}",
            "Let the day be built first; there is nothing to write off yet.",
        )
    journal = build_dispute_lost(
        day,
        merchant,
        case_number=case_number,
        amount=amount,
        posting_date=posting_date,
        rate_millionths=booked[0].rate_millionths,
        mappings=mappings,
    )
    books.add(journal, mappings.version, {"case": case_number, "given up": str(amount)})
    return journal


def _still_disputed(lines: Path, case_number: str, day: SettlementDay) -> Money:
    """Return what the case took from us and did not give back, as a positive amount."""
    import polars as pl

    if not Path(lines).exists():
        raise Rejected(f"{day} was never classified", "lines.parquet", "Run the day first.")
    classes = [LineClass.chargeback.value, LineClass.chargeback_reversal.value]
    sums = (
        pl.scan_parquet(lines)
        .filter(pl.col("case_number") == case_number, pl.col("line_class").is_in(classes))
        .group_by("currency")
        .agg(pl.col("amount_minor").sum())
        .collect()
        .rows()
    )
    if len(sums) != 1 or sums[0][1] >= 0:
        raise Rejected(
            f"case {case_number!r} took nothing on {day} that is still contested",
            f"lines of {day}",
            "Give the settlement date of the chargeback and the case number as the report has it.",
        )
    return Money(-sums[0][1], sums[0][0])
