"""Webhooks against a real receiver: set-up, signature, retries, rotation, replay, suspension."""

import base64
import hashlib
import hmac
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from include.sandbox.board import Sandbox
from tests.sandbox.merchant import Merchant, running
from tests.sandbox.receiver import Call, Receiver, wait_for

HOOKS = "/notification-subscriptions/v2/webhooks"
CASES = ["risk.casemanagement.decision.accept", "risk.casemanagement.decision.reject"]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running() as sandbox:
        yield sandbox


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def shop(sandbox: Sandbox) -> Merchant:
    sandbox.reset()
    shop = Merchant(sandbox)
    shop.control("cybersource", webhook_review=False, webhook_minute_s=0.002)
    return shop


def make_key(shop: Merchant) -> dict[str, str]:
    body = {
        "clientRequestAction": "CREATE",
        "keyInformation": {
            "provider": "nrtd",
            "tenant": shop.name,
            "keyType": "sharedSecret",
            "organizationId": shop.name,
            "expiryDuration": "365",
        },
    }
    status, answer = shop.call("POST", "/kms/egress/v2/keys-sym", body)
    assert (status, answer["status"]) == (201, "SUCCESS")
    found: dict[str, str] = answer["keyInformation"]
    return found


def wanted(shop: Merchant, receiver: Receiver, **more: Any) -> dict[str, Any]:
    return {
        "name": "decisions",
        "organizationId": shop.name,
        "products": [{"productId": "decisionManager", "eventTypes": CASES}],
        "webhookUrl": f"{receiver.url}/hook",
        "healthCheckUrl": f"{receiver.url}/health",
        "notificationScope": "SELF",
        "securityPolicy": {"securityType": "KEY", "proxyType": "external"},
        **more,
    }


def subscribe(shop: Merchant, receiver: Receiver, **more: Any) -> Any:
    status, answer = shop.call("POST", HOOKS, wanted(shop, receiver, **more))
    assert status == 201, answer
    return answer


def decided(shop: Merchant, decision: str = "ACCEPT", code: str = "SO-1") -> str:
    own_id = shop.held(word="review", code=code)
    shop.control("decide", request_id=own_id, decision=decision)
    return own_id


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
    wait_for(lambda: shop.control("webhook_deliveries")["notices"][0]["status"] == "FAILED")
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
    wait_for(lambda: shop.control("webhook_deliveries")["notices"][0]["status"] == "DELIVERED")
    time.sleep(0.05)
    assert len(receiver.calls) == 2


def test_what_was_lost_can_be_replayed(shop: Merchant, receiver: Receiver) -> None:
    make_key(shop)
    hook = subscribe(shop, receiver, retryPolicy={"numberOfRetries": 0})
    receiver.answers = [500]
    decided(shop)
    wait_for(lambda: shop.control("webhook_deliveries")["notices"][0]["status"] == "FAILED")
    path = f"/nrtf/v1/webhooks/{hook['webhookId']}/replays"
    status, answer = shop.call("POST", path, {"byDeliveryStatus": {"status": "FAILED"}})
    assert (status, answer["replayed"]) == (202, 1)
    first, second = receiver.got(2)
    assert json.loads(first[1])["payload"] == json.loads(second[1])["payload"]
    traces = [second[0]["v-c-transaction-trace-id"]]
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
        assert time.monotonic() - begun < 2  # each call would take five seconds
        shop.control("reset")


def test_a_new_url_waits_for_its_review(shop: Merchant, receiver: Receiver) -> None:
    shop.control("cybersource", webhook_review=True)
    make_key(shop)
    hook = subscribe(shop, receiver)
    assert hook["status"] == "PENDING_REVIEW"
    path = f"{HOOKS}/{hook['webhookId']}"
    assert shop.call("PUT", f"{path}/status", {"status": "ACTIVE"})[0] == 400
    decided(shop, code="SO-1")
    shop.control("approve_webhook", webhook_id=hook["webhookId"])
    own_id = decided(shop, code="SO-2")
    (call,) = receiver.got(1)
    assert json.loads(call[1])["payload"]["data"]["id"] == own_id
    answer = shop.call("PATCH", path, {"webhookUrl": f"{receiver.url}/other"})[1]
    assert answer["status"] == "PENDING_REVIEW"


