"""A journal that waits for its period to open, as its owner reads it."""

from include.domain.journal import Journal
from include.domain.matching import Cause
from include.domain.merchant import Merchant
from include.domain.open_items import OpenItem, Stage
from include.domain.settlement import SettlementDay
from include.services.ports import PostingPeriod


def parked_item(
    merchant: Merchant, journal: Journal, waits_for: PostingPeriod, stage: Stage
) -> OpenItem:
    """Return the item of the journal's settlement day; its posting resolves it."""
    period = f"{waits_for.year}/{waits_for.period:02d}"
    again = "build" if stage is Stage.build else "watch_disputes"
    return OpenItem.found(
        SettlementDay(journal.merchant_id, journal.settlement_date),
        stage,
        Cause.period_closed,
        journal.key,
        merchant.owner,
        money=journal.debit_total,
        why=f"Journal {journal.key} posts on {journal.posting_date}, but period {period} "
        f"of company {journal.company_id} is {waits_for.state.value}.",
        do=f"Open period {period} in SYSPRO; the journal is kept and posts then. Or set "
        f"period_policy: next_open for the merchant and run {again} again.",
    )
