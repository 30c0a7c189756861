"""Is a notification theirs, what does it say, and who sends it."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.adapters.cybersource.client import Client
from include.adapters.cybersource.webhooks.admin import Webhooks
from include.adapters.cybersource.webhooks.body import LARGEST_BODY, UnreadableBodyError, read_body
from include.adapters.cybersource.webhooks.events import EventKind, read_event
from include.adapters.cybersource.webhooks.partner import (
    SetSubscription,
    SubscriptionPartner,
    Wish,
)
from include.adapters.cybersource.webhooks.signature import Verdict, sign, verify
from include.domain.errors import OutcomeUnknown, Rejected, Retryable
from include.domain.reviews import Decision
from include.services.effects.ports import Effect, EffectKind
from tests.cybersource.scripted import AUTH_ID, NOW, ScriptedGateway, effect_of, response
from tests.cybersource.webhook_keys import Ring, make_key

Make = Callable[..., Client]
OLD_ID, NEW_ID = "5c0ffee0-0000-4000-8000-000000000001", "5c0ffee0-0000-4000-8000-000000000002"
KEYS = {OLD_ID: b"old key, still alive, of 32 bytes", NEW_ID: b"new key, made today, of 32 bytes."}
AT_MS = int(NOW.timestamp() * 1000)
HOUR = timedelta(hours=1)
MEMBERS: dict[str, Any] = {
    "eventType": "risk.casemanagement.decision.accept",
    "webhookId": "hook-1",
    "productId": "decisionManager",
    "organizationId": "shop_1",
    "eventDate": "2026-11-03T11:59:30",
    "transactionTraceId": "trace-1",
    "retryNumber": 0,
    "payload": {"organizationId": "shop_1", "data": {"id": AUTH_ID, "note": "größer"}},
    "requestType": "NEW",
}


def header(text: bytes, key_id: str = NEW_ID, at_ms: int = AT_MS) -> str:
    """Sign as the reference's recipe says, with the standard library alone."""
    digest = hmac.new(KEYS[key_id], f"{at_ms}.".encode() + text, hashlib.sha256).digest()
    return f"t={at_ms};keyId={key_id};sig={base64.b64encode(digest).decode()}"


def judge(head: str | None, data: bytes, keys: Mapping[str, bytes] = KEYS) -> Verdict:
    return verify(head, read_body(data).signed_texts, keys, NOW, HOUR)


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


# -- signature -------------------------------------------------------------------------------------


def test_the_recipe_gives_a_value_worked_out_elsewhere() -> None:
    """Made with: printf '1700000000000.{"a":1}' | openssl dgst -sha256 -hmac tieout -binary."""
    assert sign(b"tieout", 1_700_000_000_000, b'{"a":1}') == OPENSSL


OPENSSL = "+1Dnu5wJkJNgLQHp/RagIZ8xP3e5hOzHZjb0Gm6X0AA="


def test_the_slice_as_sent_and_its_compact_form_are_both_accepted() -> None:
    spaced = json.dumps(MEMBERS, indent=2).encode()  # escapes, blanks, line breaks
    raw = spaced[spaced.index(b'"payload": ') + 11 : spaced.rindex(b',\n  "requestType"')]
    assert judge(header(raw), spaced) == Verdict(True, "", NEW_ID, NOW)
    assert judge(header(compact(MEMBERS["payload"])), spaced).is_good
    assert not judge(header(spaced), spaced).is_good  # the whole body is not what is signed


def test_while_a_key_is_replaced_both_keys_are_good() -> None:
    text = compact(MEMBERS["payload"])
    assert [judge(header(text, key_id), compact(MEMBERS)).is_good for key_id in KEYS] == [True] * 2
    only_new = {NEW_ID: KEYS[NEW_ID]}
    verdict = judge(header(text, OLD_ID), compact(MEMBERS), only_new)
    assert (verdict.is_good, verdict.reason) == (False, "key id is unknown")


