"""A question that Airflow shows as it was before is not asked: the day is blocked, and says why."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from include.domain.errors import Rejected
from include.services.approve_journals import ApprovalRequest
from tests.kept import Kept

DAY = "acme_us|2026-10-31"


def in_run() -> dict[str, Any]:
    return {
        "run_id": "r",
        "ti": SimpleNamespace(try_number=1),
        "dag_run": SimpleNamespace(run_type="scheduled"),
        "task_state_store": Kept(),
    }


def _refuse(task: object, context: object) -> None:
    raise Rejected("an older text is shown", "required action", "Trigger the DAG again.")


def test_a_day_that_nobody_can_be_asked_about_is_blocked(
    dagbag: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tieout.questions import journals
    from tieout.tasks import asking, posting

    blocked: list[str] = []
    request = ApprovalRequest("subject", "body")
    monkeypatch.setattr(journals, "require_shown", _refuse)
    monkeypatch.setattr(asking, "tell_owner", lambda *_: None)
    monkeypatch.setattr(posting, "approval_request", lambda key: request)
    monkeypatch.setattr(posting, "block", lambda key, error: blocked.append(f"{key}: {error}"))
    task = journals.ApproveJournals(
        task_id="approve", day_key=DAY, response_timeout=timedelta(days=1)
    )
    with pytest.raises(Rejected):
        task.execute(in_run())
    assert blocked[0].startswith(f"{DAY}: an older text is shown")


def test_the_trouble_of_a_write_off_never_blocks_the_day(
    dagbag: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tieout.questions import journals
    from tieout.tasks import asking, disputes, posting

    monkeypatch.setattr(journals, "require_shown", _refuse)
    monkeypatch.setattr(asking, "tell_owner", lambda *_: None)
    monkeypatch.setattr(
        disputes, "approval_request", lambda key: ApprovalRequest("subject", "body")
    )
    monkeypatch.setattr(posting, "block", lambda key, error: pytest.fail("it blocked the day"))
    task = journals.ApproveWriteOffs(
        task_id="approve_write_offs", day_key=DAY, response_timeout=timedelta(days=1)
    )
    with pytest.raises(Rejected):
        task.execute(in_run())


@pytest.mark.parametrize("kind", ["ApproveJournals", "ApproveWriteOffs"])
def test_the_owner_is_told_before_anybody_can_answer(
    dagbag: object, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told after it is shown, a slow mail server would leave time for an answer that is lost."""
    from airflow.providers.standard.operators.hitl import HITLOperator

    from tieout.questions import journals
    from tieout.tasks import asking, disputes, posting

    done: list[object] = []
    request, answer_in = ApprovalRequest("subject", "body"), timedelta(hours=20)
    for desk in (posting, disputes):
        monkeypatch.setattr(desk, "approval_request", lambda key: request)
    monkeypatch.setattr(asking, "tell_owner", lambda *what: done.append(what))
    monkeypatch.setattr(journals, "require_shown", lambda *_: done.append("shown"))
    monkeypatch.setattr(HITLOperator, "execute", lambda *_: done.append("parked"))
    task = getattr(journals, kind)(task_id="approve", day_key=DAY, response_timeout=answer_in)
    task.execute(in_run())
    assert done == [(DAY, request, answer_in, "r", 0), "shown", "parked"]


def test_whoever_was_told_of_a_question_that_airflow_could_not_show_is_told_again(
    dagbag: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.providers.standard.operators.hitl import HITLOperator

    from tieout.questions import journals
    from tieout.tasks import asking, posting

    asked_in: list[object] = []
    shown = iter([OSError("Airflow's API is away"), None])

    def show(*_: object) -> None:
        if fault := next(shown):
            raise fault

    request = ApprovalRequest("subject", "body")
    monkeypatch.setattr(posting, "approval_request", lambda key: request)
    monkeypatch.setattr(asking, "tell_owner", lambda *what: asked_in.append(what[-1]))
    monkeypatch.setattr(journals, "require_shown", show)
    monkeypatch.setattr(HITLOperator, "execute", lambda *_: None)
    answer_in, run = timedelta(hours=20), in_run()
    task = journals.ApproveJournals(task_id="approve", day_key=DAY, response_timeout=answer_in)
    with pytest.raises(OSError, match="away"):
        task.execute(run)
    task.execute(run)
    assert asked_in == [0, 1]


@pytest.mark.parametrize("kind", ["ApproveJournals", "ApproveWriteOffs"])
def test_an_answer_goes_with_what_its_own_question_named(
    dagbag: object, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.providers.standard.operators.hitl import HITLOperator

    from tieout.questions import journals
    from tieout.tasks import asking, disputes, posting

    answers: list[dict[str, Any]] = []
    request = ApprovalRequest("subject", "body", about=("digest",))
    for desk in (posting, disputes):
        monkeypatch.setattr(desk, "approval_request", lambda key: request)
        monkeypatch.setattr(desk, "record_decision", lambda key, **said: answers.append(said))
    monkeypatch.setattr(asking, "tell_owner", lambda *_: None)
    monkeypatch.setattr(journals, "require_shown", lambda *_: None)
    monkeypatch.setattr(HITLOperator, "execute", lambda *_: None)
    said = {"chosen_options": ["Approve"], "responded_by_user": {"name": "ann"}}
    monkeypatch.setattr(HITLOperator, "execute_complete", lambda *_: said)
    task = getattr(journals, kind)(
        task_id="approve", day_key=DAY, response_timeout=timedelta(days=1)
    )
    run = in_run()
    task.execute(run)
    task.execute_complete(run, {})
    assert answers == [{"is_approved": True, "decided_by": "ann", "about": ["digest"]}]
    assert not run["task_state_store"]
