"""Parquet as it is written here: the same input gives the same bytes.

Row groups follow the file; no clock and no order of threads leaves a trace. A table is complete
under its name or not there at all.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from include.adapters.layouts.reading.plain_bytes import only_text
from include.services.whole_files import own_part, sync_folder

_ARROW_TYPES: dict[str, Any] = {
    "string": pa.string_view(),
    "int64": pa.int64(),
    "date32": pa.date32(),
    "binary": pa.binary_view(),
    "timestamp[ms, tz=UTC]": pa.timestamp("ms", "UTC"),
}
# Few distinct values: stored once per row group. The rest is as good as unique.
_REPEATED = ("file_digest line_class detail_code currency batch_id card_type reason_code").split()
# Of these, nearly always one value in a row group: handed over as one, and never looked up.
_CONSTANT = ("file_digest", "detail_code", "currency", "batch_id")
# Near each other: differences are smaller, and quicker to write.
_DIFFERENCES = ("line_no", "amount_minor", "occurred_at", "settled_at")
_CODES: Any = pa.dictionary(pa.int32(), pa.string())

# A block is one page a column: by default a page is measured every 1,024 values and closed every
# 20,000, which is a tenth of the time.
_LARGE_PAGES: Mapping[str, Any] = {
    "write_batch_size": 64 * 1024,
    "max_rows_per_page": 256 * 1024,
    "data_page_size": 4 * 1024**2,
}


class TableWriter:
    """Writes frames of one set of declared columns; ``file_digest`` is the same in every row."""

    def __init__(self, path: Path, columns: Mapping[str, tuple[str, str]], digest: str) -> None:
        self._path, self._digest = path, digest
        self._is_published = False
        self._schema = pa.schema(
            (name, _CODES if name in _CONSTANT else _ARROW_TYPES[kind])
            for name, (kind, _) in columns.items()
        )
        self._part = own_part(path)
        self._writer = pq.ParquetWriter(
            self._part,
            self._schema,
            compression="snappy",  # less to write than lz4, a little more to read; as small
            use_dictionary=[name for name in columns if name in _REPEATED],  # type: ignore[arg-type]
            write_statistics=["line_no"] if "line_no" in columns else False,
            column_encoding={
                name: "DELTA_BINARY_PACKED" for name in columns if name in _DIFFERENCES
            },
            store_schema=False,
            **_LARGE_PAGES,
        )

    def write(self, frame: pl.DataFrame) -> None:
        """Append one row group; nothing where there are no rows."""
        if not frame.height:
            return
        arrays: list[Any] = []
        for field in self._schema:
            if field.name == "file_digest":
                arrays.append(_repeated(self._digest, frame.height))
            elif field.name in _CONSTANT:
                arrays.append(_coded(frame[field.name]))
            else:
                column = frame[field.name].to_arrow(compat_level=pl.CompatLevel.newest())
                arrays.append(column.cast(field.type) if column.type != field.type else column)
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def publish(self) -> None:
        """Complete the table and let it appear under its name."""
        self._writer.close()
        publish(self._part, self._path)
        self._is_published = True

    def __enter__(self) -> "TableWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._is_published:
            return
        if kind is None:
            self.publish()
            return
        self._writer.close()
        self._part.unlink(missing_ok=True)


def _coded(texts: pl.Series) -> Any:
    """Return texts as codes; one value throughout is never looked up."""
    only = only_text(texts)
    if only is not None:
        return _repeated(only, len(texts))
    plain = texts.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string())
    return plain.dictionary_encode()


def _repeated(text: str, count: int) -> Any:
    zeros = pa.Array.from_buffers(pa.int32(), count, [None, pa.py_buffer(bytes(4 * count))])
    return pa.DictionaryArray.from_arrays(zeros, pa.array([text], pa.string()))


def publish(part: Path, path: Path) -> None:
    """Make a finished file appear under its name: synced, then renamed, then the folder synced."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)
