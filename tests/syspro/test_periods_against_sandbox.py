"""Sub-ledgers and ledger count apart: another fiscal year, or a month that one has closed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from include.domain.erp_orders import BookReceipt
from include.domain.journal import Journal
from include.domain.orders import reference_of
from include.sandbox import Sandbox, start
from include.services.effects.ports import Effect, EffectKind, EffectState, Found
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
