"""Which rate a foreign receipt is sent with: that of its settlement, or SYSPRO's own."""

from dataclasses import replace
from datetime import date

import pytest

from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.shops import RateSource
from tests.unit.shop_orders import generic_order, translator

UK = translator("acme_uk_web")


@pytest.mark.parametrize(
    ("currency", "source", "expected"),
    [
        ("EUR", RateSource.dated, (868_200, "GBP")),
        ("EUR", RateSource.syspro, (0, "")),
        ("GBP", RateSource.dated, (0, "")),
    ],
)
def test_a_foreign_receipt_has_the_dated_rate_of_its_day(
    currency: str, source: RateSource, expected: tuple[int, str]
) -> None:
    table = replace(UK, shop=replace(UK.shop, exchange_rates=source))
    order = UK.order(generic_order())
    amount = Money(100_00, currency)
    booked = table.receipt(order, "W1", amount, date(2026, 11, 3), "TO1")
    assert (booked.rate_millionths, booked.base_currency) == expected


def test_a_foreign_receipt_without_a_rate_names_the_line_to_add() -> None:
    with pytest.raises(Rejected, match="EUR to GBP") as caught:
        UK.receipt(UK.order(generic_order()), "W1", Money(1, "EUR"), date(2028, 1, 1), "TO1")
    assert "2028-01-01" in caught.value.do
