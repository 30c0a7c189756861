"""The Airflow hooks over a scripted server: connections from the environment, the real wire."""

import io
import json
import logging
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
import structlog

from include.adapters.http.wire import Request
from include.domain.calendar import Window
from include.domain.errors import IntegrationError, OutcomeUnknown, Rejected, Retryable
from include.services.effects.departure import departing
from include.services.ports import ReportSource, StatementSource
from tests.contract.wire.test_proxy import TunnelProxy

Reply = Callable[..., bytes]
DAY = Window(datetime(2026, 3, 1, 8, tzinfo=UTC), datetime(2026, 3, 2, 8, tzinfo=UTC))
SECRET = "dGllb3V0IHRlc3Qga2V5IG9mIDMyIGJ5dGVzIGxvbmc="


@pytest.fixture
def connect(server: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Define an Airflow connection to the server and return its id."""

    def define(conn_id: str, conn_type: str, **fields: Any) -> str:
        value = {"conn_type": conn_type, "host": server.url, **fields}
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(value))
        return conn_id

    return define


def bank(connect: Callable[..., str], **fields: Any) -> Any:
    from tieout.hooks.plain import BankHook

    return BankHook(connect("bank_test", "http", **{"password": "sandbox-bank", **fields}))


def chat(connect: Callable[..., str], path: str = "/hooks/T0/Zx9SecretPath") -> Any:
    from tieout.hooks.plain import ChatHook

    return ChatHook(connect("chat_test", "http", password=path))


def test_the_hooks_satisfy_the_ports_and_open_nothing_when_made() -> None:
    from tieout.hooks.cybersource import CybersourceHook
    from tieout.hooks.plain import AcquirerHook, BankHook

    reports: ReportSource = CybersourceHook("no_such_connection")
    statements: list[StatementSource] = [BankHook("none"), AcquirerHook("none")]
    assert reports
    assert len(statements) == 2


def test_a_cybersource_connection_lists_reports(
    server: Any, make_reply: Reply, connect: Callable[..., str]
) -> None:
    from tieout.hooks.cybersource import CybersourceHook

    server.answers(make_reply("200 OK", b'{"reportSearchResults":[]}'))
    conn_id = connect(
        "cybersource_test",
        "cybersource",
        login="shop_1",
        password=SECRET,
        extra={"auth": "http_signature", "key_id": "key-1", "portfolio": "big"},
    )
    hook = CybersourceHook(conn_id)
    assert hook.list_reports("shop_1", DAY) == ()
    headers = server.calls[0].headers
    assert headers["v-c-merchant-id"] == "shop_1"
    assert headers["signature"].startswith('keyid="key-1"')
    assert "key_id" not in headers
    assert "portfolio" not in headers
    is_good, words = hook.test_connection()
    assert is_good, words


def test_a_wrong_connection_is_explained_by_the_test_button(connect: Callable[..., str]) -> None:
    from tieout.hooks.cybersource import CybersourceHook

    conn_id = connect("cybersource_test", "cybersource", login="shop_1", extra={"key_id": "k"})
    is_good, words = CybersourceHook(conn_id).test_connection()
    assert not is_good
    assert "shared secret" in words


def test_a_statement_is_streamed_with_its_digest_and_the_key_as_a_header(
    server: Any, make_reply: Reply, connect: Callable[..., str]
) -> None:
    server.answers(make_reply("200 OK", b"01,statement\r\n", content_type="text/plain"))
    sink = io.BytesIO()
    found = bank(connect).download_statement("US-001", date(2026, 3, 2), sink)
    assert sink.getvalue() == b"01,statement\r\n"
    assert found.size_bytes == 14
    call = server.calls[0]
    assert call.target == "/bank/accounts/US-001/statements/2026-03-02"
    assert call.headers["x-api-key"] == "sandbox-bank"
    assert "authorization" not in call.headers


def test_the_acquirer_has_its_own_path(
    server: Any, make_reply: Reply, connect: Callable[..., str]
) -> None:
    from tieout.hooks.plain import AcquirerHook

    server.answers(make_reply("404 Not Found"))
    hook = AcquirerHook(connect("acquirer_test", "http", password="k"))
    assert hook.download_statement("acme_jp", date(2026, 3, 2), io.BytesIO()) is None
    assert server.calls[0].target == "/acquirer/acme_jp/statements/2026-03-02"


@pytest.mark.parametrize(
    ("answer", "family"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", Retryable),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf", Retryable),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html>log in.", Retryable),
        (b"HTTP/1.1 503 Busy\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n", Retryable),
        (b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", Rejected),
        (b"", Retryable),
    ],
)
def test_each_fault_of_the_bank_has_a_family_and_one_execution(
    server: Any, connect: Callable[..., str], answer: bytes, family: type[IntegrationError]
) -> None:
    server.answers(answer)
    with pytest.raises(family) as caught:
        bank(connect).download_statement("US-001", date(2026, 3, 2), io.BytesIO())
    assert len(server.calls) == 1
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"extra": {"api_key": "k"}}, "would be sent as headers"),
        ({"login": "who"}, "no login"),
        ({"host": "http://bank.example.test"}, "plain http"),
        ({"host": "bank.example.test", "schema": "http"}, "plain http"),
    ],
)
def test_a_connection_that_would_leak_is_refused(
    server: Any, connect: Callable[..., str], fields: dict[str, Any], words: str
) -> None:
    with pytest.raises(Rejected, match=words):
        bank(connect, **fields).download_statement("US-001", date(2026, 3, 2), io.BytesIO())
    assert server.calls == []


def test_the_permission_for_plain_http_is_not_sent_as_a_header(
    server: Any, make_reply: Reply, connect: Callable[..., str]
) -> None:
    server.answers(make_reply("404 Not Found"))
    hook = bank(connect, extra={"allow_plain_http": "true"})
    assert hook.download_statement("US-001", date(2026, 3, 2), io.BytesIO()) is None
    assert "allow_plain_http" not in server.calls[0].headers


@pytest.mark.parametrize("account", ["../x", "a/b", "", "a?b", "a b", ".."])
def test_an_account_cannot_change_the_path(
    server: Any, connect: Callable[..., str], account: str
) -> None:
    with pytest.raises(Rejected):
        bank(connect).download_statement(account, date(2026, 3, 2), io.BytesIO())
    assert server.calls == []


def test_a_chat_alert_is_one_post_of_json(
    server: Any, make_reply: Reply, connect: Callable[..., str]
) -> None:
    server.answers(make_reply("200 OK", b"ok"))
    chat(connect).send('2 open items: "late"')
    (call,) = server.calls
    assert (call.method, call.target) == ("POST", "/hooks/T0/Zx9SecretPath")
    assert json.loads(call.body) == {"text": '2 open items: "late"'}


def test_through_the_providers_hook_no_write_leaves_unrecorded_but_a_chat_alert(
    server: Any, make_reply: Reply, connect: Callable[..., str]
) -> None:
    server.answers(make_reply("200 OK"))
    hook, order = chat(connect), Request("POST", f"{server.url}/x", "an order", is_write=True)

    def stop() -> None:
        raise Retryable("no record", "the engine", "It is tried again.")

    with departing(stop):
        with pytest.raises(Retryable, match="no record"):
            hook._exchange(server.url, "/x", order)
        assert server.calls == []
        hook.send("hello")
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n\xff bad\r\n: x\r\nContent-Length: 9\r\n\r\nok",
        b"HTTP/1.1 500 X\r\n\r\n",
    ],
)
def test_the_secret_path_of_a_webhook_shows_nowhere(
    server: Any, connect: Callable[..., str], caplog: pytest.LogCaptureFixture, answer: bytes
) -> None:
    server.answers(answer)
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as events, pytest.raises(OutcomeUnknown) as caught:
        chat(connect).send("hello")
    shown = caplog.text + repr(events) + str(caught.value) + repr(caught.value.__context__)
    assert "Zx9SecretPath" not in shown
    assert len(server.calls) == 1


def test_a_webhook_without_its_path_is_refused(connect: Callable[..., str]) -> None:
    with pytest.raises(Rejected, match="path of a webhook"):
        chat(connect, "T0/x").send("hello")


def test_a_chat_alert_goes_through_the_proxy_of_its_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    proxy = TunnelProxy("403 Forbidden")
    extra = {"proxy": f"http://127.0.0.1:{proxy.port}", "proxy_login": "tieout"}
    extra["proxy_password"] = "secret-word"
    found = {"conn_type": "http", "host": "https://chat.example", "password": "/hook/x"}
    monkeypatch.setenv("AIRFLOW_CONN_CHAT_DEFAULT", json.dumps(found | {"extra": extra}))
    from tieout.hooks.plain import ChatHook

    with pytest.raises(Retryable, match="the proxy opens no tunnel: 403") as refused:
        ChatHook("chat_default").send("hello")
    assert "secret-word" not in str(refused.value)
    (head,) = proxy.heads
    assert head.startswith(b"CONNECT chat.example:443 ")
    assert b"Proxy-Authorization: Basic " in head
    proxy.close()
