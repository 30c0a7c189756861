"""One operator, one session: who else wants it waits, and then gives up unsent."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from include.adapters.http.transport import HttpTransport
from include.adapters.syspro import operator_lease
from include.adapters.syspro.enet import EnetClient
from include.domain.errors import OutcomeUnknown, Retryable
from tests.simulator.memory import MemoryEffectStore
from tests.syspro.conftest import SESSION
from tests.syspro.test_client import EMPTY, OK, drop, post


def _turn(client: EnetClient) -> str:
    return f"syspro-operator|{client.settings.turn}"


def test_a_second_process_waits_for_the_operator_and_then_gives_up_unsent(
    fake: Any,
    make_client: Callable[..., EnetClient],
    leases: MemoryEffectStore,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    client = make_client(operator_wait_s=1)
    held = leases.acquire(_turn(client), "another", timedelta(minutes=1))
    assert held is not None
    with pytest.raises(Retryable, match="another process keeps the operator"):
        post(client)
    assert fake.calls == []
    assert caplog.messages == ["connection syspro_a: waits for its operator, 1 s at most"]


def test_a_connection_of_another_name_waits_for_the_same_operator(
    fake: Any, make_client: Callable[..., EnetClient], leases: MemoryEffectStore
) -> None:
    """The Test button makes a name up; its logon would throw out whoever posts just now."""
    fake.on("query COMFND", EMPTY)
    first = make_client(operator_wait_s=1)
    named = replace(first.settings, conn_id="NYpq5T96")
    tested = EnetClient(named, HttpTransport(), leases, "api-server")
    with first.session():
        first.query("COMFND", "<Query/>")
        with pytest.raises(Retryable, match="another process keeps the operator"):
            tested.check()
    assert fake.count("logon") == 1


def test_the_operator_is_free_again_after_a_session(
    fake: Any, make_client: Callable[..., EnetClient]
) -> None:
    fake.on("post GENTJL", drop)
    first, second = make_client(), make_client()
    with pytest.raises(OutcomeUnknown):
        post(first)
    fake.on("post GENTJL", OK)
    assert post(second) == OK


def test_a_process_that_lost_its_turn_sends_nothing(
    fake: Any, make_client: Callable[..., EnetClient], leases: MemoryEffectStore
) -> None:
    fake.on("query COMFND", EMPTY)
    client = make_client()
    with client.session():
        client.query("COMFND", "<Query/>")
        leases.release(leases._leases[_turn(client)])
        leases.acquire(_turn(client), "another", timedelta(minutes=1))
        with pytest.raises(Retryable, match="took the operator over"):
            post(client)
    assert fake.count("post") == 0


def test_a_turn_that_a_slow_logon_has_used_up_is_no_longer_ours(
    fake: Any,
    make_client: Callable[..., EnetClient],
    leases: MemoryEffectStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Logon and post may each take their whole deadline; one turn outlasts only one of them."""
    monkeypatch.setattr(operator_lease, "_FRESH_S", 0.0)
    client = make_client()

    def be_slow(wire: Any) -> None:
        leases.release(leases._leases[_turn(client)])  # it runs out
        leases.acquire(_turn(client), "another", timedelta(minutes=1))
        wire.reply(SESSION)

    fake.on("logon", be_slow)
    fake.on("post GENTJL", OK)
    with pytest.raises(Retryable, match="took the operator over"):
        post(client)
    assert fake.count("post") == 0
