"""Canaries: a secret in any form must not reach a log line, a message or a repr."""

import base64
import logging
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
import structlog

from include.adapters.http.redact import redact, redact_url
from include.adapters.http.status import judge
from include.adapters.http.transport import HttpTransport
from include.adapters.http.wire import Limits, Request
from include.domain.errors import IntegrationError

CANARY = "C4nary p@ss/w&rd=9"
FORMS = [CANARY, quote(CANARY), quote(CANARY, safe=""), base64.b64encode(CANARY.encode()).decode()]
LIMITS = Limits(connect_s=10, stall_s=20, deadline_s=20)


def request_full_of_canaries(url: str, is_write: bool) -> Request:
    encoded = quote(CANARY, safe="")
    basic = base64.b64encode(CANARY.encode()).decode()
    return Request(
        "GET",
        f"{url}/Rest/Logon?Operator=TIEOUT&OperatorPassword={encoded}&x={basic}",
        "log on",
        headers={"Authorization": f"Basic {basic}", "X-Api-Key": CANARY},
        is_write=is_write,
        limits=LIMITS,
    )


def assert_no_canary(text: str) -> None:
    for form in FORMS:
        assert form not in text
        assert form.lower() not in text.lower()


@pytest.mark.parametrize("is_write", [False, True])
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 302 Found\r\nLocation: /Logon?OperatorPassword=%s\r\nContent-Length: 0\r\n\r\n"
        % quote(CANARY, safe="").encode(),
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\n\xff bad header\r\n: x\r\nContent-Length: 2\r\n\r\nok",
        b"nonsense\r\n\r\n",
        b"",
        b"HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno",
    ],
)
def test_no_secret_in_logs_messages_or_tracebacks_at_debug_level(
    server: Any, caplog: pytest.LogCaptureFixture, answer: bytes, is_write: bool
) -> None:
    server.answers(answer)
    caplog.set_level(logging.DEBUG)
    request = request_full_of_canaries(server.url, is_write)
    shown = repr(request)
    with structlog.testing.capture_logs() as events:
        try:
            response = HttpTransport().exchange(request)
            error = judge(response, request, f'OperatorPassword="{CANARY}" at /x?p={CANARY}')
            shown += repr(response) + str(error)
        except IntegrationError as fault:
            shown += "".join(traceback.format_exception(fault, chain=True))
            shown += repr(fault.__context__) + repr(fault.__cause__)
    assert [event["event"] for event in events] == ["http_call"]
    assert_no_canary(shown + caplog.text + repr(events))
    assert len(server.calls) == 1


def test_one_structured_line_per_call_says_what_where_and_how_long(
    server: Any, make_reply: Callable[..., bytes]
) -> None:
    server.answers(make_reply("200 OK", b"hello"))
    request = Request(
        "GET", f"{server.url}/a?b=c", "read a report", reference="acme|2026-10-31", limits=LIMITS
    )
    with structlog.testing.capture_logs() as events:
        HttpTransport().exchange(request)
    (event,) = events
    assert event.pop("seconds") < 0.6
    assert event == {
        "event": "http_call",
        "log_level": "info",
        "what": "read a report",
        "reference": "acme|2026-10-31",
        "where": f"GET {server.url}/a?***",
        "status": 200,
        "bytes": 5,
    }


@pytest.mark.parametrize(
    "text",
    [
        "GET /Rest/Logon?OperatorPassword=hunter22 failed",
        "Authorization: Bearer hunter22",
        "{'Authorization': 'Bearer hunter22'}",
        '{"X-Api-Key": "hunter22"}',
        'Signature: keyid="k", signature="hunter22"',
        '{"shared_secret": "hunter22"}',
        "<OperatorPassword>x</OperatorPassword> password=hunter22",
        "https://who:hunter22@api.example.test/",
        "token eyJhbGciOiJIUzI1NiJ9.hunter22aaa.bbbbbbbb",
        "p12_passphrase=hunter22;",
        "v-c-signature: t=1;keyId=2;sig=hunter22\r\nnext",
    ],
)
def test_secrets_are_known_by_their_shape(text: str) -> None:
    assert "hunter22" not in redact(text)


def test_card_numbers_are_hidden_and_request_ids_are_not() -> None:
    assert redact("card 4111 1111 1111 1111 declined") == "card *** declined"
    assert redact("card 4111111111111111.") == "card ***."
    assert redact("request 7058891234566543210123") == "request 7058891234566543210123"
    assert redact("order 1234567890123") == "order 1234567890123"
    assert redact("5555555555554444 5555555555554445") == "*** 5555555555554445"


@pytest.mark.parametrize(
    "number",
    [
        "4111.1111.1111.1111",
        "4111  1111  1111  1111",
        "4111\u00a01111\u00a01111\u00a01111",
        "4111\t1111\t1111\t1111",
        "41111111/11111111",
        "3782_822463_10005",
        "\uff14" + "\uff11" * 15,
        "4111\u200b1111\u200b1111\u200b1111",
    ],
)
def test_a_card_number_is_hidden_however_it_is_written(number: str) -> None:
    assert redact(f"card {number} declined") == "card *** declined"


def test_text_is_shortened_and_cannot_forge_a_log_line() -> None:
    assert redact("a\r\nINFO forged") == "a INFO forged"
    assert len(redact("x" * 5000)) == 300


def test_a_url_is_shown_without_query_and_user() -> None:
    assert redact_url("https://who:pw@h.example.test:8443/a/b?c=d") == (
        "https://h.example.test:8443/a/b?***"
    )
    assert redact_url("http://[::1]:8/x") == "http://[::1]:8/x"
    assert redact_url("http://h:notaport/x") == "***"
