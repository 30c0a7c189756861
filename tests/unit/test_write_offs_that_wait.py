"""A write-off that SYSPRO does not have may still be put right: its day, and its accounts."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from include.domain.errors import Rejected
from include.domain.journal import JournalKind
from include.domain.merchant import PeriodPolicy
from include.services.effects.engine import Engine
from include.services.effects.ports import EffectState
from include.services.journal_book import JournalState
from include.services.post_journals import post_journals
from tests.effects import KIND, TIMINGS, ScriptedPartner, time_out
from tests.support_books import ACCOUNTS, Clock, table
from tests.unit.support import DUE, LAPSED, NEXT, Room, reversal

AFTER = LAPSED + timedelta(days=1)
MOVED = date(2026, 12, 1)
LOST = [("1170", "-80.00"), ("6156", "80.00")]
SAID = "Dispute K1 lapsed: not contested in time"


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return lapsed(Room(tmp_path, period_policy=PeriodPolicy.next_open))


def lapsed(room: Room) -> Room:
    room.begin()
    room.until(DUE)
    room.watch(LAPSED)
    return room


class Poster:
    """The real engine over the room's store, with a SYSPRO that is told what to say."""

    def __init__(self, room: Room) -> None:
        self.room, self.syspro = room, ScriptedPartner()
        self.engine = Engine(room.effects, {KIND: self.syspro}, Clock(), {KIND: TIMINGS})

    def post(self) -> None:
        if self.room.ask() is not None:
            self.room.answer(is_approved=True)
        post_journals(
            self.room.day(),
            self.room.merchant,
            journals=self.room.journals,
            engine=self.engine,
            items=self.room.items,
            kinds=(JournalKind.dispute_lost,),
        )


@pytest.mark.parametrize("state", ["built", "held", "approved", "parked"])
def test_next_open_moves_what_waits_for_a_closed_period(room: Room, state: str) -> None:
    """Built in November, approved after it was closed: the first open day is 1 December."""
    room.journals.move(room.write_offs[0].journal, JournalState(state))
    room.periods.closed.add((2026, 11))
    (moved,) = room.watch(AFTER).built
    assert (moved.posting_date, moved.version, table(moved)) == (MOVED, 2, LOST)
    assert moved.narrative == f"{SAID}, period of {LAPSED} closed"
    assert room.states == ["void", "held" if state == "held" else "built"]
    assert [cause.value for cause, _ in room.said(LAPSED)] == ["dispute_deadline_passed"]
    assert room.watch(AFTER).built == ()


def test_what_a_person_gave_up_is_moved_as_what_it_is(tmp_path: Path) -> None:
    room = Room(tmp_path, period_policy=PeriodPolicy.next_open)
    room.begin()
    given_up = room.give_up(date(2026, 10, 31))
    room.periods.closed.add((2026, 10))
    (moved,) = room.watch(NEXT).built
    assert (moved.posting_date, table(moved)) == (date(2026, 11, 1), table(given_up))
    assert moved.narrative == "Dispute K1 lost, period of 2026-10-31 closed"
    assert room.write_offs[-1].control["found by"] == "ada"


def test_what_takes_a_write_off_back_is_moved_too(room: Room) -> None:
    room.ask()
    room.answer(is_approved=True)
    room.post()
    room.watch(AFTER, reversal())
    assert room.ask() is None  # approved without a question
    room.periods.closed.add((2026, 11))
    (moved,) = room.watch(AFTER + timedelta(days=1)).built
    assert (moved.posting_date, moved.version) == (MOVED, 3)
    assert table(moved) == [("1170", "80.00"), ("6156", "-80.00")]
    assert room.states == ["posted", "void", "built"]


def test_a_merchant_that_parks_waits_for_the_period(tmp_path: Path) -> None:
    room = lapsed(Room(tmp_path))
    room.ask()
    room.answer(is_approved=True)
    room.periods.closed.add((2026, 11))
    assert room.watch(AFTER).built == ()
    assert room.states == ["approved"]
    (item,) = [one for one in room.items.open_of_day(room.day()) if one.stage == "disputes"]
    assert (item.cause.value, item.amount_minor) == ("period_closed", 8000)
    assert "posts on 2026-11-20, but period 2026/11 of company A is closed" in item.explanation
    Poster(room).post()  # SYSPRO takes it: the period was opened, and nobody has watched since
    assert [one for one in room.items.open_of_day(room.day()) if one.stage == "disputes"] == []


def test_where_no_period_in_reach_is_open_it_waits_and_the_day_goes_on(room: Room) -> None:
    room.periods.closed |= {(2026, 11), (2026, 12), (2027, 1), (2027, 2)}
    assert room.watch(date(2027, 3, 2)).passed == 1
    assert [record.journal.posting_date for record in room.write_offs] == [LAPSED]


def refuse() -> None:
    raise Rejected("GL code 6156 not found", "SYSPRO A", "Correct the mapping.")


def test_a_wrong_account_is_corrected_by_the_mapping(room: Room) -> None:
    poster = Poster(room)
    poster.syspro.on_send = [refuse]
    with pytest.raises(Rejected):
        poster.post()
    assert room.watch(AFTER).built == ()  # nothing is better yet
    room.mappings.accounts["clearing"] = ACCOUNTS | {"dispute_lost": "6199"}
    (corrected,) = room.watch(AFTER).built
    assert table(corrected) == [("1170", "-80.00"), ("6199", "80.00")]
    assert corrected.posting_date == LAPSED
    poster.post()
    assert poster.syspro.ledger == [(corrected.reference, corrected.to_payload())]


def test_what_may_be_in_syspro_is_neither_moved_nor_built_again(room: Room) -> None:
    poster = Poster(room)
    poster.syspro.after_commit = [time_out]
    with pytest.raises(Exception, match="in_doubt"):
        poster.post()
    room.periods.closed.add((2026, 11))
    assert room.watch(AFTER).built == ()
    assert room.states == ["approved"]


def test_a_run_that_died_after_retiring_is_finished_by_the_next(room: Room) -> None:
    (first,) = [record.journal for record in room.write_offs]
    room.journals.move(first, JournalState.approved)
    room.periods.closed.add((2026, 11))
    assert room.postings.retire(first)
    (moved,) = room.watch(AFTER).built
    assert (room.states, moved.posting_date) == (["void", "built"], MOVED)
    effect = Poster(room).engine.find(KIND, first.key)
    assert effect is not None
    assert effect.state is EffectState.declined
