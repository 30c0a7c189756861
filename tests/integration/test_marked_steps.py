"""A step that a person marks a success has done nothing: the next one says so and stops the day."""

from collections.abc import Callable
from datetime import date
from itertools import pairwise

import pytest

from include.domain.errors import Rejected
from include.domain.settlement import SettlementDay
from include.wiring import Tieout
from tests.integration.play import Play
from tieout.tasks import day_step, posting, settlement
from tieout.tasks.steps import STEPS

DAY = SettlementDay("acme_us", date(2026, 10, 29))


@pytest.fixture
def context(play: Play, monkeypatch: pytest.MonkeyPatch) -> Tieout:
    found = play.desks.context
    for module in (day_step, posting):
        monkeypatch.setattr(module, "tieout", lambda: found)
    return found


def begin(step: str) -> None:
    if step == "approve":
        if posting.approval_request(str(DAY)) is not None:
            posting.record_decision(str(DAY), is_approved=True, decided_by="ann")
        return
    of: Callable[[str], str] = getattr(settlement, step, None) or getattr(posting, step)
    of(str(DAY))


def test_no_step_begins_before_the_one_it_needs_has_ended(context: Tieout) -> None:
    context.days.record(DAY, "chosen")
    for marked, then in pairwise(STEPS):
        for _ in range(2):  # cleared and run again it is still refused
            with pytest.raises(Rejected, match=rf"'{marked}' has not ended.*Clear '{marked}'"):
                begin(then)
            known = context.days.get(DAY)
            assert known is not None
            assert known.state == "blocked"
            assert known.reason.startswith(f"{marked}: ")
        begin(marked)
    begin(STEPS[-1])
    posting.report(str(DAY))
    # Cleared alone, a step of a day that is proven needs nothing but what has ended.
    begin("match")
    begin("build")
    known = context.days.get(DAY)
    assert known is not None
    assert known.state == "built"


def test_a_day_whose_first_steps_were_all_marked_is_told_where_to_begin(context: Tieout) -> None:
    context.days.record(DAY, "chosen")
    with pytest.raises(Rejected, match="Clear 'download'"):
        begin("check")
    with pytest.raises(day_step.DayNotProven):
        posting.report(str(DAY))


def test_what_stopped_a_day_is_told_still_when_its_step_is_marked(context: Tieout) -> None:
    said = "download: credentials were refused"
    context.days.record(DAY, "blocked", reason=said)
    for then in ("classify", "approve"):
        with pytest.raises(Rejected, match="Clear 'download'"):
            begin(then)
    known = context.days.get(DAY)
    assert known is not None
    assert known.reason == said
