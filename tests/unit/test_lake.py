"""The lake: bytes once per digest, whole or not at all, names that cannot climb out."""

import hashlib
from datetime import date
from pathlib import Path
from typing import BinaryIO

import pytest

from include.adapters.lake import Lake
from include.domain.errors import Retryable
from include.domain.settlement import SettlementDay
from include.services.ports import Download

DAY = SettlementDay("acme_us", date(2026, 10, 31))
CONTENT = b"B1,acme_us,35.00\n"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def _download(sink: BinaryIO) -> Download:
    sink.write(CONTENT[:5])
    sink.write(CONTENT[5:])
    return Download(DIGEST, len(CONTENT), "text/csv")


def _leftovers(lake: Lake) -> list[Path]:
    return list((lake.root / "incoming").iterdir())


def test_bytes_lie_under_their_digest_cannot_be_written_and_are_ours_to_read(
    tmp_path: Path,
) -> None:
    lake = Lake(tmp_path / "new" / "lake")
    assert lake.write_raw(_download) == Download(DIGEST, len(CONTENT), "text/csv")
    path = lake.raw_path(DIGEST)
    assert path.read_bytes() == CONTENT
    assert path.stat().st_mode & 0o777 == 0o440
    lake.report_path(DAY, "day.html")
    made = [one for one in (tmp_path / "new").rglob("*") if one.is_dir()]
    assert {one.stat().st_mode & 0o027 for one in made} == {0}
    assert _leftovers(lake) == []


def test_the_same_bytes_again_change_nothing(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.write_raw(_download)
    before = lake.raw_path(DIGEST).stat()
    lake.write_raw(_download)
    after = lake.raw_path(DIGEST).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert _leftovers(lake) == []


def test_a_download_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    def breaks(sink: BinaryIO) -> Download:
        sink.write(CONTENT[:5])
        raise Retryable("connection reset", "the bank", "Ask again.")

    lake = Lake(tmp_path)
    with pytest.raises(Retryable):
        lake.write_raw(breaks)
    assert not lake.raw_path(DIGEST).exists()
    assert _leftovers(lake) == []


def test_a_404_leaves_nothing(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    assert lake.write_raw(lambda sink: None) is None
    assert _leftovers(lake) == []


def test_bytes_other_than_the_download_counted_are_refused(tmp_path: Path) -> None:
    def lies(sink: BinaryIO) -> Download:
        sink.write(CONTENT[:5])
        return Download(DIGEST, len(CONTENT), "text/csv")

    with pytest.raises(Retryable, match="another digest"):
        Lake(tmp_path).write_raw(lies)


@pytest.mark.parametrize("name", ["../x", ".hidden", "a/b", "", "a\0b"])
def test_a_name_cannot_climb_out_of_the_lake(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot name"):
        Lake(tmp_path).day_path(DAY, name)
    with pytest.raises(ValueError, match="cannot name"):
        Lake(tmp_path).day_path(SettlementDay(name, DAY.settlement_date), "lines.parquet")


def test_a_digest_is_hex_of_sha_256(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        Lake(tmp_path).raw_path("../../etc/passwd")
