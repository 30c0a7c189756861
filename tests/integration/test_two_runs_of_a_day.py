"""A date that two runs were asked for, e.g. a backfill beside what ``late_files`` has triggered."""

from contextlib import AbstractContextManager
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from include.domain.errors import Retryable
from include.domain.settlement import SettlementDay
from include.wiring import Tieout
from tests.integration.play import Play
from tieout.tasks import day_step, days, posting, settlement

FIRST, SECOND = "scheduled__30", "backfill__30"
ON, ASKED = date(2026, 10, 29), date(2026, 10, 30)
STEPS = ("download", "classify", "check", "match", "build")


@pytest.fixture
def context(play: Play, monkeypatch: pytest.MonkeyPatch) -> Tieout:
    found = play.desks.context
    for module in (days, day_step, posting):
        monkeypatch.setattr(module, "tieout", lambda: found)
    return found


def task_of(run_id: str, dag_id: str = "settlement_reconciliation") -> AbstractContextManager[Any]:
    from airflow.sdk.execution_time.context import set_current_context

    task: Any = {
        "ti": SimpleNamespace(try_number=1, max_tries=24),
        "dag_run": SimpleNamespace(run_id=run_id, dag_id=dag_id),
    }
    return set_current_context(task)


def choose(on: date, run_id: str) -> str:
    (key,) = days.choose_days(on, ["acme_us"], run_id)
    return key


def stands(context: Tieout, key: str) -> tuple[str, str]:
    record = context.days.get(SettlementDay.parse(key))
    assert record is not None
    return record.state, record.run_id


def test_a_second_run_of_a_date_waits_until_the_first_has_reported_it(context: Tieout) -> None:
    with task_of(FIRST):
        key = choose(ON, FIRST)
        for name in STEPS:
            getattr(settlement, name)(key)
    with task_of(SECOND):
        choose(ON, SECOND)
        assert stands(context, key) == ("built", FIRST)
        for step in (settlement.download, settlement.match, posting.approval_request):
            with pytest.raises(Retryable, match=f"is at work in run {FIRST}, until"):
                step(key)
    with task_of(FIRST):
        assert posting.approval_request(key) is not None
        posting.record_decision(key, is_approved=True, decided_by="ann")
        posting.post(key)
        posting.tie_out(key)
    with task_of("scheduled__janitor", "effects_janitor"):
        posting.tie_out(key)  # it asks for no turn, and takes none
    with task_of(FIRST):
        posting.report(key)
    assert stands(context, key) == ("reported", FIRST)
    with task_of(SECOND):
        settlement.download(key)
    assert stands(context, key) == ("downloaded", SECOND)
    with task_of(FIRST), pytest.raises(Retryable, match=f"is at work in run {SECOND}, until"):
        settlement.build(key)  # cleared, while the other works


def test_while_a_person_is_asked_another_run_may_have_the_day(context: Tieout) -> None:
    with task_of(FIRST):
        key = choose(ASKED, FIRST)
        for name in STEPS:
            getattr(settlement, name)(key)
        assert posting.approval_request(key) is not None
    with task_of(SECOND):
        choose(ASKED, SECOND)
        assert stands(context, key) == ("chosen", SECOND)
        with pytest.raises(day_step.DayNotProven):
            posting.report(key)  # of a run that has run out of its tries
    with task_of(FIRST):
        posting.record_decision(key, is_approved=True, decided_by="ann")
        posting.post(key)