def test_an_inactive_webhook_is_told_nothing(shop: Merchant, receiver: Receiver) -> None:
    make_key(shop)
    hook = subscribe(shop, receiver)
    path = f"{HOOKS}/{hook['webhookId']}"
    assert shop.call("PUT", f"{path}/status", {"status": "INACTIVE"})[0] == 200
    assert shop.call("GET", path)[1]["status"] == "INACTIVE"
    decided(shop)
    assert shop.control("webhook_deliveries")["notices"] == []
    assert [h["webhookId"] for h in shop.call("GET", HOOKS)[1]] == [hook["webhookId"]]
    assert shop.call("DELETE", path)[0] == 200
    assert shop.call("GET", path)[0] == 404
    assert shop.call("GET", HOOKS)[1] == []


def test_a_dead_receiver_suspends_until_its_health_url_answers(
    shop: Merchant, receiver: Receiver
) -> None:
    make_key(shop)
    receiver.is_healthy = False
    policy = {"numberOfRetries": 1, "deactivateFlag": "true"}
    hook = subscribe(shop, receiver, retryPolicy=policy)
    path = f"{HOOKS}/{hook['webhookId']}"
    wait_for(lambda: receiver.health)  # the vendor calls it some minutes after creation
    receiver.answers = [500, 500]
    decided(shop)
    wait_for(lambda: shop.call("GET", path)[1]["status"] == "SUSPENDED")
    receiver.is_healthy = True
    wait_for(lambda: shop.call("GET", path)[1]["status"] == "ACTIVE")


def test_the_test_call_sends_a_message_that_means_nothing(
    shop: Merchant, receiver: Receiver
) -> None:
    make_key(shop)
    hook = subscribe(shop, receiver)
    path = f"/notification-subscriptions/v1/webhooks/{hook['webhookId']}"
    status, answer = shop.call("POST", path)
    assert (status, "testPayload" in answer["payloads"]) == (201, True)
    ((_, body),) = receiver.got(1)
    assert json.loads(body)["payloads"]["testPayload"]["message"]


def test_a_bad_subscription_is_refused(shop: Merchant, receiver: Receiver) -> None:
    good = wanted(shop, receiver)
    assert shop.call("POST", HOOKS, good)[0] == 400  # no key yet
    make_key(shop)
    changes: tuple[dict[str, Any], ...] = (
        {"webhookUrl": ""},
        {"webhookUrl": "http://shop.example.com/hook"},  # plain HTTP far away
        {"webhookUrl": "https://shop.example.com:x/hook"},
        {"products": []},
        {"products": ["decisionManager"]},
        {"products": [{"productId": "decisionManager", "eventTypes": ["nonsense"]}]},
        {"organizationId": "acme_uk"},
        {"retryPolicy": {"numberOfRetries": -1}},
        {"notificationScope": "EVERYBODY"},
    )
    for change in changes:
        assert shop.call("POST", HOOKS, {**good, **change})[0] == 400, change
    assert shop.call("POST", HOOKS, good)[0] == 201


def test_version_one_of_the_subscription_body_is_taken(shop: Merchant, receiver: Receiver) -> None:
    make_key(shop)
    body = wanted(shop, receiver, productId="decisionManager", eventTypes=CASES)
    del body["products"]
    status, answer = shop.call("POST", HOOKS, body)
    assert status == 201
    assert answer["products"] == [{"productId": "decisionManager", "eventTypes": CASES}]


