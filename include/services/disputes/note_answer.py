"""A person says that a dispute was contested, where no report of Cybersource does."""

from datetime import date

from include.domain.dispute_cases import Dispute, disputes_of
from include.domain.errors import Rejected
from include.domain.settlement import SettlementDay
from include.services.disputes.ports import DisputeStore, WriteOffBook
from include.services.disputes.read_day import answer
from include.services.disputes.write_offs import chains_of, is_decided, key_of
from include.services.effects.chain import Signed
from include.services.journal_book import UNDECIDED


def note_answer(
    merchant_id: str,
    case: str,
    *,
    answered_on: date,
    who: str,
    via: str,
    disputes: DisputeStore,
    journals: WriteOffBook,
) -> int:
    """Keep the answer, and void a write-off that nobody has approved; return how many were.

    Who said it, and by which door (``via``), is in the audit chain in the commit that keeps it.

    Raises:
        Rejected: no such dispute is open, the day is not one it could be contested on, or its
            write-off was approved.
    """
    found = [one for one in disputes_of(disputes.events(merchant_id, [case])) if one.left_minor]
    mine = [one for one in found if one.case_key == case]
    if not mine:
        raise Rejected(
            f"no dispute {case!r} of {merchant_id} is open",
            "dispute-answered",
            "Give the case number as the open item has it.",
        )
    newest = mine[-1]
    chain = chains_of(journals.write_offs_of(merchant_id, [case])).get(key_of(newest))
    _require_in_time(newest, answered_on)
    if chain is not None and is_decided(chain):
        raise Rejected(
            f"dispute {case} was written off: {chain.standing[-1].key}",
            "dispute-answered",
            "Nothing to do: if it is won, the reversal in the file takes the write-off back.",
        )
    day = SettlementDay(merchant_id, answered_on)
    undecided = [r.journal for r in chain.records if r.state in UNDECIDED] if chain else []
    detail = {"on": answered_on.isoformat(), "voids": [journal.key for journal in undecided]}
    disputes.note_answer(
        answer(day, case, newest.currency, who, answered_on),
        Signed("dispute answered", who, via, detail),
    )
    return sum(journals.void(journal) for journal in undecided)


def _require_in_time(dispute: Dispute, answered_on: date) -> None:
    is_late = dispute.answer_by is not None and answered_on > dispute.answer_by
    if answered_on < dispute.settlement_date or is_late:
        until = dispute.answer_by or "a date nobody said"
        raise Rejected(
            f"dispute {dispute.case_key} of {dispute.settlement_date} may be contested until "
            f"{until}, not on {answered_on}",
            "--on",
            "Give the day it was contested on; too late is lost: dispute-lost.",
        )
