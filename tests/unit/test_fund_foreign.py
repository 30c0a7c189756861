"""Foreign fundings: what we claim in the base currency is what SYSPRO's own conversion makes."""

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from include.domain.journal import Journal, JournalKind
from include.domain.merchant import BankAccount, PeriodPolicy
from include.services.effects.ports import EffectKind
from include.services.journal_book import JournalState
from include.services.post_journals import effect_kind
from tests.support_books import Desk, base_table, line

LAST, FIRST, BANK_DAY = date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 2)
TRANSIT = "1160"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    euro = {"EUR": BankAccount("EU-001", "BEU")}
    return Desk(tmp_path, bank_accounts=euro, currencies=("EUR",))


def sale(minor: int, batch: str = "B1", **more: object) -> dict[str, object]:
    return line(minor=minor, currency="EUR", batch=batch, request=f"{batch}{minor}", **more)


def standing(desk: Desk) -> list[Journal]:
    with desk.engine.begin() as connection:
        rows = connection.execute(text("select payload from journals where state != 'void'"))
        return [Journal.from_payload(payload) for payload in rows.scalars()]


def transit(desk: Desk) -> tuple[int, int]:
    return balance(desk, TRANSIT)


def balance(desk: Desk, account: str) -> tuple[int, int]:
    """Return what an account holds, in euros and in dollars, both in minor units."""
    lines = [each for j in standing(desk) for each in j.lines if each.gl_account == account]
    return sum(x.amount.minor for x in lines), sum(x.base.minor for x in lines)


def assert_syspro_converts_alike(desk: Desk) -> None:
    for journal in standing(desk):
        if journal.kind is JournalKind.funding:
            rate = Decimal(journal.rate_millionths) / 1_000_000
            for each in journal.lines:
                cents = (each.amount.minor * rate).quantize(Decimal(1), ROUND_HALF_EVEN)
                assert each.base.minor == cents, journal.key


def test_one_deposit_for_batches_of_two_rates_is_booked_once_per_rate(desk: Desk) -> None:
    desk.mappings.rate_millionths = 1_080_000
    desk.build([sale(100000)], LAST)
    desk.mappings.rate_millionths = 1_100_000
    desk.build([sale(100000, "B2")], FIRST)
    one, two = desk.fund([("E1", 200000, "B1 B2")], BANK_DAY).built
    assert base_table(one) == [(TRANSIT, "-1080.00"), ("1000", "1080.00")]
    assert base_table(two) == [(TRANSIT, "-1100.00"), ("1000", "1100.00")]
    assert (one.rate_millionths, two.rate_millionths) == (1_080_000, 1_100_000)
    assert [one.batch_id, two.batch_id] == ["B1#E1@1080000", "B2#E1@1100000"]
    assert_syspro_converts_alike(desk)
    assert transit(desk) == (0, 0)
    assert desk.fund_again(BANK_DAY).built == ()


def test_the_cent_that_the_last_part_leaves_is_a_gl_journal(desk: Desk) -> None:
    desk.build([sale(961)], LAST)
    (first,) = desk.fund([("E1", 333, "B1")], BANK_DAY).built
    second, cent = desk.fund([("E2", 628, "B1")], date(2026, 11, 3)).built
    # 3.33 x 1.0837 = 3.608721; 6.28 x 1.0837 = 6.805636; the net of 9.61 is 10.41, not 10.42.
    assert base_table(first) == [(TRANSIT, "-3.61"), ("1000", "3.61")]
    assert base_table(second) == [(TRANSIT, "-6.81"), ("1000", "6.81")]
    assert base_table(cent) == [(TRANSIT, "0.01"), ("6190", "-0.01")]
    assert [effect_kind(j) for j in (second, cent)] == [
        EffectKind.cash_book_entry,
        EffectKind.gl_journal,
    ]
    assert transit(desk) == (0, 0)


