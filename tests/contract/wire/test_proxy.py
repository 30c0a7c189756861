"""An outgoing web proxy: a tunnel, a way to fail before anything was sent, and never a log line."""

import base64
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from include.adapters.http.proxy import Proxy, read_proxy
from include.adapters.http.transport import HttpTransport
from include.adapters.http.wire import Limits, Request
from include.domain.errors import OutcomeUnknown, Rejected, Retryable
from tests.contract.wire.test_tls import TlsServer, make_certificate

PASSWORD = "pr0xy pass:word"


class TunnelProxy:
    """Takes connections, answers CONNECT as told, and passes bytes on both ways."""

    def __init__(self, status: str = "200 Connection established", cut_after: int = -1) -> None:
        self.status = status
        self.cut_after = cut_after  # bytes from the client, then it hangs up; negative: never
        self.heads: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self.listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._tunnel, args=(client,), daemon=True).start()

    def _tunnel(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(1)
        self.heads.append(head)
        if self.status == "silence":
            return
        client.sendall(f"HTTP/1.1 {self.status}\r\n\r\n".encode())
        if not self.status.startswith("200"):
            client.close()
            return
        host, _, port = head.split()[1].decode().rpartition(":")
        with client, socket.create_connection((host, int(port))) as server:
            self._pass_on(client, server)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        left = self.cut_after
        with suppress(OSError):
            while True:
                for one in select.select([client, server], [], [])[0]:
                    data = one.recv(65536)
                    if one is client and self.cut_after >= 0:
                        left -= len(data)
                        if left < 0:
                            return
                    if not data:
                        return
                    (server if one is client else client).sendall(data)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return make_certificate(tmp_path, "127.0.0.1", 36500)


@pytest.fixture
def server(certificate: Path) -> Iterator[TlsServer]:
    found = TlsServer(certificate)
    yield found
    found.listener.close()


def transport(certificate: Path, proxy: TunnelProxy, password: str = PASSWORD) -> HttpTransport:
    where = Proxy("127.0.0.1", proxy.port, "tieout", password)
    return HttpTransport(ca_bundle=str(certificate), proxy=where)


def write(url: str, **limits: float) -> Request:
    return Request("POST", url, "pay", "R1", is_write=True, body=b"money", limits=Limits(**limits))


def test_https_goes_through_the_tunnel_and_the_proxy_sees_nothing_of_it(
    certificate: Path, server: TlsServer, capsys: pytest.CaptureFixture[str]
) -> None:
    proxy = TunnelProxy()
    request = Request("GET", server.url, "read")
    assert transport(certificate, proxy).exchange(request).body == b"ok"
    server.thread.join(2)
    assert server.received.startswith(b"GET /x HTTP/1.1\r\n")
    assert f"Host: {server.url.split('/')[2]}".encode() in server.received
    assert b"Proxy-Authorization" not in server.received
    (head,) = proxy.heads
    assert head.startswith(b"CONNECT 127.0.0.1:")
    token = base64.b64encode(f"tieout:{PASSWORD}".encode())
    assert b"Proxy-Authorization: Basic " + token in head
    assert PASSWORD not in capsys.readouterr().out
    proxy.close()


@pytest.mark.parametrize("status", ["407 Proxy Authentication Required", "403 Forbidden", "502 x"])
def test_a_tunnel_that_is_refused_means_that_nothing_was_sent(
    certificate: Path, server: TlsServer, status: str
) -> None:
    proxy = TunnelProxy(status)
    with pytest.raises(Retryable, match=f"the proxy opens no tunnel: {status}.*Nothing was sent"):
        transport(certificate, proxy).exchange(write(server.url))
    assert server.received == b""
    proxy.close()


def test_a_proxy_that_is_away_or_silent_means_that_nothing_was_sent(
    certificate: Path, server: TlsServer
) -> None:
    silent = TunnelProxy("silence")
    with pytest.raises(Retryable, match=r"no connection within 0\.3 s.*Nothing was sent"):
        transport(certificate, silent).exchange(write(server.url, connect_s=0.3, deadline_s=5))
    silent.close()
    with pytest.raises(Retryable, match="Nothing was sent"):
        transport(certificate, silent).exchange(write(server.url))


def test_a_write_that_the_proxy_cuts_off_is_unknown(certificate: Path, server: TlsServer) -> None:
    proxy = TunnelProxy(cut_after=2_000)  # the handshake passes; of the body only the beginning
    request = Request("POST", server.url, "pay", "R1", is_write=True, body=b"x" * 100_000)
    with pytest.raises(OutcomeUnknown):
        transport(certificate, proxy).exchange(request)
    proxy.close()


def test_the_certificate_must_be_the_hosts_not_the_proxys(
    tmp_path: Path, certificate: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = make_certificate(tmp_path / "other", "127.0.0.2", 36500)
    server, proxy = TlsServer(other), TunnelProxy()
    with pytest.raises(Retryable, match="certificate is not trusted"):
        transport(certificate, proxy).exchange(write(server.url))
    proxy.close()


def test_a_proxy_is_read_from_its_field_and_a_wrong_one_is_never_quoted() -> None:
    assert read_proxy(" ", "", "", "here") is None
    assert read_proxy("http://proxy.example", "", "", "here") == Proxy("proxy.example", 3128)
    found = read_proxy("http://proxy.example:8080/", "tieout", PASSWORD, "here")
    assert found == Proxy("proxy.example", 8080, "tieout", PASSWORD)
    assert found.url == "http://tieout:pr0xy%20pass%3Aword@proxy.example:8080"
    assert PASSWORD not in repr(found)
    for text in ("https://b", "b:3128", "http://b:port", "http://", "http://a:secret@b"):
        with pytest.raises(Rejected, match="proxy cannot be read") as refused:
            read_proxy(text, "", "", "connection x")
        assert "secret" not in str(refused.value)
