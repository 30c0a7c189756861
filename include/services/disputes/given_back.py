"""What the disputes account holds, in base currency, of chargebacks that a batch gives back.

A chargeback was booked at the rate of its day, and its reversal comes at another. Converted at that
one, a dispute that was won would leave the difference receivable for ever, of no case. So a
reversal takes off what its chargeback had put there, and the difference stands beside it, in sight.
Source: accounting reference, section 1: disputes receivable equal the open disputes.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from include.domain.dispute_cases import Dispute, disputes_of
from include.domain.journal import JournalKind
from include.domain.merchant import Merchant
from include.domain.settlement import LineClass, SettlementDay
from include.services.books.ports import JournalRecord
from include.services.books.sums import BatchSums
from include.services.disputes.booked_base import base_of
from include.services.disputes.ports import CaseEvents, DayBook
from include.services.journal_book import DECIDED


def held_of_disputes(
    day: SettlementDay,
    merchant: Merchant,
    batches: Iterable[BatchSums],
    disputes: CaseEvents,
    journals: DayBook,
) -> dict[tuple[str, str], tuple[int, int]]:
    """Return what the reversals of each foreign batch take off earlier days' chargebacks.

    Args:
        day: the day of the reversals.
        merchant: whose books.
        batches: its batches, with what they give back by case.
        disputes: what earlier days said of the cases.
        journals: what those days booked.

    Returns:
        By batch and currency: minor units, and the base minor units they are held at; both below
        zero, as the journal has them. What no decided journal holds a chargeback for is left out.
    """
    foreign = [b for b in batches if b.given_back and b.currency != merchant.base_currency]
    if not foreign:
        return {}
    on, named = day.settlement_date, {case for batch in foreign for case in batch.given_back}
    events = disputes.events(day.merchant_id, named)
    left: dict[tuple[str, str], list[Dispute]] = defaultdict(list)  # the oldest first
    for one in disputes_of(event for event in events if event.settlement_date < on):
        left[one.case_key, one.currency].append(one)
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for batch in foreign:
        minor = base = 0
        for case, given in batch.given_back.items():
            for place, one in enumerate(chargebacks := left[case, batch.currency]):
                part = max(0, min(one.left_minor, given))
                rest = chargebacks[place] = replace(one, left_minor=one.left_minor - part)
                given -= part
                known = _booked(one, rest, merchant, disputes, journals) if part else None
                if known is not None:
                    minor, base = minor - part, base - known
        if minor:
            found[batch.batch_id, batch.currency] = (minor, base)
    return found


def _booked(
    before: Dispute, after: Dispute, merchant: Merchant, disputes: CaseEvents, journals: DayBook
) -> int | None:
    """Return the base minor units between what was left and what is; ``None``: nobody knows.

    What is left keeps the value that a write-off would take off, so both together leave nothing.
    """
    booked_on = SettlementDay(before.merchant_id, before.settlement_date)
    records = journals.versions(booked_on)
    rate = _rate(records, before.currency)
    if rate is None:
        return None
    taken = disputes.taken(booked_on, before.currency)

    def value(one: Dispute) -> int:
        base_currency = merchant.base_currency
        return base_of(
            *(one, one.left_minor, records, taken),
            rate_millionths=rate,
            base_currency=base_currency,
        ).minor

    return value(before) - (value(after) if after.left_minor else 0)


def _rate(records: Sequence[JournalRecord], currency: str) -> int | None:
    """Return the rate at which the chargebacks of a day are booked, where that is decided."""
    sources = (
        (record.journal.rate_millionths, line.source)
        for record in records
        if record.state in DECIDED
        and record.journal.kind is JournalKind.settlement
        and record.journal.currency == currency
        for line in record.journal.lines
    )
    return next((rate for rate, name in sources if name == LineClass.chargeback.value), None)
