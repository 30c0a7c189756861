"""Webhook receivers: what is genuine is stored before the 2xx; all else leaves no row.

The table is the corpus of the reliability reference, section 3.8.
"""

import asyncio
import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine as SqlEngine

from include.domain.errors import Retryable
from include.services.inbox.ports import Incoming
from tests.api.conftest import Kit, build_kit
from tests.api.senders import event, signed, standard_signed, woo_signed

PATH = "/v1/webhooks/cybersource/acme_us"
Sent = tuple[bytes, dict[str, str]]


def send(kit: Kit, sent: Sent, path: str = PATH) -> Any:
    raw, headers = sent
    return kit.call("POST", path, raw, "", **headers)


def bare(text: str) -> str:
    """Return a text without what parts the digits of a card; four of them stand in any hash."""
    return text.replace(" ", "").replace("-", "")


def test_a_genuine_event_is_stored_as_it_came(both: Kit) -> None:
    raw, headers = signed(event())
    assert send(both, (raw, headers)).status_code == 200
    (row,) = both.api.parts.inbox.due(10)
    assert row.body == raw
    assert (row.source, row.event_type) == (
        "cybersource|acme_us",
        "risk.casemanagement.decision.accept",
    )


def test_a_retry_with_another_trace_and_time_is_the_same_event(kit: Kit) -> None:
    for trace, age in (("trace-1", 0), ("trace-2", 60), ("trace-3", 120)):
        changed = event(transactionTraceId=trace, retryNumber=age)
        assert send(kit, signed(changed, at=time.time() - age)).status_code == 200
    assert kit.count("inbox") == 1


def test_another_event_is_another_row(kit: Kit) -> None:
    for changed in (
        event(),
        event("8" * 22),
        event(eventDate="2026-11-03T11:00:00+00:00"),
        event(eventType="risk.casemanagement.decision.reject"),
        event(webhookId="hook-2"),
        event(eventType="something.nobody.knows"),  # stored; unhandled later
    ):
        assert send(kit, signed(changed)).status_code == 200
    assert kit.count("inbox") == 6


def test_both_keys_of_a_rotation_are_good(kit: Kit) -> None:
    assert send(kit, signed(event())).status_code == 200
    assert send(kit, signed(event("8" * 22), "key-2", b"2" * 32)).status_code == 200


def header(change: Callable[[str], str | None]) -> Sent:
    raw, headers = signed(event())
    changed = change(headers["v-c-signature"])
    headers.pop("v-c-signature")
    return raw, headers if changed is None else headers | {"v-c-signature": changed}


def body(change: Callable[[bytes], bytes]) -> Sent:
    raw, headers = signed(event())
    return change(raw), headers


def in_hex(text: str) -> str:
    start, _, made = text.partition("sig=")
    return f"{start}sig={base64.b64decode(made).hex()}"


def url_safe(text: str) -> str:
    start, _, made = text.partition("sig=")
    return f"{start}sig={base64.urlsafe_b64encode(base64.b64decode(made)).decode()}_"


