"""The transport against a real server: each fault has one family and one execution."""

import gzip
import hashlib
import io
import pickle
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

import pytest

from include.adapters.http.status import Refused, judge
from include.adapters.http.transport import HttpTransport, check_address
from include.adapters.http.wire import Limits, Request
from include.domain.errors import Busy, OutcomeUnknown, Rejected, Retryable

PATIENT = Limits(connect_s=20, stall_s=20, deadline_s=30)  # a busy machine is not a fault
QUICK = Limits(connect_s=1.5, stall_s=1, deadline_s=2)  # where running out of time is the subject
Reply = Callable[..., bytes]


def ask(server: Any, **fields: Any) -> Request:
    values = {"method": "GET", "what": "read something", "limits": PATIENT, **fields}
    path = values.pop("path", "/x?Secret=s3cret")
    return Request(url=server.url + path, **values)


def test_a_whole_answer_is_returned_with_its_digest(server: Any, make_reply: Reply) -> None:
    server.answers(make_reply("200 OK", b"hello", content_type="Text/CSV; charset=utf-8"))
    sink = io.BytesIO()
    answer = HttpTransport().exchange(ask(server), sink)
    assert (answer.status, sink.getvalue(), answer.body) == (200, b"hello", b"")
    assert answer.digest == hashlib.sha256(b"hello").hexdigest()
    assert (answer.size_bytes, answer.content_type) == (5, "text/csv")


def test_an_error_answer_never_goes_to_the_sink(server: Any, make_reply: Reply) -> None:
    server.answers(make_reply("404 Not Found", b"no such report"))
    sink = io.BytesIO()
    answer = HttpTransport().exchange(ask(server), sink)
    assert (answer.status, sink.getvalue(), answer.body) == (404, b"", b"no such report")


def test_the_request_arrives_exactly_as_written(server: Any, make_reply: Reply) -> None:
    server.answers(make_reply("200 OK"))
    target = "/a%2Fb/c~d?startTime=2026-01-14T00%3A00%3A00.000Z&q=a%20b%2Bc&empty="
    HttpTransport().exchange(
        ask(server, method="POST", path=target, body=b'{"a": 1}', headers={"X-Test": "1"})
    )
    call = server.calls[0]
    assert (call.method, call.target, call.body) == ("POST", target, b'{"a": 1}')
    assert call.headers["host"] == f"127.0.0.1:{server.port}"
    assert call.headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_is_not_followed_and_has_a_family(
    server: Any, make_reply: Reply, status: str, method: str
) -> None:
    server.answers(make_reply(status, location=f"{server.url}/other?token=t0ken"))
    with pytest.raises(Retryable, match="not followed"):
        HttpTransport().exchange(ask(server, method=method))
    with pytest.raises(OutcomeUnknown, match="pointed to") as caught:
        HttpTransport().exchange(ask(server, method=method, is_write=True))
    assert "t0ken" not in str(caught.value)
    assert [call.target for call in server.calls] == ["/x?Secret=s3cret"] * 2


def _silent(connection: socket.socket, call: Any) -> None:
    connection.recv(1)  # until the client hangs up


def _drip(connection: socket.socket, call: Any) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(900):
        connection.sendall(b"x")
        time.sleep(0.05)


def _drip_headers(connection: socket.socket, call: Any) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for count in range(90):
        connection.sendall(b"X-%d: y\r\n" % count)
        time.sleep(0.5)


def _half_body(connection: socket.socket, call: Any) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 500)


def _no_last_chunk(connection: socket.socket, call: Any) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")


def _reset(connection: socket.socket, call: Any) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nxx")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _hang_up(connection: socket.socket, call: Any) -> None:
    connection.close()


def _garbage(connection: socket.socket, call: Any) -> None:
    connection.sendall(b"\x00\x01\x02 what?\r\n\r\n")


def _half_gzip(connection: socket.socket, call: Any) -> None:
    data = gzip.compress(bytes(range(256)) * 400)[:-20]
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(data)}\r\n\r\n"
    connection.sendall(head.encode() + data)


def _bad_gzip(connection: socket.socket, call: Any) -> None:
    connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello"
    )


def _two_lengths(connection: socket.socket, call: Any) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\nhello")


