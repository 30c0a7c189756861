"""A chargeback that is given back at another rate leaves nothing on the disputes account."""

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.domain.journal import Journal
from include.services.journal_book import JournalState
from tests.support_books import DAY, base_table, line
from tests.unit.support import Room

BACK, LATER = DAY + timedelta(days=4), DAY + timedelta(days=5)
Lines = Iterable[dict[str, Any]]


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """A euro costs 1.083700 dollars, and 1.200000 from the day on which money comes back."""
    room = Room(tmp_path, currencies=("EUR",))
    room.mappings.since(BACK).rate_millionths = 1_200_000
    return room


def taken(minor: int, case: str = "K1", **more: Any) -> dict[str, Any]:
    return line("chargeback", -minor, case_number=case, currency="EUR", batch="B1", **more)


def given(minor: int, case: str = "K1", batch: str = "B2") -> dict[str, Any]:
    return line("chargeback_reversal", minor, case_number=case, currency="EUR", batch=batch)


def book(room: Room, lines: Lines, on: date = DAY) -> list[Journal]:
    built = list(room.build(lines, on).built)
    for journal in built:
        room.journals.move(journal, JournalState.posted)
    room.watch_again(on)
    return built


def receivable(room: Room, *days: date) -> tuple[int, int]:
    """Return what 1170 holds of the days' journals: euro cents and dollar cents."""
    found = [
        each
        for on in days
        for one in room.journals.of_day(room.day(on))
        for each in one.journal.lines
        if each.gl_account == "1170"
    ]
    return sum(each.amount.minor for each in found), sum(each.base.minor for each in found)


def test_what_is_won_takes_off_what_was_booked_and_the_difference_is_in_sight(room: Room) -> None:
    # 10.00 EUR were booked at 1.083700 as 10.84 USD; they come back worth 12.00.
    book(room, [taken(1000)])
    (journal,) = book(room, [given(1000)], BACK)
    assert base_table(journal) == [("1160", "12.00"), ("1170", "-10.84"), ("6190", "-1.16")]
    assert journal.lines[-1].amount.minor == 0
    assert receivable(room, DAY, BACK) == (0, 0)
    assert book(room, [given(1000)], BACK) == []


def test_three_equal_ones_give_back_what_was_booked_of_them_together(room: Room) -> None:
    # Booked as one sum of 30.00 EUR, 32.51 USD: shares of 10.84, 10.84 and 10.83.
    book(room, [taken(1000, f"K{n}") for n in range(3)])
    # Two batches of one day, whose journals say which: 10.84 + 10.83, and 10.84.
    one, two = book(room, [given(1000, "K0"), given(1000, "K2"), given(1000, "K1", "B3")], BACK)
    assert base_table(one)[:2] == [("1160", "24.00"), ("1170", "-21.67")]
    assert base_table(two)[:2] == [("1160", "12.00"), ("1170", "-10.84")]
    assert receivable(room, DAY, BACK) == (0, 0)


def test_of_a_part_given_back_the_rest_is_written_off_without_a_cent_left(room: Room) -> None:
    # Of 10.84 USD, 6.67 of 10.00 EUR are 7.23; 3.33 came back for the other 3.61.
    book(room, [taken(1000, answer_by=LATER.isoformat())])
    (journal,) = book(room, [given(333)], BACK)
    assert ("1170", "-3.61") in base_table(journal)
    for on in (DAY + timedelta(days=n) for n in (1, 2, 3)):
        room.watch(on)
    room.watch(LATER)
    (lost,) = room.watch(LATER + timedelta(days=1)).built
    assert base_table(lost) == [("1170", "-7.23"), ("6156", "7.23")]
    assert receivable(room, DAY, BACK) == (0, 0)


def test_what_was_written_off_and_is_won_after_all_leaves_nothing(room: Room) -> None:
    book(room, [taken(1000)])
    room.give_up(DAY + timedelta(days=1))
    assert room.ask() is not None
    room.answer(is_approved=True)
    room.post()
    book(room, [given(1000)], BACK)
    assert [base_table(record.journal) for record in room.write_offs] == [
        [("1170", "-10.84"), ("6156", "10.84")],
        [("1170", "10.84"), ("6156", "-10.84")],
    ]
    assert receivable(room, DAY, BACK) == (0, 0)


def test_a_second_chargeback_of_the_case_is_given_back_at_its_own_rate(room: Room) -> None:
    book(room, [taken(1000)])
    book(room, [given(1000)], BACK)
    book(room, [taken(1000)], LATER)  # at 1.200000: 12.00 USD
    last = LATER + timedelta(days=1)
    room.mappings.since(last).rate_millionths = 1_100_000
    (journal,) = book(room, [given(1000)], last)
    assert base_table(journal) == [("1160", "11.00"), ("1170", "-12.00"), ("6190", "1.00")]
    assert receivable(room, DAY, BACK, LATER, last) == (0, 0)


def test_what_no_chargeback_of_ours_stands_behind_comes_at_its_own_rate(room: Room) -> None:
    # 5.00 EUR more than were taken, at 1.200000: 6.00 USD beside the 10.84.
    book(room, [taken(1000)])
    (journal,) = book(room, [given(1500)], BACK)
    assert ("1170", "-16.84") in base_table(journal)


def test_a_chargeback_that_nobody_has_approved_holds_nothing_yet(room: Room) -> None:
    room.build([taken(1000)])
    room.watch_again(DAY)
    (journal,) = book(room, [given(1000)], BACK)
    assert base_table(journal) == [("1160", "12.00"), ("1170", "-12.00")]
    for record in room.journals.of_day(room.day()):
        room.journals.move(record.journal, JournalState.posted)
    # Its day run again books off what the first run could not know.
    (rest,) = book(room, [given(1000)], BACK)
    assert base_table(rest) == [("1170", "1.16"), ("6190", "-1.16")]
    assert receivable(room, DAY, BACK) == (0, 0)


def test_in_the_companys_own_currency_nothing_is_looked_up(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.mappings.rate_millionths = 7
    book(room, [line("chargeback", -1000, case_number="K1", batch="B1")])
    back = line("chargeback_reversal", 1000, case_number="K1", batch="B2")
    (journal,) = book(room, [back], BACK)
    assert base_table(journal) == [("1160", "10.00"), ("1170", "-10.00")]
