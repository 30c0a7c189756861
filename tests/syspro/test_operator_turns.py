"""One operator, one session: who else wants it waits, and then gives up unsent."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from include.adapters.http.transport import HttpTransport
from include.adapters.syspro import operator_lease
from include.adapters.syspro.adapter import SysproAdapter
from include.adapters.syspro.enet import EnetClient
from include.adapters.syspro.operator_lease import OperatorLease
from include.domain.errors import OutcomeUnknown, Retryable
from include.services.effects.store import Lease
from include.services.ports import PeriodState
from tests.simulator.memory import MemoryEffectStore
from tests.syspro.conftest import SESSION
from tests.syspro.support import options, table
from tests.syspro.test_client import EMPTY, OK, drop, post
from tests.syspro.test_ledger_reader import ar_row


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


def somebody_waits(leases: MemoryEffectStore, client: EnetClient) -> Lease:
    """As one says that looks for the operator just now; its own wait is what ``sleep`` does."""
    said = leases.acquire(f"{_turn(client)}|next", "another", timedelta(minutes=1))
    assert said is not None
    return said


def test_who_waits_says_so_while_it_does(
    fake: Any, make_client: Callable[..., EnetClient], leases: MemoryEffectStore
) -> None:
    fake.on("post GENTJL", OK)
    settings = make_client(operator_wait_s=5).settings
    held = leases.acquire(f"syspro-operator|{settings.turn}", "night", timedelta(minutes=1))
    assert held is not None
    said: list[bool] = []

    def sleep(_s: float) -> None:
        probe = leases.acquire(f"syspro-operator|{settings.turn}|next", "night", timedelta(0))
        said.append(probe is None)
        if len(said) == 3:
            leases.release(held)

    waiting = EnetClient(settings, HttpTransport(), leases, "checkout", sleep=sleep)
    assert post(waiting) == OK
    assert said == [True, True, True]
    over = leases._leases[f"syspro-operator|{settings.turn}|next"].expires_at
    assert over < datetime.now(UTC) + timedelta(seconds=operator_lease._LONG_S)


def test_a_store_that_fails_once_the_operator_is_there_does_not_keep_it(
    fake: Any,
    make_client: Callable[..., EnetClient],
    leases: MemoryEffectStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As it would for minutes, until the turn of a process that never began has run out."""
    fake.on("post GENTJL", OK)
    settings = make_client(operator_wait_s=5).settings
    held = leases.acquire(f"syspro-operator|{settings.turn}", "night", timedelta(minutes=1))
    assert held is not None
    release = leases.release

    def fail(lease: Lease) -> None:
        if lease.name.endswith("|next"):
            raise ConnectionError("the store is away")
        release(lease)

    monkeypatch.setattr(leases, "release", fail)
    client = EnetClient(
        settings, HttpTransport(), leases, "checkout", sleep=lambda _s: release(held)
    )
    assert post(client) == OK
    assert leases.acquire(held.name, "night", timedelta(0)) is not None


