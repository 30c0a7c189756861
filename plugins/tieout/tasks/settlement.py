"""The nine steps as tasks call them: a key in, hooks joined with a use case, the key out.

Each step may run again at any time. What it did is logged with the seconds it took and the step
that follows; a ``Rejected`` is kept with the day, so that the page and the report can say why.
"""

import functools
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from include.domain.errors import Rejected
from include.domain.merchant import Merchant
from include.domain.settlement import SettlementDay
from include.wiring import Tieout, tieout
from tieout import metrics
from tieout.commissioned import demand_for_journals
from tieout.retry import decisive, faults_of
from tieout.tasks.task_log import told
from tieout.this_process import worker_name

if TYPE_CHECKING:
    from include.services.approve_journals import ApprovalRequest
    from include.services.fetch_sources import Senders

log = logging.getLogger(__name__)

_SETTLED = ("tied_out", "reported", "held", "parked")


class DayNotProven(Rejected):
    """The report is written; the day's own trouble is already on record."""


Step = Callable[[Tieout, SettlementDay, Merchant], str]
NEXT = dict(
    zip(
        "download classify check match build approve post tie_out".split(),
        "classify check match build approve post tie_out report".split(),
        strict=True,
    )
)


def _step(work: Step) -> Callable[[str], str]:
    """Wrap a step: parse the key, tell the log, keep with the day how it ended."""
    name = work.__name__

    @functools.wraps(work)
    def run(day_key: str) -> str:
        day, context = SettlementDay.parse(day_key), tieout()

        def recorded() -> str:
            try:
                state = work(context, day, context.merchant(day))
            except DayNotProven:
                raise
            except Exception as error:
                if isinstance(decisive(error), Rejected):
                    why = "; ".join(str(one) for one in faults_of(error))
                    context.days.record(day, "blocked", reason=f"{name}: {why}")
                raise
            if state:
                context.days.record(day, state)
            return state or "the day's state stays"

        told(name, day_key, recorded, merchant=day.merchant_id, then=NEXT.get(name, "nothing"))
        return day_key

    return run


def senders_of(context: Tieout, merchant: Merchant) -> "Senders":
    """Return who is asked for the merchant's files."""
    from include.services.fetch_sources import Senders
    from tieout.hooks.cybersource import CybersourceHook
    from tieout.hooks.plain import AcquirerHook, BankHook

    return Senders(
        CybersourceHook(merchant.cybersource_conn_id),
        BankHook(merchant.bank_conn_id),
        AcquirerHook(merchant.acquirer_conn_id or "acquirer_default"),
        context.lake,
        context.files,
        context.layouts,
        context.clock,
    )


@_step
def download(context: Tieout, day: SettlementDay, merchant: Merchant) -> str:
    """Fetch what the merchant's sources have for the day; bytes go to the lake once."""
    from include.services.download_reports import download_reports

    result = download_reports(day, merchant, senders_of(context, merchant), context.open_items)
    log.info("download %s: %s", day, result)
    return "downloaded"


@_step
def classify(context: Tieout, day: SettlementDay, merchant: Merchant) -> str:
    """Split every record into its class, or set it aside; count both."""
    from include.services.classify_lines import classify_lines

    result = classify_lines(
        day,
        merchant,
        lake=context.lake,
        files=context.files,
        layouts=context.layouts,
        open_items=context.open_items,
    )
    log.info("classify %s: %s", day, result)
    for coverage in result.coverage:
        log.info("classify %s: %s", day, coverage)
    metrics.gauge("lines", result.rows_in, merchant=day.merchant_id)
    context.days.record(day, "classified", coverage=result.coverage, totals=result.totals)
    return "classified"


@_step
def check(context: Tieout, day: SettlementDay, merchant: Merchant) -> str:
    """Hold the day against the quality suites; a failed gate stops everything that follows."""
    from include.domain.calendar import settlement_window
    from include.services.check_quality import check_quality
    from tieout.hooks.cybersource import CybersourceHook

    window = settlement_window(day.settlement_date, merchant.zone, merchant.cut_off)
    known = context.days.get(day)
    result = check_quality(
        day,
        merchant,
        lake=context.lake,
        gate=context.gate,
        quality_store=context.quality,
        control_totals=CybersourceHook(merchant.cybersource_conn_id).batch_totals(
            merchant.organization_id, window
        ),
        coverage=known.coverage if known else (),
    )
    for line in result.in_words():
        log.info("check %s: %s", day, line)
    result.require()
    return "checked"


@_step
def match(context: Tieout, day: SettlementDay, merchant: Merchant) -> str:
    """Find the document of every line, and say of each one not found why."""
    from include.services.match_lines import document_window, match_lines
    from tieout.hooks.cybersource import CybersourceHook
    from tieout.hooks.syspro import SysproHook

    hook = SysproHook(merchant.syspro_conn_id, leases=context.effects)
    first, last = document_window(day, merchant)
    with hook.session():
        documents = list(hook.documents(merchant.company_id, first, last, merchant.erp_documents))
    result = match_lines(
        day,
        merchant,
        lake=context.lake,
        documents=documents,
        expectations=context.expectations,
        open_items=context.open_items,
        reports=CybersourceHook(merchant.cybersource_conn_id),
        mappings=context.mappings,
        layouts={file.digest: file.layout for file in context.files.of_day(day)},
    )
    log.info("match %s: %s", day, result)
    metrics.gauge("matches", sum(result.rules.values()), merchant=day.merchant_id)
    metrics.gauge("open_items", result.open_items, merchant=day.merchant_id)
    return "matched"


