"""What SYSPRO does not have may still be put right: its day, its accounts, its fee kinds."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from include.adapters.store.approvals import SqlApprovals
from include.domain.errors import Parked, Rejected, Retryable
from include.domain.journal import Journal
from include.domain.merchant import PeriodPolicy
from include.services.approve_journals import NO_ANSWER, note_asked, record_decision
from include.services.effect_postings import EffectPostings
from include.services.effects.engine import Engine
from include.services.effects.ports import EffectState
from include.services.effects.retire import retire
from include.services.journal_book import JournalState
from include.services.post_journals import effect_of, post_journals
from tests.effects import KIND, TIMINGS, ScriptedPartner, time_out
from tests.support_books import ACCOUNTS, Clock, Desk, line, table, worked_day

LAST, NEXT, BANK_DAY = date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 2)


def refuse() -> None:
    raise Rejected("GL code 6510 not found", "SYSPRO A", "Correct the mapping.")


def park() -> None:
    raise Parked("period 10/2026 is closed", "SYSPRO A", "Open it.")


class Poster:
    """The real engine over the desk's store, with a SYSPRO that is told what to say."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.syspro = desk, ScriptedPartner()
        self.engine = Engine(desk.effects, {KIND: self.syspro}, Clock(), {KIND: TIMINGS})

    def post(self) -> None:
        """Approve what stands and post it, whatever comes of it."""
        day = self.desk.day(LAST)
        for booked in self.desk.journals.of_day(day):
            if booked.state in (JournalState.built, JournalState.held):
                self.desk.journals.move(booked.journal, JournalState.approved)
        post_journals(
            day,
            self.desk.merchant,
            journals=self.desk.journals,
            engine=self.engine,
            items=self.desk.items,
        )


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def poster(desk: Desk) -> Poster:
    return Poster(desk)


def standing(desk: Desk) -> list[Journal]:
    return [booked.journal for booked in desk.journals.of_day(desk.day(LAST))]


def next_open(desk: Desk) -> None:
    desk.merchant = replace(desk.merchant, period_policy=PeriodPolicy.next_open)


@pytest.mark.parametrize("state", ["built", "held", "approved", "parked"])
def test_next_open_moves_what_waits_for_a_closed_period(desk: Desk, state: str) -> None:
    desk.periods.closed.add((2026, 10))
    (parked,) = desk.build(worked_day(), LAST).built
    desk.journals.move(parked, JournalState(state))
    assert desk.build(worked_day(), LAST).built == ()
    next_open(desk)
    (moved,) = desk.build(worked_day(), LAST).built
    assert (moved.posting_date, moved.version) == (NEXT, 2)
    assert table(moved) == table(parked)
    assert standing(desk) == [moved]
    assert "period_closed" not in desk.causes(LAST)
    assert desk.build(worked_day(), LAST).built == ()


def test_a_store_that_may_have_forgotten_proves_nothing_unsent(desk: Desk) -> None:
    desk.periods.closed.add((2026, 10))
    (parked,) = desk.build(worked_day(), LAST).built
    desk.journals.move(parked, JournalState.approved)
    next_open(desk)
    owner, doubt = desk.merchant.owner, [True]
    desk.postings = EffectPostings(desk.effects, desk.letters, owner, lambda: doubt[0])
    assert desk.build(worked_day(), LAST).built == ()  # SYSPRO may hold it: one of it is enough
    doubt[0] = False
    (moved,) = desk.build(worked_day(), LAST).built
    assert (moved.posting_date, moved.version) == (NEXT, 2)


def test_what_syspro_parked_is_retired_before_it_is_moved(desk: Desk, poster: Poster) -> None:
    (parked,) = desk.build(worked_day(), LAST).built
    poster.syspro.on_send = [park]
    poster.post()
    desk.periods.closed.add((2026, 10))
    next_open(desk)
    (moved,) = desk.build(worked_day(), LAST).built
    effect = poster.engine.find(KIND, parked.key)
    assert effect is not None
    assert effect.state is EffectState.declined
    desk.periods.closed.clear()  # the janitor comes when the period is open again
    poster.engine.sweep()
    poster.engine.advance(KIND, parked.key)
    poster.post()
    assert poster.syspro.ledger == [(moved.reference, moved.to_payload())]


