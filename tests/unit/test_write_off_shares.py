"""Written off one by one, a batch's chargebacks leave no cent of base currency behind."""

import tempfile
from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.domain.dispute_cases import Dispute
from include.domain.journal import JournalLine
from include.domain.money import Money
from include.services.books.ports import JournalRecord
from include.services.disputes.booked_base import base_of
from include.services.disputes.build_lost import build_dispute_lost
from include.services.journal_book import JournalState
from tests.support_books import DAY, line
from tests.unit.support import Room

AFTER = [DAY + timedelta(days=days) for days in range(1, 6)]
Taken = list[tuple[int, str, date]]  # minor, batch, the day it may be contested by


def lines_of(taken: Taken) -> list[dict[str, Any]]:
    return [
        line(
            "chargeback", -minor, case_number=f"K{n}", currency="EUR", batch=batch,
            answer_by=due.isoformat(),
        )
        for n, (minor, batch, due) in enumerate(taken)
    ]  # fmt: skip


def written_off(folder: str, taken: Taken, rate: int, extra: Sequence[Any] = ()) -> Room:
    """Book a day's chargebacks, let all lapse; ``extra`` ones come when the first are written off.

    Days go by until nothing is left.
    """
    room = Room(Path(folder), "sqlite://", currencies=("EUR",))
    room.mappings.rate_millionths = rate
    book(room, taken)
    for day in AFTER[:3]:
        lapse(room, day)
    if extra:
        book(room, [*taken, *extra])
    for day in AFTER[3:]:
        lapse(room, day)
    return room


def book(room: Room, taken: Taken) -> None:
    for journal in room.build(lines_of(taken)).built:
        room.journals.move(journal, JournalState.posted)
    room.watch_again(DAY)


def lapse(room: Room, day: date) -> None:
    room.watch(day)
    if room.ask() is not None:
        room.answer(is_approved=True)
    room.post()


def disputes_account(room: Room) -> tuple[int, int]:
    """Return what 1170 holds: euro cents and dollar cents."""
    found = [
        each
        for one in room.journals.of_day(room.day())
        for each in one.journal.lines
        if each.gl_account == "1170"
    ]
    return sum(each.amount.minor for each in found), sum(each.base.minor for each in found)


def lost(room: Room) -> list[tuple[str, JournalLine]]:
    """Return each line that books a loss, with its case."""
    return [
        (one.journal.batch_id, each)
        for one in room.journals.of_day(room.day())
        for each in one.journal.lines
        if each.gl_account == "6156"
    ]


chargebacks = st.lists(
    st.tuples(st.integers(1, 2_000), st.sampled_from(["B1", "B2"]), st.sampled_from(AFTER[:2])),
    min_size=1,
    max_size=7,
)
late = st.lists(
    st.tuples(st.integers(1, 2_000), st.sampled_from(["B1", "B2"]), st.just(AFTER[3])), max_size=2
)


@settings(max_examples=12, deadline=None)
@given(chargebacks, late, st.integers(1, 3_000_000))
def test_all_write_offs_of_a_day_take_off_exactly_what_was_booked(
    taken: Taken, extra: Taken, rate: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        room = written_off(folder, taken, rate, extra)
        assert disputes_account(room) == (0, 0)


@settings(max_examples=6, deadline=None)
@given(chargebacks, st.integers(1, 3_000_000))
def test_no_write_off_is_a_cent_off_its_exact_share(taken: Taken, rate: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        room = written_off(folder, taken, rate)
        booked = room.journals.of_day(room.day())
        held = sum(
            each.base.minor
            for one in booked
            for each in one.journal.lines
            if one.journal.kind == "settlement" and each.source == "chargeback"
        )
        whole = sum(minor for minor, _, _ in taken)
        lost_lines = [each for _, each in lost(room)]
        assert len(lost_lines) == len(taken)
        for each in lost_lines:
            assert abs(each.base.minor - Fraction(held * each.amount.minor, whole)) < 1


def test_three_equal_ones_share_the_odd_cent_in_the_order_of_their_cases() -> None:
    with tempfile.TemporaryDirectory() as folder:
        # 3 x 10.00 EUR at 1.083700 are booked as 32.51 USD; each alone would be 10.84, or 32.52.
        room = written_off(folder, [(1000, "B1", AFTER[0])] * 3, 1_083_700)
        shares = sorted((case, each.base.decimal) for case, each in lost(room))
        assert shares == [("K0", "10.84"), ("K1", "10.84"), ("K2", "10.83")]
        assert disputes_account(room) == (0, 0)


@pytest.mark.parametrize("known", [{"K0": 1000, "K1": 1000, "K2": 1000}, {}, {"K0": 1000}])
def test_a_part_is_a_part_of_its_own_share_whatever_the_files_still_say(
    known: dict[str, int],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        room = Room(Path(folder), "sqlite://", currencies=("EUR",))
        book(room, [(1000, "B1", AFTER[0])] * 3)
        dispute = Dispute("acme_us", "K0", "EUR", DAY, 400, "", "", None)
        records = room.journals.versions(room.day())
        # 32.51 / 3 is 10.84; 4 of 10 of that is 4.34. Unknown, it is 4 of 30 of 32.51: 4.33.
        share = base_of(
            dispute, 400, records, known, rate_millionths=1_083_700, base_currency="USD"
        )
        assert share == Money(434 if known else 433, "USD")


@pytest.mark.parametrize(("minor", "share"), [(500, 543), (1000, 1085)], ids=["again", "whole"])
def test_what_a_case_was_written_off_before_is_no_other_ones(minor: int, share: int) -> None:
    """10.00 EUR at 1.085000 are 10.85 USD; of its halves the first takes the odd cent."""
    with tempfile.TemporaryDirectory() as folder:
        room = Room(Path(folder), "sqlite://", currencies=("EUR",))
        room.mappings.rate_millionths = 1_085_000
        book(room, [(1000, "B1", AFTER[0])])
        half = build_dispute_lost(
            room.day(),
            room.merchant,
            case_number="K0",
            amount=Money(500, "EUR"),
            base=Money(543, "USD"),
            posting_date=AFTER[0],
            rate_millionths=1_085_000,
            mappings=room.mappings,
        )
        before = JournalRecord(half, JournalState.posted, "", {})
        dispute = Dispute("acme_us", "K0", "EUR", DAY, minor, "", "", None)
        assert base_of(
            dispute,
            minor,
            [*room.journals.versions(room.day()), before],
            {"K0": 1000},
            rate_millionths=1_085_000,
            base_currency="USD",
        ) == Money(share, "USD")
