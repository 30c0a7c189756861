"""Mail leaves through the SMTP provider as a message a person can read, markup kept inert."""

import base64
import email
import json
import os
import socketserver
import threading
from collections.abc import Iterator

import pytest

from include.domain.errors import Retryable


class _Session(socketserver.StreamRequestHandler):
    """Enough of SMTP to take one message."""

    def handle(self) -> None:
        self._say("220 ready")
        for raw in self.rfile:
            verb = raw[:4].upper()
            if verb == b"DATA":
                self._say("354 go on")
                body = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.server.messages.append(body)  # type: ignore[attr-defined]
            elif verb == b"QUIT":
                self._say("221 bye")
                return
            self._say("250 done")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Session)
    server.messages = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _connect(monkeypatch, server.server_address[1])
    yield server.messages  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()


def _connect(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    extra = {"from_email": "tieout@example.com", "disable_ssl": True, "disable_tls": True,
             "timeout": 5, "retry_limit": 1}  # fmt: skip
    found = {"conn_type": "smtp", "host": "127.0.0.1", "port": port, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(found))


def test_a_message_arrives_with_its_markup_inert(mailbox: list[bytes]) -> None:
    from tieout.hooks.messages import Mail

    Mail().send(["ar@acme.example"], "acme_us 2026-10-31: fee drift", "line <b>1</b>\nline 2")
    message = email.message_from_bytes(mailbox[0])
    assert (message["To"], message["Subject"]) == (
        "ar@acme.example",
        "acme_us 2026-10-31: fee drift",
    )
    part = message.get_payload()[0]
    text = base64.b64decode(part.get_payload()).decode()  # type: ignore[union-attr, arg-type]
    assert text == "<pre>line &lt;b&gt;1&lt;/b&gt;\nline 2</pre>"


def test_a_silent_mail_server_is_retryable_and_fails_no_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tieout.hooks.messages import Mail

    _connect(monkeypatch, 9)  # discard: nothing listens
    with pytest.raises(Retryable, match="did not take a message"):
        Mail().send(["ar@acme.example"], "subject", "text")


def test_a_server_that_hangs_up_or_a_connection_without_sender_fails_no_day(
    mailbox: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SMTP provider says so by an exception of Airflow's, of none of our families."""
    from tieout.hooks.messages import Mail

    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as rude:
        threading.Thread(target=rude.serve_forever, daemon=True).start()
        _connect(monkeypatch, rude.server_address[1])
        with pytest.raises(Retryable, match="Unable to connect to smtp server"):
            Mail().send(["ar@acme.example"], "subject", "text")
        rude.shutdown()
    found = json.loads(os.environ["AIRFLOW_CONN_SMTP_DEFAULT"])
    del found["extra"]["from_email"]
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(found))
    with pytest.raises(Retryable, match="did not take a message"):
        Mail().send(["ar@acme.example"], "subject", "text")


def test_a_way_that_is_not_wanted_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    from tieout.hooks.messages import mail

    _connect(monkeypatch, 9)
    monkeypatch.setenv("TIEOUT_NOTIFY", "chat")
    assert mail() is None
    monkeypatch.setenv("TIEOUT_NOTIFY", "mail,chat")
    assert mail() is not None
