"""What a batch is worth at the bank: the expectation that its bank entry will meet.

It is met when nothing is left in the batch's own currency nor in the company's: a restatement may
leave money in transit in the second alone, which ``bank_entries.py`` books off.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Protocol

from include.domain.expectations import Expectation, ExpectationKind, ExpectationState
from include.domain.journal import Journal
from include.domain.merchant import Merchant
from include.domain.settlement import SettlementDay
from include.services.books.journal_lines import NET
from include.services.matching.ports import Expectations


class FundingStore(Expectations, Protocol):
    """Expectations, with a look-up by name."""

    def find(
        self, merchant_id: str, kind: ExpectationKind, item_keys: Sequence[str]
    ) -> Sequence[Expectation]:
        """Return the named ones, whatever their state."""
        ...


def funding_key(batch_id: str, currency: str, day: SettlementDay) -> str:
    return f"{batch_id}|{currency}|{day.settlement_date.isoformat()}"


def _rates(journals: Sequence[Journal]) -> dict[str, int]:
    """Return the net in minor units by the rate it was booked at; one rate at least."""
    found: dict[str, int] = {}
    for journal in journals:
        net = sum(line.amount.minor for line in journal.lines if line.source == NET)
        rate = str(journal.rate_millionths)
        found[rate] = found.get(rate, 0) + net
    first = next(iter(found), "1000000")
    return {rate: net for rate, net in sorted(found.items()) if net} or {first: 0}


def funding_expectation(
    day: SettlementDay,
    merchant: Merchant,
    batch_id: str,
    currency: str,
    journals: Sequence[Journal],
    known: Expectation | None,
) -> Expectation | None:
    """Return what the bank should still receive for a batch, after all its journals.

    Args:
        day: the settlement day of the batch.
        merchant: its funding SLA.
        batch_id: the batch, both parts of a month-end split together.
        currency: of the batch.
        journals: every settlement journal of the batch that stands.
        known: what was expected before, with the bank entries that came since.
    """
    net = sum(line.amount.minor for j in journals for line in j.lines if line.source == NET)
    base = sum(line.base.minor for j in journals for line in j.lines if line.source == NET)
    if known is None and net == 0 == base:
        return None
    detail: dict[str, Any] = {"parts": {}, "parts_base": {}} | dict(known.detail if known else {})
    detail |= {
        "batch_id": batch_id,
        "full": net,
        "full_base": base,
        "rates": _rates(journals),
    }
    remaining = net - sum(detail["parts"].values())
    if known is None:
        return Expectation(
            day.merchant_id,
            ExpectationKind.funding,
            funding_key(batch_id, currency, day),
            currency,
            remaining,
            day.settlement_date,
            day.settlement_date + timedelta(days=merchant.funding_sla_days),
            detail=detail,
        )
    state = known.state
    if remaining == 0 and base == sum(detail["parts_base"].values()):
        state = ExpectationState.met if detail["parts"] else ExpectationState.withdrawn
    elif state is not ExpectationState.missing:
        state = ExpectationState.open
    is_met = state is ExpectationState.met
    return replace(
        known,
        amount_minor=remaining,
        state=state,
        met_by=known.met_by if is_met else "",
        # A run of a day that paid must find the batch again, or it takes its money back.
        met_date=date.fromisoformat(max(detail["parts"])) if is_met else None,
        detail=detail,
    )
