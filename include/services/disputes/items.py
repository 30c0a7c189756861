"""What a person must know about a dispute, in words: due soon, past its deadline, or undated."""

from collections.abc import Callable
from datetime import timedelta

from include.domain.chargeback_reasons import ChargebackReason
from include.domain.dispute_cases import Dispute
from include.domain.dispute_deadlines import Standing, noticed_on
from include.domain.errors import Rejected
from include.domain.matching import Cause
from include.domain.merchant import Merchant
from include.domain.money import Money
from include.domain.open_items import OpenItem, Stage, item_key_of
from include.domain.settlement import SettlementDay
from include.services.disputes.ports import DisputeMappings

CAUSES = {
    Standing.due_soon: Cause.dispute_due_soon,
    Standing.passed: Cause.dispute_deadline_passed,
    Standing.unknown: Cause.dispute_deadline_unknown,
}


def item_key(dispute: Dispute, where: Standing, warn_days: int) -> str:
    """Name the item by the day whose run saw it first; the date of the chargeback goes with it."""
    return item_key_of(_arose(dispute, where, warn_days), CAUSES[where], _what(dispute))


def _arose(dispute: Dispute, where: Standing, warn_days: int) -> SettlementDay:
    return SettlementDay(dispute.merchant_id, noticed_on(dispute, where, warn_days))


def _what(dispute: Dispute) -> str:
    return f"{dispute.name}|{dispute.settlement_date.isoformat()}"


def item_of(
    dispute: Dispute,
    where: Standing,
    merchant: Merchant,
    mappings: DisputeMappings,
    obstacle: str = "",
) -> OpenItem:
    """Return the item; ``obstacle`` says why what has lapsed is not written off yet."""
    words: dict[Standing, Callable[[], tuple[str, str]]] = {
        Standing.due_soon: lambda: _due_soon(dispute, mappings),
        Standing.passed: lambda: _passed(dispute, mappings, obstacle),
        Standing.unknown: lambda: _unknown(dispute, mappings),
    }
    why, do = words[where]()
    return OpenItem.found(
        _arose(dispute, where, merchant.disputes.warn_days),
        Stage.disputes,
        CAUSES[where],
        _what(dispute),
        merchant.owner,
        money=Money(-dispute.left_minor, dispute.currency),
        source=dispute.source,
        why=why,
        do=do,
    )


def _due_soon(dispute: Dispute, mappings: DisputeMappings) -> tuple[str, str]:
    why = f"{_named(dispute, mappings)} may be contested until {dispute.answer_by}; nobody has."
    do = f"Contest it with the acquirer by {dispute.answer_by}, or let it lapse."
    return why, f"{do} {_answered(dispute)}"


def _passed(dispute: Dispute, mappings: DisputeMappings, obstacle: str) -> tuple[str, str]:
    why = (
        f"The deadline to contest passed on {dispute.answer_by}: {_named(dispute, mappings)} was "
        "neither contested nor given back."
    )
    if obstacle:
        return f"{why} It is not written off yet: {obstacle}", f"Mend that. {_answered(dispute)}"
    return why, (
        "Approve to write off: approve_write_offs of settlement_reconciliation asks in Required "
        f"Actions. {_answered(dispute)}"
    )


def _unknown(dispute: Dispute, mappings: DisputeMappings) -> tuple[str, str]:
    why = f"Nobody said by when {_named(dispute, mappings)} may be contested."
    found = _reason(dispute, mappings)
    if found is not None:
        own = dispute.settlement_date + timedelta(days=found.respond_within_days)
        why += f" Our own time for reason {found.code} is {found.respond_within_days} days: {own}."
    return why, (
        "Ask the acquirer for the date; it is never written off by itself. Lost: tieout.cli "
        f"dispute-lost {dispute.merchant_id} {dispute.settlement_date} {dispute.case_key}. "
        f"{_answered(dispute)}"
    )


def _named(dispute: Dispute, mappings: DisputeMappings) -> str:
    amount, found = Money(dispute.left_minor, dispute.currency), _reason(dispute, mappings)
    meaning = f" ({found.network} {found.code}: {found.meaning})" if found is not None else ""
    return f"dispute {dispute.case_key} of {dispute.settlement_date} over {amount}{meaning}"


def _reason(dispute: Dispute, mappings: DisputeMappings) -> ChargebackReason | None:
    try:
        return mappings.chargeback_reason(dispute.reason_code, dispute.settlement_date)
    except Rejected:
        return None  # a code nobody mapped makes the words poorer, and holds up nothing


def _answered(dispute: Dispute) -> str:
    return (
        f"Contested already: tieout.cli dispute-answered {dispute.merchant_id} "
        f"{dispute.case_key} --on <date>."
    )
