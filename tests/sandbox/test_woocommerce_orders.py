"""Orders of the sandbox's WooCommerce: priced, listed, changed, refunded."""

from datetime import timedelta
from typing import Any

import pytest

from tests.sandbox.shopping import Shops, now
from tests.sandbox.support import woo_shop as woo_shop


def test_an_order_is_priced_to_the_cent(shop: Shops) -> None:
    """3 x 19.99 + 5.00 less 10.00, freight 4.95, 8.25 % on top; worked out by hand.

    10.00 shared by 59.97 : 5.00 is 9.23 + 0.77. Nets 50.74 and 4.23, taxes 4.19 and 0.35, freight
    tax 0.41: goods 54.97 + 4.54, freight 4.95 + 0.41, together 64.87.
    """
    order = shop.order(
        lines=[
            {"sku": "A100", "quantity": 3, "price": "19.99"},
            {"sku": "B200", "quantity": 1, "price": "5.00"},
        ],
        freight="4.95",
        discount="10.00",
    )
    lines = [(i["subtotal"], i["total"], i["total_tax"]) for i in order["line_items"]]
    assert lines == [("59.97", "50.74", "4.19"), ("5.00", "4.23", "0.35")]
    assert order["shipping_lines"][0]["total_tax"] == order["shipping_tax"] == "0.41"
    assert (order["discount_total"], order["coupon_lines"][0]["discount"]) == ("10.00", "10.00")
    assert (order["cart_tax"], order["total_tax"], order["total"]) == ("4.54", "4.95", "64.87")


def test_prices_that_hold_tax_are_taken_apart(shop: Shops) -> None:
    """12.00 with 20 % inside is 10.00 + 2.00."""
    order = shop.order(
        lines=[{"sku": "A", "quantity": 1, "price": "12.00"}],
        tax_bps=2000,
        prices_include_tax=True,
    )
    line = order["line_items"][0]
    assert (line["total"], line["total_tax"], order["total"]) == ("10.00", "2.00", "12.00")
    assert order["prices_include_tax"] is True


def test_yen_have_no_decimals(shop: Shops) -> None:
    order = shop.order(
        lines=[{"sku": "A", "quantity": 3, "price": "500"}], currency="JPY", tax_bps=1000
    )
    assert (order["line_items"][0]["total"], order["total"]) == ("1500", "1650")


@pytest.mark.parametrize(
    ("kind", "value"),
    [("transient_token", "eyJh"), ("tms_token", "7010"), ("request_id", "7" * 22)],
)
def test_the_payment_reference_lies_in_the_meta_data(shop: Shops, kind: str, value: str) -> None:
    order = shop.order(payment={"kind": kind, "value": value})
    meta = {m["key"]: m["value"] for m in order["meta_data"]}
    assert meta[f"_cybersource_{kind}"] == value


def test_a_card_number_is_no_payment_reference(shop: Shops) -> None:
    with pytest.raises(ValueError, match="may be a card number"):
        shop.app.control(
            "shop_place_order",
            {
                "lines": [{"sku": "A", "price": "1"}],
                "payment": {"kind": "tms_token", "value": "4111 1111 1111 1111"},
            },
        )


def test_dates_come_local_and_gmt_without_a_zone(shop: Shops) -> None:
    order = shop.order()
    assert order["date_created"].startswith("2026-11-0")
    assert order["date_created_gmt"].startswith("2026-11-03T")
    local, gmt = order["date_created"], order["date_created_gmt"]
    assert "Z" not in local + gmt
    assert "+" not in local + gmt
    hours = int(gmt[11:13]) - int(local[11:13])
    assert hours % 24 == 5  # New York in November


def test_pages_are_counted_and_linked(shop: Shops) -> None:
    for _ in range(5):
        shop.order()
    answer = shop.api.get("orders", params={"per_page": 2, "page": 2, "order": "asc"})
    assert [len(answer.json()), answer.headers["X-WP-Total"]] == [2, "5"]
    assert answer.headers["X-WP-TotalPages"] == "3"
    assert 'page=3>; rel="next"' in answer.headers["Link"]
    assert 'page=1>; rel="prev"' in answer.headers["Link"]
    assert shop.api.get("orders", params={"page": 9}).json() == []


def test_lists_are_filtered(shop: Shops) -> None:
    first, second = shop.order(), shop.order(status="on-hold", billing={"last_name": "Lovelace"})

    def ids(**params: Any) -> list[int]:
        answer = shop.api.get("orders", params=params)
        assert answer.status_code == 200, answer.text
        return [row["id"] for row in answer.json()]

    assert ids(status="on-hold") == [second["id"]]
    assert ids(status="on-hold,processing", orderby="id", order="asc") == [
        first["id"],
        second["id"],
    ]
    assert ids(search="lovelace") == [second["id"]]
    assert ids(include=f"{first['id']}") == [first["id"]]
    assert ids(exclude=f"{first['id']}") == [second["id"]]
    later = (now() + timedelta(minutes=5)).replace(tzinfo=None).isoformat(timespec="seconds")
    assert ids(modified_after=later, dates_are_gmt="true") == []
    assert ids(modified_before=later, dates_are_gmt="true", before=later)
    assert ids(after="2026-11-01T00:00:00", modified_after="2026-11-01T00:00:00Z")
    shop.api.delete(f"orders/{first['id']}")
    assert ids() == ids(status="any") == ids(status="any,trash") == [second["id"]]
    assert ids(status="trash") == [first["id"]]


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"per_page": 101}, "per_page"),
        ({"page": 0}, "page"),
        ({"page": "x"}, "page"),
        ({"orderby": "amount;drop"}, "orderby"),
        ({"order": "up"}, "order"),
        ({"after": "yesterday"}, "after"),
        ({"include": "1,x"}, "include"),
    ],
)
def test_an_unusable_parameter_is_named(shop: Shops, params: dict[str, Any], name: str) -> None:
    answer = shop.api.get("orders", params=params)
    body = answer.json()
    assert (answer.status_code, body["code"]) == (400, "rest_invalid_param")
    assert list(body["data"]["params"]) == [name]


