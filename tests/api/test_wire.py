"""What no client library sends: raw bytes at the real server."""

import json
import socket
from collections.abc import Iterator

import pytest

from include.adapters.store.engine import open_store
from include.adapters.store.migrate import migrate
from tests.api.senders import event, signed
from tests.api.test_kill_receiver import free_port, start

HOOK = b"POST /v1/webhooks/cybersource/acme_us HTTP/1.1\r\nHost: x\r\n"
SIGNED = b"v-c-signature: x\r\n"
READ = b"GET /v1/health HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    url = f"sqlite:///{tmp_path_factory.mktemp('wire') / 'tieout.db'}"
    database = open_store(url)
    migrate(database)
    database.dispose()
    found = free_port()
    process = start(url, found)
    yield found
    process.kill()
    process.wait()


def talk(port: int, *parts: bytes) -> bytes:
    """Send and return the status line; '' where the connection just ends."""
    with socket.create_connection(("127.0.0.1", port), 10) as line:
        try:
            for part in parts:
                line.sendall(part)
            return line.makefile("rb").readline()
        except ConnectionError:
            return b""


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([HOOK, b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"], b"400"),
        ([HOOK, b"Content-Length: -1\r\n\r\n"], b"400"),
        ([HOOK, b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"], b"400"),
        ([HOOK, b"Content-Length: 99999999999999999999\r\n\r\n"], b"400"),
        ([HOOK, SIGNED, b"Content-Length: 1000001\r\n\r\n"], b"413"),  # nothing of it was sent
        ([b"GARBAGE\r\n\r\n"], b"400"),
        ([b"BREW /v1/health HTTP/1.1\r\nHost: x\r\n\r\n"], b"400"),
        ([b"GET /v1/orders/%00 HTTP/1.1\r\nHost: x\r\n\r\n"], b"401"),
        ([b"GET /%ff%fe HTTP/1.1\r\nHost: x\r\n\r\n"], b"404"),
        ([READ, b"Authorization: Bearer \xff\xfe\r\n\r\n"], b"200"),
        ([READ, b"X: ", b"a" * 60_000, b"\r\n\r\n"], b"200"),
    ],
)
def test_each_oddity_has_a_definite_answer(port: int, parts: list[bytes], status: bytes) -> None:
    assert talk(port, *parts).split(b" ")[1:2] == [status]


def test_headers_that_do_not_end_are_cut_off(port: int) -> None:
    line = talk(port, READ, b"X: ", *[b"a" * 65_536] * 200)
    assert line in (b"", b"HTTP/1.1 400 Bad Request\r\n")
    many = talk(port, READ, *[b"X-Header: value\r\n" * 4_000] * 50)
    assert many in (b"", b"HTTP/1.1 400 Bad Request\r\n")
    assert talk(port, READ, b"\r\n").split(b" ")[1] == b"200"


def test_a_large_event_in_one_read_is_taken(port: int) -> None:
    payload = [{"data": {"id": "7" * 22, "note": "x" * 900_000}}]
    raw, headers = signed(event(payload=payload))
    head = HOOK + b"".join(f"{k}: {v}\r\n".encode() for k, v in headers.items())
    head += f"Content-Length: {len(raw)}\r\n\r\n".encode()
    assert talk(port, head + raw).split(b" ")[1] == b"200"


def test_requests_on_one_connection_are_counted_each_for_itself(port: int) -> None:
    raw, headers = signed(event("8" * 22))
    head = HOOK + b"".join(f"{k}: {v}\r\n".encode() for k, v in headers.items())
    head += f"X: {'y' * 30_000}\r\nContent-Length: {len(raw)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", port), 10) as line:
        answers = line.makefile("rb")
        for _ in range(5):
            line.sendall(head + raw)
            assert answers.readline().split(b" ")[1] == b"200"
            length = 0
            while (header := answers.readline()) != b"\r\n":
                if header.lower().startswith(b"content-length:"):
                    length = int(header.partition(b":")[2])
            assert json.loads(answers.read(length))["status"] == "stored"
