"""What a record-by-record reader hands to the engine."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from include.adapters.layouts.reading.csv_head import refuse_non_text
from include.adapters.layouts.reading.faults import MAX_TREE_BYTES, of
from include.services.files import FileFacts

Row = tuple[Mapping[str, str | None], bytes]  # columns by our names; the record's bytes


@dataclass(frozen=True, slots=True)
class RowSource:
    """Facts at once, rows as they are asked for; taking a row may raise FileFaultError."""

    facts: FileFacts
    rows: Iterator[Row]


def whole_text(path: Path) -> str:
    """Read a file that is small by nature.

    Raises:
        FileFaultError: empty, too large, not text, not UTF-8.
    """
    size = path.stat().st_size
    if size > MAX_TREE_BYTES:
        raise of("too_large", f"The file has {size} bytes, more than {MAX_TREE_BYTES}")
    data = path.read_bytes()
    refuse_non_text(data[: 1024 * 1024])
    if b"\0" in data:
        raise of("nul_byte", "The file holds NUL bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise of("not_utf8", f"Line {line} is not UTF-8") from None