def split_at_month_end(tmp_path: Path, part: dict[str, object] | None = None) -> Desk:
    """Return a desk whose batch B1 was booked 500.00 at 1.08 in October, 500.00 at 1.10 later.

    ``part`` is booked twice in place of 500.00.
    """
    desk = Desk(
        tmp_path,
        bank_accounts={"EUR": BankAccount("EU-001", "BEU")},
        currencies=("EUR",),
        split_at_month_end=True,
    )
    rates = {LAST: 1_080_000, FIRST: 1_100_000}
    desk.mappings.fx_rate = lambda _from, _to, on: rates[on]  # type: ignore[method-assign]
    before = datetime(2026, 11, 1, 3, 30, tzinfo=UTC)  # 31 October, 23:30 in New York
    after = datetime(2026, 11, 1, 14, 0, tzinfo=UTC)
    part = part or sale(50000)
    desk.build(
        [part | {"occurred_at": before}, part | {"occurred_at": after, "request_id": "2"}], FIRST
    )
    return desk


def test_a_month_end_split_is_paid_at_both_its_rates(tmp_path: Path) -> None:
    desk = split_at_month_end(tmp_path)
    built = desk.fund([("E1", 100000, "B1")], BANK_DAY).built
    assert [base_table(j)[1] for j in built] == [("1000", "540.00"), ("1000", "550.00")]
    assert len({j.key for j in built}) == 2
    assert_syspro_converts_alike(desk)
    assert transit(desk) == (0, 0)


def test_a_month_end_split_that_is_paid_in_parts_ends_at_zero(tmp_path: Path) -> None:
    desk = split_at_month_end(tmp_path)
    desk.fund([("E1", 70000, "B1")], BANK_DAY)  # 500.00 at 1.08 and 200.00 at 1.10
    assert transit(desk) == (30000, 33000)
    desk.fund([("E2", 30000, "B1")], date(2026, 11, 3))
    assert_syspro_converts_alike(desk)
    assert transit(desk) == (0, 0)


def test_a_payment_that_turns_the_sign_of_what_came_is_booked_whole(tmp_path: Path) -> None:
    back = line("refund", -5000, currency="EUR", batch="B1", request="1")
    desk = split_at_month_end(tmp_path, back)  # we owe 50.00 at each rate
    held = []
    for day, (entry, minor) in enumerate((("E1", 6000), ("E2", -10000), ("E3", -6000)), start=2):
        desk.fund([(entry, minor, "B1")], date(2026, 11, day))
        held.append(balance(desk, "1000")[0])
    assert held == [6000, -4000, -10000]
    assert transit(desk) == (0, 0)


def test_an_entry_whose_id_looks_like_a_rate_has_a_deposit_of_its_own(tmp_path: Path) -> None:
    desk = split_at_month_end(tmp_path)
    entries = [("E1", 70000, "B1"), ("E1@1100000", 30000, "B1")]
    built = desk.fund(entries, BANK_DAY).built
    names = ["B1#E1@1080000", "B1#E1@1100000", "B1#E1%401100000"]
    assert [j.batch_id for j in built] == names
    assert transit(desk) == (0, 0)


def test_a_deposit_that_was_approved_keeps_its_rate_and_each_version_its_conversion(
    desk: Desk,
) -> None:
    desk.build([sale(961)], LAST)
    for journal in desk.fund([("E1", 333, "B1")], BANK_DAY).built:
        desk.journals.move(journal, JournalState.posted)
    desk.mappings.rate_millionths = 1_200_000
    desk.build([sale(961)], LAST)  # nobody had approved the settlement: it takes the new rate
    desk.fund([("E1", 334, "B1")], BANK_DAY)  # the bank corrects its statement
    versions = [one.journal for one in desk.journals.versions(desk.day(BANK_DAY))]
    rates = [j.rate_millionths for j in versions if j.kind is JournalKind.funding]
    assert rates == [1_083_700, 1_083_700]
    desk.fund([("E2", 627, "B1")], date(2026, 11, 3))
    assert_syspro_converts_alike(desk)
    assert transit(desk) == (0, 0)
    assert desk.fund_again(date(2026, 11, 3)).built == ()