def test_an_order_is_made_changed_and_thrown_away_by_the_api(shop: Shops) -> None:
    shop.stock(A100=10)
    made = shop.api.post(
        "orders", {"set_paid": True, "line_items": [{"sku": "A100", "quantity": 2}]}
    )
    assert made.status_code == 201
    order = made.json()
    assert (order["status"], order["total"]) == ("processing", "21.65")
    path = f"orders/{order['id']}"
    changed = shop.api.put(
        path, {"status": "completed", "meta_data": [{"key": "tracking", "value": "1Z"}]}
    ).json()
    assert changed["date_completed_gmt"]
    assert {"tracking": "1Z"}.items() <= {
        m["key"]: m["value"] for m in changed["meta_data"]
    }.items()
    assert shop.api.put(path, {"status": "lost"}).status_code == 400
    assert shop.api.get(path).json()["status"] == "completed"
    assert shop.api.delete(path).status_code == 200
    assert shop.api.get("orders").json() == []
    assert shop.api.delete(path).status_code == 410
    assert shop.api.delete(path, params={"force": "true"}).status_code == 200
    assert shop.api.get(path).status_code == 404
    assert shop.api.get("orders/99").json() == {
        "code": "woocommerce_rest_shop_order_invalid_id",
        "message": "Invalid ID.",
        "data": {"status": 404},
    }


def test_a_refused_change_changes_nothing(shop: Shops) -> None:
    order = shop.order()
    answer = shop.api.put(
        f"orders/{order['id']}", {"customer_note": "x", "status": "no", "meta_data": []}
    )
    assert answer.status_code == 400
    assert shop.api.get(f"orders/{order['id']}").json() == order


def test_meta_data_is_updated_by_key_and_removed_by_null(shop: Shops) -> None:
    path = f"orders/{shop.order()['id']}"
    for value in ("1", "2"):
        shop.api.put(path, {"meta_data": [{"key": "k", "value": value}]})
    kept = [m for m in shop.api.get(path).json()["meta_data"] if m["key"] == "k"]
    assert [m["value"] for m in kept] == ["2"]
    shop.api.put(path, {"meta_data": [{"key": "k", "value": None}]})
    assert not [m for m in shop.api.get(path).json()["meta_data"] if m["key"] == "k"]


def test_notes_are_kept_newest_first(shop: Shops) -> None:
    path = f"orders/{shop.order()['id']}/notes"
    shop.api.post(path, {"note": "one"})
    shop.api.post(path, {"note": "two", "customer_note": True})
    assert [n["note"] for n in shop.api.get(path).json()] == ["two", "one"]
    assert [n["note"] for n in shop.api.get(path, params={"type": "internal"}).json()] == ["one"]
    assert shop.api.post(path, {"note": ""}).status_code == 400


def test_a_refund_is_recorded_up_to_the_total(shop: Shops) -> None:
    order = shop.order()  # 10.00 + 0.83
    path = f"orders/{order['id']}/refunds"
    part = {"amount": "4.00", "reason": "late", "api_refund": False}
    made = shop.api.post(path, part)
    assert (made.status_code, made.json()["amount"]) == (201, "4.00")
    assert made.json()["refunded_payment"] is False
    too_much = shop.api.post(path, {**part, "amount": "6.84"})
    assert (too_much.status_code, too_much.json()["message"]) == (500, "Invalid refund amount.")
    assert shop.api.post(path, {**part, "amount": "0"}).status_code == 400
    assert shop.api.post(path, {"amount": "1.00"}).status_code == 500  # would pay by itself
    shop.api.post(path, {**part, "amount": "6.83"})
    assert len(shop.api.get(path).json()) == 2
    after = shop.api.get(f"orders/{order['id']}").json()
    assert (after["status"], [r["total"] for r in after["refunds"]]) == (
        "refunded",
        ["-4.00", "-6.83"],
    )
    assert shop.executed("orders.refund") == 2


def test_the_status_refunded_refunds_what_is_left(shop: Shops) -> None:
    order = shop.order()
    part = {"amount": "4.00", "api_refund": False}
    shop.api.post(f"orders/{order['id']}/refunds", part)
    shop.api.put(f"orders/{order['id']}", {"status": "refunded"})
    found = shop.api.get(f"orders/{order['id']}").json()["refunds"]
    assert [(r["total"], r["reason"]) for r in found] == [
        ("-4.00", ""),
        ("-6.83", "Order fully refunded."),
    ]
