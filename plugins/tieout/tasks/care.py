"""What looks after orders, as tasks call it: profiles, the nightly comparison, alerts.

Each may run again at any time. One shop or merchant that cannot be worked on does not stop the
others; the task fails at the end and names it.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from include.domain.calendar import Window, settlement_window
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
from tieout.desks.shop_desk import ShopDesk
from tieout.tasks.orders import desks
from tieout.tasks.task_log import logged

_COMPARED_AT_ONCE = timedelta(days=7)  # of a longer outage the settlement runs tell


def keep_profiles() -> str:
    """Keep tokens in step with the gateway and SYSPRO, join duplicates, finish deletions."""
    return logged("keep_profiles", "", lambda: _for_each("keep_profiles", _profiles_of))


def _profiles_of(desk: ShopDesk) -> str:
    today = tieout().business_date(desk.merchant.zone)
    kept = token_sweep(desk).run(tieout().clock.now() - FIRST_POLL)
    removed = token_remover(desk).finish()  # before what may fail: a shopper has asked for it
    checked = profile_check(desk).run(today, desk.erp.session)
    joined = duplicate_joiner(desk).run()
    return f"kept {kept}; removed {removed}; checked {checked}; joined {joined}"


def compare_systems() -> str:
    """Hold gateway, orders and SYSPRO against each other, for each whole day not compared yet."""
    # One request that the gateway cannot tell is a dead letter of its own, and silences no other.
    patient = Desks(desks().context, desks().breakers, is_patient=True)

    def compare(one: ShopDesk) -> str:
        desk = patient.of(one.shop.shop_id)
        zone, work = desk.merchant.zone, comparison(patient, desk)
        last = _last_day(zone)
        first = _first_day(work.compared_until(), zone, last)
        window = Window(
            settlement_window(first, zone).start_at, settlement_window(last, zone).end_at
        )
        found = work.run(first, window, desk.erp.session)
        return f"{first} to {last}: {found}"

    return logged("compare_systems", "", partial(_for_each, "compare_systems", compare))


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
    unfinished = compared_until.astimezone(ZoneInfo(zone)).date()
    return min(max(unfinished, last - _COMPARED_AT_ONCE), last)


def raise_alerts() -> str:
    """Tell people what needs them, one alert for each cause."""
    return logged("raise_alerts", "", lambda: str(alerts(tieout()).run()))


def _for_each(name: str, work: Callable[[ShopDesk], str]) -> str:
    """Work on each merchant; raise at the end what could not be worked on."""
    said, broken = list[str](), list[Exception]()
    for merchant_id, desk in desks().by_merchant().items():
        try:
            found = logged(
                name,
                merchant_id,
                partial(work, desk),
                merchant=merchant_id,
                then="the other merchants",
                after_a_fault="the other merchants, then the task ends with this",
            )
        except Exception as fault:  # noqa: BLE001 - one merchant's fault must not stop the rest
            broken.append(fault)
        else:
            said.append(f"{merchant_id}: {found}")
    if len(broken) == 1:
        raise broken[0]
    if broken:
        raise ExceptionGroup(f"{len(broken)} merchants could not be worked on", broken)
    return "; ".join(said)
