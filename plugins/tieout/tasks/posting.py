"""A settlement day from its journals to its proof: approved, posted once, tied out, reported.

Each step may run again at any time. What comes before is in ``settlement``.
"""

import logging
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from include.domain.errors import Rejected, Retryable
from include.domain.journal import JournalKind
from include.domain.merchant import Merchant
from include.domain.settlement import SettlementDay
from include.wiring import Tieout, tieout
from tieout.desks.commissioned import demand_for_journals
from tieout.tasks.day_step import DayNotProven, day_step, demand_ended
from tieout.tasks.steps import BLOCKED, missing_before
from tieout.tasks.task_log import logged
from tieout.tasks.turn import day_of_run, leave, this_run
from tieout.this_process import worker_name

if TYPE_CHECKING:
    from include.adapters.store.days import DayRecord
    from include.services.approve_journals import ApprovalRequest
    from include.services.journal_book import BookedJournal

log = logging.getLogger(__name__)

SHADOW = "shadow"  # of a day whose merchant posts nothing yet
TIED_OUT = "tied_out"
PARKED = "parked"  # of a day with a journal whose period is closed
_WAITS = "waits for a person in Required Actions"  # of a day that is held until the answer
_SETTLED = (TIED_OUT, "reported", "held", PARKED, SHADOW)
# A write-off of the day is posted and proven beside it: see ``disputes``.
_KINDS = tuple(kind for kind in JournalKind if kind is not JournalKind.dispute_lost)


def approval_request(day_key: str) -> "ApprovalRequest | None":
    """Approve what is inside tolerance and return None, or return the question to ask.

    Where there is one, a draft of the report is there before anybody reads it.
    """
    from include.services.approve_journals import approval_request as ask
    from tieout.hooks.messages import page_of

    day, context = SettlementDay.parse(day_key), tieout()
    merchant = context.merchant(day)

    def work() -> "ApprovalRequest | None":
        demand_ended(context, day, "approve")
        if merchant.is_shadow:
            context.days.record(day, SHADOW)
            return None
        request = ask(
            day,
            merchant,
            journals=context.journals,
            approvals=context.approvals,
            items=context.open_items,
            draft=page_of(day),
        )
        if request is None:
            context.days.record(day, "approved")
        else:
            # First: a day whose question could not be asked is not held, and its report says so.
            _write_report(context, day, merchant, state="held", reason=_WAITS, is_draft=True)
            context.days.record(day, "held", reason=_WAITS, run_id=this_run() or None)
        return request

    def alone() -> "ApprovalRequest | None":
        with day_of_run(context, day):
            request = work()
        if request is not None:
            leave(context, day)  # a person may take 20 hours
        return request

    def words(request: "ApprovalRequest | None") -> str:
        return _asked(request, is_shadow=merchant.is_shadow)

    return logged("approve", day_key, alone, words=words, merchant=day.merchant_id, then="post")


def _asked(request: "ApprovalRequest | None", *, is_shadow: bool) -> str:
    if is_shadow:
        return "shadow: nobody is asked, nothing is posted"
    if request is None:
        return "inside tolerance, or approved already"
    return "a person must answer first; nothing is posted meanwhile"


def block(day_key: str, error: Rejected) -> None:
    """Note that a person should be asked and cannot be: the report then fails and says why."""
    tieout().days.record(SettlementDay.parse(day_key), BLOCKED, reason=f"approve: {error}")


def record_decision(
    day_key: str, *, is_approved: bool, decided_by: str, about: Collection[str] | None = None
) -> str:
    """Apply a person's answer to the journals it was asked about; return what holds.

    A day that waits for this run's answer follows it. Else another run has had the day: a no leaves
    it as it is, and so does a yes where that run is at work, has taken it further or was stopped at
    an earlier step.
    """
    from include.services.approve_journals import record_decision as apply

    day, context = SettlementDay.parse(day_key), tieout()
    standing = apply(
        day,
        is_approved=is_approved,
        decided_by=decided_by,
        journals=context.journals,
        approvals=context.approvals,
        about=about,
    )
    state, reason = ("held", standing.words) if standing.is_held else ("approved", "")
    known = context.days.get(day)
    if known and known.run_id == this_run() and _is_at_approve(known):
        # Whoever has its turn has left it so, e.g. a cleared step that has given up.
        context.days.record(day, state, reason=reason)
    elif is_approved:
        _let_post(context, day)
    late = "another run posts; if none does, clear 'approve'"
    follows = "clear 'approve' to be asked again" if standing.is_held else late
    follows = "post" if is_approved else f"nothing; {follows}"
    log.info("approve %s: %s; next: %s", day, standing.words, follows)
    return standing.words


def _is_at_approve(known: "DayRecord") -> bool:
    """Say whether a day waits for an answer; a *post* that found it so has blocked it there."""
    is_blocked = known.state == BLOCKED and missing_before("post", known) == "approve"
    return is_blocked or known.reason == _WAITS


