"""Sub-ledgers and ledger count apart: another fiscal year, or a month that one has closed."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from include.domain.erp_orders import BookReceipt
from include.domain.errors import Rejected
from include.domain.journal import Journal
from include.domain.merchant import PeriodPolicy
from include.domain.orders import reference_of
from include.sandbox import Sandbox, start
from include.services.books.dates import PostingDates
from include.services.effects.ports import Effect, EffectKind, EffectState, Found
from include.services.ports import PeriodState, PostingPeriod
from tests.support_books import merchant
from tests.syspro.support_orders import RECEIPT, effect_of
from tests.syspro.support_site import PAID, RESTING, TODAY, Site


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    sandbox = start(seed=11, volume=5, live_date=TODAY)
    yield sandbox
    sandbox.stop()


@pytest.fixture
def site(running: Sandbox) -> Site:
    found = Site(running)
    found.control("syspro", fiscal_year_start=7)
    return found


def drive(site: Site, effect: Effect, **extra: object) -> Effect:
    engine = site.engine(site.open(**extra))
    found = engine.intend(effect)
    for _ in range(6):
        found = engine.advance(found.kind, found.key)
        if found.state in RESTING:
            break
        site.clock.at += site.open().settings.timings.quiescence
    return found


@pytest.mark.parametrize("kind", ["settlement", "fee_invoice", "deposit"])
def test_a_posting_is_verified_by_the_ledgers_period(
    site: Site, kind: str, effect_for: Any, request: pytest.FixtureRequest
) -> None:
    posting: Journal = request.getfixturevalue(kind)
    found = drive(site, effect_for(posting), fiscal_year_start_month=7)
    assert found.state is EffectState.verified, found.reason


def test_a_receipt_is_verified_by_the_ledgers_period_not_by_the_sub_ledgers_month(
    site: Site,
) -> None:
    found = drive(site, effect_of(PAID), fiscal_year_start_month=7)
    assert found.state is EffectState.verified, found.reason
    assert (found.their_key[:8], "2027/05" in found.evidence) == ("2026/11/", True)


@pytest.mark.parametrize(("period", "is_same"), [("05", True), ("04", False)])
def test_the_ledgers_period_counts_where_the_answer_names_it(
    fake: Any, make_adapter: Any, period: str, is_same: bool
) -> None:
    partner = make_adapter(fiscal_year_start_month=7).partners[EffectKind.ar_receipt]
    shown = {"value": 40_20, "currency": "USD", "date": ""}
    effect = replace(
        effect_of(RECEIPT),
        their_key="2026/11/34",
        evidence=f'{{"gl_journal": "2027/{period}/00268"}}',
    )
    differences = [one.what for one in partner.compare(effect, Found("x", shown))]
    assert differences == ([] if is_same else ["year and period"])
    unnamed = replace(effect, evidence="")
    assert partner.compare(unnamed, Found("x", shown)) == ()  # a month proves nothing here


OCTOBER = replace(PAID, posting_date=date(2026, 10, 31), reference=reference_of("october"))


@pytest.mark.parametrize(("command", "month"), [(PAID, "2026/11/"), (OCTOBER, "2026/10/")])
@pytest.mark.parametrize("start", [1, 7])
def test_in_the_first_days_of_a_month_the_sub_ledgers_own_period_counts(
    site: Site, command: BookReceipt, month: str, start: int
) -> None:
    """The ledger is still in October: its month end is later."""
    site.control("syspro", fiscal_year_start=start, ledger_behind=1)
    found = drive(site, effect_of(command), fiscal_year_start_month=start)
    assert found.state is EffectState.verified, found.reason
    assert found.their_key.startswith(month)


@pytest.mark.parametrize(("policy", "goes_on"), [("park", None), ("next_open", date(2026, 11, 1))])
def test_a_receipt_of_a_closed_period_is_parked_and_the_policy_says_where_it_may_go(
    site: Site, policy: str, goes_on: date | None
) -> None:
    """AR counts October as open still: only its refusal tells."""
    site.control("syspro", fiscal_year_start=1, ledger_behind=0)
    site.control("periods", company="A", year=2026, period=10, state="closed")
    adapter = site.open()
    engine = site.engine(adapter)
    effect = engine.intend(effect_of(OCTOBER))
    found = engine.advance(effect.kind, effect.key)
    assert found.state is EffectState.parked
    assert "period_policy: next_open for the merchant: receipts and refunds then" in found.reason
    assert adapter.orders.receipt_period(OCTOBER.posting_date).state is PeriodState.open

    class Receipts:
        def posting_period(self, company_id: str, posting_date: date) -> PostingPeriod:
            return adapter.orders.receipt_period(posting_date)

    dates = PostingDates(merchant(period_policy=PeriodPolicy(policy)), Receipts())
    assert dates.after(OCTOBER.posting_date) == goes_on
    assert dates.after(TODAY) is None  # December is not there yet
    site.control("periods", company="A", year=2026, period=10, state="open")


def test_a_receipt_of_next_month_waits_for_it_where_it_is(site: Site) -> None:
    december = date(2026, 12, 1)
    assert site.open().orders.receipt_period(december).state is PeriodState.future


def test_a_sub_ledger_that_does_not_say_where_it_is_is_told_by_the_first_posting(
    site: Site,
) -> None:
    site.control("syspro", fiscal_year_start=1, ledger_behind=1, module_periods_hidden=True)
    assert drive(site, effect_of(PAID)).state is EffectState.parked
    found = drive(site, effect_of(OCTOBER, key="october"))
    assert found.state is EffectState.mismatched
    assert "year and period: ours (2026, 10), theirs (2026, 11)" in found.reason


def test_a_module_that_may_not_be_asked_is_counted_by_the_ledger(site: Site) -> None:
    site.control("syspro", fiscal_year_start=1, unlicensed=["ARSQSO"])
    found = drive(site, effect_of(PAID))
    assert found.state is EffectState.verified, found.reason


@pytest.mark.parametrize(
    ("starts", "believed", "words"),
    [
        (1, 1, r"period 1 of 2025 ended on 2025-01-31"),
        (7, 7, r"period 1 of 2026 ended on 2025-07-31"),
        (12, 1, r"period 1 of 2025 ended on 2024-12-31, which .* counts as 12/2024"),
        (1, 12, r"period 1 of 2025 ended on 2025-01-31, which .* counts as 02/2025"),
    ],
)
def test_a_fiscal_year_that_is_counted_wrongly_is_told_before_anything_is_posted(
    site: Site, starts: int, believed: int, words: str
) -> None:
    """One month off, the period of a date is still open, and verified as it was meant."""
    site.control("syspro", fiscal_year_start=starts)
    master = site.open(fiscal_year_start_month=believed).master_data
    assert master is not None
    if starts == believed:
        assert re.search(words, master.demand_fiscal_year())
    else:
        with pytest.raises(Rejected, match=words):
            master.demand_fiscal_year()


def test_a_ledger_that_shows_no_end_of_a_period_says_nothing_of_the_year(
    fake: Any, make_adapter: Any
) -> None:
    silent = "<GlPostPreviousQuery><Periods><GlPreviousYear>2025</GlPreviousYear>{}</Periods>"
    silent += "</GlPostPreviousQuery>"
    fake.on("query GENQPP", silent.format("<GlPrevYrFlagPeriod1>C</GlPrevYrFlagPeriod1>").encode())
    master = make_adapter().master_data
    assert master.demand_fiscal_year() == "SYSPRO shows no end of any period"
    mid = "<GlPrevYrDatePeriod1>2025-01-25</GlPrevYrDatePeriod1>"
    fake.on("query GENQPP", silent.format(mid).encode())
    assert master.demand_fiscal_year().endswith("what is dated after it counts to its month still")
