"""What looks after orders, as tasks call it: profiles, the nightly comparison, alerts.

Each may run again at any time. One shop or merchant that cannot be worked on does not stop the
others; the task fails at the end and names it.
"""

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import date, timedelta

from include.domain.calendar import settlement_window
from include.domain.errors import IntegrationError
from include.services.profiles.keep_tokens import TokenSweep
from include.wiring import tieout
from tieout.care_desk import (
    alerts,
    comparison,
    duplicate_joiner,
    merchants,
    profile_check,
    token_remover,
    token_sweep,
)
from tieout.order_desk import ShopDesk
from tieout.order_feeds import FIRST_POLL
from tieout.tasks.orders import desks, timed, what_follows

log = logging.getLogger(__name__)


def keep_tokens() -> str:
    """Keep the tokens of orders whose worker died before it could; cheap, as often as one likes."""
    sweeps = [token_sweep(desk) for desk in merchants(desks())]
    return timed("keep_tokens", lambda: _each_sweep(sweeps))


def _each_sweep(sweeps: Iterable[TokenSweep]) -> str:
    begin = tieout().clock.now() - FIRST_POLL
    return "; ".join(f"{one.merchant_id}: {one.run(begin)}" for one in sweeps)


def keep_profiles() -> str:
    """Keep tokens in step with the gateway and SYSPRO, join duplicates, finish deletions."""
    return timed("keep_profiles", lambda: _for_each(merchants(desks()), _profiles_of))


def _profiles_of(desk: ShopDesk) -> str:
    today = tieout().business_date(desk.merchant.zone)
    with ExitStack() as stack:
        stack.enter_context(desk.erp.session())
        kept = token_sweep(desk).run(tieout().clock.now() - FIRST_POLL)
        checked = profile_check(desk).run(today)
        joined = duplicate_joiner(desk).run()
        removed = token_remover(desk).finish()
    return f"kept {kept}; checked {checked}; joined {joined}; removed {removed}"


def compare_systems() -> str:
    """Hold gateway, orders and SYSPRO against each other for the last whole business day."""

    def compare(desk: ShopDesk) -> str:
        zone = desk.merchant.zone
        chosen = _last_day(zone)
        window = settlement_window(chosen, zone)
        return str(comparison(desks(), desk).run(chosen, window, desk.erp.session()))

    return timed("compare_systems", lambda: _for_each(merchants(desks()), compare))


def _last_day(zone: str) -> date:
    """A sandbox's trade stays on one day, which is then the one to compare."""
    is_fixed = tieout().settings.business_date is not None
    today = tieout().business_date(zone)
    return today if is_fixed else today - timedelta(days=1)


def raise_alerts() -> str:
    """Tell people what needs them, one alert for each cause."""
    return timed("raise_alerts", alerts(tieout()).run)


def _for_each(those: Iterable[ShopDesk], work: Callable[[ShopDesk], str]) -> str:
    """Work on each; raise at the end what could not be worked on."""
    said, broken = [], []
    for desk in those:
        name, began = desk.merchant.merchant_id, time.monotonic()
        try:
            found = work(desk)
        except IntegrationError as fault:
            spent = time.monotonic() - began
            log.warning("%s failed after %.1f s, %s: %s", name, spent, what_follows(fault), fault)
            broken.append(fault)
        else:
            log.info("%s done in %.1f s: %s", name, time.monotonic() - began, found)
            said.append(f"{name}: {found}")
    if len(broken) == 1:
        raise broken[0]
    if broken:
        raise ExceptionGroup(f"{len(broken)} merchants could not be worked on", broken)
    return "; ".join(said)