def test_who_waits_has_the_operator_between_two_things_of_a_long_night(
    fake: Any,
    make_client: Callable[..., EnetClient],
    leases: MemoryEffectStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake.on("query COMFND", EMPTY)
    fake.on("post GENTJL", OK)
    checkout = make_client()
    night = EnetClient(
        checkout.settings, HttpTransport(), leases, "night", sleep=lambda _s: told.append(buy())
    )
    told: list[bytes] = []

    def buy() -> bytes:
        return post(checkout)

    with night.turns():
        night.query("COMFND", "<Query/>")
        monkeypatch.setattr(operator_lease, "_LONG_S", 0.0)  # by now it is held long
        night.query("COMFND", "<Query/>")  # nobody waits
        somebody_waits(leases, checkout)
        with night.session():
            for _ in range(2):  # one thing: nobody comes between its own calls
                night.query("COMFND", "<Query/>")
    assert told == [OK]
    assert fake.verbs() == [
        *("logon", "query COMFND", "query COMFND", "logoff"),
        *("logon", "post GENTJL", "logoff"),
        *("logon", "query COMFND", "query COMFND", "logoff"),
    ]


def test_it_is_asked_no_oftener_than_a_turn_may_be_held_whether_somebody_waits(
    make_client: Callable[..., EnetClient],
    leases: MemoryEffectStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each time asks the store, at every thing of a night of many thousands."""
    client, at = make_client(), 0.0
    monkeypatch.setattr(operator_lease, "time", SimpleNamespace(monotonic=lambda: at))
    night = OperatorLease(client.faults, leases, "night")
    night.acquire()
    at = 11.0
    assert not night.is_due_to_another()
    somebody_waits(leases, client)
    at = 20.0
    assert not night.is_due_to_another()
    at = 21.0
    assert night.is_due_to_another()


@pytest.mark.parametrize(
    ("opened", "long_s"),
    [(EnetClient.session, 0.0), (EnetClient.turns, 10.0)],
    ids=["one thing", "many, not for long yet"],
)
def test_who_waits_has_no_turn_within_one_thing_nor_at_once(
    fake: Any,
    make_client: Callable[..., EnetClient],
    leases: MemoryEffectStore,
    monkeypatch: pytest.MonkeyPatch,
    opened: Callable[[EnetClient], AbstractContextManager[None]],
    long_s: float,
) -> None:
    fake.on("query COMFND", EMPTY)
    monkeypatch.setattr(operator_lease, "_LONG_S", long_s)
    client = make_client()
    with client.turns():
        pass  # what was lent in an earlier run is lent no more
    somebody_waits(leases, client)
    with opened(client):
        for _ in range(2):
            client.query("COMFND", "<Query/>")
    assert fake.verbs() == ["logon", "query COMFND", "query COMFND", "logoff"]


def test_a_turn_that_is_not_given_back_in_time_leaves_a_long_nights_next_thing_unsent(
    fake: Any,
    make_client: Callable[..., EnetClient],
    leases: MemoryEffectStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake.on("query COMFND", EMPTY)
    monkeypatch.setattr(operator_lease, "_LENT_S", 0.0)
    monkeypatch.setattr(operator_lease, "_LONG_S", 0.0)
    held: list[Lease] = []

    def keep(_s: float) -> None:
        if not held:
            taken = leases.acquire(_turn(night), "another", timedelta(minutes=1))
            assert taken is not None
            held.append(taken)

    settings = make_client().settings
    night = EnetClient(settings, HttpTransport(), leases, "night", sleep=keep)
    said = somebody_waits(leases, night)
    with night.turns():
        for _ in range(2):
            with pytest.raises(Retryable, match="another process keeps the operator"):
                night.query("COMFND", "<Query/>")
        assert fake.calls == []
        for lease in (said, *held):
            leases.release(lease)
        night.query("COMFND", "<Query/>")
    assert fake.verbs() == ["logon", "query COMFND", "logoff"]


def test_a_turn_that_ran_out_between_two_things_is_waited_for_again(
    fake: Any,
    make_client: Callable[..., EnetClient],
    leases: MemoryEffectStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As while a journal is built for longer than the lease lasts."""
    fake.on("query COMFND", EMPTY)
    monkeypatch.setattr(operator_lease, "_MARGIN_S", -19.9)  # with a deadline of 20 seconds
    client = make_client(operator_wait_s=5)
    with client.turns():
        client.query("COMFND", "<Query/>")
        time.sleep(0.2)
        assert leases.acquire(_turn(client), "another", timedelta(seconds=0.1)) is not None
        client.query("COMFND", "<Query/>")
    assert fake.count("logon") == 2


@pytest.mark.parametrize("asks_first", [False, True], ids=["asked at once", "asked later"])
def test_a_period_may_have_closed_while_another_had_the_operator(
    fake: Any,
    make_adapter: Callable[..., SysproAdapter],
    make_client: Callable[..., EnetClient],
    leases: MemoryEffectStore,
    monkeypatch: pytest.MonkeyPatch,
    asks_first: bool,
) -> None:
    fake.on("query GENQSO", options(2026, 10), options(2026, 11))
    fake.on("query COMFND", table("ArInvoice"))
    monkeypatch.setattr(operator_lease, "_LONG_S", 0.0)
    monkeypatch.setattr(operator_lease, "_LENT_S", 0.0)
    adapter, day = make_adapter(), date(2026, 8, 31)
    with adapter.session():
        assert adapter.reader.posting_period("A", day).state is PeriodState.open
        said = somebody_waits(leases, make_client())
        if asks_first:  # and so is logged on again by then
            assert adapter.orders.documents_of("WEB-1", "") == ()
            leases.release(said)
        assert adapter.reader.posting_period("A", day).state is PeriodState.closed


def test_documents_are_read_page_by_page_each_in_a_turn_of_its_own(
    fake: Any,
    make_adapter: Callable[..., SysproAdapter],
    make_client: Callable[..., EnetClient],
    leases: MemoryEffectStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake.on("query COMFND", table("ArInvoice", ar_row()))  # the second page brings nothing new
    monkeypatch.setattr(operator_lease, "_LONG_S", 0.0)
    monkeypatch.setattr(operator_lease, "_LENT_S", 0.0)
    adapter, day = make_adapter(), date(2026, 11, 1)
    somebody_waits(leases, make_client())
    with adapter.session():
        assert len(list(adapter.reader.documents("A", day, day))) == 1
    assert fake.count("logon") == 2
