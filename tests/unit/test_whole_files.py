"""Two tasks that write one file, a zombie and its successor, never write into each other's part."""

import os
import time
from datetime import date
from pathlib import Path

import pytest

from include.adapters.lake import Lake
from include.domain.settlement import SettlementDay
from include.services.matching.history import History
from include.services.matching.match_files import MatchWriter
from include.services.whole_files import own_part, written_whole


def test_the_end_of_one_matching_takes_no_part_of_another(tmp_path: Path) -> None:
    matches = tmp_path / "matches.parquet"
    with MatchWriter(matches) as zombie:
        zombie.documents.write_bytes(b"the zombie's")
        with MatchWriter(matches) as successor:
            successor.documents.write_bytes(b"its successor's")
        assert zombie.documents.read_bytes() == b"the zombie's"
    assert list(tmp_path.iterdir()) == []


def test_who_asks_for_a_day_makes_no_folder_and_who_writes_it_does(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    other_days = History(lake, SettlementDay("acme_us", date(2026, 3, 2)))
    assert other_days.captures(["7000000000000000001"]) == {}
    assert other_days.matched_documents(date(2026, 1, 1), date(2026, 3, 1)) is None
    assert list(tmp_path.iterdir()) == []
    path = lake.day_path(SettlementDay("acme_us", date(2026, 3, 1)), "lines.parquet")
    with written_whole(path) as part:
        part.write_text("lines")
    assert path.read_text() == "lines"


def test_the_last_to_finish_stands_and_a_fault_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    with written_whole(path) as zombie, written_whole(path) as successor:
        zombie.write_text("zombie")
        successor.write_text("successor")
    assert path.read_text() == "zombie"

    def fail() -> None:
        with written_whole(path) as part:
            part.write_text("ha")
            raise ValueError("half")

    with pytest.raises(ValueError, match="half"):
        fail()
    assert path.read_text() == "zombie"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_task_left_goes_a_day_later_and_no_other_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "lines.parquet", tmp_path / "matches.parquet"
    left, of_other = own_part(path), own_part(other)
    for part in (left, of_other):
        part.write_text("left")
        os.utime(part, (0, 0))  # as a link to an old file would look
    assert own_part(path) != left
    assert left.exists()  # its writer may still live
    later = time.time() + 90_000
    monkeypatch.setattr(time, "time", lambda: later)
    own_part(path)
    assert not left.exists()
    assert of_other.exists()