def test_what_may_be_in_syspro_is_neither_moved_nor_built_again(desk: Desk, poster: Poster) -> None:
    (sent,) = desk.build(worked_day(), LAST).built
    poster.syspro.after_commit = [time_out]
    with pytest.raises(Exception, match="in_doubt"):
        poster.post()
    desk.periods.closed.add((2026, 10))
    next_open(desk)
    assert desk.build(worked_day(), LAST).built == ()
    assert standing(desk) == [sent]
    assert desk.causes(LAST).count("period_closed") == 1  # until it is known, it waits


def test_a_journal_that_went_on_while_it_was_replaced_is_not_voided(
    desk: Desk, poster: Poster
) -> None:
    (sent,) = desk.build(worked_day(), LAST).built
    poster.post()
    assert not retire(
        desk.effects, effect_of(sent, "ar"), is_doubted=lambda: False, who="build", why="test"
    )
    assert not desk.postings.retire(sent)


def test_a_run_that_died_after_retiring_is_finished_by_the_next(desk: Desk) -> None:
    (approved,) = desk.build(worked_day(), LAST).built
    desk.journals.move(approved, JournalState.approved)
    assert desk.postings.retire(approved)
    (again,) = desk.build(worked_day(), LAST).built
    assert (again.version, table(again)) == (2, table(approved))
    assert standing(desk) == [again]


@pytest.mark.parametrize("state", ["built", "held", "refused"])
def test_a_wrong_account_is_corrected_by_the_mapping(
    desk: Desk, poster: Poster, state: str
) -> None:
    desk.mappings.accounts["clearing"] = ACCOUNTS | {"fee.interchange": "6510"}
    (wrong,) = desk.build(worked_day(), LAST).built
    if state == "refused":
        poster.syspro.on_send = [refuse]
        with pytest.raises(Rejected, match="6510"):
            poster.post()
    else:
        desk.journals.move(wrong, JournalState(state))
    desk.mappings.accounts["clearing"], desk.mappings.version = ACCOUNTS, "mappings 2"
    (right,) = desk.build(worked_day(), LAST).built
    assert ("6150", "6.10") in table(right)
    assert (right.version, right.supersedes) == (2, "")
    assert standing(desk) == [right]
    assert desk.letters.listing("open") == []
    poster.post()
    assert [reference for reference, _ in poster.syspro.ledger] == [right.reference]


def test_what_was_refused_and_booked_by_hand_is_left_alone(desk: Desk, poster: Poster) -> None:
    desk.mappings.accounts["clearing"] = ACCOUNTS | {"fee.interchange": "6510"}
    desk.build(worked_day(), LAST)
    poster.syspro.on_send = [refuse]
    with pytest.raises(Rejected):
        poster.post()
    (letter,) = desk.letters.listing("open")
    desk.letters.resolve(letter.dead_letter_id, "cfo", "booked by hand")
    desk.mappings.accounts["clearing"] = ACCOUNTS
    assert desk.build(worked_day(), LAST).built == ()


def test_a_wrong_fee_kind_and_a_wrong_rate_are_corrected_before_approval(desk: Desk) -> None:
    desk.mappings.kinds = {"per_item": "assessment"}
    desk.build(worked_day(), LAST)
    desk.mappings.kinds, desk.mappings.version = {}, "mappings 2"
    (right,) = desk.build(worked_day(), LAST).built
    assert ("6152", "0.40") in table(right)
    euro = [line(minor=1000, currency="EUR", batch="E1", request="9")]
    desk.build(euro, BANK_DAY)
    desk.mappings.rate_millionths = 1_200_000
    (dear,) = desk.build(euro, BANK_DAY).built
    assert dear.debit_total.minor == 1200


