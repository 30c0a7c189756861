"""TLS: an unknown certificate is refused before the first byte of the request leaves."""

import contextlib
import datetime
import ipaddress
import socket
import ssl
import struct
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from include.adapters.http.transport import HttpTransport
from include.adapters.http.watch import CutOffError, Watch
from include.adapters.http.wire import Limits, Request
from include.domain.errors import IntegrationError, OutcomeUnknown, Retryable


def make_certificate(folder: Path, address: str, days: int) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sandbox")])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=days))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


class TlsServer:
    """Takes one connection and keeps what it could read after the handshake."""

    def __init__(self, certificate: Path) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.listener.getsockname()[1]}/x"
        self.received = b""
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        raw, _ = self.listener.accept()
        try:
            with self.context.wrap_socket(raw, server_side=True) as connection:
                self.received = connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except OSError:
            raw.close()


@pytest.mark.parametrize(
    ("address", "days", "is_trusted"),
    [("127.0.0.1", 36500, False), ("127.0.0.2", 36500, True), ("127.0.0.1", 30, True)],
    ids=["self-signed", "other host", "expired"],
)
def test_a_certificate_that_does_not_fit_is_refused_before_anything_is_sent(
    tmp_path: Path, address: str, days: int, is_trusted: bool
) -> None:
    certificate = make_certificate(tmp_path, address, days)
    server = TlsServer(certificate)
    transport = HttpTransport(ca_bundle=str(certificate) if is_trusted else "")
    with pytest.raises(Retryable, match=r"certificate is not trusted.*Nothing was sent"):
        transport.exchange(Request("POST", server.url, "post", is_write=True, body=b"secret"))
    server.thread.join(2)
    assert server.received == b""


def test_a_trusted_certificate_works(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "127.0.0.1", 36500)
    server = TlsServer(certificate)
    transport = HttpTransport(ca_bundle=str(certificate))
    assert transport.exchange(Request("GET", server.url, "read")).body == b"ok"
    assert server.received.startswith(b"GET /x HTTP/1.1\r\n")


def test_silence_inside_tls_is_cut_off_by_the_deadline(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "127.0.0.1", 36500)
    server = TlsServer(certificate)
    server.context.minimum_version = ssl.TLSVersion.TLSv1_2
    limits = Limits(connect_s=1, stall_s=5, deadline_s=1)
    body = b"x" * 30_000_000  # more than the buffers hold, and the server reads only 64 KiB
    request = Request("POST", server.url, "post", is_write=True, body=body, limits=limits)
    with pytest.raises((OutcomeUnknown, Retryable)) as caught:
        HttpTransport(ca_bundle=str(certificate)).exchange(request)
    assert isinstance(caught.value, OutcomeUnknown)


def test_once_time_is_up_the_first_byte_cannot_leave_any_more() -> None:
    with Watch(Limits(connect_s=0.05, stall_s=1, deadline_s=1)) as watch:
        watch._guard()
        assert watch.cut_reason == "no connection within 0.05 s"
        with pytest.raises(CutOffError):
            watch.begin_write()
        assert not watch.has_written


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize("is_write", [False, True])
def test_a_reset_before_the_first_byte_means_that_nothing_was_sent(
    scheme: str, is_write: bool
) -> None:
    at_once = struct.pack("ii", 1, 0)  # to linger: a reset instead of an end
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            with contextlib.suppress(OSError):
                while True:
                    taken, _ = listener.accept()
                    if scheme == "https":
                        taken.recv(1)  # of the handshake
                    taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
                    taken.close()

        threading.Thread(target=refuse, daemon=True).start()
        url = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/x"
        for _ in range(20):  # where a reset is noticed is a matter of luck
            with pytest.raises(IntegrationError) as caught:
                HttpTransport().exchange(Request("POST", url, "post", is_write=is_write, body=b"x"))
            if scheme == "https":
                assert type(caught.value) is Retryable
                assert "Connection reset by peer" in caught.value.what
