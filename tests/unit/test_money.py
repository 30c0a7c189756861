"""Exact money: every expected value is worked out on the page."""

import iso4217
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.errors import Rejected
from include.domain.money import MINOR_UNIT_DIGITS, Money, allocate, total


def test_a_plain_decimal_becomes_minor_units() -> None:
    assert Money.parse("-1234.50", "USD", "x") == Money(-123450, "USD")


def test_yen_has_no_minor_digits() -> None:
    assert Money.parse("20000", "JPY", "x") == Money(20000, "JPY")
    assert Money(20000, "JPY").decimal == "20000"


def test_dinar_has_three() -> None:
    assert Money.parse("1.234", "KWD", "x").minor == 1234


def test_zeros_after_the_last_digit_lose_nothing() -> None:
    assert Money.parse("12.3000", "USD", "x").minor == 1230


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        " 12.00 ",
        "1,234.50",
        "1.234,50",
        "1_000",
        "1e3",
        "1E+999999999",
        "NaN",
        "sNaN",
        "Infinity",
        "+5",
        "\u221212.00",  # U+2212 MINUS SIGN
        "\uff11\uff12.00",  # full-width digits
        "\u0661\u0662.00",  # Arabic-Indic digits
        ".50",
        "5.",
        "0x10",
        "12.00\n",
        "9" * 17,
    ],
)
def test_what_is_not_a_plain_decimal_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(Rejected, match=r"is not money \(at file.csv:42, amount\)"):
        Money.parse(text, "USD", "file.csv:42, amount")


def test_three_decimals_of_a_dollar_are_refused() -> None:
    with pytest.raises(Rejected, match=r"'1\.001' is finer than USD allows"):
        Money.parse("1.001", "USD", "x")


def test_half_a_yen_is_refused() -> None:
    with pytest.raises(Rejected, match=r"'100\.5' is finer than JPY allows"):
        Money.parse("100.5", "JPY", "x")


@pytest.mark.parametrize("code", ["XXX", "US$", "", "usd"])
def test_an_unknown_currency_is_refused(code: str) -> None:
    with pytest.raises(Rejected):
        Money.parse("1.00", code, "x")


def test_two_currencies_never_add() -> None:
    with pytest.raises(ValueError, match=r"cannot mix 0.01 USD with 0.01 EUR"):
        Money(1, "USD") + Money(1, "EUR")


def test_a_float_cannot_become_money() -> None:
    with pytest.raises(TypeError):
        Money(1.5, "USD")  # type: ignore[arg-type]


def test_the_digits_are_those_of_the_published_list() -> None:
    published = {c.code: c.exponent for c in iso4217.Currency if c.exponent is not None}
    assert published == MINOR_UNIT_DIGITS


def test_conversion_rounds_half_to_even() -> None:
    # 10.00 EUR at 1.083700 is 10.837 -> 10.84; 0.39 is 0.422643 -> 0.42; 9.61 is 10.414357 -> 10.41
    rate = 1_083_700
    assert Money(1000, "EUR").convert(rate, "USD") == Money(1084, "USD")
    assert Money(39, "EUR").convert(rate, "USD") == Money(42, "USD")
    assert Money(961, "EUR").convert(rate, "USD") == Money(1041, "USD")
    # exact halves: 0.005 -> 0.00 and 0.015 -> 0.02; negatives mirror them
    assert Money(1, "EUR").convert(500_000, "USD") == Money(0, "USD")
    assert Money(3, "EUR").convert(500_000, "USD") == Money(2, "USD")
    assert Money(-3, "EUR").convert(500_000, "USD") == Money(-2, "USD")


def test_conversion_knows_both_exponents() -> None:
    # 100 JPY at 0.006700 USD each is 0.67 USD; 1.00 USD at 150.000000 is 150 JPY
    assert Money(100, "JPY").convert(6_700, "USD") == Money(67, "USD")
    assert Money(100, "USD").convert(150_000_000, "JPY") == Money(150, "JPY")


@given(st.integers(-(10**15), 10**15), st.sampled_from(["USD", "JPY", "KWD", "CLF"]))
def test_writing_and_reading_an_amount_is_the_identity(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert Money.parse(money.decimal, currency, "x") == money


@given(
    st.integers(-(10**12), 10**12),
    st.lists(st.integers(0, 1000), min_size=1, max_size=12).filter(lambda w: sum(w) > 0),
)
def test_the_parts_of_an_allocation_sum_to_the_whole(minor: int, weights: list[int]) -> None:
    parts = allocate(Money(minor, "USD"), weights)
    assert total(parts, "USD").minor == minor
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.minor - minor * weight / sum(weights)) <= 1


def test_an_allocation_gives_the_odd_cent_to_the_largest_remainder() -> None:
    # 1.00 by 1:1:1 is 33.33 each, one cent over: equal remainders, the first takes it
    parts = allocate(Money(100, "USD"), [1, 1, 1])
    assert [p.minor for p in parts] == [34, 33, 33]
