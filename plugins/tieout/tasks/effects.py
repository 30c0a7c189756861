"""Effects that are due, of the ledger and of order to cash, as the janitor's task calls them."""

import logging

from include.domain.errors import IntegrationError
from include.wiring import Tieout, tieout
from tieout import metrics
from tieout.tasks.orders import desks, watch_store
from tieout.this_process import worker_name

log = logging.getLogger(__name__)


def sweep_all() -> str:
    """Advance every effect that is due: journals first, then payments, orders and words to shops.

    Raises:
        ExceptionGroup: some could not be worked on; the others were.
    """
    broken: list[Exception] = []
    watch_store()
    for name, work in (("ledger", sweep_ledger), ("orders", desks().sweep_effects)):
        try:
            work()
        except (IntegrationError, ExceptionGroup) as fault:
            log.warning("effects of %s: %s", name, fault)
            broken.append(fault)
    counts = {state.value: count for state, count in tieout().effects.counts().items()}
    log.info("effects: %s", counts)
    if broken:
        raise ExceptionGroup("effects could not be swept whole", broken)
    return str(counts)


def sweep_ledger() -> dict[str, int]:
    """Advance every effect that is due, company by company; return effects per state.

    Raises:
        ExceptionGroup: some could not be worked on; the others were.
    """
    from include.services.post_journals import sync_journals
    from tieout.hooks.syspro import SysproHook

    context = tieout()
    broken: list[Exception] = []
    for conn_id, companies in _companies(context).items():
        if not context.effects.due(1, targets=companies):
            continue
        hook = SysproHook(conn_id, leases=context.effects)
        try:
            with hook.session():
                engine = context.engine(hook.partners, hook.timings, worker=worker_name())
                engine.sweep(targets=companies)
        except (IntegrationError, ExceptionGroup) as error:
            log.warning("sweep of %s: %s", conn_id, error)
            broken.append(error)
    moved = sync_journals(context.journals, context.effects.get, context.open_items)
    counts = {state.value: count for state, count in context.effects.counts().items()}
    metrics.gauge("in_doubt", counts.get("in_doubt", 0))
    metrics.gauge("dead_letters", len(context.dead_letters.listing()))
    log.info("sweep done: %s; %d journals moved to posted", counts, moved)
    if broken:
        raise ExceptionGroup(f"{len(broken)} SYSPRO connections could not be swept", broken)
    return counts


def _companies(context: Tieout) -> dict[str, tuple[str, ...]]:
    """Return the companies of each SYSPRO connection."""
    found: dict[str, set[str]] = {}
    for merchant in context.today.begun_merchants():
        found.setdefault(merchant.syspro_conn_id, set()).add(merchant.company_id)
    return {conn_id: tuple(sorted(companies)) for conn_id, companies in sorted(found.items())}
