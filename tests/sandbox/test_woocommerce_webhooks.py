"""Webhooks of the sandbox's WooCommerce, and what faults and a reset do."""

import base64
import hashlib
import hmac
import json
import re
import threading
from typing import Any

import pytest

from tests.sandbox.shopping import Shops
from tests.sandbox.support import woo_shop as woo_shop


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
    assert re.fullmatch("[0-9a-f]{32}", headers["x-wc-webhook-delivery-id"])
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
