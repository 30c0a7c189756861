"""Who lets a write-off go: a person, the merchant's policy, or somebody who knows better."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.domain.errors import Rejected, Retryable
from include.domain.merchant import DisputeRules, WriteOffPolicy
from include.services.approve_journals import approval_request
from tests.support_books import DAY
from tests.unit.support import DUE, LAPSED, Room, reversal
from tests.unit.support import room as room


def test_by_default_a_person_is_asked_and_nothing_is_posted_meanwhile(room: Room) -> None:
    room.begin()
    room.until(LAPSED)
    request = room.ask()
    assert request is not None
    assert request.subject == "acme_us: write off 1 dispute?"
    assert "| K1 | 2026-10-30 | 80.00 USD | Dispute K1 lapsed: not contested in time |" in (
        request.body
    )
    room.answer(is_approved=False)
    assert room.states == ["held"]
    assert room.ask() is not None  # asked again tomorrow
    room.answer(is_approved=True)
    assert room.states == ["approved"]
    assert room.ask() is None
    room.watch(LAPSED + timedelta(days=1))
    assert room.said(LAPSED) == []  # decided: nobody's question any more


@pytest.mark.parametrize(("tolerance", "state"), [(8000, "approved"), (7999, "built")])
def test_within_tolerance_it_goes_alone_where_the_merchant_says_so(
    tmp_path: Path, tolerance: int, state: str
) -> None:
    rules = DisputeRules(5, WriteOffPolicy.within_tolerance)
    room = Room(tmp_path, approval_tolerance_minor=tolerance, disputes=rules)
    room.begin()
    room.until(LAPSED)
    assert (room.ask() is None) == (state == "approved")
    assert room.states == [state]


def test_the_day_itself_neither_asks_about_nor_waits_for_a_dispute(room: Room) -> None:
    room.begin()
    room.until(LAPSED)
    for on in (DAY, LAPSED):
        request = approval_request(
            room.day(on),
            room.merchant,
            journals=room.journals,
            approvals=room.approvals,
            items=_only_disputes(room),
        )
        assert request is None
    assert room.states == ["built"]


def _only_disputes(room: Room) -> Any:
    class Items:
        def open_of_day(self, day: Any) -> Any:
            return [i for i in room.items.open_of_day(day) if i.stage == "disputes"]

    return Items()


def test_an_answer_to_a_question_that_changed_is_void(room: Room) -> None:
    room.begin()
    room.until(LAPSED)
    asked = room.ask()
    assert asked is not None
    room.watch(LAPSED + timedelta(days=1), reversal(3000))
    with pytest.raises(Retryable, match="the answer of ada is void"):
        room.answer(is_approved=True)
    assert room.ask() is not None  # another run asks about it as it is now
    with pytest.raises(Rejected, match="the answer of ada is void"):
        room.answer(is_approved=True, about=asked.about)
    assert "built" in room.states


# A person knows better ----------------------------------------------------------------------------


def test_a_person_says_it_was_contested_and_the_write_off_is_void(room: Room) -> None:
    room.begin()
    room.until(LAPSED)
    assert room.contested(date(2026, 11, 18)) == 1
    assert room.states == ["void"]
    assert room.watch(LAPSED + timedelta(days=1)).passed == 0
    assert room.watch_again(date(2026, 11, 18)).built == ()  # reading the day again keeps the word
    assert room.states == ["void"]
    assert room.said(LAPSED) == []


@pytest.mark.parametrize("on", [date(2026, 10, 29), LAPSED])
def test_it_was_contested_between_the_chargeback_and_the_deadline(room: Room, on: date) -> None:
    room.begin()
    with pytest.raises(Rejected, match="may be contested until 2026-11-19"):
        room.contested(on)


def test_what_is_written_off_cannot_be_called_contested(room: Room) -> None:
    room.begin()
    room.until(LAPSED)
    room.ask()
    room.answer(is_approved=True)
    with pytest.raises(Rejected, match="dispute K1 was written off"):
        room.contested(DUE)


def test_giving_up_what_the_deadline_found_is_the_same_journal(room: Room) -> None:
    room.begin()
    room.until(LAPSED)
    assert room.give_up(LAPSED + timedelta(days=3)) == room.write_offs[0].journal
    assert room.states == ["built"]


def test_a_person_gives_up_before_the_deadline_and_it_stays_so(room: Room) -> None:
    room.begin()
    room.until(date(2026, 11, 5))
    room.give_up(date(2026, 11, 6))
    assert room.until(LAPSED).built == ()
    assert room.states == ["built"]


def test_a_persons_no_stands_although_the_tolerance_would_let_it_go(tmp_path: Path) -> None:
    rules = DisputeRules(5, WriteOffPolicy.within_tolerance)
    room = Room(tmp_path, approval_tolerance_minor=7999, disputes=rules)
    room.begin()
    room.until(LAPSED)
    assert room.ask() is not None
    room.answer(is_approved=False)
    room.merchant = replace(room.merchant, approval_tolerance_minor=8000)
    assert room.ask() is not None
    assert room.states == ["held"]
