"""Chargebacks nobody contests are found by themselves, and written off once."""

import json
from datetime import date, timedelta

import pytest

from include.domain.matching import Cause
from include.domain.money import Money
from include.domain.settlement import Coverage, Knowledge
from include.services.journal_book import JournalState
from tests.support_books import DAY, line, table
from tests.unit.support import CLASSES, DUE, LAPSED, NEXT, Room, golden, reversal
from tests.unit.support import room as room

AWAITED = tuple(Coverage(c, Knowledge.awaited, "disputes") for c in CLASSES)


# The rule -----------------------------------------------------------------------------------------


def test_a_warning_comes_before_the_deadline_and_ends_with_it(room: Room) -> None:
    room.begin()
    assert room.until(date(2026, 11, 13)).due_soon == 0
    assert room.watch(date(2026, 11, 14)).due_soon == 1
    assert room.said(date(2026, 11, 14)) == [(Cause.dispute_due_soon, -8000)]
    for day in range(15, 21):
        room.watch(date(2026, 11, day))
    assert room.said(date(2026, 11, 14)) == []
    (item,) = room.items.open_of_day(room.day(LAPSED))
    assert item.cause is Cause.dispute_deadline_passed
    assert item.owner == "ar@acme.example"
    assert item.explanation == (
        "The deadline to contest passed on 2026-11-19: dispute K1 of 2026-10-30 over 80.00 USD "
        "(Visa 10.4: Other fraud) was neither contested nor given back."
    )
    assert item.next_action.startswith("Approve to write off: approve_write_offs")


def test_a_lapsed_dispute_is_written_off_to_the_cent_and_only_once(room: Room) -> None:
    room.begin()
    assert room.until(DUE).built == ()
    (journal,) = room.watch(LAPSED).built
    assert json.loads(journal.to_payload()) == golden("lapsed")
    assert room.watch_again(LAPSED).built == ()
    assert room.watch(LAPSED + timedelta(days=1)).built == ()
    assert room.watch_again(date(2026, 11, 2)).built == ()  # an old day run again
    assert room.states == ["built"]
    assert room.said(LAPSED) == [(Cause.dispute_deadline_passed, -8000)]


def test_nobody_said_by_when_is_said_and_never_written_off(room: Room) -> None:
    room.begin("soon")
    room.until(date(2027, 2, 1))
    assert room.states == []
    (item,) = [i for i in room.items.open_of_day(room.day()) if i.stage == "disputes"]
    assert item.cause is Cause.dispute_deadline_unknown
    assert "Our own time for reason 10.4 is 20 days: 2026-11-19." in item.explanation
    assert "it is never written off by itself" in item.next_action


def test_a_reason_nobody_mapped_makes_the_words_poorer_and_stops_nothing(room: Room) -> None:
    room.begin(None, detail_code="99.9")
    (item,) = [i for i in room.items.open_of_day(room.day()) if i.stage == "disputes"]
    assert item.explanation == (
        "Nobody said by when dispute K1 of 2026-10-30 over 80.00 USD may be contested."
    )


def test_what_the_gateway_calls_contested_is_not_written_off(room: Room) -> None:
    room.begin(answered_at="2026-10-31T10:00:00Z")
    assert room.until(LAPSED).passed == 0
    assert room.states == []


def test_what_was_given_back_in_time_is_not_written_off(room: Room) -> None:
    room.begin()
    room.until(DUE - timedelta(days=1))
    room.watch(DUE, reversal())
    assert room.watch(LAPSED).passed == 0
    assert (room.states, room.said(LAPSED)) == ([], [])


def test_of_a_part_given_back_the_rest_is_written_off(room: Room) -> None:
    room.begin()
    room.until(DUE - timedelta(days=1))
    room.watch(DUE, reversal(3000))
    (journal,) = room.watch(LAPSED).built
    assert table(journal) == [("1170", "-50.00"), ("6156", "50.00")]


# What is not known --------------------------------------------------------------------------------


def test_a_day_nobody_ran_may_hold_the_reversal_so_nothing_is_written_off(room: Room) -> None:
    room.begin()
    gap = date(2026, 11, 5)
    assert room.until(LAPSED, skip=(gap,)).built == ()
    (item,) = room.items.open_of_day(room.day(LAPSED))
    assert "not written off yet: 2026-11-05 was not reconciled" in item.explanation
    (journal,) = room.watch(gap).built  # the gap closes, and the newest day decides
    assert journal.posting_date == LAPSED


