"""The first lines of a CSV report: whose it is, which window, which columns."""

import csv
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from include.adapters.layouts.reading.faults import MAX_LINE_BYTES, FileFaultError, of
from include.adapters.layouts.reading.plan import match_headings, normalized
from include.adapters.layouts.shape import Csv, Layout
from include.domain.calendar import Window
from include.services.files import Expected, FileFacts

_WINDOW = re.compile(r"(\S+) to (\S+)")
_BOM = b"\xef\xbb\xbf"
_MAGIC = {
    b"\xff\xfe": ("utf_16", "The file is UTF-16"),
    b"\xfe\xff": ("utf_16", "The file is UTF-16"),
    b"\x1f\x8b": ("still_compressed", "The file is gzip inside"),
    b"PK": ("still_compressed", "The file is a zip archive"),
}


@dataclass(frozen=True, slots=True)
class Head:
    """What stands before the records."""

    facts: FileFacts
    names: tuple[str, ...]  # of the columns, ours or extra:<n>
    unknown: tuple[str, ...]  # headings nobody knows
    offset: int  # where the records begin
    lines: int  # how many lines stand before them


def read_head(path: Path, layout: Layout, expected: Expected) -> Head:
    """Read and check the lines before the records.

    Raises:
        FileFaultError: not this report, not text, or not for the merchant and window asked for.
    """
    form = layout.source
    if not isinstance(form, Csv):
        raise TypeError(f"{layout.name} is not CSV")
    lines, offset = _first_lines(path, 1 if form.preamble == "none" else 2)
    facts = FileFacts()
    if form.preamble != "none":
        facts = _facts(lines[0], form, layout, expected)
    headings = _fields(lines[-1])
    names, unknown = match_headings(layout, headings)
    _refuse_second_heading(path, offset, lines[-1])
    return Head(facts, tuple(names), tuple(unknown), offset, len(lines))


def refuse_non_text(start: bytes) -> None:
    """Refuse bytes that are no text at all.

    Raises:
        FileFaultError: empty, UTF-16, compressed, or holding NUL.
    """
    if not start.strip():
        raise of("empty_file", "The file has no content")
    for magic, (code, what) in _MAGIC.items():
        if start.startswith(magic):
            raise of(code, what)
    if b"\0" in start:
        raise of("nul_byte", "The file holds NUL bytes")


def _first_lines(path: Path, count: int) -> tuple[list[str], int]:
    with path.open("rb") as file:
        start = file.read(MAX_LINE_BYTES)
        refuse_non_text(start)
        if b"\n" not in start and b"\r" in start:
            raise of("cr_line_ends", "The lines end in CR only")
        if start.lstrip(_BOM).lstrip().startswith((b"<", b"{")):
            raise of("not_this_report", "The file is no CSV; it looks like a page or a document")
        offset = len(_BOM) if start.startswith(_BOM) else 0
        file.seek(offset)
        lines = []
        for number in range(1, count + 1):
            line = file.readline(MAX_LINE_BYTES)
            if not line.endswith(b"\n") and len(line) == MAX_LINE_BYTES:
                raise of("line_too_long", f"Line {number} is longer than {MAX_LINE_BYTES} bytes")
            lines.append(_decoded(line, number))
        if not lines[-1]:
            raise of("header_only", "The file ends before its headings")
        return lines, file.tell()


def _decoded(line: bytes, number: int) -> str:
    try:
        return line.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise of("not_utf8", f"Line {number} is not UTF-8 (byte {error.start + 1})") from None


def _fields(line: str) -> list[str]:
    return next(csv.reader([line]), [])


def _refuse_second_heading(path: Path, offset: int, headings: str) -> None:
    with path.open("rb") as file:
        file.seek(offset)
        follows = file.readline(MAX_LINE_BYTES)
    if follows.rstrip(b"\r\n") == headings.encode():
        raise of("doubled_header", "The headings appear twice")


def _facts(line: str, form: Csv, layout: Layout, expected: Expected) -> FileFacts:
    fields = _fields(line)
    at = next((i for i, field in enumerate(fields) if _WINDOW.fullmatch(field.strip())), None)
    if at is None:
        headings = {normalized(h) for column in layout.columns for h in column.headings}
        if any(normalized(field) in headings for field in fields):
            raise of("report_line_missing", "Line 1 holds the headings, not the report's line")
        raise of("report_line_malformed", "Line 1 does not name a window '<start> to <end>'")
    window = window_of(fields[at].strip())
    if form.preamble == "legacy":
        _same_report(fields[0], form)
        return FileFacts(window=window)
    if len(fields) < 5 or window is None:
        raise of("report_line_malformed", "Line 1 does not name organization, report and window")
    _same_report(fields[2], form)
    facts = FileFacts(organization_id=fields[0].strip(), window=window)
    refuse_unasked(facts, expected)
    return facts


def _same_report(found: str, form: Csv) -> None:
    if normalized(found).removesuffix("class") != normalized(form.definition):
        raise of("not_this_report", f"Line 1 names {found[:80]!r}, not {form.definition!r}")


def window_of(text: str) -> Window | None:
    """Read ``<start> to <end>``; ``None`` where the ends are dates without zone.

    The real conversion report writes its zone twice (``Z+00:00``); that is read as UTC.
    """
    found = _WINDOW.fullmatch(text)
    if found is None:
        return None
    return window_between(found[1], found[2])


def window_between(start: str, end: str) -> Window | None:
    """Read a window from two instants; ``None`` where either is not one."""
    try:
        ends = [datetime.fromisoformat(text.replace("Z+00:00", "Z")) for text in (start, end)]
        if any(instant.tzinfo is None for instant in ends):
            return None
        return Window(ends[0].astimezone(UTC), ends[1].astimezone(UTC))
    except ValueError:
        return None


def refuse_unasked(facts: FileFacts, expected: Expected) -> None:
    """Refuse a file that says it is for somebody else or another window.

    Raises:
        FileFaultError: it carries the facts, so that a caller can tell whose it was.
    """
    org, wanted = facts.organization_id, expected.organization_id
    error: FileFaultError | None = None
    if wanted and org is not None and org != wanted:
        error = of("wrong_merchant", f"The file is for {org[:80]!r}, not for {wanted!r}")
    elif expected.window and facts.window and facts.window != expected.window:
        error = of(
            "wrong_window",
            f"The file is for {_shown(facts.window)}, not for {_shown(expected.window)}",
            "Fetch the report of the day asked for.",
        )
    if error is not None:
        error.facts = facts
        raise error


def _shown(window: Window) -> str:
    return f"{window.start_at:%Y-%m-%dT%H:%MZ} to {window.end_at:%Y-%m-%dT%H:%MZ}"