def test_a_printed_header_with_its_stray_end_is_read() -> None:
    head = header(compact(MEMBERS["payload"])) + '";'
    assert judge(head, compact(MEMBERS)).is_good


def test_a_payload_that_is_a_text_may_be_signed_without_its_quotes() -> None:
    sealed = "eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d"
    data = compact(MEMBERS | {"payload": sealed})
    for text in (sealed.encode(), f'"{sealed}"'.encode()):
        assert judge(header(text), data).is_good


@pytest.mark.parametrize(
    ("minutes", "reason"),
    [(-61, "signature is too old"), (61, "signature is from the future"), (59, ""), (-59, "")],
)
def test_the_time_is_checked_in_both_directions(minutes: int, reason: str) -> None:
    head = header(compact(MEMBERS["payload"]), at_ms=AT_MS + minutes * 60_000)
    verdict = judge(head, compact(MEMBERS))
    assert (verdict.is_good, verdict.reason) == (not reason, reason)


GOOD = header(compact(MEMBERS["payload"]))
SIG = GOOD.partition(";sig=")[2]
NOT_A_DIGEST = "signature is not base64 of 32 bytes"
RAW_SIG = base64.b64decode(SIG)


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (None, "no signature header"),
        ("", "no signature header"),
        ("  ", "no signature header"),
        ("x" * 2000, "signature header is malformed"),
        ("t=1,keyId=2,sig=3", "signature header lacks keyId"),
        (GOOD.replace(";", ","), "signature header lacks keyId"),
        (GOOD.replace("t=", "T="), "signature header is malformed"),
        (GOOD + ";v=2", "signature header is malformed"),
        (GOOD + ";" + GOOD, "signature header repeats a part"),
        (f"t={AT_MS};t={AT_MS};keyId={NEW_ID};sig={SIG}", "signature header repeats a part"),
        (f"keyId={NEW_ID};sig={SIG}", "signature header lacks t"),
        (f"t={AT_MS};keyId={NEW_ID}", "signature header lacks sig"),
        (f"t={AT_MS};keyId={NEW_ID};sig", "signature header is malformed"),
        (f"t=;keyId={NEW_ID};sig={SIG}", "time is no count of milliseconds"),
        (f"t=-{AT_MS};keyId={NEW_ID};sig={SIG}", "time is no count of milliseconds"),
        (f"t={AT_MS}.0;keyId={NEW_ID};sig={SIG}", "time is no count of milliseconds"),
        (f"t=1_777_000_000_000;keyId={NEW_ID};sig={SIG}", "time is no count of milliseconds"),
        (f"t={'9' * 15};keyId={NEW_ID};sig={SIG}", "time is no count of milliseconds"),
        (f"t={'9' * 14};keyId={NEW_ID};sig={SIG}", "signature does not match"),
        (f"t={AT_MS};keyId=../x;sig={SIG}", "key id is malformed"),
        (f"t={AT_MS};keyId=unknown;sig={SIG}", "key id is unknown"),
        (f"t={AT_MS};keyId={OLD_ID};sig={SIG}", "signature does not match"),
        (f"t={AT_MS};keyId={NEW_ID};sig=", NOT_A_DIGEST),
        (f"t={AT_MS};keyId={NEW_ID};sig={SIG[:-1]}", NOT_A_DIGEST),
        (f"t={AT_MS};keyId={NEW_ID};sig={SIG}=", NOT_A_DIGEST),
        (f"t={AT_MS};keyId={NEW_ID};sig={RAW_SIG.hex()}", NOT_A_DIGEST),
        (f"t={AT_MS};keyId={NEW_ID};sig={SIG[:9]} {SIG[9:]}", NOT_A_DIGEST),
        ("t=1;keyId=ö;sig=x", "signature header is malformed"),
    ],
)  # fmt: skip
def test_every_malformed_header_gets_a_reason(head: str | None, reason: str) -> None:
    verdict = judge(head, compact(MEMBERS))
    assert (verdict.is_good, verdict.reason) == (False, reason)