def test_a_day_whose_dispute_report_is_awaited_was_not_read(room: Room) -> None:
    room.begin()
    room.until(DUE)
    assert room.watch(LAPSED, coverage=AWAITED).unread == "disputes has not come yet"
    assert room.states == []


def test_what_the_ledger_does_not_hold_yet_is_not_written_off(room: Room) -> None:
    room.begin()
    (booked,) = room.journals.of_day(room.day())
    room.journals.move(booked.journal, JournalState.held)
    assert room.until(LAPSED).built == ()
    (item,) = room.items.open_of_day(room.day(LAPSED))
    assert "the chargeback of 2026-10-30 is not in the ledger" in item.explanation


def test_lines_of_an_earlier_version_have_no_deadline_and_are_undated(room: Room) -> None:
    import polars as pl

    room.begin()
    path = room.lake.day_path(room.day(), "lines.parquet")
    pl.read_parquet(path).drop("answer_by", "answered_at").write_parquet(path)
    assert room.watch_again(DAY).unknown == 1


def test_what_was_given_back_of_an_older_chargeback_closes_no_later_one(room: Room) -> None:
    """Taken before our first day, given back, and taken again: the second one has its deadline."""
    back = line("chargeback_reversal", 8000, case_number="K1", request="77", batch="B1")
    again = line("chargeback", -8000, case_number="K1", request="77", answer_by="2026-11-05")
    for on, rows in ((DAY, [back]), (NEXT, [again])):
        for journal in room.build(rows, on).built:
            room.journals.move(journal, JournalState.posted)
        room.watch_again(on)
    assert [room.watch(date(2026, 11, day)).due_soon for day in (1, 2, 3, 4, 5)] == [1] * 5
    (lost,) = room.watch(date(2026, 11, 6)).built
    assert lost.debit_total == Money(8000, "USD")


@pytest.mark.parametrize(
    ("taken", "given", "is_given_back"),
    [("K1", None, True), (None, "K1", True), (None, None, True), ("K1", "K9", False)],
    ids=["the reversal bears none", "the chargeback bore none", "neither", "two numbers"],
)
def test_a_reversal_without_the_number_of_its_case_is_of_its_request(
    room: Room, taken: str | None, given: str | None, is_given_back: bool
) -> None:
    ids = {"request": "77", "related_request_id": "77"}
    out = line("chargeback", -8000, case_number=taken, answer_by="2026-11-05", **ids)
    back = line("chargeback_reversal", 8000, case_number=given, **ids)
    for on, rows in ((DAY, [out]), (NEXT, [back])):
        for journal in room.build(rows, on).built:
            room.journals.move(journal, JournalState.posted)
        room.watch_again(on)
    for day in (1, 2, 3, 4, 5):
        room.watch(date(2026, 11, day))
    lost = [one.debit_total.minor for one in room.watch(date(2026, 11, 6)).built]
    assert lost == ([] if is_given_back else [8000])


def test_a_number_that_the_request_has_twice_says_nothing(room: Room) -> None:
    """Two chargebacks of one sale, and what comes back names neither: nothing is guessed."""
    ids = {"request": "77", "related_request_id": "77"}
    two = [
        line("chargeback", -minor, case_number=case, answer_by="2026-11-01", **ids)
        for case, minor in (("K1", 300), ("K2", 500))
    ]
    for journal in room.build(two).built:
        room.journals.move(journal, JournalState.posted)
    room.watch_again(DAY)
    room.watch(NEXT, [line("chargeback_reversal", 300, **ids)])
    room.watch(date(2026, 11, 1))
    built = room.watch(date(2026, 11, 2)).built
    assert sorted((one.batch_id, one.debit_total.minor) for one in built) == [
        ("K1", 300),
        ("K2", 500),
    ]


def test_its_own_number_counts_before_its_request(room: Room) -> None:
    ids = {"request": "77", "related_request_id": "77"}
    two = [
        line("chargeback", -minor, case_number=case, answer_by="2026-11-01", **ids)
        for case, minor in (("K1", 300), (None, 500))
    ]
    for journal in room.build(two).built:
        room.journals.move(journal, JournalState.posted)
    room.watch_again(DAY)
    room.watch(NEXT, [line("chargeback_reversal", 300, case_number="K1", **ids)])
    room.watch(date(2026, 11, 1))
    (lost,) = room.watch(date(2026, 11, 2)).built
    assert (lost.batch_id, lost.debit_total.minor) == ("77", 500)
