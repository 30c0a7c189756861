"""A day is proven when SYSPRO has all of it, whoever posted it and whenever; never before."""

from datetime import date

import pytest

from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.settlement import SettlementDay
from include.services.build_dispute_lost import build_dispute_lost
from include.services.journal_book import JournalState
from include.wiring import Tieout
from tests.integration.play import Play
from tieout.tasks import day_step, posting, settlement

MERCHANT = "acme_us"
UNPOSTED, BESIDE = date(2026, 10, 29), date(2026, 10, 30)
STEPS = ("download", "classify", "check", "match", "build")


@pytest.fixture
def context(play: Play, monkeypatch: pytest.MonkeyPatch) -> Tieout:
    found = play.desks.context
    for module in (day_step, posting):
        monkeypatch.setattr(module, "tieout", lambda: found)
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


def test_a_day_whose_post_was_marked_a_success_by_hand_is_not_proven(context: Tieout) -> None:
    day = approved(UNPOSTED)
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
    lost = build_dispute_lost(
        day,
        context.merchant(day),
        case_number="C-1",
        amount=Money(100, "USD"),
        posting_date=BESIDE,
        rate_millionths=1_000_000,
        mappings=context.mappings,
    )
    context.journals.add(lost, context.mappings.version, {})
    context.journals.move(lost, JournalState.approved)
    posting.post(str(day))
    posting.tie_out(str(day))
    assert state_of(context, day) == "tied_out"
    (beside,) = (one for one in context.journals.of_day(day) if one.journal.key == lost.key)
    assert beside.state is JournalState.approved
