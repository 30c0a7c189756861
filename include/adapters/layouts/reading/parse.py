"""Run a layout over a file: raw bytes to Parquet lines and quarantine, in bounded memory."""

import hashlib
import os
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from include.adapters.layouts import layout_named
from include.adapters.layouts.reading import csv_blocks, duplicates
from include.adapters.layouts.reading.batches import Batch, Judged, batches_of_rows, judge
from include.adapters.layouts.reading.csv_blocks import BlockFaultError
from include.adapters.layouts.reading.csv_head import read_head
from include.adapters.layouts.reading.entry_ids import EntryIds
from include.adapters.layouts.reading.faults import (
    MAX_BYTES,
    MAX_RECORDS,
    FileFaultError,
    of,
    truncated,
)
from include.adapters.layouts.reading.lines import columns_of
from include.adapters.layouts.reading.plan import LINE_NO, Plan
from include.adapters.layouts.reading.rows import RowSource, row_source
from include.adapters.layouts.reading.writing import TableWriter
from include.adapters.layouts.shape import Csv, Layout
from include.domain.settlement import QUARANTINE_COLUMNS
from include.services.files import Expected, Fault, FileFacts, ParsedFile

_WORKERS = min(4, os.cpu_count() or 1)


@dataclass
class _Tally:
    """What has been counted so far."""

    rows_in: int = 0
    quarantined: int = 0
    without_money: int = 0
    totals: Counter[tuple[str, str]] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    prints: list[pl.Series] = field(default_factory=list)
    print_lines: list[pl.Series] = field(default_factory=list)


def parse_file(
    path: Path,
    layout: str,
    *,
    lines_path: Path | None = None,
    quarantine_path: Path | None = None,
    digest: str = "",
    expected: Expected | None = None,
) -> ParsedFile:
    """Classify every record of a file; never raise for what its bytes say.

    Args:
        path: the raw bytes.
        layout: a name in ``include.adapters.layouts``.
        lines_path: Parquet with ``settlement.LINE_COLUMNS`` (``BANK_ENTRY_COLUMNS`` for a bank
            statement), replaced whole; by default beside the file.
        quarantine_path: Parquet with ``settlement.QUARANTINE_COLUMNS``; by default beside it.
        digest: SHA-256 of the bytes, hex, where it is known already.
        expected: what was asked for; by default nothing, so the file is taken at its word.
    """
    lines_path = lines_path or path.with_name(f"{path.name}.{layout}.lines.parquet")
    quarantine_path = quarantine_path or path.with_name(f"{path.name}.{layout}.quarantine.parquet")
    spec, digest = layout_named(layout), digest or digest_of(path)
    expected = expected or Expected()
    try:
        found = _parse(path, spec, digest, expected, lines_path, quarantine_path)
    except FileFaultError as error:
        found = ParsedFile(
            digest,
            replace(error.facts, fault=error.fault),
            lines_path,
            quarantine_path,
            rows_in=1,
            rows_classified=0,
            rows_quarantined=1,
            rows_without_money=0,
            totals={},
            reasons={error.fault.reason_code: 1},
        )
        _write_fault(found, spec, error.fault)
    return found


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_fault(found: ParsedFile, layout: Layout, fault: Fault) -> None:
    with TableWriter(found.lines_path, columns_of(layout.yields), found.digest):
        pass
    row = {
        "line_no": [0],
        "reason_code": [fault.reason_code],
        "detail": [fault.detail],
        "currency": [None],
        "amount_text": [None],
        "raw": [b""],
    }
    schema = {"currency": pl.String(), "amount_text": pl.String()}
    with TableWriter(found.quarantine_path, QUARANTINE_COLUMNS, found.digest) as writer:
        writer.write(pl.DataFrame(row, schema_overrides=schema))


def _parse(
    path: Path,
    layout: Layout,
    digest: str,
    expected: Expected,
    lines_path: Path,
    quarantine_path: Path,
) -> ParsedFile:
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise of("too_large", f"The file has {size} bytes, more than {MAX_BYTES}")
    facts, plan, first_line, unknown, judged = _opened(path, layout, expected)
    tally, ids = _Tally(), EntryIds()
    with (
        TableWriter(lines_path, columns_of(layout.yields), digest) as lines,
        TableWriter(quarantine_path, QUARANTINE_COLUMNS, digest) as quarantine,
        ThreadPoolExecutor(1, thread_name_prefix="write") as beside,
    ):
        writing: Future[None] | None = None
        for item in judged:
            _count(item, first_line, tally)
            if tally.rows_in > MAX_RECORDS:
                raise of("too_large", f"The file has more than {MAX_RECORDS} records")
            if writing is not None:
                writing.result()
            writing = beside.submit(_write, item, first_line, plan, ids, lines, quarantine)
            first_line += item.length
        if not tally.rows_in and not layout.may_be_empty:
            raise of("header_only", "The file has headings and no record")
        published = beside.submit(_publish, writing, lines)  # the disk takes its time
        suspects = duplicates.suspects_of(tally.prints, tally.print_lines)
        published.result()
    again = duplicates.across_batches(suspects, lines_path)
    if len(again):
        removed = duplicates.set_aside(again, lines_path, quarantine_path, layout, digest)
        tally.totals.subtract(removed)
        tally.quarantined += len(again)
        tally.reasons["duplicate_line"] += len(again)
    return ParsedFile(
        digest,
        facts,
        lines_path,
        quarantine_path,
        rows_in=tally.rows_in,
        rows_classified=tally.rows_in - tally.quarantined,
        rows_quarantined=tally.quarantined,
        rows_without_money=tally.without_money,
        totals=dict(sorted(tally.totals.items())),
        reasons=dict(sorted(tally.reasons.items())),
        warnings=tuple(f"column {name[:80]!r} is not known to the layout" for name in unknown),
    )


