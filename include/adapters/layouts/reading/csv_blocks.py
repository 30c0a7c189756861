"""CSV records in blocks: the fast way for clean blocks, line by line for the others.

A record is one line. Polars splits a clean block into columns; a block in which the number of
rows differs from the number of lines, or a row may be short, is split again by a strict pattern
that names each broken line. A quote that is still open at the end of its line could swallow or
inject records, so it sets the whole file aside.
"""

import os
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np
import polars as pl

from include.adapters.layouts.reading.batches import BROKEN_SCHEMA, Batch
from include.adapters.layouts.reading.faults import MAX_LINE_BYTES, FileFaultError, of
from include.adapters.layouts.reading.plan import LINE_NO

BLOCK_BYTES = 16 * 1024**2
_TAIL_BYTES = 64 * 1024
_SCAN_BYTES = 128 * 1024  # stays in the processor's cache
_FIELD = r'(?:[^",\r\n]*|"(?:[^"\r\n]|"")*")'


class BlockFaultError(FileFaultError):
    """A fault at a line that counts from the block's first; placed by ``at``."""

    def __init__(self, reason_code: str, what: str, line: int) -> None:
        super().__init__(reason_code, what, "")
        self.reason_code, self.what, self.line = reason_code, what, line
        self.is_in_cut_line = False  # the block's last line, without a line end

    def at(self, first_line: int) -> FileFaultError:
        return of(self.reason_code, f"{self.what} at line {first_line + self.line}")


def spans(file: BinaryIO, offset: int) -> Iterator[tuple[int, int]]:
    """Yield where blocks of whole lines begin and end; the last may lack its line end.

    Raises:
        FileFaultError: a line is longer than any record may be.
    """
    size = os.fstat(file.fileno()).st_size
    start = offset
    while start < size:
        end = start
        cut = 0
        while not cut and end < size:
            first, end = end, min(end + BLOCK_BYTES, size)
            cut = _after_last_line(file, first, end)
            if end - (cut or start) > MAX_LINE_BYTES:
                raise of("line_too_long", f"A line is longer than {MAX_LINE_BYTES} bytes")
        yield start, cut or size
        start = cut or size


def _after_last_line(file: BinaryIO, first: int, end: int) -> int:
    """Return where the last line that ends before ``end`` does so, or 0; only its tail is read."""
    while first < end:
        start = max(first, end - _TAIL_BYTES)
        cut = bytes_of(file, start, end).rfind(b"\n") + 1
        if cut:
            return start + cut
        end = start
    return 0


def bytes_of(file: BinaryIO, start: int, end: int) -> bytes:
    """Read a part of a file; several threads may do so at once."""
    return os.pread(file.fileno(), end - start, start)


def batch_of(block: bytes, names: Sequence[str]) -> Batch:
    """Split a block into text columns.

    Raises:
        BlockFaultError: not UTF-8, NUL inside, or a quote left open.
    """
    is_cut = not block.endswith(b"\n")
    try:
        return _batch_of(block + b"\n" if is_cut else block, names)
    except BlockFaultError as error:
        error.is_in_cut_line = is_cut and error.line == block.count(b"\n")
        raise


def _batch_of(block: bytes, names: Sequence[str]) -> Batch:
    text = _clean_text(block, names)
    if text is not None:
        lines = text.height
        rows = pl.int_range(lines, eager=True)
        return Batch(text, rows, _Lines(block), lines, has_control=False)
    lines, has_control = _scan(block)
    _refuse_bytes(block, has_control)
    try:
        text = _split(block, names)
    except pl.exceptions.PolarsError:  # it says no line; the strict split finds it
        return _strictly_split(block, names, has_control)
    if text.height != lines or text[names[-1]].null_count():
        return _strictly_split(block, names, has_control)
    raw = _Lines(block)
    return Batch(text, pl.int_range(lines, eager=True), raw, lines, has_control=has_control)


