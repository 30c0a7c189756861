"""Records of any format on their way to be judged, a bounded number at a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from include.adapters.layouts.reading import cards
from include.adapters.layouts.reading.classify import Chunk, classify
from include.adapters.layouts.reading.plan import LINE_NO, Plan

RAW_LIMIT = 4096  # bytes of a quarantined record that are shown; the file keeps them all
BROKEN_SCHEMA = {LINE_NO: pl.Int64(), "reason_code": pl.String(), "what": pl.String()}
ROWS_AT_A_TIME = 20_000


@dataclass(frozen=True, slots=True)
class Batch:
    """Some consecutive records as text columns."""

    text: pl.DataFrame
    line_no: pl.Series  # of each row of ``text``, from 0 at the batch's first line
    raw: Sequence[bytes] | Mapping[int, bytes]  # by line number, as far as it may be needed
    length: int  # lines, or records where the format has no lines
    broken: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=BROKEN_SCHEMA))
    has_control: bool = True


@dataclass(frozen=True, slots=True)
class Judged:
    """A batch, classified; line numbers still count from 0."""

    chunk: Chunk
    quarantine: pl.DataFrame  # LINE_NO, reason_code, what, do, currency, amount_text, raw
    rows_in: int
    length: int


def judge(batch: Batch, plan: Plan) -> Judged:
    """Classify a batch and fetch the bytes of what could not be."""
    chunk = classify(batch.text, batch.line_no, plan, batch.has_control)
    broken = batch.broken.select(
        *BROKEN_SCHEMA,
        do=pl.lit("Ask the sender for a corrected file."),
        currency=pl.lit(None, pl.String),
        amount_text=pl.lit(None, pl.String),
    )
    bad = pl.concat([chunk.bad, broken]).sort(LINE_NO) if broken.height else chunk.bad
    raw = [_shown(batch.raw[line]) for line in bad[LINE_NO]]
    return Judged(
        chunk,
        bad.with_columns(pl.Series("raw", raw, dtype=pl.Binary)),
        batch.text.height + broken.height,
        batch.length,
    )


def _shown(raw: bytes) -> bytes:
    text = raw[:RAW_LIMIT].decode("utf-8", "surrogateescape")
    return cards.mask_cards(text).encode("utf-8", "surrogateescape")


def batches_of_rows(
    rows: Iterator[tuple[Mapping[str, str | None], bytes]], names: Sequence[str]
) -> Iterator[Batch]:
    """Gather row mappings into text frames; for formats that are read record by record."""
    gathered: list[Mapping[str, str | None]] = []
    raw: list[bytes] = []
    for row, record in rows:
        gathered.append(row)
        raw.append(record)
        if len(gathered) == ROWS_AT_A_TIME:
            yield _batch(gathered, raw, names)
            gathered, raw = [], []
    if gathered:
        yield _batch(gathered, raw, names)


def _batch(
    rows: Sequence[Mapping[str, str | None]], raw: Sequence[bytes], names: Sequence[str]
) -> Batch:
    columns = {
        name: pl.Series(name, [row.get(name) or None for row in rows], dtype=pl.String)
        for name in names
    }
    numbers = pl.Series(range(len(rows)), dtype=pl.Int64)
    return Batch(pl.DataFrame(columns), numbers, raw, len(rows))