def _opened(
    path: Path, layout: Layout, expected: Expected
) -> tuple[FileFacts, Plan, int, tuple[str, ...], Iterator[Judged]]:
    """Read the head; return facts, plan, the first record's line, unknown columns, the records."""
    if isinstance(layout.source, Csv):
        head = read_head(path, layout, expected)
        extra = tuple(name for name in head.names if name.startswith("extra:"))
        present = tuple(name for name in head.names if name not in extra)
        plan = Plan(layout, present, extra, expected)
        judged = _judged_blocks(path, head.offset, head.names, head.lines + 1, plan)
        return head.facts, plan, head.lines + 1, head.unknown, judged
    source: RowSource = row_source(path, layout, expected)
    present = tuple(column.name for column in layout.columns)
    plan = Plan(layout, present, (), expected)
    batches = batches_of_rows(source.rows, present)
    return source.facts, plan, 1, (), (judge(batch, plan) for batch in batches)


def _judged_blocks(
    path: Path, offset: int, names: tuple[str, ...], first_line: int, plan: Plan
) -> Iterator[Judged]:
    """Judge blocks side by side and hand them on in file order."""

    def work(span: tuple[int, int]) -> tuple[Judged, bool]:
        block = csv_blocks.bytes_of(file, *span)
        batch: Batch = csv_blocks.batch_of(block, names)
        return judge(batch, plan), block.endswith(b"\n")

    line = first_line
    with path.open("rb", buffering=0) as file:
        for future in _in_order(csv_blocks.spans(file, offset), work):
            try:
                judged, is_closed = future.result()
            except BlockFaultError as error:
                if error.is_in_cut_line:
                    raise truncated(f"line {line + error.line} has no end") from None
                raise error.at(line) from None
            if not is_closed:
                _refuse_cut_line(judged, line)
            yield judged
            line += judged.length


def _in_order(
    spans: Iterator[tuple[int, int]], work: Callable[[tuple[int, int]], tuple[Judged, bool]]
) -> Iterator["Future[tuple[Judged, bool]]"]:
    waiting: deque[Future[tuple[Judged, bool]]] = deque()
    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="layout") as pool:
        try:
            for span in spans:
                waiting.append(pool.submit(work, span))
                if len(waiting) > _WORKERS:
                    yield waiting.popleft()
            while waiting:
                yield waiting.popleft()
        finally:
            for future in waiting:
                future.cancel()


def _refuse_cut_line(judged: Judged, first_line: int) -> None:
    """A last line without line end that cannot be read was cut off."""
    last = judged.length - 1
    if judged.quarantine.height and judged.quarantine[LINE_NO][-1] == last:
        raise truncated(f"line {first_line + last} has no end and cannot be read")


def _count(item: Judged, first_line: int, tally: _Tally) -> None:
    chunk, bad = item.chunk, item.quarantine
    tally.reasons.update(bad["reason_code"].to_list())
    tally.rows_in += item.rows_in
    tally.quarantined += bad.height
    tally.without_money += chunk.rows_without_money
    for key, minor in chunk.totals.items():
        tally.totals[key] += minor
    tally.prints.append(chunk.prints)
    tally.print_lines.append(chunk.print_lines + first_line)


def _publish(writing: "Future[None] | None", lines: TableWriter) -> None:
    if writing is not None:
        writing.result()
    lines.publish()


def _write(
    item: Judged,
    first_line: int,
    plan: Plan,
    ids: EntryIds,
    lines: TableWriter,
    quarantine: TableWriter,
) -> None:
    placed = item.chunk.lines.with_columns_seq(pl.col("line_no") + first_line)
    if plan.layout.yields == "bank_entries":
        placed = ids.fill(placed)
    lines.write(placed)
    if item.quarantine.height:
        number = pl.col(LINE_NO) + first_line
        quarantine.write(
            item.quarantine.select(
                "reason_code",
                "currency",
                "amount_text",
                "raw",
                line_no=number,
                detail=pl.format(
                    "{} (at {}). {}", "what", pl.format(f"{plan.layout.name}:{{}}", number), "do"
                ),
            )
        )