def test_products_list_the_events_of_the_account(shop: Merchant) -> None:
    def events() -> set[str]:
        status, found = shop.call("GET", f"/notification-subscriptions/v2/products/{shop.name}")
        assert status == 200
        return {e["eventName"] for p in found for e in p["eventTypes"]}

    assert set(CASES) <= events()
    assert "payments.capture.status.accepted" not in events()  # the vendor must enable these
    shop.control("cybersource", payment_events=True)
    assert "payments.capture.status.accepted" in events()
    shop.control("cybersource", event_generation="older")
    assert "payments.captures.accept" in events()
    assert "payments.capture.status.accepted" not in events()


@pytest.mark.parametrize(
    ("generation", "product", "expected"),
    [
        (
            "2026",
            "payments",
            [
                "payments.authorization.status.accepted",
                "payments.capture.status.accepted",
                "payments.refund.status.accepted",
                "payments.void.status.accepted",
                "payments.capture.status.updated",
                "payments.authorization.status.reviewed",
                "payments.authorization.status.partiallyApproved",
                "payments.reversal.status.accepted",
            ],
        ),
        (
            "older",
            "cardProcessing",
            [
                "payments.payments.accept",
                "payments.captures.accept",
                "payments.refunds.accept",
                "payments.voids.accept",
                "payments.payments.review",
                "payments.payments.partial.approval",
                "payments.reversals.accept",
            ],
        ),
    ],
)
def test_payments_are_told_in_both_generations_of_names(
    shop: Merchant, receiver: Receiver, generation: str, product: str, expected: list[str]
) -> None:
    shop.control("cybersource", payment_events=True, event_generation=generation)
    make_key(shop)
    subscribe(shop, receiver, products=[{"productId": product, "eventTypes": expected}])
    held = shop.held()
    captured = shop.capture(held)[1]["id"]
    refund = shop.refund(captured, "10.00")[1]["id"]
    shop.void(refund, "refunds")
    shop.control("settle")
    shop.held(word="review")
    shop.reverse(shop.held("50.00", "partial"), "25.00")
    calls = receiver.got(len(expected))
    assert sorted(c[0]["v-c-event-type"] for c in calls) == sorted(expected)


def test_a_network_token_update_changes_the_card_and_is_told(
    shop: Merchant, receiver: Receiver
) -> None:
    make_key(shop)
    event = "tms.networktoken.updated"
    products = [{"productId": "tokenManagement", "eventTypes": [event]}]
    subscribe(shop, receiver, products=products)
    _, paid = shop.pay(actions=["TOKEN_CREATE"])
    made = {k: v["id"] for k, v in paid["tokenInformation"].items() if isinstance(v, dict)}
    answer = shop.control(
        "network_token", organization_id=shop.name, customer=made["customer"], year="2035"
    )
    assert answer["sent_to"] == 1
    ((headers, body),) = receiver.got(1)
    assert headers["v-c-event-type"] == event
    links = json.loads(body)["payload"]["data"]["_links"]
    href = f"/tms/v1/paymentinstruments/{made['paymentInstrument']}"
    assert links["paymentInstruments"] == [{"href": href}]
    assert links["customers"] == [{"href": f"/tms/v2/customers/{made['customer']}"}]
    path = f"/tms/v2/customers/{made['customer']}/payment-instruments/{made['paymentInstrument']}"
    assert shop.call("GET", path)[1]["card"]["expirationYear"] == "2035"
    assert shop.call("GET", href)[0] == 200


def test_a_portfolio_hears_of_its_merchants(shop: Merchant, receiver: Receiver) -> None:
    owner = Merchant(shop.sandbox, "acme_us")
    register = shop.live.register
    register.make_key("acme_portfolio", 365)
    body = wanted(owner, receiver, organizationId="acme_portfolio", notificationScope="DESCENDANTS")
    register.create("acme_portfolio", body, set(CASES), "ACTIVE")
    decided(shop)
    ((headers, told),) = receiver.got(1)
    assert headers["v-c-organization-id"] == "acme_portfolio"
    assert json.loads(told)["payload"]["organizationId"] == "acme_us"
