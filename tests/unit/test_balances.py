"""Each account that must come to zero equals a list of named items, at the end of every day."""

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete

from include.adapters.store.dispute_tables import dispute_events
from include.adapters.store.disputes import SqlDisputes
from include.adapters.store.schema import expectations
from include.domain.balances import Balance
from include.domain.merchant import BankAccount, PeriodPolicy
from include.domain.money import Money
from include.services.books.balances import DISPUTES, TRANSIT, Balances
from include.services.journal_book import JournalState
from tests.support_books import DAY, Clock, Desk, line, worked_day
from tests.unit.support import DUE, LAPSED, Room, reversal
from tests.unit.support import room as room

BANK_DAY = date(2026, 11, 2)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def balances(desk: Desk, on: date, account: str = TRANSIT) -> list[Balance]:
    prove = Balances(desk.journals, desk.expectations, SqlDisputes(desk.engine, Clock()))
    return [one for one in prove.of("acme_us", on) if one.account == account]


def balance(desk: Desk, on: date, account: str = TRANSIT) -> Balance:
    (found,) = balances(desk, on, account)
    return found


def told(found: Balance) -> list[tuple[str, str]]:
    return [(one.what, one.money.decimal) for one in found.items]


def post(desk: Desk, on: date) -> None:
    for booked in desk.journals.of_day(desk.day(on)):
        if booked.state is JournalState.built:
            desk.journals.move(booked.journal, JournalState.posted)


def settle(desk: Desk, on: date = DAY) -> None:
    desk.build(worked_day(), on)
    post(desk, on)


def fund(desk: Desk, minor: int, on: date = BANK_DAY, name: str = "B1") -> None:
    desk.fund([(f"E{on}", minor, name)], on)
    post(desk, on)


def test_what_is_in_transit_is_the_batch_that_waits_for_its_money(desk: Desk) -> None:
    settle(desk)
    found = balance(desk, DAY)
    assert (found.ledger.decimal, found.gl_accounts) == ("267.98", ("1160",))
    assert told(found) == [("batch B1", "267.98")]
    assert found.items[0].due == DAY + timedelta(days=5)
    assert (found.apart, found.rest) == ((), Money(0, "USD"))
    assert not found.overdue(DAY + timedelta(days=5))
    assert found.overdue(DAY + timedelta(days=6)) == found.items


def test_a_day_before_anything_was_booked_has_no_balance(desk: Desk) -> None:
    settle(desk)
    assert balances(desk, DAY - timedelta(days=1)) == []


def test_at_the_end_of_a_month_it_is_what_it_was_then(desk: Desk) -> None:
    settle(desk)
    fund(desk, 26798)
    assert told(balance(desk, BANK_DAY - timedelta(days=1))) == [("batch B1", "267.98")]
    found = balance(desk, BANK_DAY)
    assert (found.ledger.minor, found.items, found.rest.minor) == (0, (), 0)


def test_of_a_short_funding_the_rest_stays(desk: Desk) -> None:
    settle(desk)
    fund(desk, 26700)
    found = balance(desk, BANK_DAY)
    assert (found.ledger.decimal, told(found), found.rest.minor) == (
        "0.98", [("batch B1", "0.98")], 0
    )  # fmt: skip


def test_a_journal_that_waits_stands_between_the_two(desk: Desk) -> None:
    desk.build(worked_day())
    found = balance(desk, DAY)
    (waits,) = found.apart
    assert (found.ledger.minor, found.rest.minor) == (0, 0)
    assert (waits.money.decimal, told(found)) == ("267.98", [("batch B1", "267.98")])
    assert waits.what.startswith("journal acme_us|2026-10-30|B1|USD|settlement|1, built")


def test_what_has_waited_for_long_is_told_as_a_sum(desk: Desk) -> None:
    for n in range(3):  # of a merchant in the shadow, say, whose journals nobody posts
        sale = line("gross_sale", 1000 + n, batch=f"B{n}", request=str(n))
        desk.build([sale], DAY + timedelta(days=n))
    found = balance(desk, DAY + timedelta(days=33))
    assert [(one.what.split(", ")[0], one.money.decimal) for one in found.apart] == [
        ("2 journals of days up to 2026-10-31", "20.01"),
        ("journal acme_us|2026-11-01|B2|USD|settlement|1", "10.02"),
    ]
    assert found.rest.minor == 0


def test_so_does_a_funding_that_is_not_posted(desk: Desk) -> None:
    settle(desk)
    desk.fund([("E1", 26798, "B1")], BANK_DAY)
    found = balance(desk, BANK_DAY)
    assert (found.ledger.decimal, found.items, found.rest.minor) == ("267.98", (), 0)
    assert [one.money.decimal for one in found.apart] == ["-267.98"]


def test_what_a_closed_month_moved_is_in_the_ledger_of_the_next(tmp_path: Path) -> None:
    desk = Desk(tmp_path, period_policy=PeriodPolicy.next_open)
    desk.periods.closed = {(2026, 10)}
    settle(desk)
    october = balance(desk, date(2026, 10, 31))
    assert (october.ledger.minor, october.rest.minor) == (0, 0)
    assert "posted on 2026-11-01" in october.apart[0].what
    november = balance(desk, date(2026, 11, 1))
    assert (november.ledger.decimal, november.apart, november.rest.minor) == ("267.98", (), 0)


