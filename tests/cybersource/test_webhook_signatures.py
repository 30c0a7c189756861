"""Is a notification theirs? Its signature, its time and its bytes."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from include.adapters.cybersource.webhooks.body import LARGEST_BODY, UnreadableBodyError, read_body
from include.adapters.cybersource.webhooks.events import read_event
from include.adapters.cybersource.webhooks.signature import Verdict, sign, verify
from tests.cybersource.scripted import NOW
from tests.cybersource.support import HOUR, KEYS, MEMBERS, NEW_ID, OLD_ID

AT_MS = int(NOW.timestamp() * 1000)


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
    assert judge(header(raw), spaced) == Verdict(True)
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
        (b'{"payload":"' + b"x" * LARGEST_BODY + b'"}', "^it has more than 1048576 bytes$"),
    ],
)
def test_every_malformed_body_gets_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableBodyError, match=reason):
        read_body(data)


@pytest.mark.parametrize("end", [b"", b"\\"])
def test_a_megabyte_of_text_without_end_is_refused_at_once(end: bytes) -> None:
    data = b'"' + b'\\"' * (LARGEST_BODY // 2 - 1) + end
    begun = time.process_time()
    with pytest.raises(UnreadableBodyError, match="not one JSON object"):
        read_body(data)
    assert time.process_time() - begun < 2  # 0.05 s; searched anew at each quote, an hour


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
@example("\x1f", 58)
@example(' ";', len(GOOD))
def test_no_header_raises_and_none_but_the_good_one_passes(noise: str, at: int) -> None:
    for head in (noise, GOOD[:at] + noise + GOOD[at:], GOOD[:at] + noise):
        verdict = judge(head, compact(MEMBERS))
        # Blanks around a part are no part of it, and a printed one ends in '";'.
        plain = "".join(head.split()).removesuffix(";").removesuffix('"')
        assert verdict.is_good is False or plain == GOOD
