"""The three steps that end a day: approved by digest, posted once, proven against SYSPRO."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from include.adapters.store.approvals import SqlApprovals
from include.adapters.store.days import SqlTieOuts
from include.adapters.store.engine import open_store
from include.adapters.store.journals import SqlJournals
from include.adapters.store.open_items import SqlOpenItems
from include.adapters.store.schema import metadata
from include.domain.errors import OutcomeUnknown, Parked, Rejected, Retryable
from include.domain.journal import Journal
from include.domain.matching import Cause
from include.domain.money import Money
from include.domain.open_items import OpenItem, Stage
from include.domain.settlement import SettlementDay
from include.mappings.load import load_mappings
from include.services.approve_journals import (
    NO_ANSWER,
    ApprovalRequest,
    approval_request,
    record_decision,
)
from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, Found, Receipt
from include.services.journal_book import JournalState
from include.services.post_journals import post_journals, sync_journals
from include.services.tie_out import tie_out
from tests.effects import KIND, TIMINGS, ManualClock, ScriptedPartner, time_out
from tests.simulator.memory import MemoryEffectStore
from tests.unit.test_journal import BALANCED

DAY = SettlementDay("acme_us", date(2026, 10, 31))
MERCHANT = load_mappings().merchant("acme_us", DAY.settlement_date)


class Syspro(ScriptedPartner):
    """Finds what it booked with its debit total, as SYSPRO's read-back does."""

    def look(self, effect: Effect) -> tuple[Found, ...]:
        return tuple(
            Found(one.their_key, {**one.facts, "total_minor": effect.amount_minor})
            for one in super().look(effect)
        )


class Desk:
    """A real store, a real engine, a partner told what to say."""

    def __init__(self, folder: Path) -> None:
        engine = open_store(f"sqlite:///{folder / 'tieout.db'}")
        metadata.create_all(engine)
        self.clock, self.syspro = ManualClock(), Syspro()
        self.journals = SqlJournals(engine, self.clock)
        self.approvals = SqlApprovals(engine, self.clock)
        self.items = SqlOpenItems(engine, self.clock)
        self.tie_outs = SqlTieOuts(engine, self.clock)
        self.effects = MemoryEffectStore(self.clock)
        self.engine = Engine(self.effects, {KIND: self.syspro}, self.clock, {KIND: TIMINGS})
        self.journals.add(BALANCED, "v1", {})

    def ask(self) -> ApprovalRequest | None:
        return approval_request(
            DAY, MERCHANT, journals=self.journals, approvals=self.approvals, items=self.items
        )

    def answer(self, *, is_approved: bool, who: str = "finance") -> None:
        record_decision(
            DAY,
            is_approved=is_approved,
            decided_by=who,
            journals=self.journals,
            approvals=self.approvals,
        )

    def post(self) -> tuple[Sequence[str], Sequence[str]]:
        result = post_journals(
            DAY, MERCHANT, journals=self.journals, engine=self.engine, items=self.items
        )
        return result.posted, result.parked

    def prove(self) -> tuple[str, ...]:
        return tie_out(DAY, journals=self.journals, engine=self.engine, tie_outs=self.tie_outs)

    def state(self) -> JournalState:
        return self.journals.of_day(DAY)[0].state

    def find(self, cause: Cause, minor: int | None) -> None:
        item = OpenItem.found(
            DAY, Stage.match, cause, "x", "ar@acme.example",
            money=None if minor is None else Money(minor, "USD"),
            why="what was | found", do="what to do",
        )  # fmt: skip
        self.items.replace_findings(DAY, "match", [item])


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_day_without_open_items_needs_no_person(desk: Desk) -> None:
    assert desk.ask() is None
    assert desk.state() is JournalState.approved
    assert desk.approvals.latest(BALANCED.key, BALANCED.digest) == ("approved", "within tolerance")


@pytest.mark.parametrize(
    ("cause", "minor"), [(Cause.expected, 99_999_999), (Cause.source_awaited, None)]
)
def test_what_is_expected_later_is_nobodys_decision(
    desk: Desk, cause: Cause, minor: int | None
) -> None:
    desk.find(cause, minor)
    assert desk.ask() is None


