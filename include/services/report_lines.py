"""Read the day's lines for the report: totals as columns, single lines as they are asked for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from include.domain.matching import Cause
from include.domain.money import Money
from include.services.matching.match_files import rows_of_matches
from include.services.report_model import LineReport

_BATCH = 20_000
_LINE = (
    "file_digest line_no line_class detail_code currency amount_minor request_id "
    "merchant_reference processor_reference batch_id case_number card_type occurred_at"
).split()


@dataclass(frozen=True, slots=True)
class LineSum:
    """What the lines of one file, class, code and currency add up to."""

    file_digest: str
    line_class: str
    detail_code: str
    currency: str
    total: Money
    count: int


def sum_lines(path: Path) -> list[LineSum]:
    """Add up ``lines.parquet``; in a stable order."""
    if not path.exists():
        return []
    import polars as pl

    keys = ["file_digest", "line_class", "detail_code", "currency"]
    found = (
        pl.scan_parquet(path)
        .group_by(keys)
        .agg(pl.col("amount_minor").sum(), pl.len())
        .collect(engine="streaming")
        .sort(keys, nulls_last=True)
    )
    return [
        LineSum(digest, line_class, code or "", currency, Money(minor, currency), count)
        for digest, line_class, code, currency, minor, count in found.iter_rows()
    ]


def sum_repeats(lines: Path, explained: Path) -> dict[tuple[str, str], Money]:
    """Add up, by currency and class, the records that matching named as repeats: not booked."""
    if not lines.exists() or not explained.exists():
        return {}
    import polars as pl

    record = ["file_digest", "line_no"]
    is_repeat = pl.col("cause") == Cause.duplicate_line.value
    repeats = pl.scan_parquet(explained).filter(is_repeat).select(record).unique().collect()
    if repeats.is_empty():
        return {}
    found = (
        pl.scan_parquet(lines)
        .join(repeats.lazy(), on=record, how="semi")
        .group_by("currency", "line_class")
        .agg(pl.col("amount_minor").sum())
        .collect(engine="streaming")
    )
    return {(c, line_class): Money(minor, c) for c, line_class, minor in found.iter_rows()}


def sum_bank_entries(path: Path) -> dict[str, tuple[Money, int]]:
    """Add up ``bank_entries.parquet`` per currency: (amount, entries)."""
    if not path.exists():
        return {}
    import polars as pl

    found = (
        pl.scan_parquet(path)
        .group_by("currency")
        .agg(pl.col("amount_minor").sum(), pl.len())
        .sort("currency")
        .collect()
    )
    return {c: (Money(minor, c), count) for c, minor, count in found.iter_rows()}


@dataclass(frozen=True, slots=True)
class ParquetLines:
    """The lines of ``lines.parquet``, each with what matching says of it where it ran.

    ``matches.parquet`` has one row per line in the same order, so both are read side by side, a
    batch at a time.
    """

    lines: Path
    matches: Path
    sources: Mapping[str, str]  # file digest -> the merchant's name of the source

    def __len__(self) -> int:
        if not self.lines.exists():
            return 0
        import pyarrow.parquet as pq

        return int(pq.ParquetFile(self.lines).metadata.num_rows)

    def __iter__(self) -> Iterator[LineReport]:
        if not self.lines.exists():
            return
        matched = rows_of_matches(self.matches)
        for line in _rows(self.lines, _LINE):
            match = next(matched, {})
            if match and (match["file_digest"], match["line_no"]) != (
                line["file_digest"],
                line["line_no"],
            ):
                match = {}  # matching ran on other lines; its words are not about this one
            yield self._report(line, match)

    def _report(self, line: Mapping[str, Any], match: Mapping[str, Any]) -> LineReport:
        when = line["occurred_at"]
        return LineReport(
            source=f"{line['file_digest']}:{line['line_no']}",
            file=self.sources.get(line["file_digest"], line["file_digest"][:12]),
            line_class=line["line_class"],
            detail_code=line["detail_code"] or "",
            amount=Money(line["amount_minor"], line["currency"]),
            request_id=line["request_id"] or "",
            merchant_reference=line["merchant_reference"] or "",
            processor_reference=line["processor_reference"] or "",
            batch_id=line["batch_id"] or "",
            case_number=line["case_number"] or "",
            card_type=line["card_type"] or "",
            occurred_at=when.strftime("%Y-%m-%dT%H:%M:%SZ") if when else "",
            rule=match.get("rule") or "",
            cause=match.get("cause") or "",
            document_id=match.get("document_id") or "",
        )


def _rows(path: Path, columns: list[str]) -> Iterator[Mapping[str, Any]]:
    import pyarrow.parquet as pq

    for batch in pq.ParquetFile(path).iter_batches(_BATCH, columns=columns):
        yield from batch.to_pylist()
