"""Who is told by the sandbox: subscriptions, their states and their events."""

import json
from typing import Any

import pytest

from tests.sandbox.merchant import Merchant
from tests.sandbox.receiver import Receiver
from tests.sandbox.support import CASES, HOOKS, decided, make_key, subscribe, wanted
from tests.sandbox.support import receiver as receiver
from tests.sandbox.support import sandbox as sandbox
from tests.sandbox.support import webhook_shop as webhook_shop
from tests.waiting import wait_until


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
    wait_until(lambda: receiver.health)  # the vendor calls it some minutes after creation
    receiver.answers = [500, 500]
    decided(shop)
    wait_until(lambda: shop.call("GET", path)[1]["status"] == "SUSPENDED")
    receiver.is_healthy = True
    wait_until(lambda: shop.call("GET", path)[1]["status"] == "ACTIVE")


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