def test_beyond_the_tolerance_a_person_is_asked_about_the_exact_digest(desk: Desk) -> None:
    desk.find(Cause.missing_in_erp, MERCHANT.approval_tolerance_minor + 1)
    asked = desk.ask()
    assert asked is not None
    assert BALANCED.digest[:16] in asked.body
    assert "what was \\| found" in asked.body  # markup of a file stays text
    assert desk.state() is JournalState.built
    desk.answer(is_approved=True)
    assert desk.state() is JournalState.approved
    assert desk.ask() is None  # asked once


def test_an_unreadable_amount_exceeds_every_tolerance(desk: Desk) -> None:
    desk.find(Cause.unreadable_line, None)
    assert desk.ask() is not None


def test_a_hold_posts_nothing(desk: Desk) -> None:
    desk.find(Cause.missing_in_erp, 10**9)
    desk.ask()
    desk.answer(is_approved=False)
    assert desk.state() is JournalState.held
    assert desk.post() == ((), ())
    assert desk.syspro.ledger == []


def test_what_a_person_has_held_is_asked_about_again_and_never_passes_by_itself(
    desk: Desk,
) -> None:
    desk.find(Cause.missing_in_erp, 10**9)
    desk.ask()
    desk.answer(is_approved=False)
    desk.items.replace_findings(DAY, "match", [])  # a later day explains it all
    for _ in range(2):
        desk.clock.move(minutes=1)
        question = desk.ask()
        assert question is not None
        assert "within its tolerance now, and a person has held" in question.body
        assert desk.state() is JournalState.held
    desk.answer(is_approved=True)
    assert desk.state() is JournalState.approved


def test_silence_is_no_no_and_passes_once_all_is_explained(desk: Desk) -> None:
    desk.find(Cause.missing_in_erp, 10**9)
    desk.ask()
    desk.answer(is_approved=False, who=NO_ANSWER)
    assert desk.state() is JournalState.built  # so what replaces it inherits no "no"
    desk.items.replace_findings(DAY, "match", [])
    desk.clock.move(minutes=1)
    assert desk.ask() is None
    assert desk.state() is JournalState.approved


def test_silence_does_not_take_back_a_persons_no(desk: Desk) -> None:
    desk.find(Cause.missing_in_erp, 10**9)
    for who in ("finance", NO_ANSWER):
        desk.ask()
        desk.answer(is_approved=False, who=who)
        desk.clock.move(minutes=1)
    desk.items.replace_findings(DAY, "match", [])
    assert desk.ask() is not None
    assert desk.state() is JournalState.held


def test_a_day_that_a_person_has_held_is_asked_about_whole(desk: Desk) -> None:
    desk.find(Cause.missing_in_erp, 10**9)
    desk.ask()
    desk.answer(is_approved=False)
    other = replace(BALANCED, key=BALANCED.key.replace("|B1|", "|B2|"), batch_id="B2")
    desk.journals.add(other, "v1", {})
    desk.items.replace_findings(DAY, "match", [])
    desk.clock.move(minutes=1)
    question = desk.ask()
    assert question is not None
    assert question.subject.endswith("approve 2 journals")
    states = [booked.state for booked in desk.journals.of_day(DAY)]
    assert JournalState.approved not in states


def test_a_journal_changed_after_the_question_voids_the_answer(desk: Desk) -> None:
    desk.find(Cause.missing_in_erp, 10**9)
    desk.ask()
    assert desk.journals.void(BALANCED)
    changed: Journal = replace(BALANCED, key=BALANCED.key[:-1] + "2", version=2)
    desk.journals.add(changed, "v1", {})
    with pytest.raises(Retryable, match="is void"):
        desk.answer(is_approved=True)
    assert desk.state() is JournalState.built


