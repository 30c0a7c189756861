"""Effects that are due, of the ledger and of order to cash, as the janitor's task calls them."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from include.domain.errors import Rejected
from include.services.effects.states import UNFINISHED
from include.services.journal_book import WAITING
from include.wiring import Tieout, tieout
from tieout import metrics
from tieout.desks.commissioned import demand_for_journals
from tieout.tasks import posting
from tieout.tasks.orders import desks, watch_store
from tieout.tasks.task_log import logged
from tieout.this_process import worker_name

_LOST = timedelta(hours=1)  # no run takes so long from the proof of a day to its report


def sweep_all() -> str:
    """Advance every effect that is due: journals first, then payments, orders and words to shops.

    Raises:
        ExceptionGroup: some could not be worked on; the others were.
    """
    return logged("sweep", "", _sweep_all)


def _sweep_all() -> str:
    watch_store()
    broken: list[Exception] = []
    for name, work in (
        ("sweep_journals", _sweep_journals),
        ("sweep_trade", _sweep_trade),
        ("prove_parked", _prove_parked),
    ):
        try:
            logged(name, "", work, after_a_fault="what else is due, then the task ends with this")
        except Exception as fault:  # noqa: BLE001 - what is broken in one must not stop the rest
            broken.append(fault)
    context = tieout()
    counts = {state.value: count for state, count in context.effects.counts(UNFINISHED).items()}
    metrics.gauge("in_doubt", counts.get("in_doubt", 0))
    metrics.gauge("dead_letters", context.dead_letters.count())
    told = ", ".join(f"{name} {count}" for name, count in counts.items())
    stand = f"unfinished effects: {told or 'none'}"
    if broken:
        raise ExceptionGroup(f"not swept whole, {stand}", broken)
    return stand


def _sweep_trade() -> str:
    desks().sweep_effects()
    return "what was due of orders was advanced"


def _sweep_journals() -> str:
    """Advance what is due of the ledger, SYSPRO connection by connection."""
    from include.services.post_journals import sync_journals

    context = tieout()
    broken: list[Exception] = []
    for conn_id, companies in _companies(context).items():
        if not context.effects.due(1, targets=companies):
            continue
        try:
            logged(
                "sweep_company",
                conn_id,
                partial(_sweep_company, context, conn_id, companies),
                after_a_fault="the other companies, then the task ends with this",
            )
        except Exception as error:  # noqa: BLE001 - as above
            broken.append(error)
    moved = sync_journals(context.journals, context.effects.get, context.open_items)
    if broken:
        raise ExceptionGroup(f"{len(broken)} SYSPRO connections could not be swept", broken)
    return f"{moved} journals moved to posted"


def _sweep_company(context: Tieout, conn_id: str, companies: Sequence[str]) -> str:
    from tieout.hooks.syspro import SysproHook

    hook = SysproHook(conn_id, leases=context.leases)
    demand_for_journals(context, conn_id, hook)
    with hook.session():
        timings = hook.timings_by_kind  # of orders too, which are read back at other times
        engine = context.engine(hook.partners, timings, worker=worker_name())
        return f"{len(engine.sweep(targets=companies))} advanced"


def _prove_parked() -> str:
    """Prove and report the days that waited for a period and wait no more: no run comes back.

    One that was proven an hour ago and is not reported has lost its run, or a sweep that died.
    """
    context, done, broken = tieout(), list[str](), list[Exception]()
    proven = context.days.in_state(posting.TIED_OUT, since=context.clock.now() - _LOST)
    for day in context.days.in_state(posting.PARKED):
        if any(one.state in WAITING for one in posting.journals_of(context, day)):
            continue
        try:
            posting.tie_out(str(day))
        except Rejected as fault:
            broken.append(fault)  # the day is blocked now, and its report says why
        except Exception as fault:  # noqa: BLE001 - as above
            broken.append(fault)
            continue
        proven.append(day)
    for day in proven:
        try:
            posting.report(str(day))
        except Exception as fault:  # noqa: BLE001 - as above
            broken.append(fault)
        else:
            done.append(str(day))
    if broken:
        raise ExceptionGroup(f"{len(broken)} steps of days that were parked failed", broken)
    return f"proven: {', '.join(done) or 'nothing was left to prove'}"


def _companies(context: Tieout) -> dict[str, tuple[str, ...]]:
    """Return the companies of each SYSPRO connection."""
    found: dict[str, set[str]] = {}
    for merchant in context.today.begun_merchants():
        found.setdefault(merchant.syspro_conn_id, set()).add(merchant.company_id)
    return {conn_id: tuple(sorted(companies)) for conn_id, companies in sorted(found.items())}
