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
    _Stretch = tuple[list[int], int]  # row groups of lines.parquet, and their first row

_CHUNK = 100_000
_WORKERS = 2
_WORDS = ("line_key", "compared", "runner_up")  # only explained rows have these,
_AMOUNTS = ("taken_minor", "difference_minor")  # and these
# Few distinct values, or few values.
_CODED = ("file_digest", "line_class", "rule", "cause", "line_date", *_WORDS)


class MatchWriter:
    """Writes matches.parquet beside the caller, who stores meanwhile what else came out.

    The file appears under its name on ``publish``, which says that the day is matched.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._part = path, path.with_suffix(".part")
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="matches")

    def prepare(self, lines: Path, documents: Path, document_of_line: "Rows", on: date) -> None:
        """Begin to read what plain rows are made of.

        Args:
            lines: the day's lines.parquet, whose order is kept.
            documents: the documents compared; ``document_of_line`` counts their rows.
            document_of_line: row of the document per row of the day; negative where not plain.
            on: the settlement date.
        """
        self._columns = self._pool.submit(_Columns, lines, documents, document_of_line, on)

    def begin(self, explained: Sequence[Mapping[str, Any]]) -> None:
        """Begin to write one row per line, then the earlier lines that were met.

        Args:
            explained: rows of ``MATCH_COLUMNS`` and ``row``; ``row`` -1 for earlier lines.
        """
        self._done = self._pool.submit(_write, self._part, self._columns.result(), explained)

    def publish(self) -> None:
        """Wait for the last row, then let the file appear."""
        self._done.result()
        self._part.replace(self._path)

    def __enter__(self) -> "MatchWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()
        self._part.unlink(missing_ok=True)


def _write(part: Path, columns: "_Columns", explained: Sequence[Mapping[str, Any]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns.explain([e for e in explained if e["row"] >= 0])
    earlier = [e for e in explained if e["row"] < 0]
    with (
        pq.ParquetWriter(
            part,
            _schema(),
            compression=_compression(),  # type: ignore[arg-type]
            use_dictionary=list(_CODED),  # type: ignore[arg-type]
            write_statistics=False,
            column_encoding={"line_no": "DELTA_BINARY_PACKED"},
            store_schema=False,  # coded columns read back as plain text
        ) as writer,
        ThreadPoolExecutor(_WORKERS) as pool,
    ):
        for table in _ahead(pool, columns.table, columns.stretches()):
            writer.write_table(table)
        if earlier:
            rows = [{name: e.get(name) for name in MATCH_COLUMNS} for e in earlier]
            writer.write_table(pa.Table.from_pylist(rows, schema=_plain_schema()).cast(_schema()))


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


def _compression() -> dict[str, str]:
    """Leave ids as they are: as good as unique, they cost more time than they give back."""
    return {name: "none" if name == "document_id" else "lz4" for name in MATCH_COLUMNS}


def _ahead(
    pool: ThreadPoolExecutor, work: "Callable[[_Stretch], pa.Table]", given: "Iterable[_Stretch]"
) -> "Iterator[pa.Table]":
    """Put a few chunks together while one is written; they come out in order."""
    waiting: deque[Future[pa.Table]] = deque()
    for stretch in given:
        waiting.append(pool.submit(work, stretch))
        if len(waiting) > _WORKERS:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


class _Columns:
    """The day's rows as Arrow columns, a chunk at a time."""

    def __init__(self, lines: Path, documents: Path, document_of_line: "Rows", on: date) -> None:
        import numpy as np
        import polars as pl
        import pyarrow.parquet as pq

        self._lines = lines
        self._day_number = np.int32((on - date(1970, 1, 1)).days)
        self._metadata = pq.read_metadata(lines)
        self._schema = _schema()
        self._document_of_line = document_of_line
        ids = pl.scan_parquet(documents).select("document_id").collect(engine="streaming")
        self._plain_ids = ids["document_id"]

    def explain(self, own: Sequence[Mapping[str, Any]]) -> None:
        """Take what is laid over the plain rows, in the order of their rows."""
        import numpy as np
        import polars as pl

        self._own = own
        self._rows: Ints = np.array([e["row"] for e in own], dtype=np.int64)
        named = [e.get("document_id") for e in own]
        # Row k of what is explained stands behind the documents, at len(documents) + k; the last
        # is null, and so is found for -1. One chunk, or every look-up would search for its own.
        self._documents = len(self._plain_ids)
        self._ids = pl.concat(
            [self._plain_ids, pl.Series([*named, None], dtype=pl.String)], rechunk=True
        )
        del self._plain_ids

    def stretches(self) -> "Iterator[_Stretch]":
        """Yield row groups of the day's lines, some at a time, with the row they begin at."""
        groups: list[int] = []
        start = rows = 0
        for group in range(self._metadata.num_row_groups):
            groups.append(group)
            rows += self._metadata.row_group(group).num_rows
            if rows >= _CHUNK or group == self._metadata.num_row_groups - 1:
                yield groups, start
                groups, start, rows = [], start + rows, 0

    def _read(self, groups: list[int]) -> "pa.Table":
        """Read what is copied; each thread opens the file for itself."""
        import pyarrow.parquet as pq

        with pq.ParquetFile(
            self._lines, metadata=self._metadata, read_dictionary=["file_digest", "line_class"]
        ) as file:
            return file.read_row_groups(
                groups, ["file_digest", "line_no", "line_class"], use_threads=False
            )

    def table(self, stretch: "_Stretch") -> "pa.Table":
        """Lay what is explained over the plain columns of one chunk."""
        import numpy as np
        import polars as pl
        import pyarrow as pa

        groups, start = stretch
        lines = self._read(groups)
        count = lines.num_rows
        first, last = (int(i) for i in np.searchsorted(self._rows, [start, start + count]))
        own, spots = self._own[first:last], self._rows[first:last] - start
        documents = self._document_of_line[start : start + count].copy()
        rules = np.where(documents != NOBODY, _RULES[Rule.exact.value], _NONE).astype(np.int32)
        causes = np.full(count, _NONE, dtype=np.int32)
        for number, (row, spot) in enumerate(zip(own, spots, strict=True), first):
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
            "line_date": pa.array(np.full(count, self._day_number)).view(pa.date32()),
            "rule": _coded(rules, list(_RULES)),
            "cause": _coded(causes, list(_CAUSES)),
            "document_id": self._ids.gather(pl.Series(documents)).to_arrow(
                compat_level=pl.CompatLevel.oldest()
            ),
        }
        found |= {name: _words_at(spots, [e.get(name) for e in own], count) for name in _WORDS}
        found |= {name: _minor_at(spots, [e.get(name) for e in own], count) for name in _AMOUNTS}
        return pa.Table.from_arrays([found[name] for name in MATCH_COLUMNS], schema=self._schema)