def _let_post(context: Tieout, day: SettlementDay) -> None:
    """Open *post* by a yes where the day is at an earlier step and no other run is at work."""
    try:
        with day_of_run(context, day):
            known = context.days.get(day)
            missing = missing_before("post", known)
            is_stopped = known is not None and known.state == BLOCKED
            if missing and (missing == "approve" or not is_stopped):
                context.days.record(day, "approved")
    except Retryable as fault:
        log.info("approve %s: the day stays as it is: %s", day, fault)


@day_step
def post(context: Tieout, day: SettlementDay, merchant: Merchant) -> str:
    """Post the approved journals, each once, in one SYSPRO session."""
    from include.services.journal_book import WAITING
    from include.services.post_journals import post_journals
    from tieout.hooks.syspro import SysproHook

    if merchant.is_shadow:
        return ""
    if not any(booked.state in WAITING for booked in journals_of(context, day)):
        log.info("post %s: nothing to post", day)
        return "posted"
    hook = SysproHook(merchant.syspro_conn_id, leases=context.leases)
    demand_for_journals(context, merchant.syspro_conn_id, hook)
    with hook.session():
        engine = context.engine(hook.partners, hook.timings, worker=worker_name())
        result = post_journals(
            day,
            merchant,
            journals=context.journals,
            engine=engine,
            items=context.open_items,
            kinds=_KINDS,
        )
    log.info("post %s: %s, SYSPRO calls %d", day, result, hook.calls)
    return PARKED if result.parked else "posted"


@day_step
def tie_out(context: Tieout, day: SettlementDay, merchant: Merchant) -> str:
    """Read every posted journal back, compare, keep both totals."""
    from include.services.journal_book import IN_LEDGER, JournalState
    from include.services.tie_out import tie_out as prove
    from tieout.hooks.syspro import SysproHook

    if merchant.is_shadow:
        return ""
    booked = journals_of(context, day)
    if any(one.state in IN_LEDGER for one in booked):
        hook = SysproHook(merchant.syspro_conn_id, leases=context.leases)
        with hook.session():
            engine = context.engine(hook.partners, hook.timings, worker=worker_name())
            prove(
                day,
                journals=context.journals,
                engine=engine,
                tie_outs=context.tie_outs,
                kinds=_KINDS,
            )
        log.info("tie_out %s: SYSPRO calls %d", day, hook.calls)
    _demand_posted([one for one in booked if one.state not in IN_LEDGER], day)
    return PARKED if any(one.state is JournalState.parked for one in booked) else TIED_OUT


def journals_of(context: Tieout, day: SettlementDay) -> "list[BookedJournal]":
    """Return what stands of the day's own journals; a write-off is none of them."""
    return [one for one in context.journals.of_day(day) if one.journal.kind in _KINDS]


def _demand_posted(missing: Sequence["BookedJournal"], day: SettlementDay) -> None:
    """Refuse to call a day proven that SYSPRO has not got: a person may mark *post* a success."""
    from include.services.journal_book import JournalState

    parked = JournalState.parked
    named = [f"{one.journal.key} is {one.state}" for one in missing if one.state is not parked]
    if named:
        raise Rejected(
            f"{'; '.join(named)}, and SYSPRO has not got it",
            f"tie_out, {day}",
            "Clear 'post' of this merchant; where it is not approved, 'approve'.",
        )


@day_step
def report(context: Tieout, day: SettlementDay, merchant: Merchant) -> str:
    """Write the report whatever happened above, tell who must act, fail if nothing is proven."""
    from include.services.notify import notify
    from tieout.hooks.messages import chat, mail, page_of

    before = context.days.get(day)
    if before and before.reason == _WAITS and before.run_id == this_run():
        # An answer and silence say who held it: here the task has ended otherwise, e.g. it failed.
        said = "approve: it asked, and has ended without an answer on record; its log says why"
        context.days.record(day, BLOCKED, reason=said)
        before = context.days.get(day)
    state = before.state if before else "not begun"
    # So it says already; the day is it at the end, and until then the janitor asks for the report.
    after = "reported" if state == TIED_OUT else ""
    _write_report(context, day, merchant, state=after)
    told = notify(
        day,
        merchant,
        facts=context.report_facts,
        sent=context.sent_messages,
        mail=mail(),
        chat=chat(),
        link=page_of(day),
    )
    causes = ", ".join(message.cause for message in told) or "nothing"
    log.info("report %s: told %s about %s", day, merchant.owner, causes)
    if state not in _SETTLED:
        reason = before.reason if before and before.reason else f"the last step done was {state}"
        raise DayNotProven(
            f"{day} is not proven: {reason}", f"report, {day}", "See the report and that step."
        )
    return after


def _write_report(
    context: Tieout,
    day: SettlementDay,
    merchant: Merchant,
    *,
    state: str = "",
    reason: str = "",
    is_draft: bool = False,
) -> None:
    from include.services.write_report import write_report

    written = write_report(
        day,
        merchant,
        facts=context.report_facts,
        lake=context.lake,
        mappings=context.mappings,
        writers=context.report_writers,
        reports=context.reports,
        state=state,
        reason=reason,
        is_draft=is_draft,
    )
    for fmt, path in written.items():
        log.info("%s %s %s: %s", "draft of the report" if is_draft else "report", day, fmt, path)
