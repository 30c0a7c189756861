"""A day is proven when SYSPRO has all of it, whoever posted it and whenever; never before."""

from datetime import date, timedelta

import pytest
from sqlalchemy import update

from include.adapters.store.schema import settlement_days
from include.domain.errors import Rejected
from include.domain.journal import JournalKind
from include.domain.settlement import SettlementDay
from include.sandbox.syspro import SysproApp
from include.services.journal_book import JournalState
from include.wiring import Tieout
from tests.integration.play import Play, make_due
from tests.support_books import lost
from tieout.desks.order_desk import Desks
from tieout.tasks import day_step, effects, orders, posting, settlement

MERCHANT = "acme_us"
UNPOSTED, BESIDE, PARKED = date(2026, 10, 29), date(2026, 10, 30), date(2026, 10, 31)
FUNDED = date(2026, 11, 2)
STEPS = ("download", "classify", "check", "match", "build")


@pytest.fixture
def context(play: Play, monkeypatch: pytest.MonkeyPatch) -> Tieout:
    found = play.desks.context
    for module in (day_step, posting, effects, orders):
        monkeypatch.setattr(module, "tieout", lambda: found)
    monkeypatch.setattr(effects, "desks", lambda: play.desks)
    return found


def approved(on: date) -> SettlementDay:
    """Run a day to where its journals are approved."""
    day = SettlementDay(MERCHANT, on)
    for name in STEPS:
        getattr(settlement, name)(str(day))
    if posting.approval_request(str(day)) is not None:
        posting.record_decision(str(day), is_approved=True, decided_by="ann")
    return day


def state_of(context: Tieout, day: SettlementDay) -> str:
    record = context.days.get(day)
    assert record is not None
    return record.state


def states(context: Tieout, day: SettlementDay) -> set[JournalState]:
    return {one.state for one in context.journals.of_day(day)}


def test_a_day_whose_post_was_marked_a_success_by_hand_is_not_proven(context: Tieout) -> None:
    day = approved(UNPOSTED)
    record = context.days.get(day)
    assert record is not None
    assert record.mapping_version == context.mappings.version  # though no run chose it
    with pytest.raises(Rejected, match=r"'post' has not ended.*Clear 'post'"):
        posting.tie_out(str(day))
    context.days.record(day, "posted")  # and were it so, the books say what is not there
    with pytest.raises(Rejected, match=r"approved, and SYSPRO has not got it.*Clear 'post'"):
        posting.tie_out(str(day))
    assert state_of(context, day) == "blocked"
    with pytest.raises(day_step.DayNotProven):
        posting.report(str(day))
    posting.post(str(day))
    posting.tie_out(str(day))
    assert state_of(context, day) == "tied_out"


def test_a_write_off_of_the_day_is_posted_beside_it_and_holds_it_up_nowhere(
    context: Tieout,
) -> None:
    day = approved(BESIDE)
    write_off = lost(day, context.merchant(day), context.mappings, 100)
    context.journals.add(write_off, context.mappings.version, {})
    context.journals.move(write_off, JournalState.approved)
    posting.post(str(day))
    posting.tie_out(str(day))
    assert state_of(context, day) == "tied_out"
    (beside,) = (one for one in context.journals.of_day(day) if one.journal.key == write_off.key)
    assert beside.state is JournalState.approved


def test_what_the_janitor_posts_once_its_period_is_open_is_proven_and_reported(
    play: Play, context: Tieout
) -> None:
    period = {"company": "A", "year": 2026, "period": 10}
    day = approved(PARKED)
    play.control("periods", **period, state="closed")
    posting.post(str(day))
    posting.tie_out(str(day))
    posting.report(str(day))
    assert state_of(context, day) == "parked"
    effects.sweep_all()
    assert state_of(context, day) == "parked"  # the period is still closed
    play.control("periods", **period, state="open")
    make_due(context.store, "parked")
    effects.sweep_all()
    assert states(context, day) == {JournalState.tied_out}
    assert state_of(context, day) == "reported"


def test_a_day_that_is_proven_and_whose_run_died_is_reported_by_the_janitor(
    context: Tieout,
) -> None:
    day = SettlementDay(MERCHANT, PARKED)
    context.days.record(day, posting.TIED_OUT)
    effects.sweep_all()
    assert state_of(context, day) == posting.TIED_OUT  # its run may be about to report it
    with context.store.begin() as connection:
        an_hour_ago = context.clock.now() - timedelta(hours=1)
        connection.execute(update(settlement_days).values(updated_at=an_hour_ago))
    effects.sweep_all()
    assert state_of(context, day) == "reported"


def test_a_day_may_run_again_after_the_bank_was_reconciled_in_syspro(
    play: Play, context: Tieout
) -> None:
    if context.days.get(SettlementDay(MERCHANT, UNPOSTED)) is None:
        approved(UNPOSTED)  # its batch is what the bank pays; where this test runs alone
    day = approved(FUNDED)
    posting.post(str(day))
    posting.tie_out(str(day))
    kinds = {one.journal.kind for one in context.journals.of_day(day)}
    assert JournalKind.funding in kinds
    make_due(context.store, "done")
    effects.sweep_all()
    syspro = play.sandbox.services["syspro"].app
    assert isinstance(syspro, SysproApp)
    for entry in syspro.books("A").cash:
        entry.is_reconciled = True
    posting.tie_out(str(day))
    assert state_of(context, day) == "tied_out"


def test_a_bug_in_one_of_the_janitors_sweeps_stops_no_other(
    context: Tieout, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> Desks:
        raise AttributeError("'NoneType' object has no attribute 'settimeout'")

    caplog.set_level("INFO", "tieout")
    monkeypatch.setattr(effects, "desks", broken)
    with pytest.raises(ExceptionGroup, match="not swept whole"):
        effects.sweep_all()
    assert any(said.startswith("prove_parked done") for said in caplog.messages)