_NONE = -1
_RULES = {rule.value: number for number, rule in enumerate(Rule)}
_CAUSES = {cause.value: number for number, cause in enumerate(Cause)}


def _coded(codes: "npt.NDArray[np.int32]", words: Sequence[str]) -> Any:
    import pyarrow as pa

    index = _given(pa.int32(), codes, codes >= 0)
    return pa.DictionaryArray.from_arrays(index, pa.array(words, pa.string()))


def _given(kind: Any, values: "npt.NDArray[Any]", is_given: "npt.NDArray[np.bool_]") -> Any:
    """Return the values, null where none is given, without a copy of them."""
    import numpy as np
    import pyarrow as pa

    bits = np.packbits(is_given, bitorder="little")
    return pa.Array.from_buffers(
        kind, len(values), [pa.py_buffer(bits.data), pa.py_buffer(values.data)]
    )


def _words_at(spots: "Ints", words: Sequence[str | None], count: int) -> Any:
    """Return ``count`` words, null but at the given spots."""
    import numpy as np

    known = {word: code for code, word in enumerate(dict.fromkeys(filter(None, words)))}
    codes = np.full(count, _NONE, dtype=np.int32)
    codes[spots] = [known[word] if word else _NONE for word in words]
    return _coded(codes, list(known))


def _minor_at(spots: "Ints", minors: Sequence[int | None], count: int) -> Any:
    """Return ``count`` amounts, null but at the given spots."""
    import numpy as np
    import pyarrow as pa

    found, is_given = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.bool_)
    found[spots] = [minor or 0 for minor in minors]
    is_given[spots] = [minor is not None for minor in minors]
    return _given(pa.int64(), found, is_given)


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