FORGED: dict[str, tuple[Sent, int]] = {
    "no signature": (header(lambda _: None), 401),
    "empty": (header(lambda _: ""), 401),
    "nonsense": (header(lambda _: "sig"), 401),
    "t missing": (header(lambda text: text.partition(";")[2]), 401),
    "t twice": (header(lambda text: f"t=1700000000000;{text}"), 401),
    "t is text": (header(lambda text: "t=soon;" + text.partition(";")[2]), 401),
    "unknown key id": (header(lambda text: text.replace("key-1", "key-7")), 401),
    "key of another tenant": (signed(event(), "key-9", b"9" * 32), 401),
    "wrong key": (signed(event(), "key-1", b"x" * 32), 401),
    "wrong padding": (header(lambda text: text.rstrip("=")), 401),
    "url-safe alphabet": (header(url_safe), 401),
    "hex": (header(in_hex), 401),
    "a day old": (signed(event(), at=time.time() - 86_400), 401),
    "two hours ahead": (signed(event(), at=time.time() + 7_200), 401),
    "another organization": (signed(event(organizationId="acme_uk_org")), 401),
    "payload changed": (body(lambda raw: raw.replace(b"7777", b"7778")), 401),
    "one space more": (body(lambda raw: raw.replace(b'"data":', b'"data": {},"d":')), 401),
    "not json, unsigned": ((b"hello", {}), 401),  # nothing of it is read
    "not json, badly signed": ((b"hello", {"v-c-signature": "t=1;keyId=a;sig=AAAA"}), 401),
    "not json": (body(lambda _: b"hello"), 400),
    "empty body": (body(lambda _: b""), 400),
    "not utf-8": (body(lambda raw: raw + b"\xff"), 400),
    "two members of one name": (body(lambda raw: raw[:-1] + b',"webhookId":"x"}'), 400),
    "100,000 arrays": (body(lambda _: b"[" * 100_000), 400),
    "100,000 arrays within": (body(lambda raw: raw[:-1] + b',"x":' + b"[" * 100_000), 400),
    "lone surrogate": (body(lambda raw: raw[:-1] + b',"x":"\\ud800"}'), 400),
    "no payload": (body(lambda raw: raw.replace(b'"payload"', b'"cargo"')), 400),
    "a megabyte and a byte": (body(lambda raw: raw + b" " * (1_000_001 - len(raw))), 413),
    "jwe with alg none": (signed(event(payload="e30.e30.e30.e30.e30"), "key-1", b"x"), 401),
}


@pytest.mark.parametrize("name", FORGED)
def test_what_is_not_genuine_is_refused_and_leaves_no_row(kit: Kit, name: str) -> None:
    sent, status = FORGED[name]
    answer = send(kit, sent)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert kit.count("inbox") == 0


def test_refused_events_are_counted_by_reason(kit: Kit) -> None:
    for _ in range(5):
        send(kit, header(lambda _: None))
    assert kit.count("alerts") == 0  # forged requests cost no write each
    kit.api.tally.flush()
    with kit.database.connect() as connection:
        row = connection.exec_driver_sql("SELECT rule, words, count FROM alerts").one()
    assert tuple(row) == (
        "webhook_signature_failures",
        "cybersource|acme_us: no signature header; last from 127.0.0.1",
        5,
    )


@pytest.mark.parametrize("path", [PATH, "/v1/webhooks/woocommerce/web", "/v1/webhooks/generic/uk"])
def test_nothing_is_read_of_an_event_without_its_signatures_header(kit: Kit, path: str) -> None:
    taken = 0

    async def chunks() -> Any:
        nonlocal taken
        for _ in range(100):
            taken += 1
            yield b" " * 1000

    answer = kit.http.request("POST", path, content=chunks())
    assert (answer.status_code, answer.headers["Connection"]) == (401, "close")
    assert taken <= 1


def test_an_event_that_does_not_end_is_given_up(sqlite_store: SqlEngine) -> None:
    async def stalls() -> Any:
        yield b"{"
        await asyncio.sleep(60)

    raw, headers = signed(event())
    for kit in build_kit(sqlite_store, body_s=0):
        answer = kit.http.request("POST", PATH, content=stalls(), headers=headers)
        assert (answer.status_code, answer.headers["Connection"]) == (408, "close")
        assert answer.json()["type"] == "urn:tieout:problem:too-slow"
        assert send(kit, (raw, headers)).status_code == 200  # it was here at once


def test_a_doubled_signature_header_is_refused(kit: Kit) -> None:
    raw, headers = signed(event())
    doubled = [*headers.items(), ("v-c-signature", headers["v-c-signature"])]
    answer = kit.http.request("POST", PATH, content=raw, headers=doubled)
    assert answer.status_code == 400
    assert kit.count("inbox") == 0


def test_a_card_number_in_an_event_is_not_stored(kit: Kit) -> None:
    payload = [{"data": {"id": "7" * 22, "note": "4111 1111 1111 1111"}}]
    answer = send(kit, signed(event(payload=payload)))
    assert answer.status_code == 422
    assert kit.count("inbox") == 0
    assert kit.count("alerts") == 1
    assert "4111111111111111" not in bare(kit.dump())


