"""The sandbox's WooCommerce, driven by the public Python client, unchanged."""

import base64
import hashlib
import hmac
import http.client
import json
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from woocommerce import API
from woocommerce.oauth import OAuth

from tests.contract.wire.test_tls import make_certificate
from tests.sandbox.shopping import KEY, READ_KEY, READ_SECRET, SECRET, Shops, now, shops


@pytest.fixture
def shop() -> Iterator[Shops]:
    with shops() as found:
        yield found


# Who is calling ------------------------------------------------------------------------------


def test_the_public_client_signs_and_is_known(shop: Shops) -> None:
    answer = shop.api.get("orders", params={"status": "any", "search": "a b~é+&="})
    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize(
    ("key", "secret", "code", "said"),
    [
        (KEY, "cs_wrong", "woocommerce_rest_authentication_error", "does not match"),
        ("ck_nobody", SECRET, "woocommerce_rest_authentication_error", "key is invalid"),
    ],
)
def test_a_wrong_key_or_secret_is_refused(
    shop: Shops, key: str, secret: str, code: str, said: str
) -> None:
    answer = API(shop.url, key, secret).get("orders")
    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert said in answer.json()["message"]
    assert answer.json()["data"] == {"status": 401}


def test_without_any_signature_nothing_is_shown(shop: Shops) -> None:
    assert raw(shop, "GET", "/wp-json/wc/v3/orders")[0] == 401


def test_a_key_that_may_only_read_cannot_write(shop: Shops) -> None:
    reader = API(shop.url, READ_KEY, READ_SECRET)
    assert reader.get("orders").status_code == 200
    answer = reader.post("orders", {"line_items": []})
    assert answer.status_code == 401
    assert "does not have write permissions" in answer.json()["message"]


def test_a_signed_address_serves_once(shop: Shops) -> None:
    answer = shop.api.get("orders")
    target = answer.request.path_url
    status, _, body = raw(shop, "GET", target)
    assert status == 401
    assert "nonce has already been used" in json.loads(body)["message"]


def test_a_changed_parameter_breaks_the_signature(shop: Shops) -> None:
    target = shop.api.get("orders", params={"status": "pending"}).request.path_url
    assert raw(shop, "GET", target.replace("pending", "trash"))[0] == 401


def test_a_signature_of_an_hour_ago_is_refused(shop: Shops) -> None:
    url = f"{shop.url}/wp-json/wc/v3/orders"
    old = OAuth(url, KEY, SECRET, version="wc/v3", oauth_timestamp=int(time.time()) - 3600)
    status, _, body = raw(shop, "GET", old.get_oauth_url().removeprefix(shop.url))
    assert (status, json.loads(body)["message"]) == (401, "Invalid timestamp.")


@pytest.mark.parametrize("in_query", [False, True])
def test_over_https_the_client_sends_its_keys(shop: Shops, tmp_path: Path, in_query: bool) -> None:
    certificate = make_certificate(tmp_path, "127.0.0.1", 365)
    proxy = TlsProxy(shop.url, certificate)
    try:
        api = API(proxy.url, KEY, SECRET, verify_ssl=str(certificate), query_string_auth=in_query)
        assert api.get("orders").status_code == 200
        wrong = API(
            proxy.url, KEY, "cs_no", verify_ssl=str(certificate), query_string_auth=in_query
        )
        assert wrong.get("orders").json()["message"] == "Consumer Secret is invalid."
    finally:
        proxy.stop()


