"""The first task of a settlement run: which days it is about."""

import logging
from collections.abc import Sequence
from datetime import date, timedelta

from include.domain.errors import Rejected, Retryable
from include.domain.settlement import SettlementDay
from include.wiring import Tieout, tieout
from tieout.tasks.turn import begin

log = logging.getLogger(__name__)


def choose_days(settlement_date: date | str, merchants: Sequence[str], run_id: str) -> list[str]:
    """Name the days of a run; a merchant that is not in force on the date has none.

    One that has ended is followed for as long as money of it is under way.

    Raises:
        Rejected: no merchant, an unknown one, none in force on the date, or it has not ended by
            UTC; where it ends later, *download* waits for it.
    """
    context = tieout()
    day = date.fromisoformat(str(settlement_date))
    if day > _last_ended(context):
        raise Rejected(
            f"{day} has not ended yet", "settlement_date", "Choose yesterday or an earlier date."
        )
    asked = list(dict.fromkeys(merchants))  # one named twice would be run twice at once
    keys = (SettlementDay(merchant_id, day) for merchant_id in asked)
    # A scheduled run names every merchant of the file, also one that has ended.
    chosen = [key for key in keys if _is_due(context, key, is_alone=len(asked) == 1)]
    if not chosen:
        what = f"none of {asked} is in force on {day}"
        raise Rejected(what, "merchants.yaml", "Choose another date, or add an entry.")
    for key in chosen:
        try:
            with context.turns.day(key, run_id):
                begin(context, key, run_id)
        except Retryable as fault:  # other merchants need not wait for it
            log.warning("download waits: %s", fault)
    return [str(key) for key in chosen]


def _is_due(context: Tieout, key: SettlementDay, *, is_alone: bool) -> bool:
    from include.services.money_under_way import is_money_under_way

    try:
        context.mappings.merchant(key.merchant_id, key.settlement_date)
    except Rejected as fault:
        if key.merchant_id not in context.mappings.merchants:
            raise
        if is_money_under_way(key, context.expectations, context.open_items):
            log.info("%s is run though its merchant has ended: money of it is under way", key)
            return True
        if is_alone:
            raise
        log.warning("%s is passed over: %s", key, fault)
        return False
    return True


def _last_ended(context: Tieout) -> date:
    """Return yesterday; or a sandbox's business date, which is over when somebody asks."""
    return context.settings.business_date or context.clock.now().date() - timedelta(days=1)
