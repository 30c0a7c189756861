"""The lake: write-once files. Raw bytes lie under their digest, results under their name.

A file is there whole or not at all: written beside, synced, renamed, the folder synced. Raw bytes
are read-only and never replaced; the same bytes again are the same file. They may hold what no
table does, such as card numbers, so that nobody but us and our group may read them.
"""

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from include.domain.errors import Retryable
from include.domain.settlement import SettlementDay
from include.services.files import RawDownload
from include.services.ports import Download
from include.services.whole_files import make_folder, sync_folder

_DIGEST = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


class Lake:
    """A folder tree; every path is a pure function of its name."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def raw_path(self, digest: str) -> Path:
        """Return where the bytes with this digest lie or would lie."""
        return self.root / "raw" / _digest(digest)[:2] / digest

    def lines_path(self, digest: str, layout: str) -> Path:
        """Return where the lines of one file under one layout lie or would lie."""
        return self._result("lines", digest, layout)

    def quarantine_path(self, digest: str, layout: str) -> Path:
        """Return where what that file's layout could not read lies or would lie."""
        return self._result("quarantine", digest, layout)

    def day_path(self, day: SettlementDay, name: str) -> Path:
        """Return where a day's file of that name lies or would lie, e.g. ``lines.parquet``."""
        return self._of_day("days", day, name)

    def report_path(self, day: SettlementDay, name: str) -> Path:
        """Return where a day's report of that name lies or would lie."""
        return self._of_day("reports", day, name)

    def read_note(self, name: str) -> bytes:
        """Return a small note of ours; empty where there is none."""
        try:
            return self._note_path(name).read_bytes()
        except FileNotFoundError:
            return b""

    def write_note(self, name: str, data: bytes) -> None:
        """Keep a small note of ours, the one thing in the lake that is replaced."""
        path = self._note_path(name)
        make_folder(path.parent)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(path)
        sync_folder(path.parent)

    def write_raw(self, download: RawDownload) -> Download | None:
        """Let ``download`` fill a new file and keep it under its digest.

        Returns:
            What the download said, its digest as counted here; ``None`` where it said ``None``.

        Raises:
            Retryable: the bytes that arrived are not those the download counted.
        """
        folder = self.root / "incoming"
        make_folder(folder)
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            part, sink = Path(file.name), _Counted(file)
            try:
                found = download(cast("BinaryIO", sink))
                if found is None:
                    return None
                file.flush()
                os.fsync(file.fileno())
                digest = sink.sha256.hexdigest()
                if found.digest != digest:
                    raise Retryable(
                        f"{sink.size} bytes arrived with another digest than was counted",
                        "the lake",
                        "Download again.",
                    )
                self._keep(part, digest)
                return Download(digest, sink.size, found.content_type)
            finally:
                part.unlink(missing_ok=True)

    def _note_path(self, name: str) -> Path:
        return self.root / "notes" / f"{_name(name)}.json"

    def _keep(self, part: Path, digest: str) -> None:
        path = self.raw_path(digest)
        if path.exists():
            return
        make_folder(path.parent)
        part.chmod(0o440)
        part.replace(path)
        sync_folder(path.parent)

    def _result(self, kind: str, digest: str, layout: str) -> Path:
        return self.root / kind / _digest(digest)[:2] / f"{digest}.{_name(layout)}.parquet"

    def _of_day(self, kind: str, day: SettlementDay, name: str) -> Path:
        folder = self.root / kind / _name(day.merchant_id) / day.settlement_date.isoformat()
        return folder / _name(name)


class _Counted:
    """A sink that counts and hashes what passes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()
        self.size = 0

    def write(self, data: Any) -> int:
        self.sha256.update(data)
        self.size += len(data)
        return self._file.write(data)

    def writable(self) -> bool:
        return True

    def flush(self) -> None:
        self._file.flush()


def _digest(text: str) -> str:
    if _DIGEST.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not a SHA-256 in hex")
    return text


def _name(text: str) -> str:
    """Names become paths, so they hold no separator and do not start with a dot."""
    if _NAME.fullmatch(text) is None:
        raise ValueError(f"{text!r} cannot name a file of the lake")
    return text
