"""A chargeback is given up: Dr 6156, Cr 1170, the file's own amount, once."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from include.adapters.lake import Lake
from include.adapters.store.disputes import SqlDisputes
from include.adapters.store.engine import open_store
from include.adapters.store.journals import SqlJournals
from include.adapters.store.schema import metadata
from include.domain.dispute_cases import CASE_NAMES
from include.domain.errors import Rejected
from include.domain.journal import Journal, JournalKind, JournalLine
from include.domain.money import Money
from include.domain.settlement import SettlementDay
from include.mappings.load import load_mappings
from include.services.disputes.give_up import give_up_dispute
from include.services.journal_book import JournalState
from include.wiring import UtcClock

DAY = SettlementDay("acme_us", date(2026, 10, 31))
MAPPINGS = load_mappings()
GiveUp = Callable[..., Journal]


def line(account: str, minor: int, source: str) -> JournalLine:
    return JournalLine(account, Money(minor, "USD"), Money(minor, "USD"), source)


BOOKED = Journal(
    key="acme_us|2026-10-31|B1|USD|settlement|1",
    kind=JournalKind.settlement,
    merchant_id="acme_us",
    company_id="A",
    batch_id="B1",
    settlement_date=DAY.settlement_date,
    posting_date=DAY.settlement_date,
    version=1,
    rate_millionths=1_000_000,
    lines=(
        line("1160", 32000, "net"),
        line("1170", 8000, "chargeback"),
        line("1150", -40000, "gross_sale"),
    ),
)


def book(books: SqlJournals, state: JournalState = JournalState.posted) -> None:
    """Have the chargeback of the day booked."""
    books.add(BOOKED, MAPPINGS.version, {})
    books.move(BOOKED, state)


@pytest.fixture
def books(tmp_path: Path) -> SqlJournals:
    engine = open_store(f"sqlite:///{tmp_path / 'tieout.db'}")
    metadata.create_all(engine)
    return SqlJournals(engine, UtcClock())


@pytest.fixture
def give_up(tmp_path: Path, books: SqlJournals) -> GiveUp:
    lake = Lake(tmp_path / "lake")
    path = lake.day_path(DAY, "lines.parquet")
    path.parent.mkdir(parents=True)
    rows = [  # case, class, currency, amount
        ("C-1", "chargeback", "USD", -8000),
        ("C-2", "chargeback", "USD", -500),
        ("C-2", "chargeback_reversal", "USD", 500),
        ("C-1", "fee", "USD", -1500),
    ]
    names = ["case_number", "line_class", "currency", "amount_minor"]
    unsaid = [pl.lit(None, pl.String).alias(name) for name in CASE_NAMES[1:]]
    pl.DataFrame(rows, schema=names, orient="row").with_columns(unsaid).write_parquet(path)

    def run(case: str, on: date = date(2026, 11, 20)) -> Journal:
        return give_up_dispute(
            DAY,
            MAPPINGS.merchant("acme_us", DAY.settlement_date),
            case_number=case,
            posting_date=on,
            who="ada",
            via="cli",
            lake=lake,
            disputes=SqlDisputes(books._engine, UtcClock()),
            books=books,
            mappings=MAPPINGS,
        )

    return run


def test_a_lost_dispute_moves_from_receivable_to_lost(books: SqlJournals, give_up: GiveUp) -> None:
    book(books)
    journal = give_up("C-1")
    booked = {(entry.gl_account, entry.amount.minor) for entry in journal.lines}
    assert booked == {("6156", 8000), ("1170", -8000)}
    assert journal.posting_date == date(2026, 11, 20)
    assert [one.journal.kind for one in books.of_day(DAY)] == [
        JournalKind.settlement,
        JournalKind.dispute_lost,
    ]


def test_giving_up_the_same_case_twice_is_one_journal(books: SqlJournals, give_up: GiveUp) -> None:
    book(books)
    assert give_up("C-1") == give_up("C-1")
    assert len(books.of_day(DAY)) == 2


def test_a_case_that_was_reversed_cannot_be_lost(books: SqlJournals, give_up: GiveUp) -> None:
    book(books)
    with pytest.raises(Rejected, match="took nothing on"):
        give_up("C-2")


def test_an_unknown_case_is_refused(books: SqlJournals, give_up: GiveUp) -> None:
    book(books)
    with pytest.raises(Rejected, match="'C-9' took nothing"):
        give_up("C-9")


def test_what_is_not_booked_cannot_be_written_off(give_up: GiveUp) -> None:
    with pytest.raises(Rejected, match="the ledger has no chargeback in USD"):
        give_up("C-1")


@pytest.mark.parametrize("state", [JournalState.built, JournalState.held, JournalState.approved])
def test_what_the_ledger_has_not_got_cannot_be_written_off(
    books: SqlJournals, give_up: GiveUp, state: JournalState
) -> None:
    book(books, state)
    with pytest.raises(Rejected, match="Approve and post that day first"):
        give_up("C-1")


def test_a_case_is_not_lost_before_its_chargeback(books: SqlJournals, give_up: GiveUp) -> None:
    book(books)
    with pytest.raises(Rejected, match="cannot have been lost on 2026-10-30"):
        give_up("C-1", date(2026, 10, 30))
    assert len(books.of_day(DAY)) == 1
    assert give_up("C-1", DAY.settlement_date).posting_date == DAY.settlement_date