FAULTS = [
    _silent,
    _drip,
    _drip_headers,
    _half_body,
    _no_last_chunk,
    _reset,
    _hang_up,
    _garbage,
    _half_gzip,
    _bad_gzip,
    _two_lengths,
]
SLOW_FAULTS = [_silent, _drip, _drip_headers]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("is_write", [False, True])
def test_a_fault_after_sending_is_executed_once_and_ends_in_time(
    server: Any, fault: Any, is_write: bool
) -> None:
    server.script = fault
    family = OutcomeUnknown if is_write else Retryable
    limits = QUICK if fault in SLOW_FAULTS else PATIENT
    begun = time.monotonic()
    with pytest.raises(family) as caught:
        HttpTransport().exchange(ask(server, is_write=is_write, limits=limits), io.BytesIO())
    assert time.monotonic() - begun < 20  # the slow ones would keep us for 45 s
    assert len(server.calls) == 1
    shown = caught.value
    assert "s3cret" not in str(shown)
    assert shown.__cause__ is None
    assert shown.__context__ is None


def test_a_drip_is_ended_by_the_deadline_and_silence_by_the_stall_limit(server: Any) -> None:
    server.script = _drip
    with pytest.raises(Retryable, match="not finished within 1 s"):
        HttpTransport().exchange(ask(server, limits=Limits(1, stall_s=20, deadline_s=1)))
    server.script = _silent
    with pytest.raises(Retryable, match="stall limit"):
        HttpTransport().exchange(ask(server, limits=Limits(10, stall_s=0.4, deadline_s=30)))


def test_a_closed_port_means_that_nothing_was_sent() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    request = Request("GET", f"http://127.0.0.1:{port}/x", "post a journal", is_write=True)
    with pytest.raises(Retryable, match="Nothing was sent"):
        HttpTransport().exchange(request)


def test_a_listener_that_never_accepts_tls_means_that_nothing_was_sent() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(1)
        url = f"https://127.0.0.1:{deaf.getsockname()[1]}/x"
        with pytest.raises(Retryable, match="no connection within"):
            HttpTransport().exchange(Request("POST", url, "post", is_write=True, limits=QUICK))


def test_a_name_server_that_hangs_is_cut_off_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: time.sleep(30))
    request = Request("POST", "https://slow.example.test/x", "post", is_write=True, limits=QUICK)
    begun = time.monotonic()
    with pytest.raises(Retryable, match=r"not resolved|no connection"):
        HttpTransport().exchange(request)
    assert time.monotonic() - begun < 20


def test_gzip_is_expanded_and_two_members_are_one_body(server: Any, make_reply: Reply) -> None:
    body = gzip.compress(b"first,") + gzip.compress(b"second")
    server.answers(make_reply("200 OK", body, content_encoding="gzip"))
    sink = io.BytesIO()
    answer = HttpTransport().exchange(ask(server), sink)
    assert sink.getvalue() == b"first,second"
    assert answer.digest == hashlib.sha256(b"first,second").hexdigest()


def test_a_bomb_is_not_expanded(server: Any, make_reply: Reply) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)  # about 1:1000
    server.answers(make_reply("200 OK", bomb, content_encoding="gzip"))
    sink = io.BytesIO()
    with pytest.raises(Rejected, match="200-fold"):
        HttpTransport().exchange(ask(server), sink)
    assert len(sink.getvalue()) < 12_000_000
    with pytest.raises(OutcomeUnknown, match="200-fold"):
        HttpTransport().exchange(ask(server, is_write=True))


def test_ceilings_hold_before_and_after_expansion(server: Any, make_reply: Reply) -> None:
    server.answers(make_reply("200 OK", b"x" * 2000))
    small = Limits(max_wire_bytes=1000)
    with pytest.raises(Rejected, match="more than 1000 bytes"):
        HttpTransport().exchange(ask(server, limits=small))
    server.answers(make_reply("200 OK", gzip.compress(b"x" * 2000), content_encoding="gzip"))
    with pytest.raises(Rejected, match="larger than 1500 bytes"):
        HttpTransport().exchange(ask(server, limits=Limits(max_memory_bytes=1500)))


def test_a_download_without_a_declared_length_is_not_taken_for_whole(server: Any) -> None:
    server.answers(b"HTTP/1.0 200 OK\r\nContent-Type: text/csv\r\n\r\nhalf of it, perh")
    with pytest.raises(Retryable, match="declares no length"):
        HttpTransport().exchange(ask(server), io.BytesIO())


def test_of_a_large_error_page_only_the_beginning_is_kept(server: Any, make_reply: Reply) -> None:
    server.answers(make_reply("500 Oops", b"x" * 1_000_000))
    answer = HttpTransport().exchange(ask(server))
    assert (answer.status, len(answer.body)) == (500, 65536)