def test_an_event_of_one_shop_is_not_taken_for_another(kit: Kit) -> None:
    assert send(kit, signed(event()), "/v1/webhooks/cybersource/acme_uk").status_code == 401
    assert send(kit, signed(event()), "/v1/webhooks/cybersource/nobody").status_code == 404
    assert send(kit, signed(event()), "/v1/webhooks/cybersource/..%2Fx").status_code == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS", "DELETE", "HEAD"])
def test_other_methods_are_refused(kit: Kit, method: str) -> None:
    assert kit.call(method, PATH, who="").status_code == 405


def test_the_health_address_answers_get_and_post(kit: Kit) -> None:
    for method in ("GET", "POST"):
        assert kit.call(method, "/v1/webhooks/health", who="").status_code == 200


def test_head_is_answered_as_get_without_content(kit: Kit) -> None:
    order_id = kit.place().json()["order_id"]
    for path in ("/v1/webhooks/health", "/v1/orders", f"/v1/orders/{order_id}", "/v1/orders/x"):
        shown, head = kit.call("GET", path), kit.call("HEAD", path)
        assert (head.status_code, head.content) == (shown.status_code, b""), path
        assert head.headers["Content-Length"] == shown.headers["Content-Length"]
    assert kit.call("HEAD", "/v1/orders", who="").status_code == 401


def test_what_cannot_be_stored_is_a_503_and_comes_again(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: Any, _events: list[Incoming]) -> None:
        raise Retryable("the disk is full", "store", "Make room.")

    monkeypatch.setattr(type(kit.api.parts.inbox), "store", full)
    answer = send(kit, signed(event()))
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    monkeypatch.undo()
    assert send(kit, signed(event())).status_code == 200
    assert kit.count("inbox") == 1


