"""Write and read what matching says of each line: matches.parquet and explained.parquet.

Plain rows name their document by its row in documents.parquet of the same run, so that no id is
copied. The three appear together at the end; matches.parquet bears the marks of the other two,
so that files of different runs are never read as one.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.domain.errors import Retryable
from include.domain.matching import Rule
from include.services.column_types import schema_of
from include.services.day_files import DOCUMENTS, EXPLAINED
from include.services.matching.columns import EXPLAINED_COLUMNS, SAYS_NOTHING
from include.services.matching.plain import NOBODY
from include.services.whole_files import own_part

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa
    import pyarrow.parquet as pq

    from include.services.matching.plain import Rows

_BATCH = 20_000


class MatchWriter:
    """Writes the plain matches beside the caller, who decides about the other lines meanwhile.

    Nothing appears under its name before ``publish``; matches.parquet, which says that the day
    is matched, is the last.
    """

    def __init__(self, matches: Path) -> None:
        self._places = [matches.with_name(DOCUMENTS), matches.with_name(EXPLAINED), matches]
        self._parts = [own_part(place) for place in self._places]
        self.documents, self._explained, self._plain = self._parts
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="matches")

    def begin(
        self, lines: Path, line_numbers: "pl.Series", documents: Path, document_of_line: "Rows"
    ) -> None:
        """Begin to write one row per line.

        Args:
            lines: the day's lines.parquet, whose order is kept.
            line_numbers: their ``line_no``.
            documents: the documents compared.
            document_of_line: of the plain pairs, their row in ``documents``; else ``NOBODY``.
        """
        self._done = self._pool.submit(
            _write_plain, self._plain, lines, line_numbers, documents, document_of_line
        )

    def publish(self, explained: Sequence[Mapping[str, Any]]) -> None:
        """Write what is explained, wait for the last plain row, then let the files appear.

        Args:
            explained: rows of ``EXPLAINED_COLUMNS``.
        """
        import polars as pl

        frame = pl.DataFrame(explained, schema=schema_of(EXPLAINED_COLUMNS))
        frame.write_parquet(self._explained, compression="lz4")
        with self._done.result() as writer:
            writer.add_key_value_metadata({EXPLAINED: _digest_of(self._explained)})
        for part, place in zip(self._parts, self._places, strict=True):
            if part.exists():  # documents that lay in the lake already stay there
                part.replace(place)

    def __enter__(self) -> "MatchWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()
        for part in self._parts:
            part.unlink(missing_ok=True)


def _write_plain(
    part: Path,
    lines: Path,
    line_numbers: "pl.Series",
    documents: Path,
    document_of_line: "Rows",
) -> "pq.ParquetWriter":
    """Write every row; the writer is returned open, for the mark that is known last."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = {
        "file_digest": _digests(lines),
        "line_no": line_numbers.rechunk().to_arrow(),
        "document_row": pa.array(document_of_line, mask=document_of_line == NOBODY),
    }
    table = pa.table(columns)
    writer = pq.ParquetWriter(
        part,
        table.schema,
        compression={"file_digest": "lz4", "line_no": "lz4", "document_row": "none"},
        use_dictionary=["file_digest"],  # type: ignore[arg-type]
        write_statistics=False,
        column_encoding={"line_no": "DELTA_BINARY_PACKED"},
        store_schema=False,  # coded columns read back as plain text
    )
    writer.write_table(table)
    writer.add_key_value_metadata({DOCUMENTS: _marks(documents).get(DOCUMENTS, "")})
    return writer


def _digests(lines: Path) -> "pa.ChunkedArray[Any]":
    import pyarrow.parquet as pq

    name = "file_digest"
    with pq.ParquetFile(lines, read_dictionary=[name]) as file:
        return file.read([name], use_threads=False)[name]


def _marks(path: Path) -> dict[str, str]:
    import pyarrow.parquet as pq

    found = pq.read_metadata(path).metadata or {}
    return {name.decode(): value.decode() for name, value in found.items()}


def _digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def settled_documents(matches: Path) -> "pl.LazyFrame":
    """Return the ids of the documents that a day's plain lines settle, in ``document_id``.

    Raises:
        Retryable: the day's matching was interrupted as its files appeared.
    """
    import polars as pl

    rows = pl.read_parquet(matches, columns=["document_row"]).to_series().drop_nulls()
    return _ids(matches).gather(rows).to_frame().lazy()


def _ids(matches: Path) -> "pl.Series":
    """Return the ids that the rows of a day's matches count."""
    import polars as pl

    documents, marks = matches.with_name(DOCUMENTS), _marks(matches)
    wanted = (marks.get(DOCUMENTS, ""), marks.get(EXPLAINED))
    explained = _digest_of(matches.with_name(EXPLAINED))
    if (_marks(documents).get(DOCUMENTS, ""), explained) != wanted:
        raise Retryable(
            "what lies beside the day's matches is of another run",
            str(matches),
            "Its matching was interrupted: clear task match of that day, then this one.",
        )
    return pl.read_parquet(documents, columns=["document_id"]).to_series()


def rows_of_matches(matches: Path) -> Iterator[dict[str, Any]]:
    """Yield what is said of each line, in the order of lines.parquet, as ``EXPLAINED_COLUMNS``.

    Lines of earlier days that were met come last, with ``row`` -1. Of a plain line only its
    place, rule and document are given. Nothing comes of a day that was not matched.

    Raises:
        Retryable: the day's matching was interrupted as its files appeared.
    """
    if not matches.exists():
        return
    import polars as pl
    import pyarrow.parquet as pq

    ids = _ids(matches)
    with pq.ParquetFile(matches.with_name(EXPLAINED)) as file:
        said = file.read().to_pylist()
    by_row = {each["row"]: each for each in said if each["row"] >= 0}
    row = 0
    for batch in pq.ParquetFile(matches).iter_batches(_BATCH):
        frame = pl.DataFrame(batch)
        settled = frame.select(
            "file_digest", "line_no", document_id=ids.gather(frame["document_row"])
        )
        for plain in settled.iter_rows(named=True):
            yield _merged(plain, row, by_row.get(row))
            row += 1
    yield from (each for each in said if each["row"] < 0)


def _merged(
    plain: Mapping[str, Any], row: int, explained: Mapping[str, Any] | None
) -> dict[str, Any]:
    exact = Rule.exact.value if plain["document_id"] is not None else None
    found = {**SAYS_NOTHING, **plain, "row": row, "rule": exact}
    if explained is not None:
        found |= {name: value for name, value in explained.items() if value is not None}
    return found
