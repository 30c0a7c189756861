"""The plain matches of a day, as columns: one line, one document, same key, nobody else.

Reference, kind, currency and amount of each side become two 64-bit numbers of different seeds.
Sorting brings equal ones together; a pair counts if nobody else stands beside it and all 128
bits agree, which two different keys will not do in the life of this product. So millions of
strings are never held in memory twice. What is not plain is left to the rules, as objects.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl

    Rows = npt.NDArray[np.int32]
    Numbers = npt.NDArray[np.uint64]

Part = TypeVar("Part")
NOBODY = -1
_SEEDS = (0x7E0, 0x1A5)
_MIDDLE = 1 << 63  # of the numbers
_STRETCH = 64 * 1024  # numbers that fit the processor's cache


def join_plain(lines: "pl.DataFrame", documents: "pl.DataFrame") -> "Rows":
    """Match what is unique on both sides.

    Args:
        lines: columns ``key`` and ``check`` (uint64, null: has no reference or no document is
            due), one row per line.
        documents: the same of the documents; null rows take part in nothing.

    Returns:
        The document row of each line, or ``NOBODY``; both count from 0 in their own frame.
    """
    found = _pair(lines["key"], documents["key"])
    # The sort cut the keys short; the check is whole, and of another seed.
    mine = lines["check"].fill_null(0).to_numpy()
    theirs = documents["check"].fill_null(0).to_numpy()
    if len(theirs):
        _beside(
            lambda part: _drop_unequal(found[part], mine[part], theirs),
            (slice(lines.height // 2), slice(lines.height // 2, None)),
        )
    return found


def _beside(work: "Callable[[Part], None]", parts: "tuple[Part, Part]") -> None:
    """Do two parts of a work side by side: numpy uses one core and lets others work."""
    with ThreadPoolExecutor(1, thread_name_prefix="plain") as pool:
        other = pool.submit(work, parts[1])
        work(parts[0])
        other.result()


def _drop_unequal(found: "Rows", mine: "Numbers", theirs: "Numbers") -> None:
    found[theirs[found] != mine] = NOBODY  # where there is nobody, any answer will do


def _pair(lines: "pl.Series", documents: "pl.Series") -> "Rows":
    """Return the document row of each line that stands with it in a two, else ``NOBODY``.

    Each number is cut short and carries its row in the low bits, so that sorting plain numbers
    is enough; what the cut brings together by chance is told apart by the caller, and what it
    hides in a larger crowd is left to the rules, which compare the strings.
    """
    import numpy as np
    import polars as pl

    count = len(lines) + len(documents)
    bits = np.uint64(max(1, count).bit_length())
    row = (np.uint64(1) << bits) - np.uint64(1)  # the low bits
    packed = pl.Series(_packed((lines, documents), row))
    found = np.full(len(lines), NOBODY, dtype=np.int32)

    def pair(is_low: bool) -> None:
        half = packed < _MIDDLE if is_low else packed >= _MIDDLE
        # Each on one core: sorting on several costs twice as much, and both halves want them.
        ordered = packed.filter(half).sort(multithreaded=False)
        one, other = _couples(ordered.to_numpy(), row)
        # Rows grow within a couple, so a line comes before a document.
        mixed = (one < len(lines)) & (other >= len(lines))
        found[one[mixed]] = other[mixed] - np.int32(len(lines))

    _beside(pair, (True, False))  # equal numbers lie in one half
    return found


def _couples(packed: "Numbers", row: "np.uint64") -> "tuple[Rows, Rows]":
    """Return the first and second rows of numbers that stand together in exactly twos."""
    import numpy as np

    follows = _equals_before(packed, row)
    # The first of exactly two follows nobody, is followed, and the next one is not.
    first = np.flatnonzero(~follows[:-2] & follows[1:-1] & ~follows[2:])
    return (packed[first] & row).astype(np.int32), (packed[first + 1] & row).astype(np.int32)


def _packed(sides: "tuple[pl.Series, pl.Series]", low_bits: "np.uint64") -> "Numbers":
    """Return the keys of both sides, cut short, with their rows in the low bits; nulls left out."""
    import numpy as np

    found = np.empty(sum(len(side) for side in sides), dtype=np.uint64)

    def pack(part: "tuple[pl.Series, int]") -> None:
        side, start = part
        for chunk in side.get_chunks():
            here = found[start : start + len(chunk)]
            np.bitwise_and(chunk.fill_null(0).to_numpy(), ~low_bits, out=here)
            here |= np.arange(start, start + len(chunk), dtype=np.uint64)
            start += len(chunk)

    _beside(pack, ((sides[0], 0), (sides[1], len(sides[0]))))
    if any(side.null_count() for side in sides):
        found = found[np.concatenate([side.is_not_null().to_numpy() for side in sides])]
    return found


def _equals_before(packed: "Numbers", low_bits: "np.uint64") -> "npt.NDArray[np.bool_]":
    """Say of each number, and of one behind the last, whether the one before is the same."""
    import numpy as np

    found = np.zeros(len(packed) + 1, dtype=np.bool_)
    for start in range(1, len(packed), _STRETCH):
        here = packed[start : start + _STRETCH]
        before = packed[start - 1 : start - 1 + len(here)]
        np.less_equal(here ^ before, low_bits, out=found[start : start + len(here)])
    return found


def key_columns(kind: "pl.Expr") -> "list[pl.Expr]":
    """Return ``key`` and ``check`` of every row; null where there is no reference or no kind.

    Of columns merchant_reference, currency and amount_minor.

    Args:
        kind: 0 for a sale, 1 for a refund, null where no document is due.
    """
    import polars as pl

    given = pl.col("merchant_reference").is_not_null() & kind.is_not_null()
    sum_of = (pl.col("amount_minor") * 2 + kind).hash(_SEEDS[0])
    rest = sum_of ^ pl.col("currency").hash(_SEEDS[1])
    return [
        pl.when(given).then(pl.col("merchant_reference").hash(seed) ^ rest).alias(name)
        for seed, name in zip(_SEEDS, ("key", "check"), strict=True)
    ]


def name_column() -> "pl.Expr":
    """Return a number for the reference of every row; as a part of ``key`` it is made once."""
    import polars as pl

    return pl.col("merchant_reference").hash(_SEEDS[0])


def rows_of(
    path: Path,
    columns: Sequence[str],
    rows: "Rows",
    by: str,
    numbers: "pl.Series | None" = None,
) -> list[dict[str, Any]]:
    """Read only the given rows of a Parquet file, in order, as dictionaries with ``row``.

    ``by`` names a whole number of few rows each: only rows that have one of the wanted numbers
    are put together from all columns. ``numbers`` is that column, where it was read already.
    """
    import polars as pl

    if not len(rows):
        return []
    wanted = pl.DataFrame({"row": rows}, schema={"row": pl.UInt32})
    if numbers is None:
        numbers = pl.scan_parquet(path).select(by).collect(engine="streaming")[by]
    found = (
        pl.scan_parquet(path, parallel="prefiltered")
        .with_row_index("row")
        .filter(pl.col(by).is_in(numbers.gather(wanted["row"]).unique().implode()))
        .select("row", *columns)
        .join(wanted.lazy(), on="row", how="semi")
        .collect(engine="streaming")
    )
    return found.sort("row").to_dicts()
