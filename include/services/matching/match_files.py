"""Write and read what matching says of each line: matches.parquet and explained.parquet."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.domain.matching import Rule
from include.services.matching.columns import EXPLAINED_COLUMNS, PLAIN_COLUMNS, schema_of

if TYPE_CHECKING:
    import pyarrow as pa

    from include.services.matching.plain import Rows

    _Stretch = tuple[list[int], int]  # row groups of lines.parquet, and their first row

_CHUNK = 100_000
_WORKERS = 2
_BATCH = 20_000


class MatchWriter:
    """Writes the plain matches beside the caller, who decides about the other lines meanwhile.

    Both files appear under their names on ``publish``; matches.parquet, which says that the day
    is matched, is the last.
    """

    def __init__(self, matches: Path, explained: Path) -> None:
        self._matches, self._explained = matches, explained
        self._parts = [path.with_suffix(".part") for path in (matches, explained)]
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="matches")

    def begin(self, lines: Path, documents: Path, document_of_line: "Rows") -> None:
        """Begin to write one row per line.

        Args:
            lines: the day's lines.parquet, whose order is kept.
            documents: the documents compared; ``document_of_line`` counts their rows.
            document_of_line: row of the document per row of the day; -1 where not plain.
        """
        self._done = self._pool.submit(
            _write_plain, self._parts[0], lines, documents, document_of_line
        )

    def publish(self, explained: Sequence[Mapping[str, Any]]) -> None:
        """Write what is explained, wait for the last plain row, then let both files appear.

        Args:
            explained: rows of ``EXPLAINED_COLUMNS``.
        """
        import polars as pl

        frame = pl.DataFrame(explained, schema=schema_of(EXPLAINED_COLUMNS))
        frame.write_parquet(self._parts[1], compression="lz4")
        self._done.result()
        self._parts[1].replace(self._explained)
        self._parts[0].replace(self._matches)

    def __enter__(self) -> "MatchWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()
        for part in self._parts:
            part.unlink(missing_ok=True)


def _write_plain(part: Path, lines: Path, documents: Path, document_of_line: "Rows") -> None:
    import pyarrow.parquet as pq

    columns = _Columns(lines, documents, document_of_line)
    with (
        pq.ParquetWriter(
            part,
            columns.schema,
            # Ids stay as they are: as good as unique, they cost more time than they give back.
            compression={
                name: "none" if name == "document_id" else "lz4" for name in PLAIN_COLUMNS
            },
            use_dictionary=["file_digest"],  # type: ignore[arg-type]
            write_statistics=False,
            column_encoding={"line_no": "DELTA_BINARY_PACKED"},
            store_schema=False,  # coded columns read back as plain text
        ) as writer,
        ThreadPoolExecutor(_WORKERS) as pool,
    ):
        for table in _ahead(pool, columns.table, columns.stretches()):
            writer.write_table(table)


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
    """The plain rows of the day as Arrow columns, a chunk at a time."""

    def __init__(self, lines: Path, documents: Path, document_of_line: "Rows") -> None:
        import polars as pl
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.schema = pa.schema(
            [
                ("file_digest", pa.dictionary(pa.int32(), pa.string())),
                ("line_no", pa.int64()),
                ("document_id", pa.large_string()),
            ]
        )
        self._lines = lines
        self._metadata = pq.read_metadata(lines)
        self._document_of_line = document_of_line
        ids = pl.scan_parquet(documents).select("document_id").collect(engine="streaming")
        # The last is null, and so is found for -1. One chunk, or every look-up would search.
        nobody = pl.Series("document_id", [None], dtype=pl.String)
        self._ids = pl.concat([ids["document_id"], nobody], rechunk=True)

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

    def table(self, stretch: "_Stretch") -> "pa.Table":
        """Put one chunk together; each thread opens the file for itself."""
        import polars as pl
        import pyarrow as pa
        import pyarrow.parquet as pq

        groups, start = stretch
        with pq.ParquetFile(
            self._lines, metadata=self._metadata, read_dictionary=["file_digest"]
        ) as file:
            lines = file.read_row_groups(groups, ["file_digest", "line_no"], use_threads=False)
        documents = self._document_of_line[start : start + lines.num_rows]
        ids = self._ids.gather(pl.Series(documents))
        found = ids.to_arrow(compat_level=pl.CompatLevel.oldest())
        return pa.Table.from_arrays([*lines.columns, found], schema=self.schema)


def rows_of_matches(matches: Path, explained: Path) -> Iterator[dict[str, Any]]:
    """Yield what is said of each line, in the order of lines.parquet, as ``EXPLAINED_COLUMNS``.

    Lines of earlier days that were met come last, with ``row`` -1. Of a plain line only its
    place, rule and document are given. Nothing comes of a day that was not matched.
    """
    if not matches.exists():
        return
    import pyarrow.parquet as pq

    said = pq.read_table(explained).to_pylist()
    by_row = {each["row"]: each for each in said if each["row"] >= 0}
    row = 0
    for batch in pq.ParquetFile(matches).iter_batches(_BATCH, columns=list(PLAIN_COLUMNS)):
        for plain in batch.to_pylist():
            yield _told(plain, row, by_row.get(row))
            row += 1
    yield from (each for each in said if each["row"] < 0)


def _told(
    plain: Mapping[str, Any], row: int, explained: Mapping[str, Any] | None
) -> dict[str, Any]:
    exact = Rule.exact.value if plain["document_id"] is not None else None
    found = {**_NOTHING, **plain, "row": row, "rule": exact}
    if explained is not None:
        found |= {name: value for name, value in explained.items() if value is not None}
    return found


_NOTHING: dict[str, Any] = dict.fromkeys(EXPLAINED_COLUMNS)
