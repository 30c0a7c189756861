"""Disputes beside the day, as tasks call them: watched, asked about, written off.

Their trouble is told in their own tasks; it never blocks the settlement day they run with.
"""

import logging
from collections import defaultdict
from collections.abc import Collection

from include.domain.journal import JournalKind
from include.domain.settlement import SettlementDay
from include.services.approve_journals import ApprovalRequest
from include.services.journal_book import WAITING, JournalState
from include.wiring import Tieout, tieout
from tieout.desks.commissioned import demand_for_journals
from tieout.tasks.task_log import logged
from tieout.tasks.turn import turn
from tieout.this_process import worker_name

log = logging.getLogger(__name__)
_WRITE_OFFS = (JournalKind.dispute_lost,)
_WRITER = "tieout disputes"


def watch_disputes(day_key: str) -> str:
    """Keep what the day says about disputes, and find those whose deadline nears or passed."""
    from include.services.disputes.watch import WatchResult
    from include.services.disputes.watch import watch_disputes as watch
    from tieout.hooks.syspro import SysproHook

    day, context = SettlementDay.parse(day_key), tieout()

    def work() -> WatchResult:
        merchant, known = context.merchant(day), context.days.get(day)
        hook = SysproHook(merchant.syspro_conn_id, leases=context.leases)
        with turn(context, day, "watch_disputes"):  # SYSPRO is asked for a few dates alone
            return watch(
                day,
                merchant,
                coverage=known.coverage if known else (),
                lake=context.lake,
                disputes=context.disputes,
                journals=context.journals,
                open_items=context.open_items,
                mappings=context.mappings,
                postings=context.postings(merchant.owner),
                periods=hook,
            )

    logged(
        "watch_disputes", day_key, work, merchant=day.merchant_id, then="approve_write_offs, report"
    )
    return day_key


def approval_request(day_key: str) -> ApprovalRequest | None:
    """Approve what the merchant's policy lets go and return None, or return the question."""
    from include.services.disputes.decide import write_off_request

    day, context = SettlementDay.parse(day_key), tieout()
    newest = context.disputes.latest_day(day.merchant_id)
    if newest is not None and newest > day.settlement_date:
        # The question is about the merchant, not the day: an old day run again would only wait.
        log.info("approve_write_offs %s: the run of %s asks; next: post_write_offs", day, newest)
        return None

    def work() -> ApprovalRequest | None:
        merchant = context.merchant(day)
        return write_off_request(merchant, journals=context.journals, approvals=context.approvals)

    return logged(
        "approve_write_offs",
        day_key,
        work,
        words=lambda request: (
            "no question" if request is None else "a person must answer first; nothing is posted"
        ),
        merchant=day.merchant_id,
        then="post_write_offs",
    )


def record_decision(
    day_key: str, *, is_approved: bool, decided_by: str, about: Collection[str] | None = None
) -> str:
    """Apply a person's answer to the write-offs it was asked about; return what holds."""
    from include.services.disputes.decide import record_write_offs

    day, context = SettlementDay.parse(day_key), tieout()
    standing = record_write_offs(
        context.merchant(day),
        is_approved=is_approved,
        decided_by=decided_by,
        journals=context.journals,
        approvals=context.approvals,
        about=about,
    )
    late = "another run posts what is approved"
    follows = "the next run asks again" if standing.is_held else late
    follows = "post_write_offs" if is_approved else follows
    log.info("approve_write_offs %s: %s; next: %s", day, standing.words, follows)
    return standing.words


def post_write_offs(day_key: str) -> str:
    """Post and prove the merchant's approved write-offs, whatever day each chargeback was of."""
    day = SettlementDay.parse(day_key)
    logged("post_write_offs", day_key, lambda: _post_write_offs(day), merchant=day.merchant_id)
    return day_key


def _post_write_offs(day: SettlementDay) -> str:
    """Return of how many days there was something to post or to prove."""
    from include.services.post_journals import post_journals
    from include.services.tie_out import tie_out
    from tieout.hooks.syspro import SysproHook

    context = tieout()
    waiting = _unproven(context, day.merchant_id)
    if not waiting:
        return "nothing to post"
    hook = SysproHook(context.merchant(day).syspro_conn_id, leases=context.leases)
    demand_for_journals(context, context.merchant(day).syspro_conn_id, hook)
    with hook.session():
        engine = context.engine(hook.partners, hook.timings, worker=worker_name())
        for one, items in waiting.items():
            result = post_journals(
                one,
                context.merchant(one),
                journals=context.journals,
                engine=engine,
                items=context.open_items,
                kinds=_WRITE_OFFS,
            )
            tied = tie_out(
                one,
                journals=context.journals,
                engine=engine,
                tie_outs=context.tie_outs,
                kinds=_WRITE_OFFS,
            )
            context.open_items.resolve(
                [items[key] for key in tied if items.get(key)],
                resolved_by=_WRITER,
                resolution="written off",
            )
            log.info("post_write_offs %s: of %s: %s", day, one.settlement_date, result)
    return f"write-offs of {len(waiting)} days posted or proven"


def _unproven(context: Tieout, merchant_id: str) -> dict[SettlementDay, dict[str, str]]:
    """Return the open item that each approved write-off answers, by day of the chargeback.

    One that is posted was posted by the janitor, or by a try that died before it had proven it.
    """
    found: dict[SettlementDay, dict[str, str]] = defaultdict(dict)
    states = (*WAITING, JournalState.posted)
    for record in context.journals.write_offs_in(merchant_id, states):
        day = SettlementDay(merchant_id, record.journal.settlement_date)
        found[day][record.journal.key] = str(record.control.get("item", ""))
    return found
