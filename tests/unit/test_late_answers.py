"""A person answers while, or after, another run had the day: what that run has found counts."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from include.adapters.store.schema import metadata
from include.domain.errors import Rejected
from include.domain.settlement import SettlementDay
from include.services.approve_journals import NO_ANSWER, note_asked
from include.services.journal_book import JournalState
from include.wiring import Settings, Tieout
from tests.unit.test_journal import BALANCED
from tieout.tasks import day_step, posting, turn

DAY = SettlementDay("acme_us", date(2026, 10, 31))
_ANOTHER = "another run posts; if none does, clear 'approve'"


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tieout]:
    """A day whose one journal a person is asked about."""
    made = Tieout(Settings(f"sqlite:///{tmp_path / 'tieout.db'}", tmp_path / "lake", "sandbox"))
    metadata.create_all(made.store)
    monkeypatch.setattr(posting, "tieout", lambda: made)
    made.journals.add(BALANCED, "v1", {})
    note_asked([BALANCED], made.approvals)
    yield made
    made.store.dispose()


def stands(context: Tieout) -> tuple[str, str]:
    known = context.days.get(DAY)
    assert known is not None
    return known.state, known.reason


@pytest.mark.parametrize(
    "state",
    "chosen downloaded matched built approved posted parked tied_out reported".split(),
)
def test_silence_about_a_day_that_another_run_has_begun_holds_nothing(
    context: Tieout, state: str
) -> None:
    context.journals.move(BALANCED, JournalState.approved)
    context.days.record(DAY, state)
    posting.record_decision(str(DAY), is_approved=False, decided_by=NO_ANSWER)
    assert stands(context) == (state, "")


def test_a_yes_lets_no_day_pass_a_gate_at_which_another_run_was_stopped(context: Tieout) -> None:
    context.days.record(DAY, "blocked", reason="check: the control totals differ")
    posting.record_decision(str(DAY), is_approved=True, decided_by="ann")
    assert context.approvals.latest(BALANCED.key, BALANCED.digest) == ("approved", "ann")
    assert stands(context) == ("blocked", "check: the control totals differ")


def test_silence_ends_no_question_of_another_run(context: Tieout) -> None:
    context.days.record(DAY, "held", reason=posting._WAITS, run_id="another")
    posting.record_decision(str(DAY), is_approved=False, decided_by=NO_ANSWER)
    assert stands(context) == ("held", posting._WAITS)
    assert context.approvals.latest(BALANCED.key, BALANCED.digest) == ("held", NO_ANSWER)
    posting.record_decision(str(DAY), is_approved=True, decided_by="ann")
    assert stands(context) == ("approved", "")


def test_silence_takes_back_no_word_that_another_run_was_given(context: Tieout) -> None:
    context.days.record(DAY, "held", reason="held by ann", run_id="another")
    posting.record_decision(str(DAY), is_approved=False, decided_by="ann")
    posting.record_decision(str(DAY), is_approved=False, decided_by=NO_ANSWER)
    assert context.approvals.latest(BALANCED.key, BALANCED.digest) == ("held", "ann")
    assert stands(context) == ("held", "held by ann")


@pytest.mark.parametrize("who", ["bob", NO_ANSWER])
def test_a_no_after_the_yes_of_another_is_told_to_be_too_late(
    context: Tieout, who: str, caplog: pytest.LogCaptureFixture
) -> None:
    about = [BALANCED.digest]
    caplog.set_level("INFO", "tieout")
    posting.record_decision(str(DAY), is_approved=True, decided_by="ann", about=about)
    posting.record_decision(str(DAY), is_approved=False, decided_by=who, about=about)
    told = [one.getMessage() for one in caplog.records if "approve acme_us" in one.getMessage()]
    late = "; too late: held by bob" if who == "bob" else ""
    assert told == [
        f"approve {DAY}: approved by ann; next: post",
        f"approve {DAY}: approved by ann{late}; next: nothing; {_ANOTHER}",
    ]


def test_a_no_holds_what_it_alone_was_asked_about_and_says_what_does_not(context: Tieout) -> None:
    about = [BALANCED.digest]
    posting.record_decision(str(DAY), is_approved=True, decided_by="ann", about=about)
    other = replace(BALANCED, key=BALANCED.key.replace("B1", "B2"), batch_id="B2")
    context.journals.add(other, "v1", {})
    note_asked([other], context.approvals)
    about.append(other.digest)
    said = posting.record_decision(str(DAY), is_approved=False, decided_by="bob", about=about)
    assert said == "held by bob; approved by ann"


def test_of_several_answers_about_a_journal_the_last_holds(context: Tieout) -> None:
    about = [BALANCED.digest]
    posting.record_decision(str(DAY), is_approved=False, decided_by="bob", about=about)
    note_asked([BALANCED], context.approvals)  # by a later run
    posting.record_decision(str(DAY), is_approved=True, decided_by="ann", about=about)
    said = posting.record_decision(str(DAY), is_approved=False, decided_by="eve", about=about)
    assert said == "approved by ann; too late: held by eve"


def test_a_no_to_a_journal_that_was_built_anew_and_approved_since_is_told_to_be_too_late(
    context: Tieout, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "tieout")
    newer = replace(BALANCED, key=f"{BALANCED.key[:-1]}2", version=2)
    context.journals.move(BALANCED, JournalState.void)
    context.journals.add(newer, "v1", {})
    note_asked([newer], context.approvals)
    posting.record_decision(str(DAY), is_approved=True, decided_by="ann", about=[newer.digest])
    about = [BALANCED.digest]
    said = posting.record_decision(str(DAY), is_approved=False, decided_by="bob", about=about)
    assert said == "too late: held by bob"
    assert caplog.messages[-1].endswith(f"too late: held by bob; next: nothing; {_ANOTHER}")


def test_a_yes_opens_no_step_of_a_run_that_is_at_the_day(
    context: Tieout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn, "this_run", lambda: "asked")
    context.days.record(DAY, "downloaded", run_id="another")
    with context.turns.day(DAY, "another"):
        posting.record_decision(str(DAY), is_approved=True, decided_by="ann")
    assert context.approvals.latest(BALANCED.key, BALANCED.digest) == ("approved", "ann")
    assert stands(context) == ("downloaded", "")


def test_an_answer_decides_only_about_what_its_own_question_showed(context: Tieout) -> None:
    context.days.record(DAY, "held", reason=posting._WAITS, run_id="another")
    shown = [BALANCED.digest]
    newer = replace(BALANCED, key=f"{BALANCED.key[:-1]}2", version=2)
    context.journals.move(BALANCED, JournalState.void)
    context.journals.add(newer, "v1", {})
    note_asked([newer], context.approvals)  # by the other run, which has built it
    posting.record_decision(str(DAY), is_approved=False, decided_by=NO_ANSWER, about=shown)
    with pytest.raises(Rejected, match="the answer of ann is void"):
        posting.record_decision(str(DAY), is_approved=True, decided_by="ann", about=shown)
    assert context.approvals.latest(newer.key, newer.digest) == ("asked", "tieout")
    assert stands(context) == ("held", posting._WAITS)
    posting.record_decision(str(DAY), is_approved=True, decided_by="ann", about=[newer.digest])
    assert stands(context) == ("approved", "")


@pytest.mark.parametrize(
    ("is_approved", "then"), [(True, ("approved", "")), (False, ("held", "held by ann"))]
)
def test_of_a_day_that_waits_the_answer_is_its_state_though_another_run_has_its_turn(
    context: Tieout, is_approved: bool, then: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (turn, posting):
        monkeypatch.setattr(module, "this_run", lambda: "asked")
    context.days.record(DAY, "held", reason=posting._WAITS, run_id="asked")
    with context.turns.day(DAY, "another"):
        for _ in range(2):  # again, where the database was lost in between
            posting.record_decision(str(DAY), is_approved=is_approved, decided_by="ann")
    assert stands(context) == then


@pytest.mark.parametrize(
    ("is_approved", "then"), [(True, ("approved", "")), (False, ("held", "held by ann"))]
)
@pytest.mark.parametrize("run_id", ["", "another"])
def test_an_answer_ends_the_block_of_a_post_that_came_before_it(
    context: Tieout, run_id: str, is_approved: bool, then: tuple[str, str]
) -> None:
    context.days.record(DAY, "held", reason=posting._WAITS, run_id=run_id)
    with pytest.raises(Rejected, match="'approve' has not ended"):
        day_step.demand_ended(context, DAY, "post")  # of a run whose question came before
    stopped = stands(context)
    assert stopped[0] == "blocked"
    posting.record_decision(str(DAY), is_approved=is_approved, decided_by="ann")
    is_of_another = bool(run_id) and not is_approved
    assert stands(context) == (stopped if is_of_another else then)


def test_an_answer_takes_no_turn_that_nothing_would_give_back(
    context: Tieout, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (turn, posting):
        monkeypatch.setattr(module, "this_run", lambda: "asked")
    context.days.record(DAY, "held", reason=posting._WAITS, run_id="asked")
    posting.record_decision(str(DAY), is_approved=True, decided_by="ann")
    with context.turns.day(DAY, "another"):
        assert stands(context) == ("approved", "")
