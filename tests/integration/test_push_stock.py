"""What a shop shows is what SYSPRO can promise, and a slow shop keeps its operator from nobody."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from structlog.testing import capture_logs

from include.adapters.store.stock_list import SqlStockList
from include.services.sync.ports import Tally
from tests.integration.play import LIVE, SHOP, SKU, Play
from tieout.desks.order_desk import Desks
from tieout.desks.order_feeds import stock_push
from tieout.tasks import orders


def test_syspro_is_left_before_the_shop_is_told(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "desks", lambda: play.desks)
    monkeypatch.setattr(orders, "tieout", lambda: play.desks.context)
    play.clerk("stock", stock_code=SKU, quantity="41")
    with capture_logs() as told:
        orders.push_stock(SHOP)
    calls = [entry["what"] for entry in told if entry["event"] == "http_call"]
    erp = [at for at, what in enumerate(calls) if what.startswith("SYSPRO")]
    assert calls[erp[-1]] == "SYSPRO logoff"
    assert calls.count("SYSPRO logon") == 1
    others = [at for at, what in enumerate(calls) if not what.startswith("SYSPRO")]
    assert min(others) < erp[0]  # its products are read
    assert max(others) > erp[-1]  # a level is set
    assert len(erp) == erp[-1] - erp[0] + 1  # and nothing in between


FIRST, SECOND, THIRD, FOURTH, _, FIFTH = (LIVE + timedelta(days=one) for one in range(1, 7))


@pytest.fixture
def push(play: Play, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Tally]:
    """Push on a day; nothing is read again but by what changed, as in a shop of many products."""
    name = "AIRFLOW_CONN_SYSPRO_A"
    found = json.loads(os.environ[name])
    found["extra"] |= {"poll_overlap_rows": 0}
    monkeypatch.setenv(name, json.dumps(found))
    desks = Desks(play.desks.context)

    def pushed(today: date, sold_in: str = "EA", warehouse: str = "MAIN") -> Tally:
        made = stock_push(desks, desks.of(SHOP))
        made = replace(made, sold_in=sold_in, warehouse=warehouse)
        return made.push(play.desks.context.clock, today)

    return pushed


def offer(play: Play, sku: str, stock: int) -> None:
    """Have the shop's people list a product, or set its stock by hand."""
    product = {"sku": sku, "name": sku, "price": "1.00", "stock": stock}
    play.control("shop_products", shop=SHOP, products=[product])


def shown(play: Play, sku: str) -> int | None:
    found = play.desks.of(SHOP).shop_hook.product(sku)
    assert found is not None
    return found.stock_quantity


def test_a_kit_is_shown_by_its_scarcest_part(play: Play, push: Callable[..., Tally]) -> None:
    play.clerk("stock", stock_code=SKU, quantity="5000")
    offer(play, "KIT-9001", 7)
    push(FIRST)
    assert shown(play, "KIT-9001") == 1_000  # of 2,000 bowls two make a box
    play.clerk("stock", stock_code="CUP-4001", quantity="9")
    push(FIRST)  # a part has changed, and nothing of the kit's own
    assert shown(play, "KIT-9001") == 4


def test_what_was_pushed_says_what_a_checkout_may_sell(
    play: Play, push: Callable[..., Tally]
) -> None:
    push(FIRST)
    stocked = SqlStockList(play.desks.context.store)
    assert stocked.absent("A", "MAIN", [SKU, "NOPE", "KIT-9001"]) == ("NOPE",)


def test_a_kit_that_the_warehouse_does_not_have_is_not_taken_for_stocked(
    play: Play, push: Callable[..., Tally]
) -> None:
    """It would make a list of itself, and an empty warehouse, perhaps misspelt, has none."""
    offer(play, "KIT-9001", 7)
    push(FIRST, warehouse="NORTH")
    stocked = SqlStockList(play.desks.context.store)
    assert stocked.absent("A", "NORTH", [SKU, "KIT-9001"]) == ()
    assert shown(play, "KIT-9001") == 7


def test_what_the_shop_changed_by_itself_is_set_right_once_a_day(
    play: Play, push: Callable[..., Tally]
) -> None:
    push(SECOND)
    offer(play, "COF-2001", 0)  # listed after SYSPRO's row was read
    offer(play, SKU, 3)  # set by hand
    assert push(SECOND).read == 1  # the kit that the company has is compared every time
    assert (shown(play, "COF-2001"), shown(play, SKU)) == (0, 3)
    push(THIRD)
    assert (shown(play, "COF-2001"), shown(play, SKU)) == (5_000, 5_000)


def test_a_shop_that_sells_cases_shows_whole_ones_and_no_level_that_is_not_known(
    play: Play, push: Callable[..., Tally]
) -> None:
    offer(play, "ACC-5001", 0)
    push(FOURTH, "CS")
    assert shown(play, "ACC-5001") == 20_000 // 12
    tally = push(FOURTH + timedelta(days=1), "PAL")
    assert shown(play, "ACC-5001") == 20_000 // 12
    assert "of which SYSPRO tells no level in 'PAL'" in str(tally)


def test_what_a_waiting_order_has_sold_is_not_put_back_on_sale(
    play: Play, push: Callable[..., Tally]
) -> None:
    """Its fraud review comes before the bank is asked, so there is no sales order for days."""
    play.clerk("stock", stock_code=SKU, quantity="5000")
    push(FIFTH)
    order_id = play.take("review_before")
    assert (play.order(order_id).state, play.order(order_id).facts.sales_order) == ("in_review", "")
    play.clerk("stock", stock_code=SKU, quantity="5100")  # goods came in
    push(FIFTH)
    assert shown(play, SKU) == 5_098
    play.desks.service.cancel(order_id, "ann", "the shopper has changed her mind", via="cli")
    play.sweep()
    push(FIFTH + timedelta(days=1))
    assert shown(play, SKU) == 5_100
