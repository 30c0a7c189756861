"""A card number is found however it is written; what only looks like one passes."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.domain.card_numbers import (
    CardNumberRefused,
    card_number_paths,
    has_card_number,
    is_card_number,
    mask_card_numbers,
    refuse_card_numbers,
)
from include.domain.errors import Rejected

# Numbers that the schemes publish for tests.
CARDS = (
    "4111111111111111",
    "4000000000000000006",
    "5555555555554444",
    "2223003122003222",
    "378282246310005",
    "6011111111111117",
    "3566002020360505",
    "30569309025904",
    "6759649826438453",
    "6200000000000005",
)


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("separator", ["", " ", "-", ".", "/", "\u00a0", " - ", "  "])
def test_a_card_in_groups_of_four_is_found(card: str, separator: str) -> None:
    groups = [card[i : i + 4] for i in range(0, len(card), 4)]
    assert has_card_number(f"paid with {separator.join(groups)}, thanks")


@pytest.mark.parametrize(
    "text",
    [
        "3782 822463 10005",
        "3056-930902-5904",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "41 11 11 11 11 11 11 11",
        "x4111111111111111y",
        "12-4111-1111-1111-1111",
        "4111-1111 1111-1111",  # separators mixed
        "4111 1111  1111 1111",
        "411111 1111111111",
        "4111 111111111111",
        "41111111.11111111",
        "card 2.283333333333333",
        "4111 1111 11111111",
        "411 1111111111111",
        "\u0664\u0661\u0661\u0661" * 1 + "\u0661" * 12,  # Arabic digits
        "\uff14\uff11\uff11\uff11" + "\uff11" * 12,  # full width
        "\u2463" + "\u2460" * 15,  # circled
        "\u2074" + "\u00b9" * 15,  # raised
        "\u2084\u2081\u2081\u2081 " + "\u2081" * 12,  # lowered
        "\u2779" + "\u2780" * 15,  # circled dingbats
        "4111\u200b1111\u200b1111\u200b1111",  # what is not seen separates nothing
        "4111\u00ad1111\u00ad1111\u00ad1111",
    ],
)
def test_a_card_in_another_writing_is_found(text: str) -> None:
    assert has_card_number(text)
    assert "1111 1111" not in mask_card_numbers(text)


@pytest.mark.parametrize(
    "text",
    [
        "6871234567890123456789",  # a request id has 22 digits
        "1764093398123",  # epoch milliseconds
        "1764093398123456",
        "W100123",
        "100000000000016",  # an order number: no issuer begins with 1
        "4111111111111112",  # fails the check digit
        "2026-11-25 10:00:00 12345",
        "+44 20 7946 0958",
        "GB29 NWBK 6016 1331 9268 19",
        "4006381333931",  # a barcode
        "+4915110000002",  # a German mobile; nine of a hundred were a Visa of 13 digits
        "4915110000002",
        "418-049-8827 / 292-219-7419",
        "2026-11-23 02:34:16.928833+00:00",
        "2026-10-30 19:07:11.245442",  # a check digit fits by chance
        "7010000000016241111",  # an instrument identifier
        "d5f4111111111111111aaaaaaaaaaaaa",  # 32 hexadecimal digits
        "4f111111-1111-1111-1111-111111111117",
        "ord_1aa5c1f65811453211437325dd",  # of an order; its digits would be a Maestro card's
        "refund ref_1aa5c1f65811453211437325dd, 2.00 USD",
        "2.283333333333333",  # 6.85 for three pieces, as a shop writes the price of one
        "0.30000000000000004",
        "",
    ],
)
def test_what_only_looks_like_a_card_passes(text: str) -> None:
    assert not has_card_number(text)
    assert mask_card_numbers(text) == text


def _with_check_digit(digits: str) -> str:
    return next(digits + str(n) for n in range(10) if _luhn(digits + str(n)))


def _luhn(digits: str) -> bool:
    values = [int(d) for d in reversed(digits)]
    doubled = [sum(divmod(2 * v, 10)) for v in values[1::2]]
    return (sum(values[::2]) + sum(doubled)) % 10 == 0


PREFIXES = {"4": 16, "51": 16, "2221": 16, "34": 15, "6011": 16, "3530": 16, "36": 14, "62": 19}


@given(st.sampled_from(sorted(PREFIXES)), st.text("0123456789", min_size=19), st.data())
def test_every_card_of_a_known_issuer_is_found(prefix: str, tail: str, data: st.DataObject) -> None:
    card = _with_check_digit((prefix + tail)[: PREFIXES[prefix] - 1])
    before = data.draw(st.text("abc ,:", max_size=5))
    after = data.draw(st.text("xyz ,:", max_size=5))
    assert is_card_number(card)
    assert has_card_number(before + card + after)
    assert card not in mask_card_numbers(before + card + after)


@given(st.text("0123456789", min_size=22, max_size=22))
@example("4" * 22)
def test_no_request_id_is_a_card(request_id: str) -> None:
    assert not has_card_number(request_id)


@given(st.integers(min_value=1_500_000_000_000, max_value=1_999_999_999_999))
def test_no_instant_in_milliseconds_is_a_card(instant: int) -> None:
    assert not has_card_number(str(instant))


@given(st.text("0123456789abcdef", min_size=32, max_size=32).filter(lambda t: not t.isdecimal()))
def test_no_token_of_32_hexadecimal_digits_is_a_card(token: str) -> None:
    assert not has_card_number(token)


def test_the_field_is_named_and_no_digit_of_the_number() -> None:
    raw = {"billing": {"notes": ["ok", "card 4111 1111 1111 1111"]}, "id": 7}
    with pytest.raises(CardNumberRefused) as caught:
        refuse_card_numbers(raw, "shop acme_us_web, order 7")
    assert "the field billing.notes[1] holds a card number" in str(caught.value)
    assert "1111" not in str(caught.value)
    assert isinstance(caught.value, Rejected)


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ({"lines": ["4111 1111", "1111 1111"]}, "to.lines[1]"),
        ({"lines": ["Flat 3", "41111111", "11111111"]}, "to.lines[2]"),
        ({"address_1": "4111 1111 1111", "address_2": "1111"}, "to.address_2"),
    ],
)
def test_a_number_on_two_lines_of_an_address_is_found(address: object, path: str) -> None:
    assert list(card_number_paths({"to": address})) == [path]


@pytest.mark.parametrize(
    "value",
    [
        ["4111", "1111", "1111", "1111"],  # ids of goods, say
        ["Hauptstr. 41", "1111 Wien"],
        ["+43 664 1234567", "+43 664 7654321"],
        ["4000000000000000006000", "4111"],  # a request id
        {"address_1": "PO Box 4111", "address_2": "60601-1234"},
        {"address_1": "4111 1111", "postcode": "1111 1111"},
        ["4006381333931", "4111"],  # barcodes
        ["Elm Street 3903", "0166 19418369"],
        ["8490 Rue de Lille 529", "DHL 3645847314"],
    ],
)
def test_lines_that_only_follow_each_other_are_no_number(value: object) -> None:
    assert list(card_number_paths(value)) == []


def test_a_number_without_quotes_and_a_name_are_searched_too() -> None:
    raw = {"a": 4111111111111111, "b": 4111111111111111.0, "4111111111111111": 1, "c": True}
    assert list(card_number_paths(raw)) == ["a", "b", "<name 2>"]


def test_a_long_text_is_searched_in_linear_time() -> None:
    assert not has_card_number("1 " * 50_000)
    assert not has_card_number("1" * 100_000)
    assert has_card_number("1 " * 25_000 + "; 4111111111111111")
