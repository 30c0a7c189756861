"""What part of an order's lines an amount stands for."""

from hypothesis import given
from hypothesis import strategies as st

from include.domain.money import Money, total
from include.domain.order_lines import part_of
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
