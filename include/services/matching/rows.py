"""Write matches.parquet: plain rows as columns, explained rows laid over them."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.domain.matching import Cause, Rule
from include.services.matching.columns import JOINT, MATCH_COLUMNS
from include.services.matching.disputes import DisputeFinding
from include.services.matching.fees import FeeDrift
from include.services.matching.model import Decision, LineItem
from include.services.matching.plain import NOBODY

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from include.services.matching.plain import Rows

    Ints = npt.NDArray[np.int64]
    _Batch = tuple[pa.RecordBatch, int]

_CHUNK = 500_000
_WORKERS = 2
_CODED = ("file_digest", "line_class", "rule", "cause", "line_date")  # few distinct values
_WORDS = ("line_key", "compared", "runner_up")  # only explained rows have these,
_AMOUNTS = ("taken_minor", "difference_minor")  # and these


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
    import pyarrow as pa
    import pyarrow.parquet as pq

    own = [e for e in explained if e["row"] >= 0]
    earlier = [e for e in explained if e["row"] < 0]
    part = path.with_suffix(".part")
    with (
        pq.ParquetWriter(
            part,
            _schema(),
            compression="lz4",
            use_dictionary=list(_CODED),  # type: ignore[arg-type]
            write_statistics=False,
            store_schema=False,  # coded columns read back as plain text
        ) as writer,
        ThreadPoolExecutor(_WORKERS) as pool,
    ):
        columns = _Columns(lines, documents, document_of_line, on, own)
        for table in _ahead(pool, columns.table, columns.batches()):
            writer.write_table(table)
        if earlier:
            rows = [{name: e.get(name) for name in MATCH_COLUMNS} for e in earlier]
            writer.write_table(pa.Table.from_pylist(rows, schema=_plain_schema()).cast(_schema()))
    part.replace(path)


def _plain_schema() -> "pa.Schema":
    import pyarrow as pa

    types: dict[str, Any] = {"string": pa.string(), "int64": pa.int64(), "date32": pa.date32()}
    return pa.schema([(name, types[kind]) for name, (kind, _) in MATCH_COLUMNS.items()])


def _schema() -> "pa.Schema":
    """Return the columns as written: repeated words as numbers, unique ones as large strings."""
    import pyarrow as pa

    written: list[tuple[str, Any]] = []
    for plain in _plain_schema():
        kind: Any = plain.type
        if plain.name == "document_id":
            kind = pa.large_string()
        elif plain.name in _CODED and plain.type == pa.string():
            kind = pa.dictionary(pa.int32(), pa.string())
        written.append((plain.name, kind))
    return pa.schema(written)


def _ahead(
    pool: ThreadPoolExecutor, work: "Callable[[_Batch], pa.Table]", batches: "Iterable[_Batch]"
) -> "Iterator[pa.Table]":
    """Put a few chunks together while one is written; they come out in order."""
    waiting: deque[Future[pa.Table]] = deque()
    for batch in batches:
        waiting.append(pool.submit(work, batch))
        if len(waiting) > _WORKERS:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


class _Columns:
    """The day's rows as Arrow columns, a chunk at a time."""

    def __init__(
        self,
        lines: Path,
        documents: Path,
        document_of_line: "Rows",
        on: date,
        own: Sequence[Mapping[str, Any]],
    ) -> None:
        import numpy as np
        import polars as pl
        import pyarrow as pa

        self._lines, self._on, self._own = lines, on, own
        self._schema = _schema()
        self._document_of_line = document_of_line
        self._rows: Ints = np.array([e["row"] for e in own], dtype=np.int64)
        ids = pl.scan_parquet(documents).select("document_id").collect(engine="streaming")
        named = pl.Series("document_id", [e.get("document_id") for e in own], dtype=pl.String)
        # Row k of what is explained stands behind the documents, at len(documents) + k.
        self._documents = ids.height
        both = ids["document_id"].append(named).rechunk()
        self._ids = both.to_arrow(compat_level=pl.CompatLevel.oldest())
        self._explained = {
            name: pa.array([e.get(name) for e in own], kind)
            for names, kind in ((_WORDS, pa.string()), (_AMOUNTS, pa.int64()))
            for name in names
        }

    def batches(self) -> "Iterator[tuple[pa.RecordBatch, int]]":
        """Yield the day's lines with the row they begin at."""
        import pyarrow.parquet as pq

        names = ["file_digest", "line_no", "line_class"]
        source = pq.ParquetFile(self._lines, read_dictionary=["file_digest", "line_class"])
        start = 0
        for batch in source.iter_batches(_CHUNK, columns=names):
            yield batch, start
            start += batch.num_rows

    def table(self, batch: "tuple[pa.RecordBatch, int]") -> "pa.Table":
        """Lay what is explained over the plain columns of one chunk."""
        import numpy as np
        import pyarrow as pa

        lines, start = batch
        count = lines.num_rows
        first, last = np.searchsorted(self._rows, [start, start + count])
        documents = self._document_of_line[start : start + count].copy()
        rules = np.where(documents != NOBODY, _RULES[Rule.exact.value], _NONE).astype(np.int32)
        causes = np.full(count, _NONE, dtype=np.int32)
        place = np.full(count, -1, dtype=np.int32)
        for number in range(int(first), int(last)):
            row, spot = self._own[number], int(self._rows[number]) - start
            place[spot] = number
            if row.get("rule"):
                rules[spot] = _RULES[row["rule"]]
            if row.get("cause"):
                causes[spot] = _CAUSES[row["cause"]]
            if row.get("document_id"):
                documents[spot] = self._documents + number
        found: dict[str, Any] = {
            "file_digest": lines.column("file_digest"),
            "line_no": lines.column("line_no"),
            "line_class": lines.column("line_class"),
            "line_date": pa.array(np.full(count, self._on, dtype="datetime64[D]")),
            "rule": _coded(rules, _RULES),
            "cause": _coded(causes, _CAUSES),
            "document_id": self._ids.take(_index(documents)),
        }
        index = _index(place)
        found |= {name: values.take(index) for name, values in self._explained.items()}
        return pa.Table.from_arrays([found[name] for name in MATCH_COLUMNS], schema=self._schema)


_NONE = -1
_RULES = {rule.value: number for number, rule in enumerate(Rule)}
_CAUSES = {cause.value: number for number, cause in enumerate(Cause)}


def _index(numbers: "npt.NDArray[Any]") -> Any:
    """Return row numbers to take; negative ones are null."""
    import pyarrow as pa

    return pa.array(numbers, mask=numbers < 0)


def _coded(codes: "npt.NDArray[np.int32]", words: Mapping[str, int]) -> Any:
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(_index(codes), pa.array(list(words), pa.string()))


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