def test_a_wrong_supplier_is_corrected_before_approval(tmp_path: Path) -> None:
    desk = Desk(tmp_path, fees_as_ap_invoice=True, ap_supplier="ACQ00X")
    desk.build(worked_day(), LAST)
    desk.merchant = replace(desk.merchant, ap_supplier="ACQ001")
    (bill,) = desk.build(worked_day(), LAST).built
    assert bill.detail("supplier") == "ACQ001"
    assert desk.build(worked_day(), LAST).built == ()


@pytest.mark.parametrize("policy", [PeriodPolicy.park, PeriodPolicy.next_open])
def test_a_batch_that_disappeared_is_taken_back_in_a_period_that_is_open(
    tmp_path: Path, policy: PeriodPolicy
) -> None:
    desk = Desk(tmp_path, period_policy=policy)
    (first,) = desk.build(worked_day(), LAST).built
    desk.journals.move(first, JournalState.posted)
    desk.periods.closed.add((2026, 10))
    result = desk.build([line(batch="B9", request="1")], LAST)
    assert len(result.built) == 2
    if policy is PeriodPolicy.next_open:
        assert {j.posting_date for j in result.built} == {NEXT}
    else:  # both wait for the period, and each has its item
        assert set(result.parked) == {j.key for j in result.built}
        assert desk.causes(LAST).count("period_closed") == 2


def test_a_funding_that_disappeared_is_taken_back_in_a_period_that_is_open(tmp_path: Path) -> None:
    desk = Desk(tmp_path, period_policy=PeriodPolicy.next_open)
    desk.build(worked_day(), date(2026, 10, 29))
    (funding,) = desk.fund([("E1", 26798, "B1")], LAST).built
    desk.journals.move(funding, JournalState.posted)
    desk.periods.closed.add((2026, 10))
    (back,) = desk.fund([], LAST).built
    assert (back.supersedes, back.posting_date) == (funding.key, NEXT)


def test_a_journal_that_is_replaced_just_now_makes_the_step_run_again(desk: Desk) -> None:
    """The journal goes on between the plan and its replacement."""
    desk.periods.closed.add((2026, 10))
    (parked,) = desk.build(worked_day(), LAST).built
    desk.journals.move(parked, JournalState.parked)
    next_open(desk)
    effects = desk.effects
    effects.insert(replace(effect_of(parked, "ar"), intended_at=effects.now()), "post")
    assert effects.lease(KIND, parked.key, "janitor", TIMINGS.lease).lease is not None
    with pytest.raises(Retryable, match="while it was being replaced"):
        desk.build(worked_day(), LAST)
    assert standing(desk) == [parked]


def test_what_a_person_has_held_waits_for_a_person_after_it_was_corrected(desk: Desk) -> None:
    (wrong,) = desk.build(worked_day(), LAST).built
    desk.journals.move(wrong, JournalState.held)
    desk.mappings.accounts["clearing"] = ACCOUNTS | {"fee.interchange": "6510"}
    desk.build(worked_day(), LAST)
    (booked,) = desk.journals.of_day(desk.day(LAST))
    assert (booked.journal.version, booked.state) == (2, JournalState.held)


def test_what_nobody_answered_about_is_nobodys_no_after_it_was_restated(desk: Desk) -> None:
    (wrong,) = desk.build(worked_day(), LAST).built
    approvals = SqlApprovals(desk.engine, Clock())
    note_asked([wrong], approvals)
    record_decision(
        desk.day(LAST),
        is_approved=False,
        decided_by=NO_ANSWER,
        journals=desk.journals,
        approvals=approvals,
    )
    desk.mappings.accounts["clearing"] = ACCOUNTS | {"fee.interchange": "6510"}
    desk.build(worked_day(), LAST)
    (booked,) = desk.journals.of_day(desk.day(LAST))
    assert (booked.journal.version, booked.state) == (2, JournalState.built)