@_step
def build(context: Tieout, day: SettlementDay, merchant: Merchant) -> str:
    """Build the journals of the day's batches and deposits, conserved to the cent."""
    from include.services.build_journals import build_journals
    from include.services.match_funding import match_funding
    from tieout.hooks.syspro import SysproHook

    known = context.days.get(day)
    hook = SysproHook(merchant.syspro_conn_id, leases=context.effects)
    postings = context.postings(merchant.owner)
    with hook.session():
        built = build_journals(
            day,
            merchant,
            lake=context.lake,
            mappings=context.mappings,
            journals=context.journals,
            postings=postings,
            periods=hook,
            expectations=context.expectations,
            open_items=context.open_items,
            layouts={file.digest: file.layout for file in context.files.of_day(day)},
            totals=known.totals_by_class() if known else None,
        )
        funded = match_funding(
            day,
            merchant,
            lake=context.lake,
            expectations=context.expectations,
            open_items=context.open_items,
            journals=context.journals,
            postings=postings,
            mappings=context.mappings,
            periods=hook,
        )
    for journal in (*built.built, *funded.built):
        log.info(
            "build %s: %s, debit total %s, posting date %s, digest %s",
            day,
            journal.key,
            journal.debit_total,
            journal.posting_date,
            journal.digest[:16],
        )
    log.info("build %s: %s; funding: %s", day, built, funded)
    return "built"


def approval_request(day_key: str) -> "ApprovalRequest | None":
    """Approve what is inside tolerance and return None, or return the question to ask."""
    from include.services.approve_journals import approval_request as ask

    day, context = SettlementDay.parse(day_key), tieout()

    def work() -> "ApprovalRequest | None":
        request = ask(
            day,
            context.merchant(day),
            journals=context.journals,
            decisions=context.decisions,
            items=context.open_items,
        )
        if request is None:
            context.days.record(day, "approved")
        else:
            context.days.record(day, "held", reason="waits for a person in Required Actions")
        return request

    return told("approve", day_key, work, words=_asked, merchant=day.merchant_id, then="post")


def _asked(request: "ApprovalRequest | None") -> str:
    if request is None:
        return "inside tolerance, or approved already"
    return "a person must answer first; nothing is posted meanwhile"


def block(day_key: str, error: Rejected) -> None:
    """Note that a person should be asked and cannot be: the report then fails and says why."""
    tieout().days.record(SettlementDay.parse(day_key), "blocked", reason=f"approve: {error}")


def record_decision(day_key: str, *, is_approved: bool, decided_by: str) -> None:
    """Apply a person's answer to the journals it was asked about."""
    from include.services.approve_journals import record_decision as apply

    day, context = SettlementDay.parse(day_key), tieout()
    apply(
        day,
        is_approved=is_approved,
        decided_by=decided_by,
        journals=context.journals,
        decisions=context.decisions,
    )
    state, reason = ("approved", "") if is_approved else ("held", f"held by {decided_by}")
    context.days.record(day, state, reason=reason)
    follows = "post" if is_approved else "nothing; clear 'approve' to be asked again"
    log.info("approve %s: %s by %s; next: %s", day, state, decided_by, follows)


@_step
def post(context: Tieout, day: SettlementDay, merchant: Merchant) -> str:
    """Post the approved journals, each once, in one SYSPRO session."""
    from include.services.journal_book import JournalState
    from include.services.post_journals import post_journals
    from tieout.hooks.syspro import SysproHook

    wanted = {JournalState.approved, JournalState.parked}
    if not any(booked.state in wanted for booked in context.journals.of_day(day)):
        log.info("post %s: nothing to post", day)
        return "posted"
    hook = SysproHook(merchant.syspro_conn_id, leases=context.effects)
    demand_for_journals(context, hook)
    with hook.session():
        engine = context.engine(hook.partners, hook.timings, worker=worker_name())
        result = post_journals(
            day,
            merchant,
            journals=context.journals,
            engine=engine,
            items=context.open_items,
        )
    log.info("post %s: %s, SYSPRO calls %d", day, result, hook.calls)
    return "parked" if result.parked else "posted"


@_step
def tie_out(context: Tieout, day: SettlementDay, merchant: Merchant) -> str:
    """Read every posted journal back, compare, keep both totals."""
    from include.services.journal_book import JournalState
    from include.services.tie_out import tie_out as prove
    from tieout.hooks.syspro import SysproHook

    there = {JournalState.posted, JournalState.tied_out}
    booked = context.journals.of_day(day)
    if any(one.state in there for one in booked):
        hook = SysproHook(merchant.syspro_conn_id, leases=context.effects)
        with hook.session():
            engine = context.engine(hook.partners, hook.timings, worker=worker_name())
            prove(day, journals=context.journals, engine=engine, tie_outs=context.tie_outs)
        log.info("tie_out %s: SYSPRO calls %d", day, hook.calls)
    is_parked = any(one.state is JournalState.parked for one in context.journals.of_day(day))
    return "parked" if is_parked else "tied_out"


@_step
def report(context: Tieout, day: SettlementDay, merchant: Merchant) -> str:
    """Write the report whatever happened above, tell who must act, fail if nothing is proven."""
    from include.services.notify import notify
    from include.services.write_report import write_report
    from tieout.hooks.messages import chat, mail, page_of

    before = context.days.get(day)
    state = before.state if before else "not begun"
    if state == "tied_out":
        context.days.record(day, "reported")
    written = write_report(
        day,
        merchant,
        facts=context.report_facts,
        lake=context.lake,
        mappings=context.mappings,
        writers=context.report_writers,
        reports=context.reports,
    )
    for fmt, path in written.items():
        log.info("report %s %s: %s", day, fmt, path)
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
    return ""
