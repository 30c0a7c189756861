"""Late evidence takes a write-off back, to the cent."""

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.services.journal_book import JournalState
from tests.support_books import DAY, line, table, worked_day
from tests.unit.support import DUE, FOURTH, LAPSED, NEXT, THIRD, Room, golden, reversal
from tests.unit.support import room as room


def test_a_reversal_after_the_write_off_takes_it_back_to_the_cent(room: Room) -> None:
    room.begin()
    room.write_off()
    won = LAPSED + timedelta(days=6)
    (back,) = room.watch(won, reversal()).built
    assert json.loads(back.to_payload()) == golden("given_back")
    assert room.watch_again(won).built == ()
    assert room.ask() is None  # the file's own word: nobody is asked
    assert room.states == ["posted", "approved"]
    room.post()
    booked = {}
    for record in room.write_offs:
        for one in record.journal.lines:
            booked[one.gl_account] = booked.get(one.gl_account, 0) + one.amount.minor
    assert booked == {"6156": 0, "1170": 0}  # the settlement's own reversal then closes 1170


def test_a_part_given_back_late_takes_back_that_part(room: Room) -> None:
    room.begin()
    room.write_off()
    (back,) = room.watch(LAPSED + timedelta(days=6), reversal(3000)).built
    assert sorted(table(back)) == [("1170", "30.00"), ("6156", "-30.00")]


def test_a_reversal_before_the_approval_leaves_nothing_to_approve(room: Room) -> None:
    room.begin()
    room.until(LAPSED)
    assert room.watch(LAPSED + timedelta(days=1), reversal()).built == ()
    assert room.states == ["void"]
    assert room.ask() is None


def test_a_chargeback_restated_away_takes_its_write_off_back(room: Room) -> None:
    room.begin()
    room.write_off()
    (back,) = room.watch(DAY, worked_day()[:-2]).built
    assert sorted(table(back)) == [("1170", "80.00"), ("6156", "-80.00")]


def test_a_later_deadline_in_a_restated_report_voids_what_waits(room: Room) -> None:
    room.begin()
    room.until(LAPSED)
    lines = worked_day()
    lines[-2] |= {"answer_by": "2026-12-24", "detail_code": "10.4"}
    assert room.watch(DAY, lines).passed == 0
    assert room.states == ["void"]


def test_a_second_chargeback_after_a_win_has_its_own_deadline_and_journal(room: Room) -> None:
    room.begin()
    room.until(date(2026, 11, 9))
    room.watch(date(2026, 11, 10), reversal())
    again = replace_day(worked_day(), "2026-12-01")
    for journal in room.build(again, date(2026, 11, 11)).built:
        room.journals.move(journal, JournalState.posted)
    room.watch_again(date(2026, 11, 11))
    for day in range(12, 31):
        room.watch(date(2026, 11, day))
    assert room.watch(date(2026, 12, 1)).built == ()
    (journal,) = room.watch(date(2026, 12, 2)).built
    assert journal.settlement_date == date(2026, 11, 11)
    assert table(journal) == [("1170", "-80.00"), ("6156", "80.00")]


def replace_day(lines: list[dict[str, Any]], answer_by: str) -> list[dict[str, Any]]:
    return [
        row | {"answer_by": answer_by} if row["line_class"] == "chargeback" else row
        for row in lines
    ]


def test_the_whole_way_ends_alike_on_every_database(tmp_path: Path, store_url: str) -> None:
    room = Room(tmp_path, store_url)
    room.begin()
    room.write_off()
    room.watch(LAPSED + timedelta(days=1))
    assert room.disputes.events("acme_us") == []  # in the ledger: not looked at for ever
    room.watch(LAPSED + timedelta(days=2), reversal())
    room.ask()
    assert room.states == ["posted", "approved"]
    assert room.said(LAPSED) == []


