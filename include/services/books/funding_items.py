"""The open items of funding: a batch that is short, an entry that no batch explains.

Source: accounting reference, section 2. A short funding is not a fee until somebody says so.
"""

from collections.abc import Sequence
from datetime import date

from include.domain.expectations import Expectation, ExpectationKind, ExpectationState
from include.domain.matching import Cause
from include.domain.merchant import Merchant
from include.domain.money import Money
from include.domain.open_items import OpenItem, Stage
from include.domain.settlement import LineClass, SettlementDay
from include.services.books.unexplained import booked_on
from include.services.matching.ports import StageItems

FUNDER = "tieout fund"


def store_items(
    day: SettlementDay,
    merchant: Merchant,
    before: Sequence[Expectation],
    after: Sequence[Expectation],
    open_items: StageItems,
) -> int:
    """Open what is short or unexplained, resolve what is not any more.

    What is open already is read back, not inferred from ``before``: *build* may have changed what
    is expected of an earlier day's batch since, and each balance in transit must have its item.
    """
    was = {i.item_key: i for e in before if (i := _item(e, merchant))}
    now = {i.item_key: i for e in after if (i := _item(e, merchant))}
    own = [i for i in now.values() if i.settlement_date == day.settlement_date]
    gone = [k for k, i in was.items() if k not in now and i.settlement_date != day.settlement_date]
    others = [i for i in now.values() if i not in own]
    on, listed = day.settlement_date, open_items.of_stage(day.merchant_id, Stage.fund)
    gone += [i.item_key for i in listed if i.item_key not in now and i.settlement_date < on]
    open_items.replace_findings(day, Stage.fund, own)
    open_items.open(others)
    open_items.resolve(sorted(set(gone)), resolved_by=FUNDER, resolution=f"explained by {day}")
    return len(own)


def _item(expectation: Expectation, merchant: Merchant) -> OpenItem | None:
    """Return the open item of a batch or an entry, dated the bank day on which it showed."""
    if not expectation.is_awaited:
        return None
    if expectation.kind is ExpectationKind.batch:
        cause, noticed = Cause.unexplained_funding, expectation.since_date
        why = (
            f"Bank entry {expectation.detail['entry_id']} of {booked_on(expectation)} over "
            f"{Money(expectation.amount_minor, expectation.currency)} names no batch that waits "
            f"for it (reference {expectation.detail['reference']!r})."
        )
        do = "Say what it is for; until then it is not booked."
    else:
        found = _shortage(expectation, merchant)
        if found is None:
            return None
        cause, noticed, why, do = found
    return OpenItem.found(
        SettlementDay(expectation.merchant_id, noticed),
        Stage.fund,
        cause,
        expectation.item_key,
        merchant.owner,
        money=Money(expectation.amount_minor, expectation.currency),
        why=why,
        do=do,
    )


def _shortage(expectation: Expectation, merchant: Merchant) -> tuple[Cause, date, str, str] | None:
    """Say what is wrong with the funding of a batch, and on which bank day it showed."""
    detail, rest = expectation.detail, Money(expectation.amount_minor, expectation.currency)
    batch, net = detail["batch_id"], Money(int(detail["full"]), expectation.currency)
    if expectation.state is ExpectationState.missing and not expectation.parts:
        noticed = date.fromisoformat(detail["noticed"])
        due = expectation.due_date
        why = f"Short funding, {batch}: nothing of {net} has arrived; it was due by {due}."
        return Cause.short_funding, noticed, why, "Ask the acquirer where the funding is."
    if not expectation.parts or rest.minor == 0:
        return None
    noticed = date.fromisoformat(max(expectation.parts))
    arrived = net - rest
    hidden = unreported_classes(merchant)
    if hidden:
        why = (
            f"Unreported by source, {batch}: net {net}, the bank received {arrived}, {rest} is "
            f"left. This processor does not report {', '.join(hidden)}."
        )
        return Cause.unreported_by_source, noticed, why, "Ask the acquirer what it netted."
    if rest.minor < 0:
        why = f"Batch {batch}: net {net}, but the bank received {arrived}; {-rest} is too much."
        return Cause.unexplained_funding, noticed, why, "Ask the acquirer what the rest is for."
    why = f"Short funding, {batch}: net {net}, the bank received {arrived}, {rest} is missing."
    return Cause.short_funding, noticed, why, "Ask the acquirer for the difference."


def unreported_classes(merchant: Merchant) -> tuple[str, ...]:
    """Return the classes every acquirer nets that no source of the merchant reports.

    Adjustments and reserves are agreements that most merchants do not have; their absence
    explains nothing.
    """
    supplied = {line_class for source in merchant.sources for line_class in source.supplies}
    always = (LineClass.fee, LineClass.chargeback)
    return tuple(c.value for c in always if c not in supplied) if merchant.sources else ()
