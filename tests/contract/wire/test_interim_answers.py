"""Interim answers (1xx) come before the answer, and are none."""

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from include.adapters.http.transport import HttpTransport
from include.adapters.http.wire import Limits, Request
from include.domain.errors import OutcomeUnknown, Retryable

PATIENT = Limits(connect_s=20, stall_s=20, deadline_s=30)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
PROCESSING = b"HTTP/1.1 102 Processing\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nTransfer-Encoding: chunked\r\n\r\n"
OTHER = b"HTTP/1.1 199 Miscellaneous\r\nContent-Length: 5\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"
Reply = Callable[..., bytes]


def ask(server: Any, *, is_write: bool, limits: Limits = PATIENT) -> Request:
    return Request("POST", f"{server.url}/x", "pay", "R1", is_write=is_write, limits=limits)


@pytest.mark.parametrize("is_write", [False, True])
@pytest.mark.parametrize(
    "before",
    [CONTINUE, PROCESSING, HINTS, OTHER, PROCESSING * 3 + CONTINUE + HINTS],
    ids=["100", "102", "103", "199", "many"],
)
def test_the_final_answer_is_the_answer(
    server: Any, make_reply: Reply, before: bytes, is_write: bool
) -> None:
    server.answers(before + make_reply("200 OK", b"{}", content_type="application/json"))
    answer = HttpTransport().exchange(ask(server, is_write=is_write))
    assert (answer.status, answer.body, answer.headers.get("link")) == (200, b"{}", None)
    assert len(server.calls) == 1


@pytest.mark.parametrize(("is_write", "family"), [(False, Retryable), (True, OutcomeUnknown)])
@pytest.mark.parametrize("before", [PROCESSING, SWITCH], ids=["ended after 102", "101"])
def test_without_a_final_answer_nothing_is_known(
    server: Any, before: bytes, is_write: bool, family: type[Exception]
) -> None:
    server.answers(before)
    with pytest.raises(family):
        HttpTransport().exchange(ask(server, is_write=is_write))


def test_interim_answers_without_end_are_ended_by_the_deadline(server: Any) -> None:
    def stream(connection: socket.socket, _call: Any) -> None:
        while True:
            connection.sendall(PROCESSING)
            time.sleep(0.01)

    server.script = stream
    limits = Limits(connect_s=1, stall_s=20, deadline_s=1)
    begun = time.monotonic()
    with pytest.raises(OutcomeUnknown, match="not finished within 1 s"):
        HttpTransport().exchange(ask(server, is_write=True, limits=limits))
    assert time.monotonic() - begun < 15