class TlsProxy:
    """What stands in front of many shops: TLS ends here, and a header says so."""

    def __init__(self, target: str, certificate: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        address = urlsplit(target)

        class Pass(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                there = http.client.HTTPConnection(str(address.hostname), address.port)
                headers = {**dict(self.headers.items()), "X-Forwarded-Proto": "https"}
                there.request("GET", self.path, headers=headers)
                answer = there.getresponse()
                body = answer.read()
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Keep the test's output clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Pass)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


# Orders --------------------------------------------------------------------------------------


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


# Products, customers -------------------------------------------------------------------------


def test_stock_falls_with_an_order_and_returns_with_its_cancellation(shop: Shops) -> None:
    shop.stock(A100=3)

    def stock() -> tuple[int, str]:
        row = shop.api.get("products", params={"sku": "A100"}).json()[0]
        return row["stock_quantity"], row["stock_status"]

    order = shop.order(lines=[{"sku": "A100", "quantity": 3}])
    assert stock() == (0, "outofstock")
    shop.control("shop_cancel_order", order=order["id"])
    shop.control("shop_cancel_order", order=order["id"])
    assert stock() == (3, "instock")


def test_a_quantity_counts_only_with_stock_management(shop: Shops) -> None:
    made = shop.api.post("products", {"sku": "N1", "regular_price": "1", "stock_quantity": 5})
    assert made.json()["stock_quantity"] is None
    path = f"products/{made.json()['id']}"
    found = shop.api.put(path, {"manage_stock": True, "stock_quantity": 5}).json()
    assert (found["stock_quantity"], found["stock_status"]) == (5, "instock")
    assert shop.api.put(path, {"stock_quantity": "many"}).status_code == 400
    twice = shop.api.post("products", {"sku": "N1"})
    assert (twice.status_code, twice.json()["code"]) == (400, "product_invalid_sku")


def test_a_batch_answers_each_item_by_itself(shop: Shops) -> None:
    shop.stock(A100=1)
    number = shop.api.get("products", params={"sku": "A100"}).json()[0]["id"]
    found = shop.api.post(
        "products/batch",
        {
            "update": [{"id": number, "stock_quantity": 9}, {"id": 7, "stock_quantity": 9}],
            "create": [{"sku": "NEW", "regular_price": "2"}],
        },
    ).json()
    assert found["update"][0]["stock_quantity"] == 9
    assert found["update"][1]["error"]["data"] == {"status": 404}
    assert found["create"][0]["sku"] == "NEW"
    many = shop.api.post("products/batch", {"create": [{"sku": str(n)} for n in range(101)]})
    assert many.status_code == 413


def test_variations_are_listed_below_their_product(shop: Shops) -> None:
    parent = shop.api.post("products", {"sku": "P", "type": "variable"}).json()["id"]
    part = shop.api.post("products", {"sku": "P-RED", "type": "variation", "parent_id": parent})
    path = f"products/{parent}/variations"
    assert [row["sku"] for row in shop.api.get(path).json()] == ["P-RED"]
    one = f"{path}/{part.json()['id']}"
    found = shop.api.put(one, {"manage_stock": True, "stock_quantity": 4}).json()
    assert found["stock_quantity"] == shop.api.get(one).json()["stock_quantity"] == 4
    assert shop.api.get(f"{path}/{parent}").status_code == 404
    assert [row["sku"] for row in shop.api.get("products").json()] == ["P"]


def test_customers_have_one_mail_address_each(shop: Shops) -> None:
    made = shop.api.post("customers", {"email": "zoe@example.com", "first_name": "Zoë"})
    assert made.status_code == 201
    again = shop.api.post("customers", {"email": "zoe@example.com"})
    assert again.json()["code"] == "registration-error-email-exists"
    path = f"customers/{made.json()['id']}"
    assert shop.api.put(path, {"last_name": "Ö"}).json()["last_name"] == "Ö"
    found = shop.api.get("customers", params={"email": "zoe@example.com"}).json()
    assert [row["first_name"] for row in found] == ["Zoë"]


# The shopper ---------------------------------------------------------------------------------


def test_the_shopper_edits_moves_and_asks_for_money_back(shop: Shops) -> None:
    order = shop.order(lines=[{"sku": "A", "price": "10.00"}, {"sku": "B", "price": "1.00"}])
    edited = shop.control(
        "shop_edit_order",
        order=order["id"],
        lines=[{"sku": "A", "quantity": 2}, {"sku": "B", "quantity": 0}],
    )["order"]
    assert [(i["sku"], i["total"]) for i in edited["line_items"]] == [("A", "20.00")]
    assert edited["total"] == "21.65"
    moved = shop.control(
        "shop_change_address", order=order["id"], shipping={"city": "Zürich", "country": "CH"}
    )["order"]
    assert (moved["shipping"]["city"], moved["billing"]["country"]) == ("Zürich", "US")
    asked = shop.control("shop_request_refund", order=order["id"], amount="5.00", reason="broken")[
        "order"
    ]
    meta = {m["key"]: m["value"] for m in asked["meta_data"]}
    assert (meta["_refund_requested"], meta["_refund_reason"]) == ("5.00", "broken")
    assert asked["refunds"] == []


# Webhooks ------------------------------------------------------------------------------------


def hook(shop: Shops, topic: str = "order.updated", **given: Any) -> Any:
    body = {"topic": topic, "delivery_url": f"{shop.url}/callbacks/woo", **given}
    answer = shop.api.post("webhooks", body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def delivered(shop: Shops) -> list[dict[str, Any]]:
    assert shop.control("shop_deliveries")["is_done"]
    return shop.control("callbacks", shop="woo")["deliveries"]  # type: ignore[no-any-return]


def test_a_new_webhook_says_hello_and_signs_from_then_on(shop: Shops) -> None:
    made = hook(shop, "order.created", secret="s3cret")
    order = shop.order(billing={"first_name": "Zoë"})
    ping, event = delivered(shop)
    assert ping["body"] == f"webhook_id={made['id']}"
    assert "x-wc-webhook-signature" not in ping["headers"]
    headers = event["headers"]
    expected = hmac.new(b"s3cret", event["body"].encode(), hashlib.sha256).digest()
    assert headers["x-wc-webhook-signature"] == base64.b64encode(expected).decode()
    assert headers["x-wc-webhook-topic"] == "order.created"
    assert (headers["x-wc-webhook-resource"], headers["x-wc-webhook-event"]) == ("order", "created")
    assert headers["x-wc-webhook-id"] == str(made["id"])
    assert len(headers["x-wc-webhook-delivery-id"]) == 32
    assert headers["x-wc-webhook-source"] == "https://acme-us-web.example/"
    assert json.loads(event["body"]) == order


def test_a_webhook_hears_only_of_its_topic_and_only_while_active(shop: Shops) -> None:
    made = hook(shop, "order.deleted")
    order = shop.order()
    shop.api.delete(f"orders/{order['id']}")
    assert [json.loads(d["body"]) for d in delivered(shop)[1:]] == [{"id": order["id"]}]
    shop.api.put(f"webhooks/{made['id']}", {"status": "paused"})
    shop.api.delete(f"orders/{shop.order()['id']}")
    assert len(delivered(shop)) == 2


def test_five_failures_disable_a_webhook(shop: Shops) -> None:
    made = hook(shop, "order.created")
    delivered(shop)
    shop.control("callbacks_fail", shop="woo", times=99, status=500)
    for _ in range(6):
        shop.order()
        delivered(shop)
    found = shop.api.get(f"webhooks/{made['id']}").json()
    assert (found["status"], found["failure_count"]) == ("disabled", 5)
    assert len(delivered(shop)) == 6  # the hello and five


def test_a_lost_delivery_is_not_repeated(shop: Shops) -> None:
    hook(shop, "order.created")
    shop.control("shop_drop_webhooks", times=1)
    lost, seen = shop.order(), shop.order()
    bodies = [json.loads(d["body"])["id"] for d in delivered(shop)[1:]]
    assert (lost["id"] in bodies, seen["id"] in bodies) == (False, True)


@pytest.mark.parametrize(
    "given",
    [{"topic": "order.exploded"}, {"delivery_url": "gopher://x"}, {"status": "sleepy"}],
)
def test_a_webhook_that_cannot_work_is_refused(shop: Shops, given: dict[str, str]) -> None:
    body = {"topic": "order.created", "delivery_url": "http://127.0.0.1:9/", **given}
    assert shop.api.post("webhooks", body).status_code == 400
    assert shop.api.get("webhooks").json() == []


def test_webhooks_are_listed_and_removed(shop: Shops) -> None:
    made = hook(shop)
    assert [row["id"] for row in shop.api.get("webhooks").json()] == [made["id"]]
    path = f"webhooks/{made['id']}"
    assert shop.api.delete(path).status_code == 501
    assert shop.api.delete(path, params={"force": "true"}).status_code == 200
    assert shop.api.get("webhooks").json() == []


# Faults, reset, threads ----------------------------------------------------------------------


def test_a_fault_after_the_commit_leaves_the_change(shop: Shops) -> None:
    order = shop.order()
    shop.spoil("drop_after_commit", rf"PUT /wp-json/wc/v3/orders/{order['id']}")
    with pytest.raises(OSError, match=r"[Cc]onnection"):
        shop.api.put(f"orders/{order['id']}", {"status": "completed"})
    assert shop.api.get(f"orders/{order['id']}").json()["status"] == "completed"
    assert shop.executed("orders.update") == 1


def test_reset_empties_the_shops(shop: Shops) -> None:
    shop.order()
    shop.order(shop="acme_uk_web")
    shop.control("reset")
    assert shop.api.get("orders").json() == []
    assert shop.control("shop_orders", shop="acme_uk_web")["orders"] == []
    assert shop.sandbox.ledger.rows() == []


def test_many_shoppers_at_once_lose_nothing(shop: Shops) -> None:
    shop.stock(A100=1000)

    def buy() -> None:
        for _ in range(25):
            shop.app.woo.place({"lines": [{"sku": "A100", "quantity": 1}]})

    threads = [threading.Thread(target=buy) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    product = shop.api.get("products", params={"sku": "A100"}).json()[0]
    assert product["stock_quantity"] == 800
    assert shop.api.get("orders").headers["X-WP-Total"] == "200"


def raw(shop: Shops, method: str, target: str) -> tuple[int, dict[str, str], bytes]:
    address = urlsplit(shop.url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=5)
    try:
        connection.request(method, target)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()
