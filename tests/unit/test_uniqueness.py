"""Whether numbers are unique, on one core and on two."""

from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.services.uniqueness import are_unique, are_unique_side_by_side

EITHER = pytest.mark.parametrize("ask", [are_unique, are_unique_side_by_side])


@EITHER
@given(st.lists(st.integers(0, 2**64 - 1)))
def test_it_is_unique_where_a_set_has_as_many(
    ask: Callable[[pl.Series], bool], numbers: list[int]
) -> None:
    assert ask(pl.Series(numbers, dtype=pl.UInt64)) == (len(set(numbers)) == len(numbers))


@EITHER
@pytest.mark.parametrize("twice", [0, 1, 2**63 - 1, 2**63, 2**64 - 1])
def test_two_of_one_are_found_in_either_half(ask: Callable[[pl.Series], bool], twice: int) -> None:
    others = [5, 2**62, 2**63 + 9]
    assert ask(pl.Series([twice, *others], dtype=pl.UInt64))
    assert not ask(pl.Series([twice, *others, twice], dtype=pl.UInt64))


def test_nulls_are_no_repeats() -> None:
    assert are_unique(pl.Series([None, 1, None], dtype=pl.UInt64))
