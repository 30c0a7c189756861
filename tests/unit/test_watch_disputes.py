"""Chargebacks nobody contests are found by themselves, written off once, and taken back if won.

The chargeback is the worked day's: 80.00 USD of 2026-10-30, to be contested by 2026-11-19.
"""

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.adapters.store.days import SqlApprovals
from include.adapters.store.disputes import SqlDisputes
from include.domain.disputes import ChargebackReason
from include.domain.errors import Rejected, Retryable
from include.domain.journal import Journal
from include.domain.matching import Cause
from include.domain.merchant import DisputeRules, WriteOffPolicy
from include.domain.settlement import Coverage, Knowledge, LineClass
from include.services.approve_journals import ApprovalRequest, approval_request
from include.services.books.ports import JournalRecord
from include.services.disputes.decide import record_write_offs, write_off_request
from include.services.disputes.note_answer import note_answer
from include.services.disputes.watch import WatchResult, watch_disputes
from include.services.give_up_dispute import give_up_dispute
from include.services.journal_book import JournalState
from tests.support_books import DAY, Clock, Desk, Prices, line, table, worked_day

GOLDEN = Path(__file__).parents[1] / "golden" / "dispute_lost"
DUE = date(2026, 11, 19)
LAPSED = DUE + timedelta(days=1)
CLASSES = (LineClass.chargeback, LineClass.chargeback_reversal)
REPORTED = tuple(Coverage(c, Knowledge.reported, "disputes") for c in CLASSES)
AWAITED = tuple(Coverage(c, Knowledge.awaited, "disputes") for c in CLASSES)


class Words(Prices):
    """Prices that know one reason code."""

    def chargeback_reason(self, code: str, on: date) -> ChargebackReason:
        if code != "10.4":
            raise Rejected("not mapped", "chargeback_reasons.yaml", "Add it.")
        return ChargebackReason(code, "Visa", "Other fraud", "fraud", 20)


class Ticking:
    """A clock on which every decision is a second later than the one before."""

    def __init__(self) -> None:
        self.at = Clock().now()

    def now(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


class Room(Desk):
    """A desk that watches disputes; days without lines are empty ones."""

    def __init__(self, root: Path, url: str = "", **changes: Any) -> None:
        super().__init__(root, url, **changes)
        self.mappings = Words()
        self.disputes = SqlDisputes(self.engine, Clock())
        self.decisions = SqlApprovals(self.engine, Ticking())

    def watch(
        self, on: date, lines: Any = (), coverage: tuple[Coverage, ...] = REPORTED
    ) -> WatchResult:
        self.put_lines(lines, on)
        return self.watch_again(on, coverage)

    def watch_again(self, on: date, coverage: tuple[Coverage, ...] = REPORTED) -> WatchResult:
        return watch_disputes(
            self.day(on),
            self.merchant,
            coverage=coverage,
            lake=self.lake,
            disputes=self.disputes,
            journals=self.journals,
            open_items=self.items,
            mappings=self.mappings,
            periods=self.periods,
        )

    def begin(self, answer_by: str | None = "2026-11-19", **more: Any) -> None:
        """Book the worked day in the ledger, its chargeback due as said."""
        lines = worked_day()
        lines[-2] |= {"answer_by": answer_by, "detail_code": "10.4", **more}
        for journal in self.build(lines).built:
            self.journals.move(journal, JournalState.posted)
        self.watch_again(DAY)

    def until(self, last: date, skip: tuple[date, ...] = ()) -> WatchResult:
        """Run every day after the chargeback's up to ``last``."""
        result = WatchResult()
        for number in range(1, (last - DAY).days + 1):
            if DAY + timedelta(days=number) not in skip:
                result = self.watch(DAY + timedelta(days=number))
        return result

    def ask(self) -> ApprovalRequest | None:
        return write_off_request(self.merchant, journals=self.journals, decisions=self.decisions)

    def answer(self, *, is_approved: bool) -> None:
        record_write_offs(
            self.merchant,
            is_approved=is_approved,
            decided_by="ada",
            journals=self.journals,
            decisions=self.decisions,
        )

    def post(self) -> None:
        """Stand for the posting, which other tests prove."""
        for record in self.journals.write_offs_in("acme_us", [JournalState.approved]):
            self.journals.move(record.journal, JournalState.posted)

    def contested(self, on: date) -> int:
        return note_answer(
            *("acme_us", "K1"),
            answered_on=on,
            who="ada",
            disputes=self.disputes,
            journals=self.journals,
        )

    def give_up(self, on: date) -> Journal:
        return give_up_dispute(
            self.day(),
            self.merchant,
            case_number="K1",
            posting_date=on,
            who="ada",
            lake=self.lake,
            disputes=self.disputes,
            books=self.journals,
            mappings=self.mappings,
        )

    @property
    def write_offs(self) -> list[JournalRecord]:
        return list(self.journals.write_offs_of("acme_us", ["K1"]))

    @property
    def states(self) -> list[str]:
        return [record.state.value for record in self.write_offs]

    def said(self, on: date) -> list[tuple[Cause, int | None]]:
        found = self.items.open_of_day(self.day(on))
        return [(i.cause, i.amount_minor) for i in found if i.stage == "disputes"]


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def reversal(minor: int = 8000) -> list[dict[str, Any]]:
    return [line("chargeback_reversal", minor, case_number="K1", request="77")]


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.expected.json").read_text())


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


# Who decides --------------------------------------------------------------------------------------


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
            decisions=room.decisions,
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
    room.ask()
    room.watch(LAPSED + timedelta(days=1), reversal(3000))
    with pytest.raises(Retryable, match="the answer of ada is void"):
        room.answer(is_approved=True)


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


# Late evidence ------------------------------------------------------------------------------------


def test_a_reversal_after_the_write_off_takes_it_back_to_the_cent(room: Room) -> None:
    room.begin()
    room.until(LAPSED)
    room.ask()
    room.answer(is_approved=True)
    room.post()
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
    room.until(LAPSED)
    room.ask()
    room.answer(is_approved=True)
    room.post()
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
    room.until(LAPSED)
    room.ask()
    room.answer(is_approved=True)
    room.post()
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
    room.until(LAPSED)
    room.ask()
    room.answer(is_approved=True)
    room.post()
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
