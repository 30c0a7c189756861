"""Webhooks of a shop whose scheme is declared: the sandbox's own are taken, all else is refused."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from include.adapters.webhook_verifiers import shop_verifier
from include.domain.errors import Rejected
from include.domain.shops import Said, WebhookRules, WebhookScheme
from include.mappings.load import load_mappings
from include.services.inbox.ports import Refusal, Verdict
from tests.sandbox.shopping import Shops

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
AT = int(NOW.timestamp())
KEY = b"k" * 32
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
OLD = f"whsec_{base64.b64encode(b'o' * 32).decode()}"
BODY = b'{"type":"order.changed","data":{"no":"UK-5001"}}'
FOUND = load_mappings().orders.shop("acme_uk_web", date(2026, 11, 3)).webhooks
assert FOUND is not None
STANDARD = FOUND
PLAIN = WebhookRules(
    WebhookScheme.body_hmac,
    "X-Shop-Hmac",
    delivery=Said("X-Shop-Delivery"),
    event=Said("X-Shop-Topic", words={"OrderUpdated": "order.updated"}),
    order_at="order.number",
)


def standard(body: bytes = BODY, name: str = "msg_1", at: int = AT, key: bytes = KEY) -> str:
    """Sign as the specification says, with no code of the product."""
    made = hmac.new(key, f"{name}.{at}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(made).decode()}"


def headers(**changes: str) -> dict[str, str]:
    usual = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(AT),
        "webhook-signature": standard(),
    }
    return {**usual, **{name.replace("_", "-"): value for name, value in changes.items()}}


def judge(
    given: Mapping[str, str], body: bytes = BODY, now: datetime = NOW, *secrets: str
) -> Verdict | Refusal:
    return shop_verifier(STANDARD, secrets or (SECRET,), "connection shop")(body, given, now)


# Standard Webhooks --------------------------------------------------------------------------------


def test_what_the_sandboxs_shop_sends_over_http_is_taken_once_by_name(sandbox: Shops) -> None:
    sandbox.control(
        "shop_webhook",
        shop="acme_uk_web",
        delivery_url=f"{sandbox.url}/callbacks/uk",
        secret=SECRET,
    )
    order = sandbox.order("acme_uk_web")
    sandbox.control("shop_deliveries", shop="acme_uk_web")
    (sent,) = sandbox.control("callbacks", shop="uk")["deliveries"]
    body, given = sent["body"].encode(), {k.lower(): v for k, v in sent["headers"].items()}
    now = datetime.now(UTC)
    found = judge(given, body, now, OLD, SECRET)
    assert isinstance(found, Verdict)
    assert found.event_type == "order.changed"
    assert found.event_key == given["webhook-id"]
    assert json.loads(body)["data"]["no"] == order["no"]
    assert isinstance(judge(given, body, now, OLD), Refusal)
    assert isinstance(judge(given, body, now + timedelta(minutes=6)), Refusal)
    written_again = json.dumps(json.loads(body)).encode()  # the same meaning, with blanks
    assert written_again != body
    assert isinstance(judge(given, written_again, now), Refusal)


def test_what_the_public_library_signs_is_taken() -> None:
    made = Webhook(KEY).sign("msg_1", NOW, BODY.decode())
    assert judge(headers(webhook_signature=made)) == Verdict("msg_1", "order.changed")


def test_one_good_signature_of_several_is_enough_while_a_secret_is_replaced() -> None:
    both = f"{standard(key=b'x' * 32)} v1a,AAAA {standard()}"
    assert isinstance(judge(headers(webhook_signature=both)), Verdict)
    assert isinstance(judge(headers(), BODY, NOW, OLD, SECRET), Verdict)


@pytest.mark.parametrize("seconds", [-299, 299])
def test_a_clock_may_be_off_by_the_tolerance_in_both_directions(seconds: int) -> None:
    assert isinstance(judge(headers(), now=NOW + timedelta(seconds=seconds)), Verdict)
    assert isinstance(judge(headers(), now=NOW + timedelta(seconds=seconds * 2)), Refusal)


GOOD = standard()
RAW = base64.b64decode(GOOD.removeprefix("v1,"))
FORGED: dict[str, tuple[dict[str, str], bytes]] = {
    "no headers": ({}, BODY),
    "empty signature": (headers(webhook_signature=""), BODY),
    "another secret": (headers(webhook_signature=standard(key=b"x" * 32)), BODY),
    "without its version": (headers(webhook_signature=GOOD[3:]), BODY),
    "version of a public key": (headers(webhook_signature=f"v1a,{GOOD[3:]}"), BODY),
    "in hex": (headers(webhook_signature=f"v1,{RAW.hex()}"), BODY),
    "in the url-safe alphabet": (
        headers(webhook_signature=f"v1,{base64.urlsafe_b64encode(RAW).decode()[:-1]}"),
        BODY,
    ),
    "cut to half": (headers(webhook_signature=GOOD[:24]), BODY),
    "joined by a comma": (headers(webhook_signature=f"{GOOD},{GOOD}"), BODY),
    "beyond ASCII": (headers(webhook_signature="v1,é"), BODY),
    "the ninth of nine": (headers(webhook_signature=f"{'v1,AAAA ' * 8}{GOOD}"), BODY),
    "as WooCommerce signs": (
        headers(
            webhook_signature=base64.b64encode(
                hmac.new(KEY, BODY, hashlib.sha256).digest()
            ).decode()
        ),
        BODY,
    ),
    "renamed": (headers(webhook_id="msg_2"), BODY),
    "no name": (headers(webhook_id=""), BODY),
    "a name with a dot": (headers(webhook_id=f"msg_1.{AT}"), BODY),
    "made younger": (headers(webhook_timestamp=str(AT + 1)), BODY),
    "no time": (headers(webhook_timestamp=""), BODY),
    "a time that is none": (headers(webhook_timestamp="soon"), BODY),
    "a time in other digits": (headers(webhook_timestamp="١٢"), BODY),
    "a signed time before time": (
        headers(webhook_timestamp="0", webhook_signature=standard(at=0)),
        BODY,
    ),
    "one byte changed": (headers(), BODY.replace(b"5001", b"5002")),
    "written again with a blank": (headers(), BODY.replace(b":", b": ")),
    "members in another order": (headers(), b'{"data":{"no":"UK-5001"},"type":"order.changed"}'),
    "empty body": (headers(), b""),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_delivery_is_refused_and_no_secret_is_told(name: str) -> None:
    given, body = FORGED[name]
    found = judge(given, body)
    assert isinstance(found, Refusal)
    assert found.reason
    assert not found.is_malformed  # a 401
    assert SECRET not in found.reason


SIGNED_NONSENSE = (
    b"<html>", b"[1]", b"", b'{"type":"a","type":"b"}', b'{"type":NaN}', b'{"id":"\xe9"}',
    b'{"data":{}}', b'{"type":{"x":1}}', b'{"type":"a b"}', b'{"type":"' + b"x" * 129 + b'"}',
    b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
)  # fmt: skip


@pytest.mark.parametrize("body", SIGNED_NONSENSE, ids=lambda body: str(body[:20]))
def test_what_is_genuine_and_makes_no_sense_is_called_malformed(body: bytes) -> None:
    found = judge(headers(webhook_signature=standard(body)), body)
    assert isinstance(found, Refusal)
    assert found.is_malformed


def test_without_a_secret_nothing_is_genuine() -> None:
    verify = shop_verifier(STANDARD, (), "connection shop")
    assert isinstance(verify(BODY, headers(webhook_signature=standard(key=b"")), NOW), Refusal)
    plain = shop_verifier(PLAIN, ("",), "connection shop")
    empty = base64.b64encode(hmac.new(b"", BODY, hashlib.sha256).digest()).decode()
    assert isinstance(plain(BODY, {"x-shop-hmac": empty}, NOW), Refusal)


def test_a_secret_that_is_none_says_which_connection_to_correct() -> None:
    with pytest.raises(Rejected, match="whsec_") as caught:
        shop_verifier(STANDARD, ("plain words",), "connection shop_uk")
    assert caught.value.where == "connection shop_uk"
    assert "plain words" not in str(caught.value)


def test_header_names_are_data() -> None:
    rules = replace(
        STANDARD,
        signature_header="Svix-Signature",
        timestamp_header="Svix-Timestamp",
        delivery=Said("Svix-Id"),
    )
    verify = shop_verifier(rules, (SECRET,), "connection shop")
    renamed = {name.replace("webhook", "svix"): value for name, value in headers().items()}
    assert verify(BODY, renamed, NOW) == Verdict("msg_1", "order.changed")
    assert isinstance(verify(BODY, headers(), NOW), Refusal)
    assert rules.headers == {"svix-signature", "svix-timestamp", "svix-id"}


# HMAC of the body ---------------------------------------------------------------------------------


def plain(body: bytes = BODY, **changes: str) -> dict[str, str]:
    made = hmac.new(b"words", body, hashlib.sha256).digest()
    usual = {
        "x-shop-hmac": base64.b64encode(made).decode(),
        "x-shop-delivery": "d-1",
        "x-shop-topic": "OrderUpdated",
    }
    return {**usual, **{f"x-shop-{name}": value for name, value in changes.items()}}


def judge_plain(given: Mapping[str, str], body: bytes = BODY) -> Verdict | Refusal:
    return shop_verifier(PLAIN, ("new", "words"), "connection shop")(body, given, NOW)


def test_a_shop_may_sign_the_body_alone_under_headers_of_its_own() -> None:
    assert judge_plain(plain()) == Verdict("d-1", "order.updated")  # its word became ours
    assert judge_plain(plain(topic="refund.made")) == Verdict("d-1", "refund.made")
    rules = replace(PLAIN, delivery=Said(at="id"), event=Said(at="what"))
    body = b'{"id":"e-9","what":"order.paid"}'
    found = shop_verifier(rules, ("words",), "connection shop")(body, plain(body), NOW)
    assert found == Verdict("e-9", "order.paid")  # signed with the body: no replay is renamed


@pytest.mark.parametrize(
    ("given", "body", "is_malformed"),
    [
        ({}, BODY, False),
        (plain(hmac=""), BODY, False),
        (plain(hmac="AAAA"), BODY, False),
        (plain(hmac=standard()), BODY, False),
        (plain(), BODY + b" ", False),
        (plain(), BODY.replace(b":", b": "), False),
        (plain(delivery=""), BODY, True),
        (plain(delivery="a\nb"), BODY, True),
        (plain(topic=""), BODY, True),
        (headers(), BODY, False),  # Standard Webhooks, which this shop does not speak
    ],
)
def test_a_forged_delivery_of_such_a_shop_is_refused(
    given: dict[str, str], body: bytes, is_malformed: bool
) -> None:
    found = judge_plain(given, body)
    assert isinstance(found, Refusal)
    assert found.is_malformed is is_malformed


@given(
    st.dictionaries(st.sampled_from([*headers(), *plain(), "host"]), st.text(max_size=60)),
    st.binary(max_size=200),
)
def test_whatever_comes_in_a_refusal_goes_out(found: dict[str, str], body: bytes) -> None:
    assert isinstance(judge(found, body), Refusal)
    assert isinstance(judge_plain(found, body), Refusal)
