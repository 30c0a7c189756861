"""Write matches.parquet: plain rows as columns, explained rows laid over them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.domain.matching import Cause, Rule
from include.services.matching.columns import JOINT, MATCH_COLUMNS, schema_of
from include.services.matching.disputes import DisputeFinding
from include.services.matching.fees import FeeDrift
from include.services.matching.model import Decision, LineItem

if TYPE_CHECKING:
    import polars as pl

    from include.services.matching.plain import Rows

_CHUNK = 1_000_000
_LAID_OVER = [
    name for name in MATCH_COLUMNS if name not in ("file_digest", "line_no", "line_class")
]


def write_matches(
    path: Path,
    lines: Path,
    documents: Path,
    document_of_line: "Rows",
    on: date,
    explained: Sequence[Mapping[str, Any]],
) -> None:
    """Write one row per line, in the order of ``lines``, then the earlier lines that were met.

    Args:
        path: matches.parquet; appears at once when complete, which says the day is matched.
        lines: the day's lines.parquet.
        documents: the documents compared; row numbers of ``document_of_line`` count in it.
        document_of_line: row of the document per row of the day; negative where not plain.
        on: the settlement date.
        explained: rows of ``MATCH_COLUMNS`` and ``row``; ``row`` -1 for earlier lines.
    """
    import polars as pl
    import pyarrow.parquet as pq

    schema = schema_of(MATCH_COLUMNS)
    ids = pl.scan_parquet(documents).select("document_id").collect(engine="streaming")
    document_ids = ids["document_id"]
    overlay = pl.DataFrame(
        [[e["row"], *(e.get(name) for name in MATCH_COLUMNS)] for e in explained],
        schema={"row": pl.Int64, **schema},
        orient="row",
    )
    own = overlay.filter(pl.col("row") >= 0).select("row", *_LAID_OVER)
    part = path.with_suffix(".part")
    writer: pq.ParquetWriter | None = None
    try:
        for start in range(0, max(1, len(document_of_line)), _CHUNK):
            rows = document_of_line[start : start + _CHUNK]
            chunk = _chunk(lines, start, rows, document_ids, on)
            chunk = _lay_over(chunk, own, schema)
            if start + _CHUNK >= len(document_of_line):
                earlier = overlay.filter(pl.col("row") < 0).select(list(MATCH_COLUMNS))
                chunk = pl.concat([chunk, earlier])
            table = chunk.to_arrow(compat_level=pl.CompatLevel.oldest())
            writer = writer or pq.ParquetWriter(part, table.schema, compression="lz4")
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()
    part.replace(path)


def _chunk(
    lines: Path, start: int, rows: "Rows", document_ids: "pl.Series", on: date
) -> "pl.DataFrame":
    """Return the plain columns of some rows, with their ``row`` number."""
    import polars as pl

    found = (
        pl.scan_parquet(lines)
        .select("file_digest", "line_no", "line_class", "amount_minor")
        .slice(start, len(rows))
        .collect(engine="streaming")
    )
    index = pl.Series("document", rows, dtype=pl.Int32)
    matched = index >= 0
    ids = document_ids.gather(index.set(~matched, None).cast(pl.UInt32)) if len(rows) else None
    return found.with_columns(
        pl.Series("document_id", ids, dtype=pl.String),
        pl.int_range(start, start + found.height, dtype=pl.Int64).alias("row"),
        matched=matched,
    ).with_columns(
        line_date=pl.lit(on),
        rule=pl.when("matched").then(pl.lit(Rule.exact.value)),
        taken_minor=pl.when("matched").then("amount_minor"),
        difference_minor=pl.when("matched").then(pl.lit(0, dtype=pl.Int64)),
    )


def _lay_over(
    chunk: "pl.DataFrame", own: "pl.DataFrame", schema: "dict[str, pl.DataType]"
) -> "pl.DataFrame":
    import polars as pl

    nothing = [
        pl.lit(None, dtype=schema[name]).alias(name)
        for name in MATCH_COLUMNS
        if name not in chunk.columns
    ]
    plain = chunk.with_columns(nothing)
    if own.is_empty():
        return plain.select(list(MATCH_COLUMNS))
    joined = plain.join(own, on="row", how="left", suffix="_own", maintain_order="left")
    return joined.with_columns(
        pl.coalesce(f"{name}_own", name).alias(name) for name in _LAID_OVER
    ).select(list(MATCH_COLUMNS))


def explained_rows(
    decisions: Iterable[Decision],
    open_lines: Iterable[LineItem],
    disputes: Iterable[DisputeFinding],
    fee_drifts: Iterable[FeeDrift],
    parts_of_sales: Iterable[tuple[int, str]],
    on: date,
) -> list[dict[str, Any]]:
    """Return the rows that are not plain, as ``MATCH_COLUMNS`` and ``row``."""
    found: list[dict[str, Any]] = []
    for decision in decisions:
        found += _decided(decision)
    for line in open_lines:
        if not line.is_earlier:
            found.append(_row(line, None, Cause.expected, "reference, currency and amount", "none"))
    for each in disputes:
        found.append(
            {
                "row": each.row,
                "line_date": on,
                "rule": each.rule.value if each.rule else None,
                "cause": each.cause.value if each.cause else None,
                "line_key": each.key,
                "compared": each.compared,
                "runner_up": each.runner_up,
            }
        )
    for drift in fee_drifts:
        found.append(
            {
                "row": drift.row,
                "line_date": on,
                "cause": Cause.fee_drift.value,
                "line_key": drift.key,
                "compared": drift.explanation,
            }
        )
    for row, compared in parts_of_sales:
        found.append({"row": row, "rule": Rule.partial_refund.value, "compared": compared})
    return sorted(found, key=lambda r: (r["row"] < 0, r["row"], r.get("line_key") or ""))


def _decided(decision: Decision) -> list[dict[str, Any]]:
    """Return a decision's rows; lines of earlier days only where they are settled now."""
    ids = JOINT.join(document.document_id for document in decision.documents) or None
    left = sum(decision.taken)
    found = []
    for index, line in enumerate(decision.lines):
        if line.is_earlier and not decision.is_final:
            continue
        is_last = index == len(decision.lines) - 1
        # Parts of one order take what they are; the last takes the rest, so the sum is exact.
        taken = left if is_last else min(line.minor, left, key=abs)
        left -= taken
        row = _row(line, decision.rule, decision.cause, decision.compared, decision.runner_up)
        if ids:
            row |= {"document_id": ids, "taken_minor": taken}
            row["difference_minor"] = line.minor - taken
        found.append(row)
    return found


def _row(
    line: LineItem, rule: Rule | None, cause: Cause | None, compared: str, runner_up: str
) -> dict[str, Any]:
    digest, _, number = line.source.rpartition(":")
    return {
        "row": line.row,
        "file_digest": digest,
        "line_no": int(number),
        "line_class": "gross_sale" if line.kind == "sale" else "refund",
        "line_date": line.day,
        "rule": rule.value if rule else None,
        "cause": cause.value if cause else None,
        "line_key": line.key,
        "compared": compared,
        "runner_up": runner_up,
    }
