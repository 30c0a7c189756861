"""What a restatement leaves in transit in the company's currency alone is booked off and named."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from include.domain.journal import Journal, JournalKind
from include.domain.merchant import BankAccount
from include.services.effects.ports import EffectKind
from include.services.journal_book import JournalState
from include.services.post_journals import effect_kind
from tests.support_books import Desk, base_table, line

LAST, FIRST, BANK_DAY = date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 2)
THIRD = date(2026, 11, 3)
OCTOBER = datetime(2026, 10, 31, 15, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 1, 15, tzinfo=UTC)
TRANSIT, ROUNDING = "1160", "6190"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Return a desk of euros: 1.08 dollars in October, 1.10 later."""
    desk = Desk(
        tmp_path,
        bank_accounts={"EUR": BankAccount("EU-001", "BEU")},
        currencies=("EUR",),
        split_at_month_end=True,
    )
    desk.mappings.fx_rate = (  # type: ignore[method-assign]
        lambda _from, _to, on: 1_080_000 if on < FIRST else 1_100_000
    )
    return desk


def sale(minor: int, at: datetime = OCTOBER) -> dict[str, object]:
    return line(minor=minor, currency="EUR", batch="B1", request=f"B1{minor}", occurred_at=at)


def refund(minor: int) -> dict[str, object]:
    more = {"batch": "B1", "request": "r", "occurred_at": NOVEMBER}
    return line("refund", minor, currency="EUR", **more)


def standing(desk: Desk) -> list[Journal]:
    with desk.engine.begin() as connection:
        rows = connection.execute(text("select payload from journals where state != 'void'"))
        return [Journal.from_payload(payload) for payload in rows.scalars()]


def post(desk: Desk) -> None:
    """Have everything in SYSPRO, so that nothing is replaced."""
    for journal in standing(desk):
        desk.journals.move(journal, JournalState.posted)


def transit(desk: Desk) -> tuple[int, int]:
    """Return what is in transit, in euro cents and in dollar cents."""
    lines = [each for j in standing(desk) for each in j.lines if each.gl_account == TRANSIT]
    return sum(x.amount.minor for x in lines), sum(x.base.minor for x in lines)


def test_a_batch_that_moves_to_the_other_month_after_it_was_paid_leaves_nothing(
    desk: Desk,
) -> None:
    """110.00 USD were booked and paid for 100.00 EUR of November; of October they are 108.00."""
    desk.build([sale(100_00, NOVEMBER)], FIRST)
    post(desk)
    desk.fund([("E1", 100_00, "B1")], BANK_DAY)
    post(desk)
    desk.build([sale(100_00, OCTOBER)], FIRST)
    post(desk)
    assert transit(desk) == (0, -2_00)
    (left,) = desk.fund_again(FIRST).built
    assert base_table(left) == [(TRANSIT, "2.00"), (ROUNDING, "-2.00")]
    assert (left.kind, left.posting_date) == (JournalKind.funding_rounding, FIRST)
    assert left.narrative == ("Exchange difference of batch B1, of which the bank owes no more")
    assert effect_kind(left) is EffectKind.gl_journal
    assert transit(desk) == (0, 0)
    for on in (FIRST, BANK_DAY, THIRD):
        assert desk.fund_again(on).built == ()
    assert transit(desk) == (0, 0)


def test_it_is_taken_back_when_the_batch_moves_back(desk: Desk) -> None:
    desk.build([sale(100_00, NOVEMBER)], FIRST)
    desk.fund([("E1", 100_00, "B1")], BANK_DAY)
    post(desk)
    for at in (OCTOBER, NOVEMBER):
        desk.build([sale(100_00, at)], FIRST)
        desk.fund_again(FIRST)
        post(desk)
        assert transit(desk) == (0, 0)
    assert desk.fund_again(FIRST).built == ()


def test_parts_of_a_split_that_cancel_leave_nothing(desk: Desk) -> None:
    """100.00 EUR are 108.00 USD in October, and -110.00 in November: nobody is to pay anything."""
    desk.build([sale(100_00), refund(-100_00)], FIRST)
    assert transit(desk) == (0, -2_00)
    (left,) = desk.fund([], FIRST).built
    assert base_table(left) == [(TRANSIT, "2.00"), (ROUNDING, "-2.00")]
    assert transit(desk) == (0, 0)
    assert desk.fund_again(FIRST).built == ()
    post(desk)
    desk.build([sale(100_00), refund(-40_00)], FIRST)  # restated: 60.00 is to come
    desk.fund_again(FIRST)
    post(desk)
    desk.fund([("E1", 60_00, "B1")], BANK_DAY)
    assert transit(desk) == (0, 0)


def test_a_batch_restated_to_what_came_leaves_no_cent(desk: Desk) -> None:
    """At 1.0837: 3.61 and 6.81 were paid of 10.84; 9.61 is worth 10.41, so 0.01 is over."""
    desk.mappings.fx_rate = lambda *_: 1_083_700  # type: ignore[method-assign]
    desk.build([sale(10_00)], LAST)
    post(desk)
    for entry, minor, on in (("E1", 3_33, BANK_DAY), ("E2", 6_28, THIRD)):
        desk.fund([(entry, minor, "B1")], on)
        post(desk)
    desk.build([sale(9_61)], LAST)
    post(desk)
    assert transit(desk) == (0, -1)
    (left,) = desk.fund([], LAST).built
    assert base_table(left) == [(TRANSIT, "0.01"), (ROUNDING, "-0.01")]
    assert transit(desk) == (0, 0)
    for on in (LAST, BANK_DAY, THIRD):
        assert desk.fund_again(on).built == ()


def test_two_days_of_one_batch_id_are_levelled_in_one_journal(desk: Desk) -> None:
    for on in (FIRST, BANK_DAY):
        own = {"request_id": f"sale {on}"}, {"request_id": f"refund {on}"}
        desk.build([sale(100_00) | own[0], refund(-100_00) | own[1]], on)
    (left,) = desk.fund([], BANK_DAY).built
    assert base_table(left) == [(TRANSIT, "4.00"), (ROUNDING, "-4.00")]
    assert desk.fund_again(FIRST).built == ()
    assert transit(desk) == (0, 0)