def test_a_month_that_is_split_within_a_batch_is_explained_on_both_sides(tmp_path: Path) -> None:
    desk = Desk(tmp_path, split_at_month_end=True)
    first = date(2026, 11, 1)
    rows = worked_day()[:4]
    last_month = datetime(2026, 10, 31, 15, tzinfo=UTC)
    for n, row in enumerate(rows):
        row["occurred_at"] = last_month + timedelta(days=n // 2)
    desk.build(rows, first)
    post(desk, first)
    october, november = balance(desk, date(2026, 10, 31)), balance(desk, first)
    assert (october.ledger.decimal, october.items, october.rest.minor) == ("350.50", (), 0)
    assert [one.money.decimal for one in october.apart] == ["-350.50"]
    assert (november.ledger.decimal, november.apart, november.rest.minor) == ("370.00", (), 0)


def test_what_nothing_explains_is_said(desk: Desk) -> None:
    settle(desk)
    with desk.engine.begin() as connection:
        connection.execute(delete(expectations))
    found = balance(desk, DAY)
    assert (found.items, found.rest.decimal) == ((), "267.98")


def test_a_dispute_is_receivable_until_it_is_decided(room: Room) -> None:
    room.begin()
    found = balance(room, DAY, DISPUTES)
    assert (found.ledger.decimal, found.gl_accounts) == ("80.00", ("1170",))
    assert (told(found), found.rest.minor) == ([("dispute K1", "80.00")], 0)
    assert found.items[0].due == DUE
    room.write_off()
    before, after = balance(room, DUE, DISPUTES), balance(room, LAPSED, DISPUTES)
    assert (before.ledger.decimal, told(before)) == ("80.00", [("dispute K1", "80.00")])
    assert (after.ledger.minor, after.items) == (0, ())
    assert (before.rest.minor, after.rest.minor) == (0, 0)


def test_what_was_written_off_and_is_restated_away_waits_to_be_taken_back(room: Room) -> None:
    room.begin()
    room.write_off()
    restated = worked_day()[:-2]
    for journal in room.build(restated, DAY).built:
        room.journals.move(journal, JournalState.posted)
    room.watch(DAY, restated)
    found = balance(room, LAPSED, DISPUTES)
    what = "written off of dispute K1, which was restated away; to be taken back"
    assert (told(found), found.rest.minor) == ([(what, "-80.00")], 0)
    room.ask()
    room.post()
    found = balance(room, LAPSED, DISPUTES)
    assert (found.ledger.minor, found.items, found.rest.minor) == (0, (), 0)


def test_of_a_dispute_given_back_in_part_the_rest_is_receivable(room: Room) -> None:
    room.begin()
    given, day = reversal(3000), DAY + timedelta(days=1)
    for journal in room.build(given, day).built:
        room.journals.move(journal, JournalState.posted)
    room.watch_again(day)
    found = balance(room, day, DISPUTES)
    assert (found.ledger.decimal, told(found), found.rest.minor) == (
        "50.00", [("dispute K1", "50.00")], 0
    )  # fmt: skip


def test_money_given_back_of_a_case_from_before_our_time_is_named(room: Room) -> None:
    day = DAY + timedelta(days=1)
    for journal in room.build(reversal(3000), day).built:
        room.journals.move(journal, JournalState.posted)
    room.watch_again(day)
    found = balance(room, day, DISPUTES)
    what = "given back of dispute K1, which was taken before the first day here"
    assert (told(found), found.rest.minor) == ([(what, "-30.00")], 0)


def test_more_given_back_than_was_taken_is_named_beside_the_case(room: Room) -> None:
    room.begin()
    day = DAY + timedelta(days=1)
    for journal in room.build(reversal(9000), day).built:
        room.journals.move(journal, JournalState.posted)
    room.watch_again(day)
    found = balance(room, day, DISPUTES)
    assert [money for _, money in told(found)] == ["-10.00"]
    assert found.rest.minor == 0


def test_a_chargeback_that_no_event_tells_of_is_unexplained(room: Room) -> None:
    room.begin()
    with room.engine.begin() as connection:
        connection.execute(delete(dispute_events))
    found = balance(room, DAY, DISPUTES)
    assert (found.items, found.rest.decimal) == ((), "80.00")


@pytest.mark.parametrize("seed", range(3))
def test_through_weeks_of_trade_every_day_is_explained(tmp_path: Path, seed: int) -> None:
    """Short, late, split and foreign fundings, restated days, journals that wait."""
    dice = random.Random(seed)  # noqa: S311  reproducible on purpose
    currency = dice.choice(("USD", "EUR"))
    accounts = {currency: BankAccount("US-001", "BUS")}
    desk = Desk(tmp_path, currencies=(currency,), bank_accounts=accounts)
    days = [DAY + timedelta(days=n) for n in range(10)]
    nets: dict[str, int] = {}
    for n, on in enumerate(days):
        name, sale, fee = f"BATCH{n}", dice.randrange(1000, 90_000), dice.randrange(1, 900)
        lines = [
            line("gross_sale", sale, batch=name, request=f"{n}1", currency=currency),
            line("fee", -fee, detail_code="per_item", request=f"{n}1", currency=currency),
        ]
        desk.build(lines, on)
        nets[name] = sale - fee
        if dice.random() < 0.8:
            post(desk, on)
        if dice.random() < 0.3:  # a second file shows another fee
            lines[1]["amount_minor"] -= 7
            nets[name] -= 7
            desk.build(lines, on)
        entries = []
        for paid in [one for one in nets if dice.random() < 0.4]:
            part = nets[paid] if dice.random() < 0.7 else nets[paid] // 2
            nets[paid] -= part
            if part:
                entries.append((f"E{n}{paid}", part, paid))
            if not nets[paid]:
                del nets[paid]
        desk.fund(entries, on)
        if dice.random() < 0.7:
            post(desk, on)
    for on in days:
        for found in balances(desk, on):
            assert found.rest.minor == 0, (on, found)
    last = balance(desk, days[-1])
    assert sum(one.money.minor for one in last.items) == sum(nets.values())
