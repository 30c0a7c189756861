"""The books, to the cent: every figure is worked out in the accounting reference or on the page."""

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import select

from include.adapters.store.schema import journals as journal_table
from include.domain.errors import Rejected
from include.domain.expectations import ExpectationKind
from include.domain.journal import Journal, JournalKind
from include.domain.merchant import PeriodPolicy
from include.domain.money import Money
from include.domain.settlement import LineClass
from include.services.day_files import MATCHES
from include.services.effects.ports import EffectKind
from include.services.journal_book import JournalState
from include.services.post_journals import effect_kind
from tests.support_books import Desk, base_table, line, lost, table, worked_day

LAST = date(2026, 10, 31)  # the settlement date of the worked day; period 10
BANK_DAY = date(2026, 11, 2)

CLEARING = [
    ("1160", "267.98"),
    ("6150", "6.10"),
    ("6151", "0.52"),
    ("6152", "0.40"),
    ("6155", "15.00"),
    ("1170", "80.00"),
    ("1150", "30.00"),
    ("1150", "-400.00"),
]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_the_clearing_model_of_the_worked_day(desk: Desk) -> None:
    (journal,) = desk.build(worked_day(), LAST).built
    assert table(journal) == CLEARING
    assert journal.debit_total == Money(40000, "USD")
    assert journal.key == "acme_us|2026-10-31|B1|USD|settlement|1"
    assert journal.posting_date == LAST


def test_the_direct_model_books_revenue_in_place_of_clearing(tmp_path: Path) -> None:
    (journal,) = Desk(tmp_path, gl_template="direct").build(worked_day(), LAST).built
    assert table(journal) == [*CLEARING[:6], ("4010", "30.00"), ("4000", "-400.00")]


def test_fees_as_an_invoice_end_in_the_same_balances(tmp_path: Path) -> None:
    desk = Desk(tmp_path, fees_as_ap_invoice=True, ap_supplier="ACQ001")
    lines = worked_day()
    lines[5] |= {"request_id": None, "processor_reference": "ACQ-77"}
    settlement, bill = desk.build(lines, LAST).built
    assert ("2050", "22.02") in table(settlement)
    assert table(bill) == [
        ("2050", "-22.02"),
        ("6150", "6.10"),
        ("6151", "0.52"),
        ("6152", "0.40"),
        ("6155", "15.00"),
    ]
    assert bill.kind is JournalKind.fee_invoice
    assert dict(bill.details) == {
        "supplier": "ACQ001",
        "invoice": "ACQ-77-79C178",  # SHA-256 of acme_us|2026-10-31|B1|USD
        "contra_account": "2050",
    }
    both: dict[str, int] = {}
    for journal in (settlement, bill):
        for each in journal.lines:
            both[each.gl_account] = both.get(each.gl_account, 0) + each.amount.minor
    plain: dict[str, int] = {}
    for account, amount in CLEARING:
        plain[account] = plain.get(account, 0) + int(amount.replace(".", ""))
    assert {a: m for a, m in both.items() if m} == plain


def test_a_dispute_won_comes_back_from_the_receivable(desk: Desk) -> None:
    (journal,) = desk.build(
        [line("chargeback_reversal", 8000, case_number="K1", batch="B2")], LAST
    ).built
    assert table(journal) == [("1160", "80.00"), ("1170", "-80.00")]


def test_a_dispute_lost_is_written_off(desk: Desk) -> None:
    journal = lost(desk.day(LAST), desk.merchant, desk.mappings, 8000)
    assert table(journal) == [("1170", "-80.00"), ("6156", "80.00")]


def test_a_retrieval_request_makes_no_journal(desk: Desk) -> None:
    assert desk.build([], LAST).built == ()


