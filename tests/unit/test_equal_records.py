"""Equal records: a repeat where nothing proves them, money twice where the file's trailer does."""

from datetime import date
from pathlib import Path

import polars as pl

from include.adapters.layouts.reading.parse import parse_file
from include.domain.journal import JournalKind
from include.services.files import Expected, ParsedFile
from tests.support_books import Desk, line

BAI2 = (
    *("01,BANK,US,261101,0600,1,,,2/", "02,US,BANK,1,261031,,USD,2/", "03,US-001,USD,,,,/"),
    *("16,165,10000,,,,ACQUIRER SETTLEMENT/", "16,165,10000,,,,ACQUIRER SETTLEMENT/"),
    *("49,20000,4/", "98,20000,1,6/", "99,20000,1,8/"),
)
ACQUIRER = (
    *("H|ACQ|M1|2026-10-31|USD|S1", "F|INTCH||1.50|USD", "F|CBFEE||15.00|USD"),
    *("F|CBFEE||15.00|USD", "A|CORR|-5.00|USD", "A|CORR|-5.00|USD", "T|5|31.50|0.00|-10.00"),
)
HEAD = "date,value_date,amount,currency,reference,text,balance"
PAYOUT = "2026-10-31,2026-10-31,100.00,USD,B1,ACQ,"
FEE = "2026-10-31,2026-10-31,-3.00,USD,FEE,Account fee,"


def read(folder: Path, layout: str, *records: str, account: str = "US-001") -> ParsedFile:
    path = folder / f"{layout}.txt"
    path.write_text("\n".join(records) + "\n")
    return parse_file(path, layout, expected=Expected(account_id=account))


def entries(found: ParsedFile) -> list[tuple[str, int]]:
    frame = pl.read_parquet(found.lines_path).select("entry_id", "amount_minor")
    return [(str(name), int(minor)) for name, minor in frame.iter_rows()]


def test_two_equal_payouts_of_a_proven_statement_are_two(tmp_path: Path) -> None:
    found = read(tmp_path, "bai2", *BAI2)
    assert (found.rows_in, found.rows_classified, found.reasons) == (2, 2, {})
    (first, one), (second, other) = entries(found)
    assert (one, other) == (10000, 10000)
    assert first != second


def test_two_equal_costs_of_a_proven_bill_are_two(tmp_path: Path) -> None:
    found = read(tmp_path, "acquirer_daily_v2", *ACQUIRER, account="M1")
    assert (found.rows_classified, found.reasons) == (5, {})
    assert found.totals == {("USD", "adjustment"): -1000, ("USD", "fee"): -3150}


def test_an_equal_record_that_nothing_proves_is_set_aside(tmp_path: Path) -> None:
    found = read(tmp_path, "bank_csv", HEAD, PAYOUT, PAYOUT)
    assert (found.rows_classified, found.reasons) == (1, {"duplicate_line": 1})


def test_a_statement_that_comes_again_with_one_entry_more_moves_nothing_booked(
    tmp_path: Path,
) -> None:
    first = entries(read(tmp_path, "bank_csv", HEAD, PAYOUT))
    again = entries(read(tmp_path, "bank_csv", HEAD, FEE, PAYOUT))
    assert again[1:] == first
    desk, bank_day = Desk(tmp_path), date(2026, 11, 2)
    desk.build([line(minor=10000, batch="B1", request="1")], date(2026, 10, 31))
    desk.fund([(*first[0], "B1")], bank_day)
    after = desk.fund([(*again[0], "FEE"), (*again[1], "B1")], bank_day)
    assert after.built == ()
    assert [j.kind for j in after.standing] == [JournalKind.funding]
    assert after.unexplained == 1


def test_two_payouts_under_one_reference_of_the_bank_are_both_booked(tmp_path: Path) -> None:
    payout = "16,165,10000,,REF77,,ACQUIRER B1/"
    found = read(tmp_path, "bai2", *BAI2[:3], payout, payout, *BAI2[5:])
    assert entries(found) == [("REF77", 10000), ("REF77-2", 10000)]
