"""Write a contested chargeback off, because it was lost or its deadline has passed.

The journal joins the books of the chargeback's own settlement day and is decided with the other
write-offs; giving the same case up twice, or one that its deadline found already, is the same
journal. Source: accounting reference, section 3.
"""

from datetime import date
from pathlib import Path

from include.domain.dispute_cases import CASE_NAMES, Dispute, disputes_of
from include.domain.errors import Rejected
from include.domain.journal import Journal
from include.domain.merchant import Merchant
from include.domain.money import Money
from include.domain.settlement import LineClass, SettlementDay
from include.services.books.ports import BookMappings
from include.services.books.restate import Chain
from include.services.day_files import LINES
from include.services.disputes.ports import DisputeStore, WriteOffBook
from include.services.disputes.write_offs import (
    WriteOffContext,
    booked_rate,
    bring_to,
    chains_of,
    key_of,
    written_off_minor,
)
from include.services.effects.chain import Signed
from include.services.matching.ports import DayFiles


def give_up_dispute(
    day: SettlementDay,
    merchant: Merchant,
    *,
    case_number: str,
    posting_date: date,
    who: str,
    via: str,
    lake: DayFiles,
    disputes: DisputeStore,
    books: WriteOffBook,
    mappings: BookMappings,
) -> Journal:
    """Build the journal that writes the case off, or return the one that does already.

    The amount is the files' own, less what was given back; the rate that of the settlement
    journal that booked it. Who gave it up, and by which door (``via``), is in the audit chain in
    the commit that builds it; who says so again is signed as well.

    Raises:
        Rejected: no such chargeback on that day, it was reversed, it would be lost before it was
            charged back, or the ledger has not got it.
    """
    dispute = _still_disputed(day, case_number, lake.day_path(day, LINES), disputes)
    if posting_date < dispute.settlement_date:
        raise Rejected(
            f"case {case_number} took its money on {dispute.settlement_date}, and cannot have been "
            f"lost on {posting_date}",
            "--on",
            "Give the day it was lost on.",
        )
    rate_millionths = booked_rate(dispute, books)
    if rate_millionths is None:
        raise Rejected(
            f"the ledger has no chargeback in {dispute.currency} of {day}",
            f"case {dispute.case_key}",
            "Approve and post that day first; there is nothing to write off yet.",
        )
    chain = chains_of(books.write_offs_of(day.merchant_id, [case_number])).get(
        key_of(dispute), Chain(())
    )
    amount = str(Money(dispute.left_minor, dispute.currency))
    signed = Signed("dispute given up", who, via, {"case": case_number, "amount": amount})
    if written_off_minor(chain) == dispute.left_minor:
        books.sign(chain.standing[-1], signed)
        return chain.standing[-1]
    journal = bring_to(
        WriteOffContext(merchant, books, disputes, mappings, posting_date),
        dispute,
        dispute.left_minor,
        chain,
        rate_millionths=rate_millionths,
        why="lost",
        control={"found by": who},
        signed=signed,
    )
    if journal is None:
        raise ValueError(f"{case_number} differs from its write-off, and nothing was built")
    return journal


def _still_disputed(day: SettlementDay, case: str, lines: Path, disputes: DisputeStore) -> Dispute:
    """Return what the case took from us on that day and never gave back."""
    known = [
        one
        for one in disputes_of(disputes.events(day.merchant_id, [case]))
        if one.case_key == case and one.settlement_date == day.settlement_date
    ]
    if not known:  # the day was booked before disputes were watched: its lines say it themselves
        known = _from_lines(day, case, lines)
    if len(known) != 1 or known[0].left_minor <= 0:
        raise Rejected(
            f"case {case!r} took nothing on {day} that is still contested",
            f"lines of {day}",
            "Give the settlement date of the chargeback and the case number as the report has it.",
        )
    return known[0]


def _from_lines(day: SettlementDay, case: str, lines: Path) -> list[Dispute]:
    import polars as pl

    if not Path(lines).exists():
        raise Rejected(f"{day} was never classified", LINES, "Run the day first.")
    classes = [LineClass.chargeback.value, LineClass.chargeback_reversal.value]
    sums = (
        pl.scan_parquet(lines)
        .filter(pl.coalesce(CASE_NAMES) == case, pl.col("line_class").is_in(classes))
        .group_by("currency")
        .agg(pl.col("amount_minor").sum())
        .collect()
        .rows()
    )
    return [
        Dispute(day.merchant_id, case, currency, day.settlement_date, -minor, "", "", None)
        for currency, minor in sums
    ]