def test_foreign_currency_balances_in_both_with_the_rounding_in_sight(desk: Desk) -> None:
    euro = {"currency": "EUR", "batch": "B1"}
    (journal,) = desk.build(
        [
            line("gross_sale", 1000, request="1", **euro),
            line("fee", -39, detail_code="interchange", request="1", **euro),
        ],
        LAST,
    ).built
    assert table(journal) == [
        ("1160", "9.61"),
        ("6150", "0.39"),
        ("1150", "-10.00"),
        ("6190", "0.00"),
    ]
    # 9.61 -> 10.41, 0.39 -> 0.42, 10.00 -> 10.84: 0.01 is left over.
    assert base_table(journal) == [
        ("1160", "10.41"),
        ("6150", "0.42"),
        ("1150", "-10.84"),
        ("6190", "0.01"),
    ]


def test_a_closed_period_parks_the_journal_on_its_own_date(desk: Desk) -> None:
    desk.periods.closed.add((2026, 10))
    result = desk.build(worked_day(), LAST)
    assert result.built[0].posting_date == LAST
    assert result.parked == (result.built[0].key,)
    assert "period_closed" in desk.causes(LAST)
    again = desk.build(worked_day(), LAST)
    assert (again.built, again.parked) == ((), result.parked)  # it waits as long as it has to
    assert "period_closed" in desk.causes(LAST)
    desk.journals.move(result.built[0], JournalState.posted)
    assert desk.build(worked_day(), LAST).parked == ()
    assert "period_closed" not in desk.causes(LAST)


def test_next_open_posts_on_the_first_open_day_and_says_so(tmp_path: Path) -> None:
    desk = Desk(tmp_path, period_policy=PeriodPolicy.next_open)
    desk.periods.closed.add((2026, 10))
    (journal,) = desk.build(worked_day(), LAST).built
    assert journal.posting_date == date(2026, 11, 1)
    assert "period of 2026-10-31 closed" in journal.narrative
    desk.periods.closed.clear()
    assert desk.build(worked_day(), LAST).built == ()  # an open period re-dates nothing


def test_a_restatement_posts_only_the_difference(desk: Desk) -> None:
    (first,) = desk.build(worked_day(), LAST).built
    desk.journals.move(first, JournalState.posted, "2026/10/4711")
    (second,) = desk.build(worked_day(per_item=-50), LAST).built
    assert table(second) == [("1160", "-0.10"), ("6152", "0.10")]
    assert (second.version, second.supersedes) == (2, first.key)
    assert second.key != first.key
    assert second.reference != first.reference
    (funding,) = desk.fund([("E1", 26788, "B1")], BANK_DAY).built
    assert table(funding)[1] == ("1000", "267.88")
    assert desk.causes(BANK_DAY) == []


def test_a_line_that_disappeared_is_a_negative_difference(desk: Desk) -> None:
    (first,) = desk.build(worked_day(), LAST).built
    desk.journals.move(first, JournalState.approved)
    (second,) = desk.build(worked_day()[1:], LAST).built
    assert table(second) == [("1160", "-100.00"), ("1150", "100.00")]


def test_a_batch_that_disappeared_is_taken_back_whole(desk: Desk) -> None:
    (first,) = desk.build([line(batch="B1", request="1")], LAST).built
    desk.journals.move(first, JournalState.posted)
    result = desk.build([], LAST)
    assert table(result.built[0]) == [("1160", "-100.00"), ("1150", "100.00")]
    assert desk.build([], LAST).built == ()


def test_versions_sum_to_the_latest_file(desk: Desk) -> None:
    for per_item in (-40, -50, -30, -30, -41):
        for journal in desk.build(worked_day(per_item), LAST).built:
            desk.journals.move(journal, JournalState.posted)
    sums: dict[str, int] = {}
    for booked in desk.journals.of_day(desk.day(LAST)):
        for each in booked.journal.lines:
            sums[each.source] = sums.get(each.source, 0) + each.amount.minor
    assert (sums["fee.per_item"], sums["net"]) == (41, 26797)
    assert [b.journal.version for b in desk.journals.of_day(desk.day(LAST))] == [1, 2, 3, 4]


