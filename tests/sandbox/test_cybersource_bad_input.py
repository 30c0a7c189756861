"""Spoiled requests to the live calls: a definite refusal, never a crash."""

import copy
import random
from collections.abc import Iterator
from typing import Any

import pytest

from include.sandbox.board import Sandbox
from tests.sandbox.merchant import Merchant, order, payment, reversal, running

SPOILS: tuple[Any, ...] = (
    None,
    "",
    [],
    {},
    ["a"],
    {"id": []},
    "x" * 300,
    -1,
    1.5,
    True,
    "\x00",
    "\uff11\uff12",
    "1e5",
    "NaN",
    "\ud800",
    10**30,
    "99999999999999999999999",
)


@pytest.fixture(scope="module")
def shop() -> Iterator[Merchant]:
    with running() as sandbox:
        yield Merchant(sandbox)


def paths(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else ()
    for key, member in enumerate(value) if isinstance(value, list) else items:
        yield (*before, key)
        yield from paths(member, (*before, key))


def spoiled(body: Any, rng: random.Random) -> Any:
    """Return a copy with one or two members replaced by something unfit."""
    body = copy.deepcopy(body)
    for _ in range(rng.randint(1, 2)):
        *way, last = rng.choice(list(paths(body)))
        owner = body
        for key in way:
            owner = owner[key]
        owner[last] = copy.deepcopy(rng.choice(SPOILS))
    return body


def calls(sandbox: Sandbox, shop: Merchant) -> list[tuple[str, str, Any]]:
    shop.control("cybersource", mti_guard=False)
    paid = payment("10.00", mti="m-1", actions=["TOKEN_CREATE"])
    paid["processingInformation"]["actionTokenTypes"] = ["customer", "paymentInstrument"]
    paid["orderInformation"] |= {"shipTo": {"firstName": "Ann"}}
    paid["buyerInformation"] = {"merchantCustomerID": "C1", "email": "ann@example.com"}
    held, case = shop.held("90000.00"), shop.held(word="review")
    sale = shop.held("90000.00", capture=True)
    card = shop.call(
        "POST", "/tms/v1/instrumentidentifiers", {"tokenInformation": {"jti": "card-one"}}
    )
    buyer = shop.call("POST", "/tms/v2/customers", {})[1]["id"]
    customer = f"/tms/v2/customers/{buyer}"
    shop.call("POST", "/kms/egress/v2/keys-sym", {"clientRequestAction": "CREATE"})
    hook = {
        "products": [
            {"productId": "decisionManager", "eventTypes": ["risk.casemanagement.addnote"]}
        ],
        "webhookUrl": "https://shop.example.com/hook",
        "retryPolicy": {"algorithm": "ARITHMETIC", "interval": 1, "deactivateFlag": "false"},
        "securityPolicy": {"securityType": "KEY"},
    }
    hooks = "/notification-subscriptions/v2/webhooks"
    own = f"{hooks}/{shop.call('POST', hooks, hook)[1]['webhookId']}"
    decided = {
        "decisionInformation": {"decision": "ACCEPT", "comments": "seen"},
        "processingInformation": {"actionList": ["CAPTURE"]},
    }
    query = "clientReferenceInformation.code:x AND submitTimeUtc:[NOW/DAY-7DAYS TO NOW/DAY+1DAY}"
    return [
        ("POST", "/pts/v2/payments", paid),
        ("POST", "/pts/v2/credits", paid),
        ("POST", "/risk/v1/decisions", paid),
        ("POST", f"/pts/v2/payments/{held}/captures", order("1.00", mti="c-1")),
        ("POST", f"/pts/v2/payments/{held}/reversals", reversal("1.00", mti="v-1")),
        ("POST", f"/pts/v2/payments/{sale}/refunds", order("1.00", mti="r-1")),
        ("POST", "/pts/v2/reversals", reversal("1.00", mti="m-1")),
        ("POST", "/pts/v2/voids", order("1.00", mti="c-1")),
        ("POST", f"/risk/v1/decisions/{case}/actions", decided),
        ("POST", f"/risk/v1/decisions/{case}/comments", decided),
        ("POST", "/tms/v2/customers", {"buyerInformation": {"merchantCustomerID": "C1"}}),
        ("PATCH", customer, {"defaultPaymentInstrument": {"id": "x"}, "buyerInformation": {}}),
        (
            "POST",
            f"{customer}/payment-instruments",
            {"card": {"type": "visa"}, "instrumentIdentifier": {"id": card[1]["id"]}},
        ),
        ("POST", f"{customer}/shipping-addresses", {"shipTo": {"country": "US"}}),
        ("POST", "/tms/v1/instrumentidentifiers", {"tokenInformation": {"jti": "card-two"}}),
        (
            "POST",
            "/kms/egress/v2/keys-sym",
            {"clientRequestAction": "CREATE", "keyInformation": {"expiryDuration": "365"}},
        ),
        ("POST", hooks, hook),
        ("PATCH", own, hook),
        ("PUT", f"{own}/status", {"status": "ACTIVE"}),
        ("POST", "/tss/v2/searches", {"query": query, "offset": 0, "limit": 5, "sort": "id:asc"}),
    ]


def test_no_spoiled_body_crashes_a_call(shop: Merchant) -> None:
    rng = random.Random(11)  # noqa: S311 (the same spoils every time)
    found: set[int] = set()
    for method, path, body in calls(shop.sandbox, shop) * 40:
        sent = spoiled(body, rng)
        status, answer = shop.call(method, path, sent)
        assert status in (200, 201, 400, 404, 410, 412), (method, path, sent, answer)
        found.add(status)
    assert {200, 201, 400} <= found


@pytest.mark.parametrize(
    "data", [b"\xff", b"{", b"[]", b'"text"', b"1", b'{"a": NaN}', b"[" * 100_000, b"\xed\xa0\x80"]
)
@pytest.mark.parametrize("path", ["/pts/v2/payments", "/tms/v2/customers", "/tss/v2/searches"])
def test_what_is_no_json_object_is_refused(shop: Merchant, path: str, data: bytes) -> None:
    assert shop.send("POST", path, data)[0] == 400


def test_odd_ids_in_the_path_are_unknown(shop: Merchant) -> None:
    for odd in ("%00", "..", "%2e%2e%2f", "1" * 5000, "%F0%9F%92%B3"):
        assert shop.call("POST", f"/pts/v2/payments/{odd}/captures", order("1.00"))[0] in (400, 404)
        assert shop.call("GET", f"/tms/v2/customers/{odd}")[0] == 404
        assert shop.call("GET", f"/tss/v2/transactions/{odd}")[0] == 404
