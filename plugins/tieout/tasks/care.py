"""What looks after orders, as tasks call it: profiles, the nightly comparison, alerts.

Each may run again at any time, and is of one merchant: none that cannot be worked on stops another.
"""

from datetime import date, datetime, timedelta

from include.domain.calendar import Window, day_in, settlement_window
from include.wiring import tieout
from tieout.desks.care_desk import (
    alerts,
    comparison,
    duplicate_joiner,
    profile_check,
    token_remover,
    token_sweep,
)
from tieout.desks.order_desk import Desks
from tieout.desks.order_feeds import FIRST_POLL
from tieout.tasks.orders import desks
from tieout.tasks.task_log import logged

_COMPARED_AT_ONCE = timedelta(days=7)  # of a longer outage the settlement runs tell


def end_deletions(merchant_id: str) -> str:
    """Keep what a crash left out, and delete what shoppers, or the house, want gone."""

    def work() -> str:
        desk = desks().of_merchant(merchant_id)
        kept = token_sweep(desk).run(tieout().clock.now() - FIRST_POLL)
        return f"kept {kept}; removed {token_remover(desk).finish()}"

    return logged("end_deletions", merchant_id, work, merchant=merchant_id)


def keep_profiles(merchant_id: str) -> str:
    """Keep tokens in step with the gateway and SYSPRO, and join duplicates."""

    def work() -> str:
        desk = desks().of_merchant(merchant_id)
        checked = profile_check(desk).run(desk.erp.session)
        return f"checked {checked}; joined {duplicate_joiner(desk).run()}"

    return logged("keep_profiles", merchant_id, work, merchant=merchant_id)


def compare_systems(merchant_id: str) -> str:
    """Hold gateway, orders and SYSPRO against each other, for each whole day not compared yet."""
    # One request that the gateway cannot tell is a dead letter of its own, and silences no other.
    patient = Desks(desks().context, desks().breakers, is_patient=True)

    def work() -> str:
        desk = patient.of_merchant(merchant_id)
        zone, compared = desk.merchant.zone, comparison(patient, desk)
        last = _last_day(zone)
        first = _first_day(compared.compared_until(), zone, last)
        window = Window(
            settlement_window(first, zone).start_at, settlement_window(last, zone).end_at
        )
        return f"{first} to {last}: {compared.run(first, window, desk.erp.session)}"

    return logged("compare_systems", merchant_id, work, merchant=merchant_id)


def _last_day(zone: str) -> date:
    """A sandbox's trade stays on one day, which is then the one to compare."""
    is_fixed = tieout().settings.business_date is not None
    today = tieout().business_date(zone)
    return today if is_fixed else today - timedelta(days=1)


def _first_day(compared_until: datetime | None, zone: str, last: date) -> date:
    """Return the day that the last comparison found unfinished: a night may have failed.

    A run whose tries cross midnight would otherwise leave the day it began with to nobody.
    """
    if compared_until is None:
        return last
    unfinished = day_in(zone, compared_until)
    return min(max(unfinished, last - _COMPARED_AT_ONCE), last)


def raise_alerts() -> str:
    """Tell people what needs them, one alert for each cause."""
    return logged("raise_alerts", "", lambda: str(alerts(tieout()).run()))