def test_a_no_about_one_of_two_rates_stands_when_one_rate_is_left(desk: Desk) -> None:
    desk.mappings.rate_millionths = 1_080_000
    desk.build([sale(100000)], LAST)
    desk.mappings.rate_millionths = 1_100_000
    desk.build([sale(100000, "B2")], FIRST)
    one, _ = desk.fund([("E1", 200000, "B1 B2")], BANK_DAY).built
    desk.journals.move(one, JournalState.held)
    desk.build([], LAST)
    desk.build([sale(200000, "B2")], FIRST)
    desk.fund_again(BANK_DAY)
    (booked,) = desk.journals.of_day(desk.day(BANK_DAY))
    assert (booked.journal.batch_id, booked.state) == ("B2#E1", JournalState.held)


def test_a_rate_whose_batches_cancel_has_no_deposit_and_still_its_cent(desk: Desk) -> None:
    desk.build([sale(961)], LAST)
    desk.fund([("E1", 333, "B1")], BANK_DAY)  # 3.61 of 10.41; 6.28 is left, for 6.80
    desk.build([line("refund", -628, currency="EUR", batch="B2", request="r")], FIRST)  # -6.81
    desk.mappings.rate_millionths = 1_100_000
    desk.build([sale(300, "B3"), sale(200, "B4")], BANK_DAY)
    third = date(2026, 11, 3)
    cent, deposit = desk.fund([("E2", 500, "B1 B2 B3 B4")], third).built
    assert base_table(cent) == [(TRANSIT, "0.01"), ("6190", "-0.01")]
    assert (cent.kind, cent.rate_millionths) == (JournalKind.funding_rounding, 1_083_700)
    assert base_table(deposit) == [(TRANSIT, "-5.50"), ("1000", "5.50")]
    assert transit(desk) == (0, 0)
    assert desk.fund_again(third).built == ()


def test_versions_that_are_taken_back_leave_no_cent_in_any_account(desk: Desk) -> None:
    desk.build([sale(961)], LAST)
    for minor in (628, 634):  # 6.805636 and 0.065022 are booked as 6.81 and 0.07
        for journal in desk.fund([("E1", minor, "B1")], BANK_DAY).built:
            desk.journals.move(journal, JournalState.posted)
    back, cent = desk.fund([], BANK_DAY).built
    # SYSPRO converts what is taken back, 6.34, as one: 6.870658.
    assert base_table(back) == [(TRANSIT, "6.87"), ("1000", "-6.87")]
    assert ("1000", "-0.01") in base_table(cent)
    assert effect_kind(cent) is EffectKind.gl_journal
    assert_syspro_converts_alike(desk)
    for account in ("1000", "6190"):
        assert balance(desk, account) == (0, 0)
    assert transit(desk) == (961, 1041)  # as before any money came
    assert desk.fund([], BANK_DAY).built == ()


def test_the_cent_of_what_is_taken_back_moves_once_when_its_period_closes(tmp_path: Path) -> None:
    euro = {"EUR": BankAccount("EU-001", "BEU")}
    policy = PeriodPolicy.next_open
    desk = Desk(tmp_path, bank_accounts=euro, currencies=("EUR",), period_policy=policy)
    desk.build([sale(961)], LAST)
    for minor in (628, 634):
        for journal in desk.fund([("E1", minor, "B1")], BANK_DAY).built:
            desk.journals.move(journal, JournalState.posted)
    back, _ = desk.fund([], BANK_DAY).built
    desk.journals.move(back, JournalState.posted)  # the cent is not, and the month ends
    desk.periods.closed.add((2026, 11))
    (cent,) = desk.fund_again(BANK_DAY).built
    assert cent.posting_date == date(2026, 12, 1)
    assert desk.fund_again(BANK_DAY).built == ()
