"""Bank entries that a later day has booked, and of which their own statement says otherwise now.

Only the day that booked one can book it anew: it is named, with what to do.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from include.domain.expectations import Expectation, ExpectationState
from include.domain.matching import Cause
from include.domain.merchant import Merchant
from include.domain.money import Money
from include.domain.open_items import OpenItem, Stage
from include.domain.settlement import SettlementDay
from include.services.books.bank_entries import BankEntry
from include.services.books.unexplained import booked_on


def restated(
    known: Iterable[Expectation], entries: Mapping[str, BankEntry]
) -> list[tuple[Expectation, Expectation]]:
    """Return what is known of entries and what their statement says now, where they differ.

    Args:
        known: entries of one day that a later day has booked.
        entries: of that day's statement, by key.
    """
    pairs = [(e, _now(e, entries.get(e.item_key))) for e in known]
    return [(before, now) for before, now in pairs if before != now]


def _now(known: Expectation, entry: BankEntry | None) -> Expectation:
    if entry is None:
        return replace(known, state=ExpectationState.withdrawn)
    said = {"reference": entry.reference, "text": entry.text}
    return replace(
        known,
        state=ExpectationState.met,
        currency=entry.currency,
        amount_minor=entry.minor,
        detail={**known.detail, **said},
    )


def item_of(before: Expectation, now: Expectation, merchant: Merchant) -> OpenItem:
    """Return the item of the day that booked the entry; its next run closes it."""
    if before.met_date is None:
        raise ValueError(f"{before.item_key} is booked by no day")
    booked = SettlementDay(before.merchant_id, before.met_date)
    is_gone = now.state is ExpectationState.withdrawn
    says = "does not hold it any more" if is_gone else "says otherwise now"
    on = booked.settlement_date
    money = Money(before.amount_minor, before.currency)
    return OpenItem.found(
        booked,
        Stage.statement,
        Cause.unexplained_funding,
        f"{before.item_key}:restated",
        merchant.owner,
        money=money,
        why=f"Bank entry {before.detail['entry_id']} of {booked_on(before)} was booked with {on}: "
        f"{money}. Its statement {says}.",
        do=f"Run {on} again: it books what the statement says.",
    )
