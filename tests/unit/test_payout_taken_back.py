"""A payout that the bank takes back and that names its batch: the batch waits for it again."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from include.domain.journal import Journal
from include.domain.merchant import BankAccount
from tests.support_books import Desk, line, table

LAST = date(2026, 10, 31)  # the settlement date
BANK_DAY = date(2026, 11, 2)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def held(desk: Desk, account: str) -> int:
    """Return what an account holds by all journals that stand, in cents."""
    with desk.engine.begin() as connection:
        rows = connection.execute(text("select payload from journals where state != 'void'"))
        found = [Journal.from_payload(payload) for payload in rows.scalars()]
    return sum(x.base.minor for j in found for x in j.lines if x.gl_account == account)


def test_a_payout_that_is_taken_back_and_sent_again_is_booked_thrice(desk: Desk) -> None:
    desk.build([line(minor=8500, batch="B1", request="1")], LAST)
    desk.fund([("E1", 8500, "B1")], BANK_DAY)
    third, fourth = date(2026, 11, 3), date(2026, 11, 4)
    (back,) = desk.fund([("E2", -8500, "B1 returned")], third).built
    assert table(back) == [("1160", "85.00"), ("1000", "-85.00")]
    assert (held(desk, "1000"), held(desk, "1160")) == (0, 8500)
    (item,) = desk.items.of_stage("acme_us", "fund")
    assert (item.cause.value, item.settlement_date) == ("short_funding", third)
    assert "net 85.00 USD, the bank received 0.00 USD, 85.00 USD is missing" in item.explanation
    (again,) = desk.fund([("E3", 8500, "B1")], fourth).built
    assert table(again) == [("1160", "-85.00"), ("1000", "85.00")]
    assert (held(desk, "1000"), held(desk, "1160")) == (8500, 0)
    assert list(desk.items.of_stage("acme_us", "fund")) == []
    for on in (BANK_DAY, third, fourth):
        assert desk.fund_again(on).built == ()
    assert (held(desk, "1000"), held(desk, "1160")) == (8500, 0)


def test_a_part_that_is_taken_back_leaves_the_batch_short_of_it(desk: Desk) -> None:
    desk.build([line(minor=8500, batch="B1", request="1")], LAST)
    entries = [("E1", 8500, "B1"), ("E2", -500, "B1")]
    assert len(desk.fund(entries, BANK_DAY).built) == 2
    (item,) = desk.items.of_stage("acme_us", "fund")
    assert (item.cause.value, item.amount_minor) == ("short_funding", 500)
    assert (held(desk, "1000"), held(desk, "1160")) == (8000, 500)


def test_a_payout_of_several_batches_is_taken_back_whole(desk: Desk) -> None:
    batches = [line(minor=10000, batch="B1", request="1"), line(minor=20000, batch="B2")]
    desk.build([*batches, line("chargeback", -8000, case_number="K1", request="77")], LAST)
    desk.fund([("E1", 22000, "B1 B2")], BANK_DAY)
    third = date(2026, 11, 3)
    (back,) = desk.fund([("E2", -22000, "B1 B2")], third).built
    assert table(back) == [("1160", "220.00"), ("1000", "-220.00")]
    amounts = sorted(i.amount_minor or 0 for i in desk.items.of_stage("acme_us", "fund"))
    assert amounts == [-8000, 10000, 20000]


@pytest.mark.parametrize(
    ("minor", "reference"),
    [(-8501, "B1"), (-100, "rent"), (8500, "B1"), (100, "B1")],
    ids=["more than came", "names nothing", "a second payment", "a further payment"],
)
def test_what_takes_back_nothing_that_came_stays_unexplained(
    desk: Desk, minor: int, reference: str
) -> None:
    desk.build([line(minor=8500, batch="B1", request="1")], LAST)
    desk.fund([("E1", 8500, "B1")], BANK_DAY)
    result = desk.fund([("E2", minor, reference)], date(2026, 11, 3))
    assert (result.built, result.unexplained) == ((), 1)


def test_of_an_id_used_again_the_day_that_was_paid_so_much_waits_again(desk: Desk) -> None:
    for on, minor in ((LAST, 30000), (BANK_DAY, 50000)):
        desk.build([line(minor=minor, batch="001", request=str(minor))], on)
        desk.fund([(f"E{minor}", minor, "001")], on + timedelta(days=1))
    desk.fund([("E9", -30000, "001")], date(2026, 11, 4))
    (item,) = desk.items.of_stage("acme_us", "fund")
    assert "net 300.00 USD, the bank received 0.00 USD" in item.explanation


def test_a_foreign_payout_that_comes_again_leaves_nothing_in_transit(tmp_path: Path) -> None:
    """9.61 EUR at 1.0837 is 10.41 USD; its parts were 3.61 and 6.81, and 0.01 was levelled."""
    euro = {"EUR": BankAccount("EU-001", "BEU")}
    desk = Desk(tmp_path, bank_accounts=euro, currencies=("EUR",))
    desk.build([line(minor=961, currency="EUR", batch="B1", request="1")], LAST)
    payments = (("E1", 333), ("E2", 628), ("E3", -961), ("E4", 500), ("E5", 461))
    transit = []
    for number, (entry, minor) in enumerate(payments):
        desk.fund([(entry, minor, "B1")], BANK_DAY + timedelta(days=number))
        transit.append(held(desk, "1160"))
    assert transit == [680, 0, 1041, 499, 0]
    for number in range(len(payments)):
        assert desk.fund_again(BANK_DAY + timedelta(days=number)).standing
        assert held(desk, "1160") == 0
