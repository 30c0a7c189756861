"""Whoever is asked about journals reads them line by line first, in a draft of the report."""

from datetime import date
from pathlib import Path

import pytest

from include.adapters.reports.charts import grouped
from include.domain.settlement import SettlementDay
from include.services import write_report
from include.wiring import Tieout
from tests.integration.play import Play
from tieout.hooks import messages
from tieout.tasks import day_step, posting, settlement
from tieout.tasks.steps import STEPS

DAY = SettlementDay("acme_us", date(2026, 10, 29))
NEXT = SettlementDay("acme_us", date(2026, 10, 30))


@pytest.fixture
def context(play: Play, monkeypatch: pytest.MonkeyPatch) -> Tieout:
    found = play.desks.context
    for module in (day_step, posting):
        monkeypatch.setattr(module, "tieout", lambda: found)
    for way in ("mail", "chat"):
        monkeypatch.setattr(messages, way, lambda: None)
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example")
    return found


def build(day: SettlementDay) -> None:
    for name in STEPS[: STEPS.index("approve")]:
        getattr(settlement, name)(str(day))


def page(context: Tieout) -> str:
    written = context.reports.of_day(DAY)
    assert set(written) == {"html", "csv", "xlsx"}
    return Path(written["html"][0]).read_text()


def test_a_question_links_to_a_draft_that_the_report_replaces(context: Tieout) -> None:
    build(DAY)
    question = posting.approval_request(str(DAY))
    assert question is not None
    link = "https://airflow.example/tieout/days/acme_us/2026-10-29/report.html"
    assert f"({link})" in question.body
    assert question.report == link
    draft = page(context)
    assert "<strong>Draft.</strong>" in draft
    assert ">held<" in draft
    rows = Path(context.reports.of_day(DAY)["csv"][0]).read_text()
    assert posting._WAITS in rows
    for booked in context.journals.of_day(DAY):
        assert booked.journal.digest[:16] in draft
        for line in booked.journal.lines:
            assert f'<th scope="row">{line.gl_account}</th>' in draft
            assert f"<td>{line.text}</td>" in draft
            assert grouped(line.amount if line.amount.minor > 0 else -line.amount) in draft
    posting.record_decision(str(DAY), is_approved=True, decided_by="ann")
    for name in ("post", "tie_out", "report"):
        getattr(posting, name)(str(DAY))
    final = page(context)
    assert "Draft" not in final
    assert "approved by ann" in final


def test_a_day_whose_draft_cannot_be_written_waits_for_nobody(
    context: Tieout, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(NEXT)

    def refuse(*_given: object, **_more: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(write_report, "write_report", refuse)
        with pytest.raises(OSError, match="no space"):
            posting.approval_request(str(NEXT))
    with pytest.raises(day_step.DayNotProven, match="the last step done was built"):
        posting.report(str(NEXT))
