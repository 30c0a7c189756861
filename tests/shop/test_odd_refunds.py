"""A refund that a shop writes in no currency: refused by name, so that it holds up no other."""

from dataclasses import replace

import pytest

from include.domain.errors import Rejected
from include.services.shop.ports import ShopRefund
from tests.shop.conftest import Bench


@pytest.mark.parametrize("currency", ["XXX", "gbp", "\u00a3"])
def test_a_currency_that_is_none_is_refused_by_its_name(bench: Bench, currency: str) -> None:
    order = bench.desk.order(bench.order())
    amount = "5.00" if bench.is_woo else 500
    refund = ShopRefund(bench.shop_id, "R1", {"id": "R1", "amount": amount, "currency": currency})
    shown = replace(order, raw={**order.raw, "currency": currency})
    with pytest.raises(Rejected, match=currency):
        bench.desk.refund_seen(shown, refund)
