"""Who is asked about write-offs: the newest run of a merchant, and never a backfill."""

from datetime import timedelta
from types import SimpleNamespace

import pytest


@pytest.mark.parametrize(("run_type", "is_asked"), [("backfill", False), ("scheduled", True)])
def test_a_backfill_never_waits_for_an_answer_about_a_dispute(
    dagbag: object, run_type: str, is_asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tieout.questions.journals import ApproveWriteOffs
    from tieout.tasks import disputes

    asked: list[str] = []
    monkeypatch.setattr(disputes, "approval_request", lambda key: asked.append(key))
    task = ApproveWriteOffs(
        task_id="approve_write_offs", day_key="acme_us|2026-10-31", response_timeout=timedelta(1)
    )
    context = {"dag_run": SimpleNamespace(run_type=run_type)}
    assert task.execute(context) == "acme_us|2026-10-31"
    assert bool(asked) == is_asked
