"""Webhooks of WooCommerce: the sandbox's own are taken, everything else is a clean refusal."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.adapters.shop.woo_webhook import (
    MAX_BYTES,
    Refusal,
    WooEvent,
    WooPing,
    is_signed,
    receive,
)
from include.sandbox.shop.clock import ShopClock
from tests.sandbox.shopping import LIVE, Shops

SECRET = "sandbox-webhook-acme-us"
BODY = b'{"id":1009,"status":"processing"}'


def signature(body: bytes = BODY, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def headers(body: bytes = BODY, **changes: str | None) -> dict[str, str]:
    found: dict[str, str | None] = {
        "topic": "order.updated",
        "resource": "order",
        "event": "updated",
        "signature": signature(body),
        "id": "12",
        "delivery_id": "0f3c9b",
        "source": "https://shop.example/",
        **changes,
    }
    return {
        f"X-WC-Webhook-{name.replace('_', '-').title()}": value
        for name, value in found.items()
        if value is not None
    }


def test_what_the_sandbox_sends_is_taken(sandbox: Shops) -> None:
    sandbox.api.post(
        "webhooks",
        {
            "topic": "order.created",
            "delivery_url": f"{sandbox.url}/callbacks/woo",
            "secret": SECRET,
        },
    )
    order = sandbox.order(billing={"first_name": "Zoë"})
    sandbox.control("shop_deliveries")
    ping, sent = sandbox.control("callbacks", shop="woo")["deliveries"]
    assert receive(ping["headers"], ping["body"].encode(), [SECRET]) == WooPing()
    event = receive(sent["headers"], sent["body"].encode(), ["new secret", SECRET])
    assert isinstance(event, WooEvent)
    assert event.topic == "order.created"
    assert json.loads(sent["body"])["id"] == order["id"]
    assert event.key == f"{event.webhook_id}|{event.delivery_id}|{event.digest}"
    assert receive(sent["headers"], sent["body"].encode(), ["other"]) == Refusal(
        401, "the signature does not hold"
    )


def test_two_orders_that_change_in_one_second_are_two_deliveries(
    sandbox: Shops, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = datetime(2026, 11, 3, 9, 0, 0, tzinfo=UTC)
    monkeypatch.setattr(sandbox.app.woo, "clock", ShopClock(lambda: LIVE, lambda: at))
    address = f"{sandbox.url}/callbacks/woo"
    hook = {"topic": "order.created", "delivery_url": address, "secret": SECRET}
    sandbox.api.post("webhooks", hook)
    sandbox.order()
    sandbox.order()
    sandbox.control("shop_deliveries")
    _, *sent = sandbox.control("callbacks", shop="woo")["deliveries"]
    found = [receive(one["headers"], one["body"].encode(), [SECRET]) for one in sent]
    events = [one for one in found if isinstance(one, WooEvent)]
    assert len({event.delivery_id for event in events}) == 1  # as the shop makes its ids
    assert len({event.key for event in events}) == 2


def test_the_vector_worked_out_with_openssl_holds() -> None:
    """``printf '{"id":1}' | openssl dgst -sha256 -hmac key -binary | base64``."""
    assert is_signed(b'{"id":1}', "yVxqfCx8dh6YTGjPZLS8qT8HJCkAqv27Mo07t1qw3LA=", ["key"])


def signed(body: bytes) -> Callable[[], tuple[Any, bytes]]:
    return lambda: (headers(body), body)


def changed(**changes: str | None) -> Callable[[], tuple[Any, bytes]]:
    return lambda: (headers(**changes), BODY)


RIGHT = signature()
BAD: dict[str, tuple[Callable[[], tuple[Any, bytes]], int]] = {
    "no headers at all": (lambda: ({}, BODY), 401),
    "no signature": (changed(signature=None), 401),
    "empty signature": (changed(signature=""), 401),
    "signature of another secret": (changed(signature=signature(secret="x")), 401),
    "signature with wrong padding": (changed(signature=RIGHT.rstrip("=")), 401),
    "signature with too much padding": (changed(signature=RIGHT + "="), 401),
    "signature in the url-safe alphabet": (
        changed(signature=base64.urlsafe_b64encode(b"\xfb" * 32).decode()),
        401,
    ),
    "signature in hex": (changed(signature=base64.b64decode(RIGHT).hex()), 401),
    "signature with a line break": (changed(signature=RIGHT + "\n"), 401),
    "signature with a blank": (changed(signature=" " + RIGHT), 401),
    "signature beyond ASCII": (changed(signature="é" * 44), 401),
    "signature cut to half": (changed(signature=signature()[:24]), 401),
    "signature with stray bits": (
        changed(signature=RIGHT[:-2] + chr(ord(RIGHT[-2]) ^ 1) + "="),
        401,
    ),
    "two signatures in one": (changed(signature=f"{RIGHT},{RIGHT}"), 401),
    "body written again with one blank more": (
        lambda: (headers(), BODY.replace(b":", b": ")),
        401,
    ),
    "body with one byte changed": (lambda: (headers(), BODY.replace(b"1009", b"1008")), 401),
    "a doubled header": (lambda: ([*headers().items(), ("x-wc-webhook-id", "13")], BODY), 400),
    "no topic": (changed(topic=None), 400),
    "no delivery id": (changed(delivery_id=None), 400),
    "topic of another event": (changed(topic="order.deleted"), 400),
    "topic that is none": (changed(topic="order"), 400),
    "topic with a path": (changed(topic="../x.y", resource="../x", event="y"), 400),
    "webhook id that is none": (changed(id="1; drop"), 400),
    "webhook id in other digits": (changed(id="١٢"), 400),
    "delivery id with a line break": (changed(delivery_id="a\nb"), 400),
    "delivery id too long": (changed(delivery_id="a" * 65), 400),
    "ping with a signature header": (lambda: (headers(), b"webhook_id=12"), 401),
    "ping with more than the id": (lambda: ({}, b"webhook_id=12&x=1"), 401),
    "signed, but no JSON": (signed(b"<html>"), 400),
    "signed, but empty": (signed(b""), 400),
    "signed, but no object": (signed(b"[1]"), 400),
    "signed, but not UTF-8": (signed(b'{"id":"\xe9"}'), 400),
    "signed, with a doubled member": (signed(b'{"id":1,"id":2}'), 400),
    "signed, with NaN": (signed(b'{"id":NaN}'), 400),
    "signed, with a lone surrogate": (signed(b'{"id":"\\ud800"}'), 400),
    "signed, nested too deeply": (signed(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), 400),
    "one byte too large": (signed(b" " * (MAX_BYTES + 1)), 413),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_webhook_is_refused_with_a_status_and_a_reason(name: str) -> None:
    make, status = BAD[name]
    found = receive(*make(), [SECRET])
    assert isinstance(found, Refusal)
    assert found.status == status
    assert found.reason
    assert SECRET not in found.reason
    assert "1009" not in found.reason


@pytest.mark.parametrize(
    "payload",
    [
        {"customer_note": "my card is 4111 1111 1111 1111"},
        {"meta_data": [{"key": "pan", "value": "4111111111111111"}]},
        {"billing": {"address_2": "٤١١١١١١١١١١١١١١١"}},
        {"card": 4111111111111111},
    ],
)
def test_a_card_number_in_any_field_is_refused_and_calls_for_an_alarm(payload: Any) -> None:
    body = json.dumps(payload).encode()
    found = receive(headers(body), body, [SECRET])
    assert isinstance(found, Refusal)
    assert (found.status, found.holds_card_number) == (422, True)
    assert "1111" not in found.reason


def test_without_a_secret_nothing_is_ever_signed() -> None:
    empty = signature(secret="")
    assert receive(headers(signature=empty), BODY, [""]) == Refusal(
        401, "the signature does not hold"
    )
    assert receive(headers(signature=empty), BODY, []) == Refusal(
        401, "the signature does not hold"
    )


def test_an_unknown_topic_of_the_right_shape_is_taken() -> None:
    made = headers(
        topic="action.woocommerce_add_to_cart", resource="action", event="woocommerce_add_to_cart"
    )
    assert isinstance(receive(made, BODY, [SECRET]), WooEvent)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*headers(), "x-wc-webhook-é", "Host", ""]), st.text(max_size=60)
        ),
        max_size=9,
    ),
    st.binary(max_size=200),
)
def test_whatever_comes_in_one_of_the_three_goes_out(
    pairs: list[tuple[str, str]], body: bytes
) -> None:
    assert isinstance(receive(pairs, body, [SECRET]), Refusal | WooPing)