def test_one_event_that_cannot_be_stored_harms_no_other(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = kit.api.parts.inbox
    store = type(inbox).store

    def picky(self: Any, events: list[Incoming]) -> None:
        if any(one.event_type == "poison" for one in events):
            raise ValueError("cannot")
        store(self, events)

    monkeypatch.setattr(type(inbox), "store", picky)
    kit.api.writer.stop()  # so that all wait in one batch
    kit.api.writer._thread = None
    from concurrent.futures import ThreadPoolExecutor

    sent = [signed(event(f"{n:022}")) for n in range(5)] + [signed(event(eventType="poison"))]
    with ThreadPoolExecutor(6) as pool:
        waiting = [pool.submit(send, kit, one) for one in sent]
        while kit.api.writer._jobs.qsize() < 6:
            time.sleep(0.01)
        kit.api.writer.start()
        codes = [one.result().status_code for one in waiting]
    assert codes == [200] * 5 + [503]
    assert kit.count("inbox") == 5


# WooCommerce ----------------------------------------------------------------------------------

WOO = "/v1/webhooks/woocommerce/web"


def test_a_delivery_of_woocommerce_is_stored_once(kit: Kit) -> None:
    for _ in range(2):
        assert send(kit, woo_signed({"id": 1001, "status": "processing"}), WOO).status_code == 200
    assert send(kit, woo_signed({"id": 1001}, delivery="d2"), WOO).status_code == 200
    assert kit.count("inbox") == 2


def test_orders_that_change_in_one_second_are_each_stored(kit: Kit) -> None:
    for number in (2001, 2002, 2003):
        sent = woo_signed({"id": number, "status": "cancelled"}, delivery="d1")
        assert send(kit, sent, WOO).status_code == 200
    assert kit.count("inbox") == 3


def test_the_hello_of_a_new_webhook_is_answered_and_not_stored(kit: Kit) -> None:
    sent = b"webhook_id=7", {"Content-Type": "application/x-www-form-urlencoded"}
    assert send(kit, sent, WOO).status_code == 200
    assert kit.count("inbox") == 0


def test_a_forged_delivery_is_refused(kit: Kit) -> None:
    raw, headers = woo_signed({"id": 1001})
    for name, value in (
        ("X-WC-Webhook-Signature", "AAAA"),
        ("X-WC-Webhook-Signature", ""),
        ("X-WC-Webhook-Topic", "order.deleted"),
        ("X-WC-Webhook-ID", "x"),
    ):
        status = send(kit, (raw, headers | {name: value}), WOO).status_code
        assert status in (400, 401), name
    assert send(kit, (raw + b" ", headers), WOO).status_code == 401
    assert kit.count("inbox") == 0


def test_a_card_number_in_a_delivery_is_alarmed_not_stored(kit: Kit) -> None:
    sent = woo_signed({"id": 1001, "customer_note": "4111 1111 1111 1111"})
    answer = send(kit, sent, WOO)
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:tieout:problem:card-number-refused"
    assert (kit.count("inbox"), kit.count("alerts")) == (0, 1)
    assert "4111111111111111" not in bare(kit.dump() + answer.text)


def test_an_unprocessed_body_is_kept_byte_for_byte(kit: Kit) -> None:
    raw, headers = woo_signed({"id": 1, "note": "Zoë 😀"})
    pretty = json.dumps({"id": 1}, indent=3).encode()
    send(kit, (raw, headers), WOO)
    assert kit.api.parts.inbox.due(1)[0].body == raw
    assert send(kit, (pretty, headers), WOO).status_code == 401


# A plain JSON shop by Standard Webhooks --------------------------------------------------------

GENERIC = "/v1/webhooks/generic/uk"
CHANGED = {"type": "order.changed", "data": {"no": "UK-5001"}}


def test_a_delivery_of_a_plain_shop_is_stored_once_by_its_signed_name(kit: Kit) -> None:
    sent = standard_signed(CHANGED)
    for _ in range(2):
        assert send(kit, sent, GENERIC).status_code == 200
    assert kit.count("inbox") == 1
    assert send(kit, standard_signed(CHANGED, "msg_2"), GENERIC).status_code == 200
    raw, headers = sent
    renamed = raw, headers | {"webhook-id": "msg_3"}  # a replay cannot be given another name
    assert send(kit, renamed, GENERIC).status_code == 401
    rows = kit.api.parts.inbox.due(10)
    assert [(r.source, r.event_key, r.event_type) for r in rows] == [
        ("generic|uk", "msg_1", "order.changed"),
        ("generic|uk", "msg_2", "order.changed"),
    ]


def test_a_forged_old_or_rewritten_delivery_of_a_plain_shop_leaves_no_row(kit: Kit) -> None:
    raw, headers = standard_signed(CHANGED)
    rewritten = json.dumps(json.loads(raw)).encode()
    for sent, status in (
        ((raw, headers | {"webhook-signature": "v1,AAAA"}), 401),
        ((rewritten, headers), 401),
        (standard_signed(CHANGED, at=time.time() - 3600), 401),
        (standard_signed(CHANGED, at=time.time() + 3600), 401),
        (woo_signed(CHANGED), 401),  # WooCommerce's scheme is no longer that of every shop
        (standard_signed({"data": {}}), 400),
    ):
        assert send(kit, sent, GENERIC).status_code == status
    doubled = [*headers.items(), ("webhook-id", "msg_1")]
    assert kit.http.request("POST", GENERIC, content=raw, headers=doubled).status_code == 400
    assert kit.count("inbox") == 0


def test_a_card_number_in_a_plain_shops_delivery_is_alarmed_not_stored(kit: Kit) -> None:
    answer = send(kit, standard_signed(CHANGED | {"note": "4111 1111 1111 1111"}), GENERIC)
    assert answer.status_code == 422
    assert (kit.count("inbox"), kit.count("alerts")) == (0, 1)
    assert "4111111111111111" not in bare(kit.dump() + answer.text)


def test_a_card_number_as_a_deliverys_name_is_alarmed_not_stored(kit: Kit) -> None:
    """It stands in a header, which WooCommerce does not even sign."""
    for sent, path in (
        (standard_signed(CHANGED, "4111111111111111"), GENERIC),
        (standard_signed(CHANGED, "msg_4111-1111-1111-1111"), GENERIC),
        (woo_signed({"id": 1001}, "4111111111111111"), WOO),
    ):
        answer = send(kit, sent, path)
        assert answer.status_code == 422
        assert "4111111111111111" not in bare(kit.dump() + answer.text)
    assert (kit.count("inbox"), kit.count("alerts")) == (0, 2)
