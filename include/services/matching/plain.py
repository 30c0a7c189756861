"""The plain matches of a day, as columns: one line, one document, same key, nobody else.

Reference, kind, currency and amount of each side become two 64-bit numbers of different seeds.
Lines and documents join on the first and must agree in the second, so five million strings are
never held in memory twice; that two different keys agree in all 128 bits has not to be expected
in the life of this product. Everything that is not plain is left to the rules, as objects.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl

    Rows = npt.NDArray[np.int32]

NOBODY = -1
_SEEDS = (0x7E0, 0x1A5)
_BIN_BITS = 22  # four million bins: a few keys each, unless many are equal
_MAX_CROWD = 32  # a document may be paired with this many lines before they are counted


@dataclass(slots=True)
class PlainMatches:
    """Which document row each line row has; both count from 0 in their own frame.

    Rows beyond ``today_lines`` and ``today_documents`` are the still-open ones of earlier days.
    """

    document_of_line: "Rows"  # NOBODY where none; shape: lines of the day + earlier ones
    is_open_document: "npt.NDArray[np.bool_]"  # shape: documents asked for + earlier ones


def join_plain(lines: "pl.DataFrame", documents: "pl.DataFrame") -> PlainMatches:
    """Match what is unique on both sides.

    Args:
        lines: columns ``key`` and ``check`` (uint64, null: has no reference or no document is
            due), one row per line.
        documents: the same of the documents; null rows take part in nothing.
    """
    import numpy as np
    import polars as pl

    line_of, document_of = _with_keys(lines, "line"), _with_keys(documents, "document")
    if _crowd(line_of["key"]) > _MAX_CROWD:
        # Many lines share a key: paired with as many documents they would not fit in memory.
        line_of = line_of.filter(~pl.col("key").is_duplicated())
    is_open = np.zeros(documents.height, dtype=np.bool_)
    is_open[document_of["document"].to_numpy()] = True
    pairs = line_of.join(document_of, on="key", how="inner", suffix="_document")
    # Equal keys and unequal checks are two orders that only look alike: both stay open.
    pairs = pairs.filter(pl.col("check") == pl.col("check_document"))
    line, document = pairs["line"].to_numpy(), pairs["document"].to_numpy()
    alone = np.bincount(document, minlength=documents.height)[document] == 1
    # A line with two equal documents stands twice among the pairs.
    alone &= np.bincount(line, minlength=lines.height)[line] == 1
    found = np.full(lines.height, NOBODY, dtype=np.int32)
    found[line[alone]] = document[alone]
    is_open[document[alone]] = False
    return PlainMatches(found, is_open)


def _with_keys(frame: "pl.DataFrame", name: str) -> "pl.DataFrame":
    numbered = frame.with_row_index(name)
    return numbered.drop_nulls() if frame["key"].null_count() else numbered


def _crowd(keys: "pl.Series") -> int:
    """Return at least the size of the largest group of equal keys."""
    import numpy as np

    if keys.is_empty():
        return 0
    bins = (keys.to_numpy() >> np.uint64(64 - _BIN_BITS)).astype(np.int32)
    return int(np.bincount(bins, minlength=1).max())


def key_columns(frame: "pl.LazyFrame", kind: "pl.Expr") -> "pl.DataFrame":
    """Return ``key`` and ``check`` of every row; null where there is no reference or no kind.

    Args:
        frame: columns merchant_reference, currency and amount_minor.
        kind: 0 for a sale, 1 for a refund, null where no document is due.
    """
    import polars as pl

    amount = pl.col("amount_minor") * 2 + kind
    hashes = [
        pl.when(pl.col("merchant_reference").is_not_null() & kind.is_not_null()).then(
            pl.col("merchant_reference").hash(seed)
            ^ amount.hash(seed + 1)
            ^ pl.col("currency").hash(seed + 2)
        )
        for seed in _SEEDS
    ]
    named = [h.alias(name) for h, name in zip(hashes, ("key", "check"), strict=True)]
    return frame.select(named).collect(engine="streaming")


def rows_of(path: Path, columns: Sequence[str], rows: "Rows") -> list[dict[str, Any]]:
    """Read only the given rows of a Parquet file, in order, as dictionaries with ``row``."""
    import polars as pl

    if not len(rows):
        return []
    wanted = pl.DataFrame({"row": rows}, schema={"row": pl.UInt32})
    found = (
        pl.scan_parquet(path)
        .select(columns)
        .with_row_index("row")
        .join(wanted.lazy(), on="row", how="semi")
        .collect(engine="streaming")
    )
    return found.sort("row").to_dicts()
