"""What a shop shows otherwise after we took an order: money, goods, the way; never a person."""

from dataclasses import replace

import pytest

from include.domain.money import Money
from include.domain.orders import (
    Address,
    LineKind,
    Order,
    OrderLine,
    PaymentMethod,
    PaymentSource,
    Shopper,
    changes,
)

HOME = Address("Ann Lee", ("12 Elm Street",), "Springfield", "US", "62701", "IL")


def line(number: int, code: str, quantity: int, net: int) -> OrderLine:
    kind = LineKind.goods if code else LineKind.freight
    return OrderLine(
        number, kind, code, quantity * 10**6, Money(net, "USD"), Money(0, "USD"), stock_code=code
    )


def order(*lines: OrderLine) -> Order:
    amount = Money(sum(one.net.minor for one in lines), "USD")
    shopper = Shopper("Ann Lee", "ann@example.com", HOME, HOME)
    payment = PaymentSource(PaymentMethod.transient_token, transient_id="a" * 20)
    return Order(
        "ord_1", "acme_us_web", "acme_us", "1", "W1", "USD", amount, shopper, lines, payment
    )


TAKEN = order(line(1, "TEA-1001", 2, 2000), line(2, "", 1, 500))


def moved(**parts: str) -> Order:
    return replace(TAKEN, shopper=replace(TAKEN.shopper, ship_to=replace(HOME, **parts)))


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (TAKEN, ()),
        (
            order(line(1, "TEA-1001", 1, 1000), line(2, "TEA-1001", 1, 1000), line(3, "", 1, 500)),
            (),
        ),
        (moved(city=" SPRINGFIELD "), ()),
        (moved(city="Boston"), ("it goes to another address now",)),
        (
            order(line(1, "MUG-7", 2, 2000), line(2, "", 1, 500)),
            ("the goods are 2 MUG-7 now, and were 2 TEA-1001",),
        ),
        (
            order(line(1, "TEA-1001", 2, 2000)),
            ("the total is 20.00 USD now, and it was taken at 25.00 USD",),
        ),
    ],
)
def test_only_what_moves_money_goods_or_the_parcel_is_a_change(
    shown: Order, told: tuple[str, ...]
) -> None:
    assert changes(TAKEN, shown, money_only=False) == told
    assert changes(TAKEN, shown, money_only=True) == tuple(t for t in told if "total" in t)


def test_half_units_are_told_as_they_are() -> None:
    half = replace(line(1, "TEA-1001", 1, 2500), quantity_millionths=2_500_000)
    assert changes(TAKEN, order(half), money_only=False) == (
        "the goods are 2.5 TEA-1001 now, and were 2 TEA-1001",
    )
