"""The sandbox tells: signed deliveries, retries and replays."""

import base64
import hashlib
import hmac
import json
import socket
import time

import pytest

from tests.sandbox.merchant import Merchant
from tests.sandbox.receiver import Call, Receiver
from tests.sandbox.support import CASES, HOOKS, decided, make_key, subscribe
from tests.sandbox.support import receiver as receiver
from tests.sandbox.support import sandbox as sandbox
from tests.sandbox.support import webhook_shop as webhook_shop
from tests.waiting import wait_until


def verifies(call: Call, key: dict[str, str], signed: str = "") -> bool:
    """Check a signature by the vendor's recipe, over the raw bytes of the payload."""
    headers, body = call
    parts = dict(part.partition("=")[::2] for part in headers["v-c-signature"].split(";"))
    assert parts["keyId"] == key["keyId"]
    assert abs(int(parts["t"]) / 1000 - time.time()) < 60
    text = body.decode()
    raw = signed or text[text.index('"payload"') :].partition(":")[2].strip()
    if not signed:
        value, end = json.JSONDecoder().raw_decode(raw)
        assert value
        raw = raw[:end]
    made = hmac.new(
        base64.b64decode(key["key"]), f"{parts['t']}.{raw}".encode(), hashlib.sha256
    ).digest()
    return base64.b64encode(made).decode() == parts["sig"]


def test_a_decision_is_told_signed_and_with_the_vendors_headers(
    shop: Merchant, receiver: Receiver
) -> None:
    key = make_key(shop)
    hook = subscribe(shop, receiver)
    assert hook["status"] == "ACTIVE"
    own_id = decided(shop, "REJECT", "SO-9")
    ((headers, body),) = receiver.got(1)
    told = json.loads(body)
    assert headers["v-c-event-type"] == "risk.casemanagement.decision.reject"
    assert headers["v-c-organization-id"] == "acme_us"
    assert headers["v-c-product-name"] == "decisionManager"
    assert (headers["v-c-request-type"], headers["v-c-retry-count"]) == ("NEW", "0")
    assert headers["v-c-webhook-id"] == told["webhookId"] == hook["webhookId"]
    assert headers["v-c-transaction-trace-id"] == told["transactionTraceId"]
    assert told["payload"]["data"]["id"] == own_id
    assert told["payload"]["organizationId"] == "acme_us"
    assert told["eventDate"][:10] in ("2026-03-18", "2026-03-19")
    assert verifies((headers, body), key)


@pytest.mark.parametrize("shape", ["object", "array"])
@pytest.mark.parametrize("is_spaced", [False, True])
@pytest.mark.parametrize("signs", ["raw", "compact"])
def test_every_shape_and_spacing_can_be_verified(
    shop: Merchant, receiver: Receiver, shape: str, is_spaced: bool, signs: str
) -> None:
    shop.control(
        "cybersource", webhook_payload=shape, webhook_spacing=is_spaced, webhook_signs=signs
    )
    key = make_key(shop)
    subscribe(shop, receiver)
    decided(shop)
    (call,) = receiver.got(1)
    payload = json.loads(call[1])["payload"]
    assert isinstance(payload, list) == (shape == "array")
    assert ("notificationId" in json.loads(call[1])) == (shape == "array")
    assert (b'": "' in call[1]) == is_spaced
    compact = json.dumps(payload, separators=(",", ":"), ensure_ascii=False)
    assert verifies(call, key, compact if signs == "compact" else "")


def test_a_new_key_replaces_the_old_one_at_once(shop: Merchant, receiver: Receiver) -> None:
    old = make_key(shop)
    subscribe(shop, receiver)
    new = make_key(shop)
    decided(shop)
    (call,) = receiver.got(1)
    assert old["keyId"] != new["keyId"]
    assert verifies(call, new)


def test_a_failed_delivery_is_tried_three_times_more_with_new_trace_ids(
    shop: Merchant, receiver: Receiver
) -> None:
    make_key(shop)
    subscribe(shop, receiver)
    receiver.answers = [500, 503, 500, 500]
    decided(shop)
    calls = receiver.got(4)
    wait_until(lambda: shop.control("webhook_deliveries")["notices"][0]["status"] == "FAILED")
    assert len(calls) == 4
    assert [c[0]["v-c-retry-count"] for c in calls] == ["0", "1", "2", "3"]
    assert [json.loads(c[1])["requestType"] for c in calls] == ["NEW", "RETRY", "RETRY", "RETRY"]
    assert len({c[0]["v-c-transaction-trace-id"] for c in calls}) == 4
    assert len({json.dumps(json.loads(c[1])["payload"]) for c in calls}) == 1


def test_a_retry_that_is_taken_ends_the_matter(shop: Merchant, receiver: Receiver) -> None:
    make_key(shop)
    subscribe(shop, receiver)
    receiver.answers = [500]
    decided(shop)
    receiver.got(2)
    wait_until(lambda: shop.control("webhook_deliveries")["notices"][0]["status"] == "DELIVERED")
    time.sleep(0.05)
    assert len(receiver.calls) == 2


def test_what_was_lost_can_be_replayed(shop: Merchant, receiver: Receiver) -> None:
    make_key(shop)
    hook = subscribe(shop, receiver, retryPolicy={"numberOfRetries": 0})
    receiver.answers = [500]
    decided(shop)
    wait_until(lambda: shop.control("webhook_deliveries")["notices"][0]["status"] == "FAILED")
    path = f"/nrtf/v1/webhooks/{hook['webhookId']}/replays"
    status, answer = shop.call("POST", path, {"byDeliveryStatus": {"status": "FAILED"}})
    assert (status, answer["replayed"]) == (202, 1)
    first, second = receiver.got(2)
    assert json.loads(first[1])["payload"] == json.loads(second[1])["payload"]
    traces = [second[0]["v-c-transaction-trace-id"]]
    # It is written down when the receiver has answered, which is after the receiver has it.
    wait_until(lambda: shop.control("webhook_deliveries")["notices"][1]["status"] == "DELIVERED")
    answer = shop.call("POST", path, {"byTransactionTraceIdentifiers": traces})[1]
    assert answer["replayed"] == 1
    assert len(receiver.got(3)) == 3
    assert shop.call("POST", path, {})[0] == 400


def test_a_slow_receiver_never_holds_a_payment_up(shop: Merchant) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        make_key(shop)
        body = {
            "organizationId": shop.name,
            "products": [{"productId": "decisionManager", "eventTypes": CASES}],
            "webhookUrl": f"http://127.0.0.1:{silent.getsockname()[1]}/hook",
        }
        assert shop.call("POST", HOOKS, body)[0] == 201
        begun = time.monotonic()
        for _ in range(20):
            decided(shop)
        assert time.monotonic() - begun < 50  # waiting, each call would take five seconds
        shop.control("reset")