def test_a_foreign_dispute_is_written_off_at_the_rate_it_was_booked_at(tmp_path: Path) -> None:
    room = Room(tmp_path, currencies=("EUR",))
    lines = [
        line("gross_sale", 10000, batch="B1", request="1", reference="A", currency="EUR"),
        line("chargeback", -1000, case_number="K1", currency="EUR", answer_by="2026-11-19"),
    ]
    for journal in room.build(lines).built:
        room.journals.move(journal, JournalState.posted)
    room.watch_again(DAY)
    room.mappings.rate_millionths = 1_200_000  # what a euro costs when the deadline passes
    room.until(DUE)
    (journal,) = room.watch(LAPSED).built
    # 10.00 EUR at 1.083700 of the chargeback's own day: 10.84 USD, so 1170 returns to zero.
    assert [(one.gl_account, one.base.decimal) for one in journal.lines] == [
        ("1170", "-10.84"),
        ("6156", "10.84"),
    ]


def test_a_closed_period_moves_it_as_the_merchant_wants_and_the_narrative_says_so(
    tmp_path: Path,
) -> None:
    from include.domain.merchant import PeriodPolicy

    room = Room(tmp_path, period_policy=PeriodPolicy.next_open)
    room.begin()
    room.until(DUE)
    room.periods.closed.add((2026, 11))
    (journal,) = room.watch(LAPSED).built
    assert journal.posting_date == date(2026, 12, 1)
    assert journal.narrative.endswith("period of 2026-11-20 closed")
    assert replace(journal, posting_date=LAPSED).lines == journal.lines


def test_what_was_taken_back_is_watched_until_its_new_deadline(room: Room) -> None:
    room.begin()
    room.write_off()
    # A report that comes late says 24 November: the write-off goes back, the dispute is open.
    later = date(2026, 11, 24)
    restated = [
        line("chargeback", -8000, case_number="K1", request="77", answer_by=later.isoformat())
    ]
    assert [one.version for one in room.watch(DAY, restated).built] == [2]
    room.ask()
    room.post()
    assert room.watch(later).due_soon == 1
    room.until(later)
    (again,) = room.watch(later + timedelta(days=1)).built
    assert (again.version, table(again)) == (3, [("1170", "-80.00"), ("6156", "80.00")])


def test_a_case_is_watched_while_one_of_its_chargebacks_is_not_decided(room: Room) -> None:
    """The second lapses first; the first is receivable until its own deadline."""
    first = line("chargeback", -1000, case_number="K1", batch="B1", answer_by="2026-11-10")
    second = line("chargeback", -500, case_number="K1", batch="B2", answer_by="2026-11-02")
    for on, rows in ((DAY, [first]), (NEXT, [second])):
        for journal in room.build(rows, on).built:
            room.journals.move(journal, JournalState.posted)
        room.watch_again(on)
    room.watch(THIRD)
    room.watch(FOURTH)
    (lost,) = room.watch(date(2026, 11, 3)).built
    assert table(lost) == [("1170", "-5.00"), ("6156", "5.00")]
    room.ask()
    room.answer(is_approved=True)
    room.post()
    watched = [room.watch(date(2026, 11, day)).due_soon for day in range(4, 11)]
    assert watched == [0, 1, 1, 1, 1, 1, 1]
    (lost,) = room.watch(date(2026, 11, 11)).built
    assert table(lost) == [("1170", "-10.00"), ("6156", "10.00")]


@pytest.mark.parametrize("answer_by", [None, "2026-11-30"])
def test_what_a_person_gave_up_stays_given_up_where_a_part_comes_back(
    room: Room, answer_by: str | None
) -> None:
    room.begin(answer_by=answer_by)
    room.give_up(DAY)
    room.ask()
    room.answer(is_approved=True)
    room.post()
    (part,) = room.watch(NEXT, reversal(3000)).built
    assert table(part) == [("1170", "30.00"), ("6156", "-30.00")]
    assert part.narrative == "Dispute K1 was given back in part"
    room.ask()
    room.post()
    assert room.watch(THIRD).built == ()
    assert room.watch(NEXT, reversal(3000)).built == ()
    assert room.states == ["posted", "posted"]
    (rest,) = room.watch(FOURTH, reversal(5000)).built
    assert table(rest) == [("1170", "50.00"), ("6156", "-50.00")]
