"""The line before the first byte, on a real connection: a write says so, and may be stopped."""

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from include.adapters.http.transport import HttpTransport
from include.adapters.http.wire import Limits, Request
from include.domain.errors import OutcomeUnknown, Retryable
from include.services.effects.departure import departing

PATIENT = Limits(connect_s=20, stall_s=20, deadline_s=30)
Reply = Callable[..., bytes]


def post(server: Any, **fields: Any) -> Request:
    values = {"is_write": True, "body": b"money", "limits": PATIENT, **fields}
    return Request("POST", f"{server.url}/x", "post a journal", **values)


def test_a_write_says_once_that_it_leaves_when_it_is_connected_and_nothing_has_left(
    server: Any, make_reply: Reply
) -> None:
    left_after: list[int] = []
    server.answers(make_reply("200 OK"))
    with departing(lambda: left_after.append(len(server.calls))):
        HttpTransport().exchange(post(server))
        HttpTransport().exchange(post(server, is_write=False))  # a read has nothing to say
    assert left_after == [0]
    assert len(server.calls) == 2


def test_a_write_that_may_not_leave_reaches_nobody(server: Any, make_reply: Reply) -> None:
    server.answers(make_reply("200 OK"))

    def stop() -> None:
        raise Retryable("too late", "the engine", "It is tried again.")

    with departing(stop), pytest.raises(Retryable, match="too late"):
        HttpTransport().exchange(post(server))
    assert server.calls == []


def test_a_write_that_cannot_connect_never_says_that_it_leaves() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    left: list[bool] = []
    request = Request("POST", f"http://127.0.0.1:{port}/x", "post a journal", is_write=True)
    with departing(lambda: left.append(True)), pytest.raises(Retryable):
        HttpTransport().exchange(request)
    assert left == []


def test_a_record_that_outlasts_the_deadline_lets_nothing_leave(
    server: Any, make_reply: Reply
) -> None:
    """The store may be slow just then; the exchange is over, and what was recorded is undone."""
    server.answers(make_reply("200 OK"))
    limits = Limits(connect_s=1, stall_s=1, deadline_s=1)
    with departing(lambda: time.sleep(1.5)), pytest.raises(Retryable, match="not finished"):
        HttpTransport().exchange(post(server, limits=limits))
    assert server.calls == []


def test_after_the_line_an_answer_that_never_comes_is_a_doubt(server: Any) -> None:
    server.script = lambda connection, call: connection.close()
    with departing(lambda: None), pytest.raises(OutcomeUnknown):
        HttpTransport().exchange(post(server))
    assert len(server.calls) == 1
