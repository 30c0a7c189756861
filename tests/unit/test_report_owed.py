"""A day is reported once its report is there, however the one who wrote it ended."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from include.adapters.store.schema import metadata
from include.domain.settlement import SettlementDay
from include.services import approve_journals, write_report
from include.services.approve_journals import NO_ANSWER, ApprovalRequest
from include.wiring import Settings, Tieout
from tieout.hooks import messages
from tieout.tasks import day_step, posting

DAY = SettlementDay("acme_us", date(2026, 10, 31))


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tieout]:
    made = Tieout(Settings(f"sqlite:///{tmp_path / 'tieout.db'}", tmp_path / "lake", "sandbox"))
    metadata.create_all(made.store)
    for module in (day_step, posting):
        monkeypatch.setattr(module, "tieout", lambda: made)
    for way in ("mail", "chat"):
        monkeypatch.setattr(messages, way, lambda: None)
    made.days.record(DAY, posting.TIED_OUT)
    yield made
    made.store.dispose()


def stands(context: Tieout) -> str:
    known = context.days.get(DAY)
    assert known is not None
    return known.state


def test_while_it_is_written_it_is_owed(context: Tieout, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = list[str]()

    def kill(*_given: object, **_more: object) -> None:
        seen.append(stands(context))  # what the janitor finds of a worker that died here
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(write_report, "write_report", kill)
        with pytest.raises(SystemExit):
            posting.report(str(DAY))
    assert [*seen, stands(context)] == [posting.TIED_OUT] * 2
    pages = list[str]()
    for _ in range(2):
        posting.report(str(DAY))
        assert stands(context) == "reported"
        pages.append(Path(context.reports.of_day(DAY)["html"][0]).read_text())
    assert ">reported<" in pages[0]
    assert pages[0] == pages[1]  # though the day was tied out when the first was written


def test_a_day_whose_question_ended_without_an_answer_is_told_and_not_called_held(
    context: Tieout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where Airflow's API fails for good once the day has been noted as waiting."""
    told = list[str]()
    monkeypatch.setattr(messages, "chat", lambda: SimpleNamespace(send=told.append))
    question = ApprovalRequest("subject", "body")
    monkeypatch.setattr(approve_journals, "approval_request", lambda *_, **__: question)
    context.days.record(DAY, "built")
    assert posting.approval_request(str(DAY)) is question
    with pytest.raises(day_step.DayNotProven, match="ended without an answer on record"):
        posting.report(str(DAY))
    assert stands(context) == "blocked"
    assert "clear that step" in told[0]
    # Cleared, it asks again; what nobody answers in time is held, and that run ends well.
    assert posting.approval_request(str(DAY)) is question
    posting.record_decision(str(DAY), is_approved=False, decided_by=NO_ANSWER)
    posting.report(str(DAY))
    assert stands(context) == "held"


def test_a_day_that_another_run_asks_about_is_left_to_that_run(context: Tieout) -> None:
    context.days.record(DAY, "held", reason=posting._WAITS, run_id="another")
    posting.report(str(DAY))
    assert stands(context) == "held"


def test_a_question_is_that_of_the_run_that_asked_it_last(
    context: Tieout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where an older run's *approve* is cleared once another has had the day."""
    question = ApprovalRequest("subject", "body")
    monkeypatch.setattr(approve_journals, "approval_request", lambda *_, **__: question)
    context.days.record(DAY, "built", run_id="newer")
    monkeypatch.setattr(posting, "this_run", lambda: "older")
    assert posting.approval_request(str(DAY)) is question
    monkeypatch.setattr(posting, "this_run", lambda: "newer")
    posting.report(str(DAY))
    assert stands(context) == "held"
    monkeypatch.setattr(posting, "this_run", lambda: "older")
    with pytest.raises(day_step.DayNotProven, match="without an answer"):
        posting.report(str(DAY))