def test_a_full_disk_is_not_a_fault_of_the_wire(server: Any, make_reply: Reply) -> None:
    class FullDisk(io.BytesIO):
        def write(self, data: Any) -> int:
            raise OSError(28, "No space left on device")

    server.answers(make_reply("200 OK", b"hello"))
    with pytest.raises(OSError, match="No space left"):
        HttpTransport().exchange(ask(server), FullDisk())


# status, family of a read, family of a write. 4xx is a refusal by definition; 5xx and 429 are not.
STATUSES = [
    ("400 Bad Request", Refused, Refused),
    ("401 Unauthorized", Refused, Refused),
    ("404 Not Found", Refused, Refused),
    ("408 Request Timeout", Retryable, OutcomeUnknown),
    ("429 Too Many Requests", Busy, OutcomeUnknown),
    ("500 Internal Server Error", Retryable, OutcomeUnknown),
    ("502 Bad Gateway", Retryable, OutcomeUnknown),
    ("503 Service Unavailable", Busy, OutcomeUnknown),
    ("599 Strange", Retryable, OutcomeUnknown),
]


@pytest.mark.parametrize(("line", "read", "write"), STATUSES)
def test_each_status_has_a_family_and_is_asked_once(
    server: Any, make_reply: Reply, line: str, read: type, write: type
) -> None:
    server.answers(make_reply(line, retry_after="7"))
    for is_write, family in ((False, read), (True, write)):
        request = ask(server, is_write=is_write)
        error = judge(HttpTransport().exchange(request), request)
        assert type(error) is family
    assert len(server.calls) == 2


def test_a_status_documented_as_not_accepted_may_be_sent_again(
    server: Any, make_reply: Reply
) -> None:
    server.answers(make_reply("429 Too Many Requests", retry_after="7"))
    request = ask(server, is_write=True, not_accepted=frozenset({429}))
    error = judge(HttpTransport().exchange(request), request)
    assert isinstance(error, Busy)
    assert error.retry_after_s == 7.0
    assert pickle.loads(pickle.dumps(error)).retry_after_s == 7.0  # noqa: S301 - our own bytes


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("999999", 900.0),  # capped at a quarter of an hour
        ("Thu, 15 Jan 2026 10:21:00 GMT", 30.0),
        ("Thu, 15 Jan 2026 09:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_both_forms(
    server: Any, make_reply: Reply, value: str, seconds: float | None
) -> None:
    server.answers(make_reply("503 Busy", retry_after=value, date="Thu, 15 Jan 2026 10:20:30 GMT"))
    assert HttpTransport().exchange(ask(server)).retry_after_s == seconds


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.test/x",
        "http://10.0.0.5/x",
        "http://0x7f.1/x",
        "http://2130706433/x",
        "http://127.0.0.1.example.test/x",
        "https://good.example.test@evil.example.test/x",
        "https://good.example.test\\@evil.example.test/x",
        "ftp://api.example.test/x",
        "file:///etc/passwd",
        "https:///x",
        "https://api.example.test/x#y",
        "https://api.example.test/x y",
        "https://api.example.test/x\r\nHost: evil",
        "https://api.example.test:99999/x",
        "https://bücher.example.test/x",
    ],
)
def test_addresses_that_would_show_or_misdirect_a_secret_are_refused(url: str) -> None:
    with pytest.raises(Rejected):
        check_address(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.test/x?y=1",
        "http://127.0.0.1:8/x",
        "http://[::1]/x",
        "http://localhost/",
    ],
)
def test_https_and_this_machine_are_allowed(url: str) -> None:
    check_address(url)


def test_plain_http_beyond_this_machine_needs_a_setting() -> None:
    check_address("http://sandbox:18080/x", allow_plain_http=True)


def test_the_environment_supplies_no_proxy_and_no_login(
    server: Any, make_reply: Reply, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login who password leaked\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    server.answers(make_reply("200 OK"))
    HttpTransport().exchange(ask(server))
    assert "authorization" not in server.calls[0].headers


def test_a_header_with_a_line_break_is_our_own_bug_and_its_value_stays_hidden() -> None:
    with pytest.raises(ValueError, match="X-Api-Key") as caught:
        Request("GET", "https://api.example.test", "x", headers={"X-Api-Key": "abc\r\nEvil: 1"})
    assert "abc" not in str(caught.value)