def test_nothing_changed_builds_nothing(desk: Desk) -> None:
    (first,) = desk.build(worked_day(), LAST).built
    again = desk.build(worked_day(), LAST)
    assert (again.built, again.standing) == ((), (first,))


def test_a_replay_in_an_empty_store_is_byte_identical(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (one,) = Desk(tmp_path / "a").build(worked_day(), LAST).built
    shuffled = worked_day()[::-1]
    (two,) = Desk(tmp_path / "b").build(shuffled, LAST).built
    assert one.to_payload() == two.to_payload()
    assert one.digest == two.digest


def test_a_journal_nobody_approved_is_replaced_whole(desk: Desk) -> None:
    (first,) = desk.build(worked_day(), LAST).built
    (second,) = desk.build(worked_day(per_item=-50), LAST).built
    assert ("1160", "267.88") in table(second)
    assert (second.version, second.supersedes) == (2, "")
    standing = [b.journal.key for b in desk.journals.of_day(desk.day(LAST))]
    assert standing == [second.key]
    with pytest.raises(Rejected, match="does not stand any more"):
        desk.journals.move(first, JournalState.approved)


def test_duplicates_are_counted_but_not_booked(desk: Desk) -> None:
    twice = line(batch="B1", request="1", reference="A")
    totals = {("USD", LineClass.gross_sale): 20000}
    (journal,) = desk.build([twice, twice], LAST, totals=totals).built
    assert table(journal) == [("1160", "100.00"), ("1150", "-100.00")]


def test_the_fee_of_a_record_that_repeats_another_is_not_booked_either(desk: Desk) -> None:
    """As purchase-refund-details has them: a sale and its fee in one record."""
    records = [
        line(*what, batch=batch, request="1", reference="A", line_no=number, **more)
        for number, batch in ((3, "B1"), (4, "B2"))
        for what, more in (
            (("gross_sale", 10000), {}),
            (("fee", -165), {"detail_code": "interchange"}),
        )
    ]
    totals = {("USD", LineClass.gross_sale): 20000, ("USD", LineClass.fee): -330}
    (journal,) = desk.build(records, LAST, totals=totals).built
    assert table(journal) == [("1160", "98.35"), ("6150", "1.65"), ("1150", "-100.00")]


def test_a_lost_line_refuses_the_whole_day_with_both_sides(desk: Desk) -> None:
    totals = {("USD", LineClass.gross_sale): 10001, ("USD", LineClass.funding): 5}
    with pytest.raises(Rejected) as refused:
        desk.build([line(batch="B1", request="1")], LAST, totals=totals)
    assert "counted 100.01 USD, the batches hold 100.00 USD" in refused.value.what
    assert "residual is 0.01 USD" in refused.value.what
    assert desk.journals.of_day(desk.day(LAST)) == []


def test_an_unmapped_account_names_the_line_to_add(desk: Desk) -> None:
    lines = [line(batch="B1", request="1"), line("fee", -5, detail_code="new", request="1")]
    with pytest.raises(Rejected, match=r"no account for 'fee.new'"):
        desk.build(lines, LAST)
    assert desk.journals.of_day(desk.day(LAST)) == []


def test_the_batch_of_a_line_is_its_own_or_its_requests_or_the_only_one(desk: Desk) -> None:
    lines = [
        line(minor=100, batch="B1", request="1"),
        line(minor=200, batch="B2", request="2"),
        line("fee", -5, detail_code="per_item", request="2"),
        line("adjustment", -7),
    ]
    built = {j.batch_id: table(j) for j in desk.build(lines, LAST).built}
    assert built["B1"] == [("1160", "1.00"), ("1150", "-1.00")]
    assert built["B2"] == [("1160", "1.95"), ("6152", "0.05"), ("1150", "-2.00")]
    assert built["DAY-2026-10-31"] == [("1160", "-0.07"), ("6157", "0.07")]


def test_zero_totals_make_no_line(desk: Desk) -> None:
    (journal,) = desk.build(
        [
            line(minor=100, batch="B1", request="1"),
            line("refund", -100, batch="B1", request="2"),
        ],
        LAST,
    ).built
    assert table(journal) == [("1150", "1.00"), ("1150", "-1.00")]


def test_what_was_proven_is_kept_with_the_journal(desk: Desk) -> None:
    desk.build(worked_day(), LAST)
    with desk.engine.begin() as connection:
        control = json.loads(connection.execute(select(journal_table.c.control)).scalar_one())
    assert control["control_minor"] == 26798
    assert control["opposing_minor"] == -26798
    assert control["named"] == {"awaited funding": 26798}
    assert control["residual_minor"] == 0


def test_the_bank_is_expected_to_pay_the_net(desk: Desk) -> None:
    desk.build(worked_day(), LAST)
    (waits,) = desk.expectations.find("acme_us", ExpectationKind.funding, ["B1|USD|2026-10-31"])
    assert (waits.amount_minor, waits.due_date) == (26798, date(2026, 11, 5))


def test_matches_are_part_of_the_build(desk: Desk) -> None:
    desk.build(worked_day(), LAST)
    assert pl.read_parquet(desk.lake.day_path(desk.day(LAST), MATCHES)).height == 9


def _billed(desk: Desk, *fees: tuple[str, int]) -> list[Journal]:
    """Build a day of one sale with these fees and post what is new; return the new bills."""
    lines = [line(minor=10000, batch="B1", request="1")]
    lines += [line("fee", minor, detail_code=code, batch="B1") for code, minor in fees]
    built = desk.build(lines, LAST).built
    for journal in built:
        desk.journals.move(journal, JournalState.posted)
    return [journal for journal in built if journal.kind is JournalKind.fee_invoice]


def test_a_bill_is_an_invoice_a_credit_note_or_only_a_journal(tmp_path: Path) -> None:
    desk = Desk(tmp_path, fees_as_ap_invoice=True, ap_supplier="ACQ001")
    (bill,) = _billed(desk, ("interchange", -500), ("assessment", -100))
    assert effect_kind(bill) is EffectKind.ap_invoice
    (less,) = _billed(desk, ("interchange", -400), ("assessment", -100))
    assert effect_kind(less) is EffectKind.ap_invoice
    assert table(less) == [("2050", "1.00"), ("6150", "-1.00")]
    (moved,) = _billed(desk, ("interchange", -380), ("assessment", -120))
    assert effect_kind(moved) is EffectKind.gl_journal  # nothing is owed that was not before
    assert sorted(table(moved)) == [("6150", "-0.20"), ("6151", "0.20")]


def test_no_two_bills_of_one_supplier_have_one_number(tmp_path: Path) -> None:
    bills: list[Journal] = []
    for merchant_id in ("acme_us", "acme_two"):
        (tmp_path / merchant_id).mkdir()
        desk = Desk(
            tmp_path / merchant_id,
            merchant_id=merchant_id,
            currencies=("EUR", "USD"),
            fees_as_ap_invoice=True,
            ap_supplier="ACQ001",
        )
        statement = {"detail_code": "interchange", "processor_reference": "STATEMENT-2026-000017"}
        for on in (LAST, BANK_DAY):  # a batch number that is used again
            lines = [
                line(minor=10000, batch=batch, request=f"{batch}{currency}{on}", currency=currency)
                for batch, currency in (("001", "USD"), ("001", "EUR"), ("002", "USD"))
            ]
            lines += [
                line("fee", -100, batch=each["batch_id"], currency=each["currency"], **statement)
                for each in lines
            ]
            built = desk.build(lines, on).built
            bills += [journal for journal in built if journal.kind is JournalKind.fee_invoice]
            assert desk.build(lines, on).built == ()
    numbers = {bill.detail("invoice") for bill in bills}
    assert len(bills) == len(numbers) == 12
    assert all(len(number) + len("-V999") <= 20 for number in numbers)
    assert all(number.startswith("6-000017-") for number in numbers)
    assert "statement STATEMENT-2026-000017" in bills[0].narrative