def _clean_text(block: bytes, names: Sequence[str]) -> pl.DataFrame | None:
    """Split a block in which nothing is odd, or return ``None``; one look at its bytes will do.

    As many rows as bytes below the blank: each row ends with one of them, a line end, so there is
    no other line and no control character.
    """
    if not block.isascii() or b"\x7f" in block:
        return None
    every = np.frombuffer(block, np.uint8)
    below_blank = sum(
        int(np.count_nonzero(every[start : start + _SCAN_BYTES] < 0x20))
        for start in range(0, len(every), _SCAN_BYTES)
    )
    try:
        text = _split(block, names)
    except pl.exceptions.PolarsError:
        return None
    is_clean = text.height == below_blank and not text[names[-1]].null_count()
    return text if is_clean else None


def _split(block: bytes, names: Sequence[str]) -> pl.DataFrame:
    """Split into text columns of one chunk each, or every later pass would copy them to that."""
    schema = dict.fromkeys(names, pl.String())
    found = pl.read_csv(block, has_header=False, schema=schema)
    return pl.DataFrame([column.rechunk() for column in found])


class _Lines(Sequence[bytes]):
    """The lines of a block, split only when one is asked for."""

    def __init__(self, block: bytes) -> None:
        self._block = block
        self._split: list[bytes] | None = None

    def __getitem__(self, line: int) -> bytes:  # type: ignore[override]
        if self._split is None:
            self._split = self._block.split(b"\n")
        return self._split[line].rstrip(b"\r")

    def __len__(self) -> int:
        return self._block.count(b"\n")


def _scan(block: bytes) -> tuple[int, bool]:
    """Count the lines and say whether there is a control character beyond line ends."""
    every = np.frombuffer(block, np.uint8)
    lines = below_blank = 0
    for start in range(0, len(every), _SCAN_BYTES):
        part = every[start : start + _SCAN_BYTES]
        lines += int(np.count_nonzero(part == 0x0A))
        below_blank += int(np.count_nonzero(part < 0x20))
    if below_blank != lines:
        below_blank -= block.count(b"\r\n")
    return lines, below_blank != lines or b"\x7f" in block


def _refuse_bytes(block: bytes, has_control: bool) -> None:
    if has_control and b"\0" in block:
        at = block.index(b"\0")
        raise BlockFaultError("nul_byte", "There is a NUL byte", block.count(b"\n", 0, at))
    if not block.isascii():
        try:
            block.decode("utf-8")
        except UnicodeDecodeError as error:
            line = block.count(b"\n", 0, error.start)
            raise BlockFaultError("not_utf8", "The bytes are not UTF-8", line) from None


def _strictly_split(block: bytes, names: Sequence[str], has_control: bool) -> Batch:
    raw = block.split(b"\n")[:-1]
    lines = pl.DataFrame(
        {"line": pl.Series([line.decode("utf-8").rstrip("\r") for line in raw], dtype=pl.String)}
    ).with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias(LINE_NO))
    open_quote = lines.filter(pl.col("line").str.count_matches('"', literal=True) % 2 == 1)
    if open_quote.height:
        raise BlockFaultError(
            "unterminated_quote", "A quote is not closed on its line", open_quote[LINE_NO][0]
        )
    # ``(?s)`` is off: no field holds a line end, which the pattern excludes as well
    whole = f"^{_FIELD}(?:,{_FIELD}){{{len(names) - 1}}}$"
    lines = lines.filter(pl.col("line") != "").with_columns(
        is_whole=pl.col("line").str.contains(whole),
        fields=pl.col("line").str.replace_all(r'"(?:[^"]|"")*"', "").str.count_matches(",") + 1,
    )
    good, bad = lines.filter("is_whole"), lines.filter(~pl.col("is_whole"))
    wrong_count = pl.col("fields") != len(names)
    broken = bad.select(
        LINE_NO,
        reason_code=pl.when(wrong_count)
        .then(pl.lit("column_count_wrong"))
        .otherwise(pl.lit("quote_misplaced")),
        what=pl.when(wrong_count)
        .then(pl.format("The line has {} columns, the headings " + str(len(names)), "fields"))
        .otherwise(pl.lit("The line has a quote in the middle of a field")),
    ).cast(dict(BROKEN_SCHEMA))  # type: ignore[arg-type]
    text = pl.read_csv(
        ("\n".join(good["line"]) + "\n").encode() if good.height else b"",
        has_header=False,
        schema=dict.fromkeys(names, pl.String()),
        raise_if_empty=False,
    )
    return Batch(text, good[LINE_NO], raw, len(raw), broken, has_control)
