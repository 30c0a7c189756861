"""Prices and quantities: whole counts on our side, padded decimals on SYSPRO's."""

from typing import Any

import pytest

from include.adapters.syspro.documents.reply import read_millionths
from include.adapters.syspro.documents.schema import Price, Quantity
from include.domain.errors import Rejected


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (Price(), 666_667, "6.66667"),
        (Price(), 0, "0.00000"),
        (Price(), 9_999_999_999_99999, "9999999999.99999"),
        (Quantity(), 2_500_000, "2.500000"),
        (Quantity(), 1, "0.000001"),
    ],
)
def test_prices_and_quantities_have_all_their_decimals(kind: Any, value: int, text: str) -> None:
    assert kind.write(value, "here") == text


@pytest.mark.parametrize(
    ("kind", "value", "error"),
    [
        (Price(), 10_000_000_000_00000, Rejected),
        (Price(), -1, Rejected),
        (Quantity(), 10**18, Rejected),
        (Quantity(), -5, Rejected),
        (Price(), 6.5, TypeError),
        (Quantity(), True, TypeError),
        (Price(), "6.50", TypeError),
    ],
)
def test_a_price_or_quantity_that_does_not_fit_is_refused(
    kind: Any, value: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        kind.write(value, "here")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("          747.800000", 747_800_000),
        ("12.5-", -12_500_000),
        ("- 3", -3_000_000),
        (".5", 500_000),
        ("+7", 7_000_000),
        ("0.0000000", 0),
    ],
)
def test_padded_numbers_become_whole_counts(text: str, count: int) -> None:
    assert read_millionths(text, "here") == count


@pytest.mark.parametrize("text", ["", " ", ".", "1e3", "1,000", "NaN", "1.1234567", "--1"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(Rejected):
        read_millionths(text, "here")