def test_the_stand_in_for_an_unknown_key_opens_nothing() -> None:
    """The comparison is made for an unknown key, too; what it is made with is no secret."""
    text = compact(MEMBERS["payload"])
    for stand_in in (b"", b"\0"):
        head = f"t={AT_MS};keyId=unknown;sig={sign(stand_in, AT_MS, text)}"
        verdict = judge(head, compact(MEMBERS))
        assert (verdict.is_good, verdict.reason) == (False, "key id is unknown")
        assert not judge(head, compact(MEMBERS), {"unknown": b""}).is_good


def test_a_signature_in_another_writing_is_refused() -> None:
    """The last sign of base64 has spare bits: one signature must have one writing."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = SIG[:-2] + alphabet[alphabet.index(SIG[-2]) ^ 1] + "="
    assert base64.b64decode(other) == RAW_SIG
    head = f"t={AT_MS};keyId={NEW_ID};sig={other}"
    assert judge(head, compact(MEMBERS)).reason == NOT_A_DIGEST
    safe = base64.urlsafe_b64encode(b"\xff" * 32).decode()
    assert not judge(f"t={AT_MS};keyId={NEW_ID};sig={safe}", compact(MEMBERS)).is_good


# -- body ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not one JSON object"),
        (b"null", "not one JSON object"),
        (b"[]", "not one JSON object"),
        (b'{"payload":1} x', "not one JSON object"),
        (b'{"payload":1,}', "not one JSON object"),
        (b'{"payload" 1}', "not one JSON object"),
        (b'{1:2,"payload":1}', "not one JSON object"),
        (b'{"payload":' + b"1" * 5000 + b"}", "not one JSON object"),
        (b"\xef\xbb\xbf{}", "not one JSON object"),
        (b"\xff\xfe", "not UTF-8"),
        (b"{}", "no member payload"),
        (b'{"payload":1,"payload":2}', "appears twice"),
        (b'{"payload":{"a":1,"a":2}}', "appears twice"),
        (b'{"payload":NaN}', "NaN is not a number"),
        (b'{"payload":"\\ud800"}', "lone surrogate"),
        (b'{"payload":1,"\\udfff":1}', "lone surrogate"),
        (b'{"payload":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"payload":"' + b"x" * LARGEST_BODY + b'"}', "more than"),
    ],
)
def test_every_malformed_body_gets_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableBodyError, match=reason):
        read_body(data)


def test_brackets_within_a_text_are_not_nesting() -> None:
    text = "[" * 500 + '\\"{'
    assert read_body(compact({"payload": text})).members["payload"] == text


def test_a_number_too_large_to_write_again_is_checked_as_sent() -> None:
    data = b'{"payload": {"n": 1e999}}'
    assert read_body(data).signed_texts == (b'{"n": 1e999}',)


@settings(max_examples=400, deadline=None)
@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))
)
def test_no_bytes_raise_anything_but_a_reason(data: bytes) -> None:
    for body in (data, b'{"payload":' + data + b"}", b'{"payload":"' + data + b'"}'):
        try:
            found = read_body(body)
        except UnreadableBodyError:
            continue
        assert read_event(found.members, NOW).key.startswith("webhook_")


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=80), st.integers(0, len(GOOD)))
def test_no_header_raises_and_none_but_the_good_one_passes(noise: str, at: int) -> None:
    for head in (noise, GOOD[:at] + noise + GOOD[at:], GOOD[:at] + noise):
        verdict = judge(head, compact(MEMBERS))
        is_same = head.strip().removesuffix(";").removesuffix('"') == GOOD
        blanks = head.replace(" ", "") == GOOD  # around a part, blanks are no part of it
        assert verdict.is_good is False or is_same or blanks


# -- events ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event_type", "kind", "decision"),
    [
        ("risk.casemanagement.decision.accept", EventKind.decision, Decision.accept),
        ("risk.casemanagement.decision.reject", EventKind.decision, Decision.reject),
        ("risk.profile.decision.reject", EventKind.decision, Decision.reject),
        ("risk.profile.decision.review", EventKind.decision, Decision.review),
        ("risk.profile.decision.monitor", EventKind.decision, None),
        ("risk.casemanagement.addnote", EventKind.decision, None),
        ("payments.authorization.status.reviewed", EventKind.authorization, Decision.review),
        ("payments.payments.review", EventKind.authorization, Decision.review),
        ("payments.payments.accept", EventKind.authorization, None),
        ("payments.capture.status.updated", EventKind.capture, None),
        ("payments.captures.accept", EventKind.capture, None),
        ("payments.refund.status.accepted", EventKind.refund, None),
        ("payments.refunds.partial.approval", EventKind.refund, None),
        ("payments.credits.failed", EventKind.credit, None),
        ("payments.void.status.rejected", EventKind.void, None),
        ("payments.voids.accept", EventKind.void, None),
        ("payments.reversal.status.accepted", EventKind.reversal, None),
        ("payments.reversals.reject", EventKind.reversal, None),
        ("tms.networktoken.updated", EventKind.token, None),
        ("tms.token.pan_updated", EventKind.token, None),
        ("rbs.subscriptions.charge.failed", EventKind.recurring, None),
        ("invoicing.customer.invoice.paid", EventKind.other, None),
        ("", EventKind.other, None),
    ],
)
def test_both_generations_of_names_are_read(
    event_type: str, kind: EventKind, decision: Decision | None
) -> None:
    event = read_event(MEMBERS | {"eventType": event_type}, NOW)
    assert event.kind is kind
    assert (event.decision.decision if event.decision else None) is decision


@pytest.mark.parametrize(
    "payload",
    [
        {"organizationId": "shop_1", "data": {"id": AUTH_ID}},
        [{"organizationId": "shop_1", "data": {"id": AUTH_ID}}],
        {"data": {"requestId": AUTH_ID}},
        {"data": {"_links": {"self": [{"href": f"/pts/v2/payments/{AUTH_ID}"}]}}},
        {"transaction": {"href": f"https://gateway.example/tss/v2/transactions/{AUTH_ID}"}},
    ],
)
def test_both_shapes_of_payload_point_to_the_request(payload: Any) -> None:
    event = read_event(MEMBERS | {"payload": payload}, NOW)
    assert event.request_ids == (AUTH_ID,)
    assert event.decision is not None
    assert event.decision.at == datetime(2026, 11, 3, 11, 59, 30, tzinfo=UTC)
    assert event.decision.event_key == event.key
    assert event.organization_id == "shop_1"


def test_a_retry_has_the_same_key_and_another_event_has_not() -> None:
    first = read_event(MEMBERS, NOW)
    retry = MEMBERS | {
        "transactionTraceId": "trace-2", "retryNumber": 1, "requestType": "RETRY",
        "notificationId": "n-2", "payload": dict(reversed(MEMBERS["payload"].items())),
    }  # fmt: skip
    assert read_event(retry, NOW + HOUR).key == first.key
    for change in (
        {"eventDate": "2026-11-03T12:00:30"},
        {"eventType": "risk.casemanagement.decision.reject"},
        {"webhookId": "hook-2"},
        {"payload": {"data": {"id": "7300000000000000000099"}}},
    ):
        assert read_event(MEMBERS | change, NOW).key != first.key


def test_without_an_id_the_content_is_the_identity() -> None:
    one = read_event(MEMBERS | {"payload": {"b": 1, "a": 2}}, NOW)
    same = read_event(MEMBERS | {"payload": {"a": 2, "b": 1}}, NOW)
    other = read_event(MEMBERS | {"payload": {"a": 2, "b": 2}}, NOW)
    assert one.key == same.key != other.key
    assert one.decision is None  # nothing says what was decided about


def test_a_network_token_points_to_what_it_is_behind() -> None:
    data = {
        "_links": {
            "paymentInstruments": [{"href": "/tms/v1/paymentinstruments/" + "A" * 32}],
            "instrumentIdentifiers": [{"href": "/tms/v1/instrumentidentifiers/7030000000000001"}],
            "customers": [{"href": "/tms/v2/customers/" + "B" * 32}],
        },
        "id": "C" * 32, "type": "tokenizedCardUpdates", "version": "1.0",
    }  # fmt: skip
    members = {"eventType": "tms.networktoken.updated", "payload": [{"data": data}]}
    event = read_event(members, NOW)
    assert event.kind is EventKind.token
    assert event.token_ids == ("A" * 32, "7030000000000001", "B" * 32, "C" * 32)
    assert event.request_ids == ()


@pytest.mark.parametrize("payload", [None, 5, True, "x", [], {}, [[[]]], {"id": True}])
@pytest.mark.parametrize("members", [{}, {"eventType": 5, "eventDate": [], "webhookId": {}}])
def test_a_strange_shape_is_an_event_of_no_known_kind(payload: Any, members: Any) -> None:
    event = read_event(members | {"payload": payload}, NOW)
    assert (event.kind, event.decision, event.at) == (EventKind.other, None, NOW)


def test_a_sealed_payload_is_said_to_be_sealed() -> None:
    sealed = read_event(MEMBERS | {"payload": "eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d"}, NOW)
    assert (sealed.is_encrypted, sealed.decision) == (True, None)
    assert not read_event(MEMBERS, NOW).is_encrypted


def test_a_date_with_a_zone_is_read_with_it() -> None:
    event = read_event(MEMBERS | {"eventDate": "2026-11-03T04:07:52.157-07:00"}, NOW)
    assert event.at == datetime(2026, 11, 3, 11, 7, 52, 157_000, tzinfo=UTC)


# -- administration --------------------------------------------------------------------------------

ROOT = "/notification-subscriptions/v2"
PRODUCTS = f"GET {ROOT}/products/shop_1"
HOOKS = f"{ROOT}/webhooks"
KEY_CALL = "POST /kms/egress/v2/keys-sym"


def test_a_new_key_is_kept_beside_the_old_one(gateway: ScriptedGateway, make_client: Make) -> None:
    made = {"keyId": NEW_ID, "key": base64.b64encode(KEYS[NEW_ID]).decode(), "status": "Active"}
    gateway.on(KEY_CALL, {"status": "SUCCESS", "keyInformation": made})
    ring = Ring({OLD_ID: KEYS[OLD_ID]})
    assert make_key(make_client(), "shop_1", ring) == NEW_ID
    assert ring.kept == KEYS
    assert gateway.body()["clientRequestAction"] == "CREATE"


@pytest.mark.parametrize(
    "reply", [{}, {"keyInformation": {"keyId": NEW_ID, "key": "?"}}, response(b"<", 201)]
)
def test_an_answer_without_a_key_changes_nothing_here(
    gateway: ScriptedGateway, make_client: Make, reply: Any
) -> None:
    gateway.on(KEY_CALL, reply)
    ring = Ring({OLD_ID: KEYS[OLD_ID]})
    with pytest.raises(OutcomeUnknown):
        make_key(make_client(), "shop_1", ring)
    assert list(ring.kept) == [OLD_ID]


def test_a_call_that_never_left_is_refused_at_once_for_somebody_waits(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    gateway.on(KEY_CALL, Retryable("no connection", "the wire", "Look at the network."))
    with pytest.raises(Rejected, match=r"No key was made\. Look at the network"):
        make_key(make_client(), "shop_1", Ring())


def test_products_say_which_events_come_sealed(gateway: ScriptedGateway, make_client: Make) -> None:
    events = [
        {"eventName": "a.b", "payloadEncryption": False},
        {"eventName": "c.d", "payloadEncryption": True},
    ]
    gateway.on(PRODUCTS, response([{"productId": "decisionManager", "eventTypes": events}], 200))
    (product,) = Webhooks(make_client()).products("shop_1")
    assert (product.events, product.encrypted) == (("a.b", "c.d"), ("c.d",))


ACCEPT = "risk.casemanagement.decision.accept"
KIND = EffectKind.review_decision  # stands in: the kind of subscriptions is the lead's to add


def wish(state: Wish, url: str = "https://hooks.example/cybersource") -> Effect:
    return effect_of(
        KIND,
        SetSubscription(
            "shop_1", "tieout shop_1", url, url + "/health", {"decisionManager": (ACCEPT,)}, state
        ),
    )


def listed(status: str, url: str = "https://hooks.example/cybersource", **more: Any) -> Any:
    return {
        "webhookId": "hook-1", "name": "tieout shop_1", "status": status, "webhookUrl": url,
        "products": [{"productId": "decisionManager", "eventTypes": [ACCEPT]}], **more,
    }  # fmt: skip


def known(gateway: ScriptedGateway) -> None:
    offered = [{"productId": "decisionManager", "eventTypes": [{"eventName": ACCEPT}]}]
    gateway.on(PRODUCTS, response(offered, 200))
    for method, place in (
        ("POST", ""), ("PATCH", "/hook-1"), ("PUT", "/hook-1/status"), ("DELETE", "/hook-1")
    ):  # fmt: skip
        gateway.on(f"{method} {HOOKS}{place}", response({}, 200))


@pytest.mark.parametrize(
    ("state", "before", "calls"),
    [
        (Wish.active, [], ["POST"]),
        (Wish.active, [listed("ACTIVE")], []),
        (Wish.active, [listed("PENDING_REVIEW")], []),
        (Wish.active, [listed("INACTIVE")], ["PUT"]),
        (Wish.active, [listed("ACTIVE", "https://old.example")], ["PATCH"]),
        (Wish.inactive, [listed("ACTIVE")], ["PUT"]),
        (Wish.absent, [listed("ACTIVE")], ["DELETE"]),
        (Wish.absent, [], []),
    ],
)
def test_only_what_a_wish_lacks_is_changed(
    gateway: ScriptedGateway, make_client: Make, state: Wish, before: list[Any], calls: list[str]
) -> None:
    known(gateway)
    gateway.on(f"GET {HOOKS}", response(before, 200), response(before or [listed("ACTIVE")], 200))
    partner, effect = SubscriptionPartner(make_client()), wish(state)
    is_fulfilled = bool(partner.look(effect))
    assert is_fulfilled is (not calls)
    gateway.on(f"GET {HOOKS}", response(before, 200), response(before or [listed("ACTIVE")], 200))
    partner.send(effect)
    assert [one.method for one in gateway.requests if one.is_write] == calls


def test_an_event_the_account_does_not_offer_is_refused_before_anything_is_sent(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    gateway.on(PRODUCTS, response([], 200))
    gateway.on(f"GET {HOOKS}", response([], 200))
    with pytest.raises(Rejected, match="may not be subscribed"):
        SubscriptionPartner(make_client()).send(wish(Wish.active))


def test_after_the_first_change_a_refusal_is_a_doubt(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    known(gateway)
    moved = listed("INACTIVE", "https://old.example")
    gateway.on(f"GET {HOOKS}", response([moved], 200))
    gateway.on(f"PUT {HOOKS}/hook-1/status", response({}, 400))
    with pytest.raises(OutcomeUnknown):
        SubscriptionPartner(make_client()).send(wish(Wish.active))
    gateway.on(f"PATCH {HOOKS}/hook-1", response({}, 400))
    with pytest.raises(Rejected):
        SubscriptionPartner(make_client()).send(wish(Wish.active))


def test_a_list_that_cannot_be_read_is_not_an_empty_one(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    gateway.on(f"GET {HOOKS}", response({"message": "?"}, 200))
    with pytest.raises(Retryable):
        SubscriptionPartner(make_client()).look(wish(Wish.absent))
