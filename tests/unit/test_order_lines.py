"""What a unit price keeps of an order's lines, and what part of them an amount stands for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.money import Money, total
from include.domain.order_lines import is_kept, part_of, unit_price
from include.domain.orders import LineKind, OrderLine


def line(number: int, kind: LineKind, net: int, tax: int, count: int = 1) -> OrderLine:
    money = Money(net, "USD"), Money(tax, "USD")
    return OrderLine(number, kind, kind.value, count * 1_000_000, *money, f"A-{number}")


LINES = (
    line(1, LineKind.goods, 8000, 660, count=2),
    line(2, LineKind.freight, 900, 0),
    line(3, LineKind.discount, -500, -41),
)  # gross 9019


def test_the_whole_is_the_lines_as_they_were_ordered() -> None:
    assert part_of(LINES, Money(9019, "USD")) == LINES


def test_a_part_takes_the_same_share_of_every_net_and_tax() -> None:
    # Times 3000 / 9019: 2661.05, 219.54, 299.37, 0, -166.32, -13.64. Rounded down those sum to
    # 2998, so two are rounded up: -166.32, which is .68 above -167, and 219.54.
    parts = part_of(LINES, Money(3000, "USD"))
    assert [(one.net.minor, one.tax.minor) for one in parts] == [
        (2661, 220), (299, 0), (-166, -14)
    ]  # fmt: skip
    assert {one.quantity_millionths for one in parts} == {1_000_000}


def test_of_more_than_the_lines_and_of_another_currency_nobody_knows_the_lines() -> None:
    for amount in (Money(9020, "USD"), Money(0, "USD"), Money(3000, "EUR")):
        assert part_of(LINES, amount) == ()


@given(
    nets=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**5)), min_size=1, max_size=6),
    off=st.integers(0, 10**6),
    share=st.integers(1, 10**7),
)
def test_parts_sum_to_their_amount_and_keep_their_signs(
    nets: list[tuple[int, int]], off: int, share: int
) -> None:
    lines = [line(number, LineKind.goods, *pair) for number, pair in enumerate(nets, 1)]
    gross = total((one.gross for one in lines), "USD").minor
    if off:
        lines.append(line(len(lines) + 1, LineKind.discount, -min(off, gross // 2), 0))
    whole = total((one.gross for one in lines), "USD").minor
    if whole:
        amount = Money(1 + share % whole, "USD")
        parts = part_of(lines, amount)
        assert total((one.gross for one in parts), "USD") == amount
        for part in parts:
            if part.kind is LineKind.discount:
                assert part.net.minor <= 0
            else:
                assert part.net.minor >= 0
                assert part.tax.minor >= 0


@pytest.mark.parametrize(
    ("minor", "currency", "pieces", "price", "is_whole"),
    [
        (1000, "USD", 3, 333_333, True),  # 3.33333 x 3 = 9.99999
        (1001, "USD", 1000, 1_001, True),
        (2008, "USD", 1500, 1_339, False),  # 0.01339 x 1500 = 20.085: 20.08 or 20.09
        (2, "USD", 10_000, 0, False),  # 0.000002 is no price at all
        (1001, "JPY", 3000, 33_367, True),  # 0.33367 x 3000 = 1001.01
        (1001, "JPY", 300_000, 334, False),  # 0.00334 x 300000 = 1002
        (1230, "KWD", 1, 123_000, True),
        (1235, "KWD", 1, 123_500, False),  # 1.235: SYSPRO's values have two decimals
        (-500, "USD", 1, -500_000, True),
    ],
)
def test_a_unit_price_gives_the_amount_again_or_is_known_not_to(
    minor: int, currency: str, pieces: int, price: int, *, is_whole: bool
) -> None:
    worth = Money(minor, currency)
    assert unit_price(worth, pieces * 1_000_000) == price
    assert is_kept(worth, pieces * 1_000_000) == is_whole
