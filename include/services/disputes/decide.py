"""Who lets a write-off go: the merchant's policy, a person, or the reversal that undoes it.

The question is one for all write-offs of a merchant that wait, whatever their day, and stands
beside the day's own: its settlement does not wait for the answer about a dispute.
"""

from collections import Counter
from collections.abc import Collection, Sequence

from include.domain.journal import Journal
from include.domain.merchant import Merchant, WriteOffPolicy
from include.domain.money import Money
from include.services.approve_journals import (
    APPROVED,
    TOLERANCE,
    ApprovalRequest,
    Approvals,
    Standing,
    apply_decision,
    cell,
    note_asked,
)
from include.services.books.ports import JournalRecord
from include.services.disputes.build_lost import LOST
from include.services.disputes.ports import WriteOffBook
from include.services.journal_book import UNDECIDED, JournalState

FOLLOWS = "follows its write-off"


def write_off_request(
    merchant: Merchant, *, journals: WriteOffBook, approvals: Approvals
) -> ApprovalRequest | None:
    """Approve what needs no person and return ``None``, or return the question to ask."""
    if merchant.is_shadow:
        return None
    waiting: list[JournalRecord] = []
    for record in journals.write_offs_in(merchant.merchant_id, UNDECIDED):
        journal = record.journal
        known = approvals.latest(journal.key, journal.digest)
        if known is not None and known[0] == APPROVED:
            journals.move(journal, JournalState.approved)
        elif _takes_back(journal):
            # What the file gave back is no judgement: asking leaves the receivable wrong longer.
            _approve(journal, FOLLOWS, journals, approvals)
        else:
            waiting.append(record)
    is_held = any(record.state is JournalState.held for record in waiting)
    if waiting and not is_held and _is_inside_tolerance(waiting, merchant):
        for record in waiting:
            _approve(record.journal, TOLERANCE, journals, approvals)
        return None
    if not waiting:
        return None
    note_asked([record.journal for record in waiting], approvals)
    count = len(waiting)
    return ApprovalRequest(
        f"{merchant.merchant_id}: write off {count} dispute{'s' if count > 1 else ''}?",
        _question(waiting, merchant),
        about=tuple(record.journal.digest for record in waiting),
    )


def record_write_offs(
    merchant: Merchant,
    *,
    is_approved: bool,
    decided_by: str,
    journals: WriteOffBook,
    approvals: Approvals,
    about: Collection[str] | None = None,
) -> Standing:
    """Apply an answer to the write-offs it was asked about; see ``apply_decision``."""
    waiting = journals.write_offs_in(merchant.merchant_id, UNDECIDED)
    return apply_decision(
        [record.journal for record in waiting],
        f"approve_write_offs, {merchant.merchant_id}",
        is_approved=is_approved,
        decided_by=decided_by,
        journals=journals,
        approvals=approvals,
        about=about,
    )


def _takes_back(journal: Journal) -> bool:
    return bool(journal.supersedes) and all(
        line.amount.minor < 0 for line in journal.lines if line.source == LOST
    )


def _approve(
    journal: Journal, decided_by: str, journals: WriteOffBook, approvals: Approvals
) -> None:
    approvals.decide(
        journal.key, journal.digest, decision=APPROVED, decided_by=decided_by, reason=""
    )
    journals.move(journal, JournalState.approved)


def _is_inside_tolerance(waiting: Sequence[JournalRecord], merchant: Merchant) -> bool:
    """Say whether the policy lets them go alone: together, per currency, as a day's open items."""
    if merchant.disputes.write_off is not WriteOffPolicy.within_tolerance:
        return False
    sums: Counter[str] = Counter()
    for record in waiting:
        sums[record.journal.currency] += _lost(record.journal).minor
    return all(minor <= merchant.approval_tolerance_minor for minor in sums.values())


def _lost(journal: Journal) -> Money:
    minor = sum(line.amount.minor for line in journal.lines if line.source == LOST)
    return Money(minor, journal.currency)


def _question(waiting: Sequence[JournalRecord], merchant: Merchant) -> str:
    lines = [
        f"These disputes of **{merchant.merchant_id}** are lost: the deadline to contest has "
        "passed, or somebody gave them up. Approve to post each to disputes lost. Hold to post "
        "nothing; they are asked about again tomorrow. One that was contested in time: "
        f"`tieout.cli dispute-answered {merchant.merchant_id} CASE --on DATE`.",
        "",
        "| dispute | chargeback of | amount | why | posting date | digest |",
        "| --- | --- | ---: | --- | --- | --- |",
    ]
    for record in waiting:
        j = record.journal
        lines.append(
            f"| {cell(j.batch_id)} | {j.settlement_date} | {_lost(j)} | {cell(j.narrative)} | "
            f"{j.posting_date} | `{j.digest[:16]}` |"
        )
    return "\n".join(lines)
