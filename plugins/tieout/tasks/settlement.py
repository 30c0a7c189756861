"""A settlement day from its files to its journals, as tasks call it: hooks joined with use cases.

Each step may run again at any time. What follows is in ``posting``.
"""

import logging
from typing import TYPE_CHECKING

from include.domain.calendar import settlement_window
from include.domain.errors import Retryable
from include.domain.merchant import Merchant, SourceKind
from include.domain.settlement import SettlementDay
from include.wiring import Tieout
from tieout import metrics
from tieout.tasks.day_step import day_step
from tieout.tasks.turn import begin, this_run, turn

if TYPE_CHECKING:
    from include.services.fetch_sources import Senders

log = logging.getLogger(__name__)


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


@day_step
def download(context: Tieout, day: SettlementDay, merchant: Merchant) -> str:
    """Fetch what the merchant's sources have for the day; bytes go to the lake once."""
    from include.services.download_reports import download_reports

    if run := this_run():
        begin(context, day, run)  # another run had the day when this one chose it, perhaps
    _demand_whole(context, day, merchant)
    result = download_reports(day, merchant, senders_of(context, merchant), context.open_items)
    log.info("download %s: %s", day, result)
    return "downloaded"


def _demand_whole(context: Tieout, day: SettlementDay, merchant: Merchant) -> None:
    """Wait for the end of the merchant's own day, and until its services tell all of it.

    A date is chosen by UTC, and yesterday by UTC goes on for hours in America. A report is ready or
    it is not; a service tells what it has so far. A sandbox's business date is over when somebody
    asks.
    """
    from include.services.fetch_sources import SERVICE_READY

    end_at = settlement_window(day.settlement_date, merchant.zone, merchant.cut_off).end_at
    has_service = any(source.kind is SourceKind.service for source in merchant.sources)
    whole_at = end_at + SERVICE_READY if has_service else end_at
    if context.settings.business_date is None and whole_at > context.clock.now():
        raise Retryable(
            f"the day is not whole before {whole_at:%Y-%m-%d %H:%M} UTC; it ends at {end_at:%H:%M}",
            str(day),
            "Nothing was asked for. It is asked again.",
        )


@day_step
def classify(context: Tieout, day: SettlementDay, merchant: Merchant) -> str:
    """Split every record into its class, or set it aside; count both."""
    from include.services.classify_lines import classify_lines

    with turn(context, day, "classify"):
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
    context.days.record(
        day,
        "classified",
        coverage=result.coverage,
        totals=result.totals,
        mapping_version=context.mappings.version,  # of what is cleared and run again, too
    )
    return "classified"


@day_step
def check(context: Tieout, day: SettlementDay, merchant: Merchant) -> str:
    """Hold the day against the quality suites; a failed gate stops everything that follows."""
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


@day_step
def match(context: Tieout, day: SettlementDay, merchant: Merchant) -> str:
    """Find the document of every line, and say of each one not found why."""
    from include.services.match_lines import document_window, match_lines
    from tieout.hooks.cybersource import CybersourceHook
    from tieout.hooks.syspro import SysproHook

    hook = SysproHook(merchant.syspro_conn_id, leases=context.leases)
    first, last = document_window(day, merchant)
    with hook.session():
        documents = list(hook.documents(merchant.company_id, first, last, merchant.erp_documents))
    with turn(context, day, "match"):  # SYSPRO is read before: it is as long as the rest
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


@day_step
def build(context: Tieout, day: SettlementDay, merchant: Merchant) -> str:
    """Build the journals of the day's batches and deposits, conserved to the cent."""
    from include.services.build_journals import build_journals
    from include.services.match_funding import match_funding
    from tieout.hooks.syspro import SysproHook

    known = context.days.get(day)
    hook = SysproHook(merchant.syspro_conn_id, leases=context.leases)
    postings = context.postings(merchant.owner)
    with turn(context, day, "build"):  # a few dates are asked for, each in a session of its own
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
            disputes=context.disputes,
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
