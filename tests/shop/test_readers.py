"""Reading shops: changes since a watermark, one order, refunds, products, and bad answers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.adapters.http.transport import HttpTransport
from include.adapters.shop.generic_shop import GenericShop
from include.adapters.shop.woocommerce import WooCommerce
from include.domain.errors import Rejected, Retryable
from include.services.shop.ports import ShopReader
from tests.sandbox.shopping import LIVE, Shops, now
from tests.shop.conftest import Bench, settings

MIDNIGHT = datetime.combine(LIVE, datetime.min.time(), UTC)
NONE = timedelta()


def numbers(reader: ShopReader, since: datetime = MIDNIGHT, overlap: timedelta = NONE) -> list[str]:
    return [order.order_number for order in reader.orders_changed_since(since, overlap)]


def test_an_order_comes_in_the_shops_own_words_with_the_facts_every_flow_needs(
    bench: Bench,
) -> None:
    number = bench.order(payment={"kind": "tms_token", "value": "7010"})
    order = bench.desk.order(number)
    assert (order.shop_id, order.order_number) == (bench.shop_id, number)
    assert order.status == bench.word("processing", "paid")
    assert abs(order.modified_at - now()) < timedelta(seconds=5)
    lines = order.raw[bench.word("line_items", "lines")]
    assert lines[0]["sku"] == "A100"
    assert bench.desk.order("UK-999") is None
    assert bench.desk.order("999") is None


def test_every_changed_order_comes_once_oldest_change_first(bench: Bench) -> None:
    placed = [bench.order() for _ in range(7)]
    assert numbers(bench.desk) == placed
    assert numbers(bench.desk, now() + timedelta(minutes=1)) == []
    assert numbers(bench.desk, now() + timedelta(minutes=1), timedelta(hours=1)) == placed


def test_what_is_thrown_away_comes_in_a_list_of_its_own(woo: Bench) -> None:
    kept, thrown = woo.order(), woo.order()
    woo.sandbox.api.delete(f"orders/{thrown}")
    assert numbers(woo.desk) == [kept]
    (status,) = woo.desk.discarded_statuses
    (found,) = woo.desk.orders_changed_since(MIDNIGHT, NONE, status)
    assert (found.order_number, found.status) == (thrown, "trash")
    assert list(woo.desk.orders_changed_since(now() + timedelta(minutes=1), NONE, status)) == []


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_orders_of_one_second_are_all_found_whatever_the_page(sandbox: Shops, size: int) -> None:
    reader = WooCommerce(settings(sandbox.url, page_size=size), HttpTransport())
    other = GenericShop(settings(sandbox.url, "acme_uk_web", page_size=size), HttpTransport())
    placed = [str(sandbox.order()["number"]) for _ in range(7)]
    others = [str(sandbox.order("acme_uk_web")["no"]) for _ in range(7)]
    assert sorted(numbers(reader)) == sorted(placed)
    assert numbers(other) == others


def test_an_order_changed_while_pages_are_read_is_not_passed_over(sandbox: Shops) -> None:
    reader = WooCommerce(settings(sandbox.url, page_size=2), HttpTransport())
    rows = [sandbox.order() for _ in range(6)]
    for age, row in enumerate(rows):  # one minute apart, the first is the oldest
        at = (now() - timedelta(minutes=30 - age)).replace(tzinfo=None)
        stamp = at.isoformat(timespec="seconds")
        sandbox.app.woo.orders[row["id"]]["date_modified_gmt"] = stamp
    found = []
    for order in reader.orders_changed_since(now() - timedelta(hours=1), NONE):
        found.append(order.order_number)
        if len(found) == 1:  # the first moves behind the last: numbered pages would lose the third
            sandbox.api.put(f"orders/{rows[0]['id']}", {"customer_note": "changed"})
    assert found == [*(str(row["number"]) for row in rows), str(rows[0]["number"])]


def test_an_order_whose_number_is_not_its_id_is_found(woo: Bench) -> None:
    made = woo.sandbox.order()
    woo.sandbox.app.woo.orders[made["id"]]["number"] = "US/2026 77"
    order = woo.desk.order("US/2026 77")
    assert order.order_id == str(made["id"])
    assert woo.desk.order(str(made["id"])) is None  # that is its id, and nobody's number


def test_two_orders_with_one_number_are_refused(woo: Bench) -> None:
    for _ in range(2):
        made = woo.sandbox.order()
        woo.sandbox.app.woo.orders[made["id"]]["number"] = "77"
    with pytest.raises(Rejected, match="2 orders carry the number '77'"):
        woo.desk.order("77")


def test_all_refunds_of_an_order_are_listed(woo: Bench) -> None:
    number = woo.order(lines=[{"sku": "A", "quantity": 200, "price": "1.00"}])
    for _ in range(101):
        woo.sandbox.app.woo.refund(int(number), {"amount": "1.00", "api_refund": False})
    refunds = woo.desk.refunds(number)
    assert (len(refunds), len({r.refund_id for r in refunds})) == (101, 101)
    assert woo.desk.refunds("4711") == ()


def test_products_and_variations_come_with_their_stock(bench: Bench) -> None:
    bench.sandbox.stock(bench.shop_id, **{"A100": 5, "B200": 0})
    found = {p.sku: p.stock_quantity for p in bench.desk.products()}
    assert found == {"A100": 5, "B200": 0}
    assert bench.desk.product("A100").stock_quantity == 5
    assert bench.desk.product("NO/SUCH") is None
    if bench.is_woo:
        api = bench.sandbox.api
        parent = api.post("products", {"sku": "P", "type": "variable"}).json()["id"]
        api.post("products", {"sku": "P/RED", "type": "variation", "parent_id": parent})
        assert {p.sku for p in bench.desk.products()} == {"A100", "B200", "P", "P/RED"}
        assert bench.desk.product("P/RED").stock_quantity is None  # it is not counted


@pytest.mark.parametrize(
    "fault", ["html", "garbage", "empty", "half_body", "wrong_length", "503", "429", "reset"]
)
def test_a_read_that_does_not_come_whole_is_retryable(bench: Bench, fault: str) -> None:
    bench.order()
    bench.sandbox.spoil(fault, "GET .*/orders$")
    with pytest.raises(Retryable):
        numbers(bench.desk)
    assert len(numbers(bench.desk)) == 1


def test_a_wrong_secret_says_what_to_do_and_not_the_secret(sandbox: Shops) -> None:
    for reader in (
        WooCommerce(settings(sandbox.url, secret="cs_wrong"), HttpTransport()),
        GenericShop(settings(sandbox.url, "acme_uk_web", secret="cs_wrong"), HttpTransport()),
    ):
        with pytest.raises(Rejected, match="Check key, secret") as caught:
            numbers(reader)
        assert "cs_wrong" not in str(caught.value)


def test_a_wrong_path_is_no_absent_order(sandbox: Shops) -> None:
    reader = WooCommerce(settings(f"{sandbox.url}/store"), HttpTransport())
    with pytest.raises(Rejected, match="404"):
        reader.order("1001")


@pytest.mark.parametrize("number", ["..", ".", "", "UK-1/../../x", "UK-1?x=1", "É/1"])
def test_an_order_number_cannot_change_the_path(bench: Bench, number: str) -> None:
    bench.order()
    try:
        found: Any = bench.desk.order(number)
    except (Rejected, Retryable):
        found = None
    assert found is None


def test_nothing_is_opened_when_an_adapter_is_made() -> None:
    dead = "http://127.0.0.1:9"
    reader: ShopReader = WooCommerce(settings(dead), HttpTransport())
    with pytest.raises(Retryable, match="Nothing was sent"):
        numbers(reader)
    with pytest.raises(Rejected, match="consumer key"):
        WooCommerce(settings(dead, key=""), HttpTransport())
