"""Funding: which batch does the bank pay, what is booked, and what is short or unexplained."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from include.domain.merchant import Source, SourceKind
from include.domain.settlement import LineClass
from include.services.day_files import ENTRIES
from include.services.journal_book import JournalState
from tests.support_books import Desk, line, table, worked_day

LAST = date(2026, 10, 31)  # the settlement date of the worked day
BANK_DAY = date(2026, 11, 2)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_the_funding_empties_funds_in_transit(desk: Desk) -> None:
    desk.build(worked_day(), LAST)
    (funding,) = desk.fund([("E1", 26798, "B1")], BANK_DAY).built
    assert table(funding) == [("1160", "-267.98"), ("1000", "267.98")]
    assert dict(funding.details) == {"bank_code": "BUS", "contra_account": "1000"}
    assert funding.posting_date == BANK_DAY
    assert desk.causes(BANK_DAY) == []


def test_a_short_funding_is_an_open_item_not_a_fee(desk: Desk) -> None:
    desk.build(worked_day(), LAST)
    (funding,) = desk.fund([("E1", 26700, "B1")], BANK_DAY).built
    assert table(funding) == [("1160", "-267.00"), ("1000", "267.00")]
    (item,) = desk.items.open_of_day(desk.day(BANK_DAY))
    assert (item.cause.value, item.amount_minor) == ("short_funding", 98)
    assert "Short funding, B1" in item.explanation


def test_the_rest_of_a_short_funding_closes_it(desk: Desk) -> None:
    desk.build(worked_day(), LAST)
    desk.fund([("E1", 26700, "B1")], BANK_DAY)
    desk.fund([("E2", 98, "B1")], date(2026, 11, 3))
    assert desk.causes(BANK_DAY) == []
    assert desk.causes(date(2026, 11, 3)) == []


def test_the_days_that_paid_a_batch_find_it_again_in_any_order(desk: Desk) -> None:
    desk.build(worked_day(), LAST)
    late = BANK_DAY + timedelta(days=200)  # longer than a run looks back for what was taken back
    desk.fund([("E1", 26700, "B1")], BANK_DAY)
    (rest,) = desk.fund([("E2", 98, "B1")], late).built
    for on in (BANK_DAY, late):
        result = desk.fund_again(on)
        assert (result.built, result.unexplained) == ((), 0)
    assert desk.fund_again(late).standing == (rest,)


def test_running_a_bank_day_again_changes_nothing(desk: Desk) -> None:
    desk.build(worked_day(), LAST)
    entries = [("E1", 26700, "B1"), ("E9", 5, "rent")]
    desk.fund(entries, BANK_DAY)
    again = desk.fund(entries, BANK_DAY)
    assert again.built == ()
    assert len(again.standing) == 1
    assert desk.causes(BANK_DAY) == ["short_funding", "unexplained_funding"]


def test_a_funding_that_names_nothing_matches_by_an_amount_awaited_once(desk: Desk) -> None:
    desk.build(worked_day(), LAST)
    assert len(desk.fund([("E1", 26798, "")], BANK_DAY).built) == 1


def test_two_equal_fundings_that_name_nothing_are_not_guessed(desk: Desk) -> None:
    desk.build(worked_day(), LAST)
    result = desk.fund([("E1", 26798, ""), ("E2", 26798, "")], BANK_DAY)
    assert (result.built, result.unexplained) == ((), 2)


def test_a_batch_that_is_reconciled_after_its_money_came_explains_it(desk: Desk) -> None:
    assert desk.fund([("E1", 26798, "B1")], BANK_DAY).unexplained == 1
    desk.build(worked_day(), LAST)
    third = date(2026, 11, 3)
    (funding,) = desk.fund([], third).built
    assert (funding.posting_date, desk.causes(BANK_DAY)) == (BANK_DAY, [])


def test_an_entry_that_a_later_day_has_booked_is_not_booked_again_by_its_own(desk: Desk) -> None:
    desk.fund([("E1", 9900, "B1")], BANK_DAY)
    desk.build([line(minor=10000, batch="B1", request="1")], LAST)
    later = date(2026, 11, 3)
    (funding,) = desk.fund([], later).built
    result = desk.fund_again(BANK_DAY)  # 1.00 of the batch is still open, and the entry names it
    assert (result.built, result.unexplained) == ((), 0)
    assert desk.fund_again(later).standing == (funding,)
    assert desk.causes(later) == ["short_funding"]


@pytest.mark.parametrize("now", [9950, None])
def test_a_restated_entry_names_the_later_day_that_has_booked_it(
    desk: Desk, now: int | None
) -> None:
    desk.fund([("E1", 9900, "B1")], BANK_DAY)
    desk.build([line(minor=10000, batch="B1", request="1")], LAST)
    later = date(2026, 11, 3)
    desk.fund([], later)
    restated = [] if now is None else [("E1", now, "B1")]
    for _ in range(2):
        assert desk.fund(restated, BANK_DAY).built == ()
        (item,) = [i for i in desk.items.open_of_day(desk.day(later)) if i.stage == "statement"]
        assert f"Run {later} again" in item.next_action
    desk.fund([], date(2026, 11, 4))  # another day closes nothing
    assert item in desk.items.open_of_day(desk.day(later))
    desk.fund_again(later)
    assert item not in desk.items.open_of_day(desk.day(later))
    booked = [b.journal for b in desk.journals.of_day(desk.day(later))]
    assert sum(j.debit_total.minor for j in booked) == (now or 0)
    for on in (BANK_DAY, later):
        assert desk.fund_again(on).built == ()
    desk.fund([("E1", 9900, "B1")], BANK_DAY)  # the bank goes back to what it said
    desk.fund_again(later)
    (kept,) = desk.journals.of_day(desk.day(later))
    assert kept.journal.debit_total.minor == 9900


def test_a_batch_without_any_money_is_short_after_its_sla(desk: Desk) -> None:
    desk.build(worked_day(), LAST)
    desk.fund([], date(2026, 11, 5))
    assert desk.causes(date(2026, 11, 5)) == []
    desk.fund([], date(2026, 11, 6))  # five days were allowed
    assert desk.causes(date(2026, 11, 6)) == ["short_funding"]


def test_an_entry_may_pay_several_batches_that_it_names(desk: Desk) -> None:
    lines = [line(minor=100, batch="B1", request="1"), line(minor=200, batch="B2", request="2")]
    desk.build(lines, LAST)
    (funding,) = desk.fund([("E1", 300, "B1 B2")], BANK_DAY).built
    assert funding.batch_id == "B1+B2#E1"
    assert desk.causes(BANK_DAY) == []


def test_what_no_source_reports_is_the_name_of_the_difference(tmp_path: Path) -> None:
    sales = Source("sales", SourceKind.report, "r", "l", (LineClass.gross_sale, LineClass.fee))
    desk = Desk(tmp_path, sources=(sales,))  # nobody reports chargebacks
    desk.build([line(batch="B1", request="1")], LAST)
    desk.fund([("E1", 9000, "B1")], BANK_DAY)
    (item,) = desk.items.open_of_day(desk.day(BANK_DAY))
    assert (item.cause.value, item.amount_minor) == ("unreported_by_source", 1000)
    assert "does not report chargeback" in item.explanation


@pytest.mark.parametrize("name", ["B1", "B@1"])
def test_a_batch_that_left_the_files_awaits_no_money(desk: Desk, name: str) -> None:
    desk.build([line(minor=10000, batch=name, request="1")], LAST)
    desk.build([], LAST)
    desk.fund([], LAST + timedelta(days=9))
    assert desk.items.of_stage("acme_us", "fund") == []


def test_a_batch_that_owes_is_withdrawn_from_the_bank(desk: Desk) -> None:
    desk.build([line("chargeback", -8000, case_number="K1", batch="B1")], LAST)
    (funding,) = desk.fund([("E1", -8000, "B1")], BANK_DAY).built
    assert table(funding) == [("1160", "80.00"), ("1000", "-80.00")]


def test_an_entry_that_a_restated_statement_dropped_is_taken_back(desk: Desk) -> None:
    desk.build(worked_day(), LAST)
    (funding,) = desk.fund([("E1", 26798, "B1")], BANK_DAY).built
    desk.journals.move(funding, JournalState.posted)
    (back,) = desk.fund([], BANK_DAY).built
    assert table(back) == [("1160", "267.98"), ("1000", "-267.98")]
    assert back.supersedes == funding.key


def _restated(desk: Desk, per_item: int, on: date = LAST) -> None:
    """Have the day come again with another fee, after its first journals were posted."""
    for booked in desk.journals.of_day(desk.day(on)):
        desk.journals.move(booked.journal, JournalState.posted)
    desk.build(worked_day(per_item), on)
    desk.fund([], on)


def test_a_batch_restated_after_its_funding_has_an_item_for_what_transit_is_off(
    desk: Desk,
) -> None:
    desk.build(worked_day(), LAST)
    desk.fund([("E1", 26798, "B1")], BANK_DAY)
    _restated(desk, -50)
    (item,) = desk.items.of_stage("acme_us", "fund")
    assert (item.cause.value, item.amount_minor) == ("unexplained_funding", -10)
    assert "0.10 USD is too much" in item.explanation


def test_a_short_funding_closes_when_the_batch_is_restated_to_what_came(desk: Desk) -> None:
    desk.build(worked_day(), LAST)
    desk.fund([("E1", 26788, "B1")], BANK_DAY)
    assert desk.causes(BANK_DAY) == ["short_funding"]
    _restated(desk, -50)
    desk.fund([], BANK_DAY + timedelta(days=1))
    assert list(desk.items.of_stage("acme_us", "fund")) == []


def test_a_bank_day_keeps_what_it_paid_when_the_batch_is_restated_to_it(desk: Desk) -> None:
    desk.build([line(minor=10000, batch="B1", request="1")], LAST)
    (funding,) = desk.fund([("E1", 9900, "B1")], BANK_DAY).built
    desk.build([line(minor=9900, batch="B1", request="1")], LAST)
    assert desk.fund_again(BANK_DAY).standing == (funding,)


def test_a_bank_day_keeps_what_it_paid_when_a_day_before_it_pays_the_rest(desk: Desk) -> None:
    desk.build([line(minor=10000, batch="B1", request="1")], LAST)
    later = date(2026, 11, 3)
    (funding,) = desk.fund([("E2", 3000, "B1")], later).built
    desk.fund([("E1", 7000, "B1")], BANK_DAY)  # its statement came late
    assert desk.fund_again(later).standing == (funding,)
    assert desk.causes(later) == desk.causes(BANK_DAY) == []


def test_what_is_missing_is_named_by_what_is_expected_now(desk: Desk) -> None:
    desk.build(worked_day(), LAST)
    for later in range(1, 10):
        desk.fund([], LAST + timedelta(days=later))
    _restated(desk, -500)
    (item,) = desk.items.of_stage("acme_us", "fund")
    assert (item.cause.value, item.amount_minor) == ("short_funding", 26338)
    desk.build([line("gross_sale", 100, batch="B9", request="9")], LAST)
    desk.fund([], LAST + timedelta(days=10))
    assert [i.amount_minor for i in desk.items.of_stage("acme_us", "fund")] == [100]


def test_a_funding_of_named_batches_takes_what_the_day_nets_without_one(desk: Desk) -> None:
    batches = [line(minor=10000, batch="B1", request="1"), line(minor=20000, batch="B2")]
    desk.build([*batches, line("chargeback", -8000, case_number="K1", request="77")], LAST)
    (funding,) = desk.fund([("E1", 22000, "B1 B2")], BANK_DAY).built
    assert table(funding) == [("1160", "-220.00"), ("1000", "220.00")]
    desk.fund([], BANK_DAY + timedelta(days=9))
    assert desk.items.of_stage("acme_us", "fund") == []


def test_the_fees_of_a_sunday_are_taken_from_mondays_batch(desk: Desk) -> None:
    fee = line("fee", -2500, detail_code="per_item", processor_reference="M1")
    desk.build([fee], BANK_DAY - timedelta(days=1))
    desk.build([line(minor=10000, batch="B2", request="2")], BANK_DAY)
    tuesday = BANK_DAY + timedelta(days=1)
    assert len(desk.fund([("E1", 7500, "B2")], tuesday).built) == 1
    desk.fund([], tuesday + timedelta(days=9))
    assert desk.items.of_stage("acme_us", "fund") == []


def test_a_batch_id_that_is_used_again_pays_the_day_whose_amount_is_nearest(desk: Desk) -> None:
    desk.build([line(minor=30000, batch="001", request="1")], LAST)
    desk.fund([("E1", 29902, "001")], LAST + timedelta(days=1))  # 0.98 short
    desk.build([line(minor=50000, batch="001", request="2")], BANK_DAY)
    desk.fund([("E2", 49900, "001")], BANK_DAY + timedelta(days=1))
    items = desk.items.of_stage("acme_us", "fund")
    assert sorted(i.amount_minor or 0 for i in items) == [98, 100]


def test_a_number_in_free_text_is_no_batch(desk: Desk) -> None:
    desk.build([line(minor=10000, batch="21", request="1")], LAST)
    put = desk.lake.day_path(desk.day(BANK_DAY), ENTRIES)
    desk.fund([("E1", 123456, "")], BANK_DAY)
    noted = pl.read_parquet(put).with_columns(text=pl.lit("VISA PAYOUT 21 NOV"))
    noted.write_parquet(put)
    assert desk.fund_again(BANK_DAY).unexplained == 1


@pytest.mark.parametrize("state", ["built", "held"])
def test_a_no_about_money_stands_when_its_batches_are_restated(desk: Desk, state: str) -> None:
    desk.build([line(minor=10000, batch="B1"), line(minor=5000, batch="B2")], LAST)
    entries = [("E1", 15000, "B1 B2"), ("E2", 700, "B7")]
    (funding,) = desk.fund(entries, BANK_DAY).built
    desk.journals.move(funding, JournalState(state))
    desk.build([line(minor=15000, batch="B1")], LAST)
    desk.build([line(minor=700, batch="B7")], date(2026, 11, 1))
    desk.fund_again(BANK_DAY)
    kept = {b.journal.batch_id: b.state.value for b in desk.journals.of_day(desk.day(BANK_DAY))}
    assert kept == {"B1#E1": state, "B7#E2": "built"}
    assert desk.fund_again(BANK_DAY).built == ()


def test_a_no_about_money_outlives_a_run_that_cannot_explain_it(desk: Desk) -> None:
    desk.build([line(minor=10000, batch="B1"), line(minor=5000, batch="B2")], LAST)
    (funding,) = desk.fund([("E1", 15000, "B1 B2")], BANK_DAY).built
    desk.journals.move(funding, JournalState.held)
    desk.build([line(minor=10000, batch="B1"), line(minor=4999, batch="B2")], LAST)
    assert desk.fund_again(BANK_DAY).unexplained == 1
    assert desk.fund_again(BANK_DAY).unexplained == 1
    desk.build([line(minor=15000, batch="B1")], LAST)
    desk.fund_again(BANK_DAY)
    (kept,) = desk.journals.of_day(desk.day(BANK_DAY))
    assert (kept.journal.batch_id, kept.state) == ("B1#E1", JournalState.held)
    desk.journals.move(kept.journal, JournalState.approved)  # a person has said yes at last
    desk.build([line(minor=10000, batch="B1"), line(minor=5000, batch="B2")], LAST)
    desk.fund_again(BANK_DAY)
    states = {b.journal.batch_id: b.state.value for b in desk.journals.of_day(desk.day(BANK_DAY))}
    assert states["B1+B2#E1"] == "built"


def test_a_no_about_one_entry_is_none_about_another_whose_id_ends_alike(desk: Desk) -> None:
    desk.build([line(minor=10000, batch="B1"), line(minor=5000, batch="B2")], LAST)
    (funding,) = desk.fund([("X#7", 15000, "B1 B2"), ("7", 700, "B7")], BANK_DAY).built
    assert funding.batch_id == "B1+B2#X%237"
    desk.journals.move(funding, JournalState.held)
    desk.build([line(minor=15000, batch="B1")], LAST)
    desk.build([line(minor=700, batch="B7")], date(2026, 11, 1))
    desk.fund_again(BANK_DAY)
    kept = {b.journal.batch_id: b.state.value for b in desk.journals.of_day(desk.day(BANK_DAY))}
    assert kept == {"B1#X%237": "held", "B7#7": "built"}
