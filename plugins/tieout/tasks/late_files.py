"""The tasks of ``late_files``: which days still await a source, and whether it is there now."""

from datetime import date

from include.domain.settlement import SettlementDay
from include.wiring import Tieout, tieout
from tieout.tasks.settlement import senders_of
from tieout.tasks.task_log import logged


def choose_days() -> list[str]:
    """Name the days that went on without a source which may still come."""
    from include.services.late_files import days_to_ask

    context = tieout()
    merchant_ids = sorted({one.merchant_id for one in context.today.begun_merchants()})
    return [
        str(day)
        for merchant_id in merchant_ids
        for day in days_to_ask(
            merchant_id, context.open_items, context.merchant, _today(context, merchant_id)
        )
    ]


def ask(day_key: str) -> dict[str, object] | None:
    """Ask the senders of one day; return the run that what has come needs, or ``None``.

    The run's id is made of the day, of what has come and of today's date: the same find within a
    day is the same run, and one that failed is run again on the next.
    """
    from include.services.late_files import ask_again

    day, context = SettlementDay.parse(day_key), tieout()
    merchant, today = context.merchant(day), _today(context, day.merchant_id)
    result = logged(
        "ask",
        day_key,
        lambda: ask_again(
            day,
            merchant,
            senders=senders_of(context, merchant),
            items=context.open_items,
            today=today,
        ),
        merchant=day.merchant_id,
        then="the day is run again with what has come, if anything has",
    )
    if not result.mark:
        return None
    return {
        "trigger_run_id": f"late__{day.merchant_id}__{day.settlement_date}__{today}__{result.mark}",
        "conf": {
            "settlement_date": day.settlement_date.isoformat(),
            "merchants": [day.merchant_id],
        },
    }


def _today(context: Tieout, merchant_id: str) -> date:
    return context.today.date_of(merchant_id)
