"""The tasks of ``late_files``: which days await a source, or their run, and what they need now."""

import logging
from datetime import UTC, date, datetime, time, timedelta

from include.domain.errors import Rejected
from include.domain.settlement import SettlementDay
from include.wiring import Tieout, tieout
from tieout.tasks.settlement import senders_of
from tieout.tasks.task_log import logged
from tieout.timetable import HOURS_AFTER, NO_GAP, is_manual

log = logging.getLogger(__name__)


def choose_days() -> list[str]:
    """Name the days that the schedule passed over, or that went on without a source."""
    from include.services.late_files import days_to_ask

    context = tieout()
    merchant_ids = sorted({one.merchant_id for one in context.today.begun_merchants()})
    return [
        str(day)
        for merchant_id in merchant_ids
        for day in (
            *_missed(context, merchant_id),
            *days_to_ask(
                merchant_id, context.open_items, context.merchant, _today(context, merchant_id)
            ),
        )
    ]


def _missed(context: Tieout, merchant_id: str) -> list[SettlementDay]:
    from include.services.missed_days import missed_days

    if is_manual():
        return []  # no date is scheduled there

    def is_due(on: date) -> bool:
        ends_at = datetime.combine(on + timedelta(days=1), time(), UTC)
        if ends_at + timedelta(hours=HOURS_AFTER) > context.clock.now():
            return False
        try:
            context.mappings.merchant(merchant_id, on)
        except Rejected:
            return False  # not in force then
        return True

    found = missed_days(context.days.runs(merchant_id), is_due, NO_GAP)
    return [SettlementDay(merchant_id, on) for on in found]


def ask(day_key: str) -> dict[str, object] | None:
    """Return the run that a day needs: it never ran, or what it awaited has come; or ``None``.

    The run's id is made of the day, of what has come and of today's date: the same find within a
    day is the same run, and one that failed is run again on the next.
    """
    from include.services.late_files import ask_again

    day, context = SettlementDay.parse(day_key), tieout()
    merchant, today = context.merchant(day), _today(context, day.merchant_id)
    if context.days.get(day) is None:
        log.warning("%s has never run, and a later date has: it is run now", day)
        return _run("missed", day, str(today))
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
    return _run("late", day, f"{today}__{result.mark}")


def _run(why: str, day: SettlementDay, what: str) -> dict[str, object]:
    return {
        "trigger_run_id": f"{why}__{day.merchant_id}__{day.settlement_date}__{what}",
        "conf": {
            "settlement_date": day.settlement_date.isoformat(),
            "merchants": [day.merchant_id],
        },
    }


def _today(context: Tieout, merchant_id: str) -> date:
    return context.today.date_of(merchant_id)
