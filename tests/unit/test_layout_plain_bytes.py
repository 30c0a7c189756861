"""The quick reading of plain texts says what the patterns say, or leaves a text to them."""

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.adapters.layouts.reading import plain_bytes
from include.adapters.layouts.reading.columns import INSTANT

LIKE_AMOUNTS = st.text("0123456789.-+, e", max_size=13)
LIKE_TIMES = st.text("0123456789-:TZ t", min_size=20, max_size=20)


@given(st.lists(LIKE_AMOUNTS | st.none(), min_size=1, max_size=40))
def test_an_amount_is_plain_only_with_five_digits_a_point_and_two(
    texts: list[str | None],
) -> None:
    found, is_plain = plain_bytes.read_hundredths(pl.Series(texts, dtype=pl.String))
    for text, number, plain in zip(texts, found.tolist(), is_plain.tolist(), strict=True):
        whole, point, fraction = (text or "").partition(".")
        expected = (
            1 <= len(whole) <= 5
            and point == "."
            and len(fraction) == 2
            and (whole + fraction).isascii()
            and (whole + fraction).isdigit()
        )
        assert plain is expected, text
        if plain:
            assert number == int(whole + fraction)


@given(st.integers(0, 9_999_999))
def test_every_plain_amount_is_read_to_the_last_digit(minor: int) -> None:
    text = f"{minor // 100}.{minor % 100:02d}"
    found, is_plain = plain_bytes.read_hundredths(pl.Series([text]))
    assert is_plain[0]
    assert found[0] == minor


@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)))  # noqa: DTZ001 - made aware below
def test_every_instant_in_utc_is_read_to_the_second(at: datetime) -> None:
    at = at.replace(microsecond=0, tzinfo=UTC)
    text = at.replace(tzinfo=None).isoformat() + "Z"
    found = plain_bytes.read_instants(pl.Series([text, text]))
    assert found is not None
    assert found.to_list() == [at, at]


@given(LIKE_TIMES)
def test_what_no_pattern_would_read_is_no_plain_instant(text: str) -> None:
    found = plain_bytes.read_instants(pl.Series(["2026-10-30T01:02:03Z", text]))
    assert found is None or pl.Series([text]).str.contains(INSTANT)[0]


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-30T24:00:00Z",
        "2026-10-30T23:60:00Z",
        "2026-10-30T23:59:60Z",
        "2026-02-30T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-10-30 00:00:00Z",
        "2026-10-30T00:00:00z",
        "2026-10- 3T00:00:00Z",
        "2026-10-30T0/:00:00Z",
        "2026-10-30T00;00:00Z",
        "2026-10-30T00:00::0Z",
    ],
)
def test_a_time_that_is_none_is_left_to_the_patterns(text: str) -> None:
    assert plain_bytes.read_instants(pl.Series(["2026-10-30T01:02:03Z", text])) is None


def test_days_beyond_a_few_are_left_to_the_patterns() -> None:
    texts = [f"2026-10-{day:02d}T00:00:00Z" for day in range(1, 7)]
    assert plain_bytes.read_instants(pl.Series(texts)) is None


@pytest.mark.parametrize(
    "odd", ["692026103000000000000", "69202610300000000000001", "6" * 21 + "x"]
)
def test_an_id_of_another_shape_is_seen_among_many(odd: str) -> None:
    good = ["6920261030000000000000"] * 3
    assert plain_bytes.are_digits(pl.Series(good), 22)
    assert not plain_bytes.are_digits(pl.Series([*good, odd]), 22)
    assert not plain_bytes.are_digits(pl.Series([*good, None]), 22)


@pytest.mark.parametrize(
    ("texts", "may_hold"),
    [
        (["ORDER 4111111111111111"], True),
        (["4111 1111 1111 1111"], True),
        (["3782-822463-10005"], True),
        (["4111.1111.1111.1111"], True),
        (["4 1 1 1 1 1 1 1 1 1 1 1 1"], True),
        (["41111111\u200b11111111"], True),
        (["\uff14\uff11\uff11\uff11" * 4], True),
        (["order 4111", "1111-1111", "111 of today"], True),  # a pattern says that it is not
        (["ORD-12345678-1234", "ORD-12345678-1234"], False),
        (["2026-10-30T04:00:00Z", "2026-10-30T04:00:00Z"], False),
        (["x" * 65_530 + "4111 1111  1111 1111"], True),  # across two stretches
        (["US-0000000001", "US-0000000002"], False),
        (["American Express", None, "Visa"], False),
        ([None], False),
    ],
)
def test_a_column_that_may_hold_a_card_number_is_never_passed_over(
    texts: list[str | None], may_hold: bool
) -> None:
    assert plain_bytes.may_hold_digits(pl.Series(texts, dtype=pl.String), 13) is may_hold
