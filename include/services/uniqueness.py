"""Whether numbers are unique: the question behind every search for repeats."""

from concurrent.futures import ThreadPoolExecutor

import polars as pl

_MIDDLE = 1 << 63  # of the numbers a hash gives


def are_unique(numbers: pl.Series) -> bool:
    """Say whether no number is there twice; nulls do not count.

    Neighbours of a sort on one core cost half of what counting the distinct ones on several does,
    and the other cores have work of their own.
    """
    ordered = numbers.drop_nulls().sort(multithreaded=False).to_numpy()
    return not bool((ordered[1:] == ordered[:-1]).any())


def are_unique_side_by_side(hashes: pl.Series) -> bool:
    """Say the same of 64-bit hashes, where two cores have nothing else to do."""
    is_low = hashes < _MIDDLE  # equal ones lie in one half
    with ThreadPoolExecutor(1, thread_name_prefix="unique") as pool:
        high = pool.submit(lambda: are_unique(hashes.filter(~is_low)))
        return are_unique(hashes.filter(is_low)) and high.result()
