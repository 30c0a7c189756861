"""Watermarks and the shelf, on SQLite and PostgreSQL, with two processes at them at once."""

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine

from include.adapters.store import watermarks
from include.adapters.store.dead_letters import SqlDeadLetters
from include.adapters.store.engine import open_store
from include.adapters.store.watermarks import SqlShelf, SqlWatermarks
from include.domain.errors import Rejected, Retryable
from include.services.sync.ports import Tally, marked, read_on, work_on

FAULT = Rejected("no such item", "order 1", "Map it.")
ROWS = ["1 good", "2 poison", "3 good", "4 good"]
Two = tuple[Engine, Engine]


@pytest.fixture
def two(migrated_url: str) -> Iterator[Two]:
    """Two processes' connections to one database."""
    first, second = open_store(migrated_url), open_store(migrated_url)
    yield first, second
    first.dispose()
    second.dispose()


def test_a_watermark_never_moves_back(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, theirs = (SqlWatermarks(one) for one in two)
    mine.move("feed", "10")
    read, moves = watermarks._read, ["30"]

    def between(connection: Connection, name: str) -> str | None:
        found = read(connection, name)
        if moves:  # they are faster, between our read and our write
            theirs.move(name, moves.pop())
        return found

    if two[0].dialect.name == "postgresql":
        monkeypatch.setattr(watermarks, "_read", between)
    else:  # whoever reads in order to write has the database for itself
        theirs.move("feed", "30")
    mine.move("feed", "20")
    assert mine.get("feed") == "30"


def test_watermarks_compare_by_code_whatever_the_database_sorts_by(two: Two) -> None:
    marks = SqlWatermarks(two[0])
    for value in ("a", "B", "_", "a-1"):
        marks.move("feed", value)
    assert marks.get("feed") == "a-1"


def test_two_processes_may_set_one_row_aside_at_once(two: Two) -> None:
    gate, faults = threading.Barrier(2), list[Exception]()

    def set_aside(engine: Engine) -> None:
        shelf = SqlShelf(engine)
        for number in range(40):
            gate.wait()
            try:
                shelf.set_aside("credit_note", f"A|{number}", FAULT, owner="ar")
            except Exception as fault:  # noqa: BLE001 - told below
                faults.append(fault)

    threads = [threading.Thread(target=set_aside, args=(engine,)) for engine in two]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert faults == []
    assert len(SqlDeadLetters(two[0]).listing()) == 40


def poll(engine: Engine, fault: Exception, faults: int = 1000) -> tuple[Tally, list[str]]:
    """Read a feed once; its second row fails that often."""
    tally, done, left = Tally(), list[str](), [fault] * faults

    def work(row: str) -> bool:
        if "poison" in row and left:
            raise left.pop()
        done.append(row)
        return True

    def read(at: str) -> list[str]:
        return [row for row in ROWS if row >= at]

    marks = SqlWatermarks(engine)
    for row in read_on(marks, "feed", read, str, marked(marks, "0")):
        work_on(tally, SqlShelf(engine), "erp_order", row, "ar", lambda row=row: work(row))  # type: ignore[misc]
    return tally.check(), done


def test_a_row_that_fails_by_a_fault_of_ours_stops_no_later_one(two: Two) -> None:
    tally, done = poll(two[0], KeyError("a shopper's name"))
    assert done[:3] == ["1 good", "3 good", "4 good"]
    assert tally.set_aside == 1
    (letter,) = SqlDeadLetters(two[0]).listing()
    assert letter.reason.startswith("KeyError in contract/test_feeds_store.py:")
    assert "shopper" not in letter.reason


def test_a_row_that_fails_once_is_worked_on_all_the_same(two: Two) -> None:
    tally, done = poll(two[0], ConnectionResetError("the database was gone"), faults=1)
    assert done[:4] == ROWS
    assert tally.set_aside == 0


def test_a_partner_that_is_down_stops_the_feed(two: Two) -> None:
    with pytest.raises(Retryable):
        poll(two[0], Retryable("down", "SYSPRO", "Wait."))
    assert SqlWatermarks(two[0]).get("feed") == ""
