"""The table of files, on SQLite and PostgreSQL: versions, restatements, the same bytes again."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Engine

from include.adapters.store.engine import open_store
from include.adapters.store.files import SqlFiles
from include.adapters.store.schema import metadata
from include.domain.calendar import settlement_window
from include.domain.settlement import SettlementDay
from include.services.files import FileState, StoredFile

DAY = SettlementDay("acme_us", date(2026, 10, 31))
NOW = datetime(2026, 11, 1, 10, tzinfo=UTC)
WINDOW = settlement_window(DAY.settlement_date, "America/New_York")


@pytest.fixture
def engine(store_url: str) -> Iterator[Engine]:
    engine = open_store(store_url)
    metadata.create_all(engine)
    yield engine
    engine.dispose()


def _file(digest: str, on: date = DAY.settlement_date, source: str = "sales") -> StoredFile:
    return StoredFile(
        "acme_us", on, source, "payment_batch_detail_classic_csv", digest * 64, 10, NOW, WINDOW
    )


def test_the_first_file_of_a_window_is_version_one(engine: Engine) -> None:
    files = SqlFiles(engine)
    kept = files.keep(_file("a"))
    assert (kept.version, kept.state) == (1, FileState.received)
    assert list(files.of_day(DAY)) == [kept]


def test_the_same_bytes_again_are_the_same_row(engine: Engine) -> None:
    files = SqlFiles(engine)
    assert files.keep(_file("a")) == files.keep(_file("a"))


def test_other_bytes_for_a_known_window_are_the_next_version(engine: Engine) -> None:
    files = SqlFiles(engine)
    files.keep(_file("a"))
    assert files.keep(_file("b")).version == 2
    assert [f.digest[0] for f in files.of_day(DAY)] == ["a", "b"]


def test_bytes_that_come_back_are_the_newest_again(engine: Engine) -> None:
    files = SqlFiles(engine)
    files.keep(_file("a"))
    files.keep(_file("b"))
    assert files.keep(_file("a")).version == 3
    assert [f.digest[0] for f in files.of_day(DAY)] == ["b", "a"]


def test_the_same_bytes_are_read_by_the_layout_that_the_source_names_now(engine: Engine) -> None:
    files = SqlFiles(engine)
    kept = files.keep(_file("a"))
    files.conclude(replace(kept, state=FileState.quarantined, reason="malformed_file: x"))
    other = replace(_file("a"), layout="payment_batch_detail_classic_csv_signed")
    assert files.keep(other) == replace(kept, layout=other.layout)
    assert list(files.of_day(DAY)) == [replace(kept, layout=other.layout)]


def test_versions_of_sources_and_days_do_not_mix(engine: Engine) -> None:
    files = SqlFiles(engine)
    assert files.keep(_file("a")).version == 1
    assert files.keep(_file("a", source="fees")).version == 1
    assert files.keep(_file("a", date(2026, 11, 1))).version == 1
    known = files.with_digest("acme_us", "sales", "a" * 64)
    assert [f.settlement_date for f in known] == [date(2026, 10, 31), date(2026, 11, 1)]


def test_counts_and_state_are_kept(engine: Engine) -> None:
    files = SqlFiles(engine)
    kept = files.keep(_file("a"))
    files.conclude(
        StoredFile(
            **{
                **{name: getattr(kept, name) for name in StoredFile.__dataclass_fields__},
                "state": FileState.classified,
                "lines_in": 5,
                "lines_classified": 4,
                "lines_quarantined": 1,
                "lines_without_money": 0,
            }
        )
    )
    found = files.of_day(DAY)[0]
    assert (found.state, found.lines_in, found.lines_quarantined) == (FileState.classified, 5, 1)
    assert found.window == WINDOW
    assert files.layouts(DAY) == {"a" * 64: "payment_batch_detail_classic_csv"}


def test_two_workers_never_take_one_version(engine: Engine) -> None:
    files = SqlFiles(engine)
    digests = "0123456789abcdef"
    workers = [threading.Thread(target=files.keep, args=(_file(d),)) for d in digests[:6]]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [f.version for f in files.of_day(DAY)] == [1, 2, 3, 4, 5, 6]