def test_an_answer_recorded_in_part_may_be_recorded_again(desk: Desk) -> None:
    """The database was lost between what was decided and the journal that it moves."""
    desk.find(Cause.missing_in_erp, 10**9)
    desk.ask()
    desk.approvals.decide(
        BALANCED.key, BALANCED.digest, decision="approved", decided_by="finance", reason=""
    )
    desk.answer(is_approved=True)
    assert desk.state() is JournalState.approved


def test_an_approved_journal_is_posted_once_and_ties_out(desk: Desk) -> None:
    desk.ask()
    assert desk.post() == ((BALANCED.key,), ())
    assert desk.post() == ((), ())
    assert len(desk.syspro.ledger) == 1
    assert desk.prove() == (BALANCED.key,)
    assert desk.state() is JournalState.tied_out
    row = desk.tie_outs.of([BALANCED.key])[0]
    assert (row["ours_minor"], row["theirs_minor"], row["difference_minor"]) == (26798, 26798, 0)


def test_an_unknown_outcome_is_neither_success_nor_failure(desk: Desk) -> None:
    desk.ask()
    desk.syspro.after_commit = [time_out]
    with pytest.raises(OutcomeUnknown, match="in_doubt"):
        desk.post()
    assert desk.state() is JournalState.approved
    desk.clock.move(seconds=400)  # past the quiescence
    assert desk.post() == ((BALANCED.key,), ())
    assert len(desk.syspro.ledger) == 1


def test_a_closed_period_parks_and_the_janitor_carries_the_posting_over(desk: Desk) -> None:
    def closed() -> None:
        raise Parked("period 2026/10 is closed", "SYSPRO A", "Open it.")

    desk.ask()
    desk.items.replace_findings(DAY, "build", [_closed_item()])
    desk.syspro.on_send = [closed]
    assert desk.post() == ((), (BALANCED.key,))
    assert desk.state() is JournalState.parked
    desk.clock.move(hours=2)
    desk.engine.sweep()
    assert sync_journals(desk.journals, desk.effects.get, desk.items) == 1
    assert desk.state() is JournalState.posted
    assert desk.items.open_of_day(DAY) == []  # the closed period is answered


def test_a_refusal_names_the_dead_letter_and_posts_nothing(desk: Desk) -> None:
    def refused() -> None:
        raise Rejected("account 6150 is on hold", "SYSPRO A", "Release it.")

    desk.ask()
    desk.syspro.on_send = [refused]
    with pytest.raises(Rejected, match="account 6150 is on hold"):
        desk.post()
    assert desk.syspro.ledger == []


def test_a_second_copy_in_sypro_does_not_tie(desk: Desk) -> None:
    desk.ask()
    desk.post()
    desk.syspro.ledger.append(desk.syspro.ledger[0])  # the network delivered it twice
    with pytest.raises(Rejected, match="found 2 times"):
        desk.prove()
    row = desk.tie_outs.of([BALANCED.key])[0]
    assert row["difference_minor"] == 26798
    assert "found 2 times" in json.loads(row["detail"])[0]


def test_a_receipt_without_a_number_still_counts(desk: Desk) -> None:
    desk.ask()
    desk.syspro.send = lambda effect: (  # type: ignore[method-assign]
        desk.syspro.ledger.append((effect.reference, effect.payload)) or Receipt("")
    )
    assert desk.post() == ((BALANCED.key,), ())


def _closed_item() -> OpenItem:
    return OpenItem.found(
        DAY, Stage.build, Cause.period_closed, BALANCED.key, "ar@acme.example",
        money=Money(26798, "USD"), why="closed", do="open it",
    )  # fmt: skip


def test_one_journal_that_cannot_be_worked_on_does_not_stop_the_others(desk: Desk) -> None:
    other = replace(BALANCED, key=BALANCED.key[:-1] + "2", version=2)
    desk.journals.add(other, "v1", {})
    desk.ask()

    def break_down() -> None:
        raise ValueError("our own mistake")

    desk.syspro.on_look = [break_down]
    with pytest.raises(ValueError, match="our own mistake"):
        desk.post()
    states = [booked.state for booked in desk.journals.of_day(DAY)]
    assert states == [JournalState.approved, JournalState.posted]
    assert desk.post()[0] == (BALANCED.key,)
