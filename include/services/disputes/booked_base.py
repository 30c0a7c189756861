"""What a chargeback holds on the disputes account in base currency: its share of what was booked.

A batch books its chargebacks as one converted sum. A write-off that converted its own amount would
leave, or take, a cent of that sum for ever; the shares of all of a day's chargebacks sum to it.
"""

from collections.abc import Callable, Mapping, Sequence

from include.domain.dispute_cases import Dispute
from include.domain.journal import Journal, JournalKind
from include.domain.money import Money, allocate
from include.domain.settlement import LineClass
from include.services.books.ports import JournalRecord
from include.services.books.restate import booked
from include.services.journal_book import DECIDED, JournalState

_SOURCE = LineClass.chargeback.value


def base_of(
    dispute: Dispute,
    minor: int,
    records: Sequence[JournalRecord],
    taken: Mapping[str, int],
    *,
    rate_millionths: int,
    base_currency: str,
) -> Money:
    """Return the base amount that a write-off of ``minor`` takes off the disputes account.

    Args:
        dispute: what is written off.
        minor: how much of it, in its own currency; positive.
        records: all journals of the chargeback's settlement day, write-offs among them.
        taken: what each case took on that day in that currency, positive; may be incomplete.
        rate_millionths: converts what the ledger holds no such chargeback for.
        base_currency: of the company.
    """
    held_minor, held = _sums(
        records,
        dispute.currency,
        lambda j, state: j.kind is JournalKind.settlement and state in DECIDED,
    )
    gone_minor, gone = _sums(
        records,
        dispute.currency,
        lambda j, state: (
            j.kind is JournalKind.dispute_lost
            and state is not JournalState.void
            and j.batch_id != dispute.case_key
        ),
    )
    if held_minor and held_minor + gone_minor == minor:  # the last one leaves nothing behind
        return Money(held + gone, base_currency)
    whole = max(minor, taken.get(dispute.case_key, 0))
    if whole > held_minor:
        return Money(minor, dispute.currency).convert(rate_millionths, base_currency)
    cases = sorted(taken)
    weights = [taken[case] for case in cases]
    # What the files say is not what was booked while a restated day waits for its approval.
    is_known = taken.get(dispute.case_key) == whole and sum(weights) == held_minor
    if is_known and min(weights) >= 0:
        share = allocate(Money(held, base_currency), weights)[cases.index(dispute.case_key)]
    else:
        share = allocate(Money(held, base_currency), [whole, held_minor - whole])[0]
    return allocate(share, [minor, whole - minor])[0]


def _sums(
    records: Sequence[JournalRecord], currency: str, counts: Callable[[Journal, JournalState], bool]
) -> tuple[int, int]:
    """Return what journals hold of chargebacks: in their currency and in base, debit positive."""
    kept = [
        one.journal
        for one in records
        if one.journal.currency == currency and counts(one.journal, one.state)
    ]
    sums = [both for (source, _), both in booked(kept).items() if source == _SOURCE]
    return sum(minor for minor, _ in sums), sum(base for _, base in sums)
