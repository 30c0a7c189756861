"""A task's log names what was called, the reference, the outcome, the time and what is next."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from include.adapters.store.migrate import migrate
from include.domain.errors import Rejected, Retryable
from include.domain.merchant import Merchant
from include.domain.settlement import SettlementDay
from include.services.journal_book import JournalState
from include.services.post_journals import effect_of, post_journals
from include.wiring import Settings, Tieout
from tests.effects import KIND, START, TIMINGS, ScriptedPartner
from tests.unit.test_journal import BALANCED
from tieout.tasks.task_log import logged


def joined(folder: Path) -> Tieout:
    context = Tieout(Settings(f"sqlite:///{folder / 'tieout.db'}", folder))
    migrate(context.store)
    return context


def in_try(number: int, max_tries: int) -> Any:
    from airflow.sdk.execution_time.context import set_current_context

    task: Any = {"ti": SimpleNamespace(try_number=number, max_tries=max_tries)}
    return set_current_context(task)


def test_what_was_done_is_told_with_its_time_and_what_is_next(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "tieout")
    assert logged("poll_shop", "acme_us_web", lambda: 3, words="{} read".format, then="rest") == 3
    began, done = caplog.messages
    assert began == "poll_shop acme_us_web begins"
    assert done == "poll_shop acme_us_web done in 0.0 s: 3 read; next: rest"


@pytest.mark.parametrize(
    ("try_number", "follows"),
    [
        (2, "tried again, tries left: 1; nothing happened; the same call may work later"),
        (3, "not tried again; nothing happened; the same call may work later"),
    ],
)
def test_a_fault_is_told_with_its_time_and_the_tries_that_are_left(
    try_number: int, follows: str, caplog: pytest.LogCaptureFixture
) -> None:
    def busy() -> str:
        raise ExceptionGroup("1 company", [Retryable("busy", "SYSPRO A", "Wait.")])

    with in_try(try_number, max_tries=2), pytest.raises(ExceptionGroup):
        logged("sweep_orders", "", busy)
    assert caplog.messages[-1] == (
        "sweep_orders failed after 0.0 s: 1 company: Retryable: busy (at SYSPRO A). Wait.; "
        f"next: {follows}"
    )


def test_a_task_that_ran_out_of_its_time_is_told_as_well(
    caplog: pytest.LogCaptureFixture,
) -> None:
    from airflow.sdk.exceptions import AirflowTaskTimeout

    def hang() -> str:
        raise AirflowTaskTimeout("Timeout, PID: 7")  # what Airflow's alarm raises, no Exception

    with in_try(1, max_tries=2), pytest.raises(AirflowTaskTimeout):
        logged("poll_erp", "acme_us", hang)
    assert caplog.messages[-1].startswith(
        "poll_erp acme_us failed after 0.0 s: AirflowTaskTimeout: Timeout, PID: 7; next: "
    )


def test_a_refused_step_is_told_and_kept_with_its_day(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tieout.tasks import day_step, settlement

    context = joined(tmp_path)
    monkeypatch.setattr(day_step, "tieout", lambda: context)
    day = SettlementDay("nobody", date(2026, 10, 31))
    context.days.record(day, "checked")
    with in_try(1, max_tries=24), pytest.raises(Rejected) as refused:
        settlement.match(str(day))
    said = caplog.messages[-1]
    assert said.startswith(f"match {day} failed after ")
    assert said.endswith(
        f" s: Rejected: {refused.value}; "
        "next: not tried again; rejected: it fails again until someone acts"
    )
    kept = context.days.get(day)
    assert kept is not None
    assert (kept.state, kept.reason) == ("blocked", f"match: {refused.value}")


def test_a_day_of_which_two_journals_are_refused_at_once_is_blocked_and_names_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tieout.tasks import day_step

    context, day = joined(tmp_path), SettlementDay("acme_us", date(2026, 10, 31))
    monkeypatch.setattr(day_step, "tieout", lambda: context)
    for number in "12":
        journal = replace(BALANCED, key=f"J{number}", batch_id=f"B{number}")
        context.journals.add(journal, "m1", {})
        context.journals.move(journal, JournalState.approved)
        other = replace(journal, narrative="somebody else's")
        context.effects.insert(replace(effect_of(other, "ar"), intended_at=START), "test")

    def post(context: Tieout, day: SettlementDay, merchant: Merchant) -> str:
        engine = context.engine({KIND: ScriptedPartner()}, {KIND: TIMINGS}, worker="test")
        books, items = context.journals, context.open_items
        return str(post_journals(day, merchant, journals=books, engine=engine, items=items))

    context.days.record(day, "approved")
    with pytest.raises(ExceptionGroup):
        day_step.day_step(post)(str(day))
    kept = context.days.get(day)
    assert kept is not None
    assert kept.state == "blocked"
    assert kept.reason.startswith("post: ")
    assert "J1" in kept.reason
    assert "J2" in kept.reason
