"""The sweeper that never dies, the shell, the mount, and the process that runs alone."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine as SqlEngine
from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette
from starlette.routing import Mount

from include.domain.errors import OutcomeUnknown, Parked, Rejected, Retryable
from include.services.api.clients import add_client
from include.services.api.ports import Role
from include.services.inbox.ports import Incoming
from include.wiring import Settings, Tieout
from tests.api.calling import Caller
from tests.api.conftest import Kit, build_api, order_body
from tests.orders.partners import FakePartner
from tests.tampering import unguard
from tests.waiting import wait_until
from tieout import cli
from tieout.api import joined
from tieout.api.app import LazyApp, build_app
from tieout.api.runtime import Api
from tieout.api.settings import ApiSettings
from tieout.api.worker import SagaWorker


def test_a_sweeper_survives_every_kind_of_error(caplog: pytest.LogCaptureFixture) -> None:
    faults: list[Exception] = [
        Retryable("away", "gateway", "Wait."),
        Rejected("no", "SYSPRO", "Mend it."),
        OutcomeUnknown("?", "gateway", "Look."),
        KeyError("password=hunter2"),
        RuntimeError("bug"),
        OperationalError("INSERT", {"name": "Ann Lee"}, ValueError("Ann Lee is there")),
        ExceptionGroup("two", [Parked("closed period", "SYSPRO B", "Open it."), ValueError("v")]),
    ]
    calls = []

    def work() -> int:
        calls.append(1)
        if faults:
            raise faults.pop(0)
        return 0

    worker = SagaWorker("test", work, every_s=0.01)
    worker.start()
    wait_until(lambda: len(calls) > 9)
    worker.stop()
    stopped_at = len(calls)
    time.sleep(0.1)
    assert len(calls) == stopped_at
    for family in ("Retryable", "Rejected", "OutcomeUnknown", "KeyError", "RuntimeError"):
        assert family in caplog.text
    assert "family=Parked what=closed period" in caplog.text
    assert "bug=OperationalError what=ValueError" in caplog.text
    assert "hunter2" not in caplog.text
    assert "Ann Lee" not in caplog.text


def test_a_sweeper_goes_on_at_once_while_there_is_work_and_wakes_when_told() -> None:
    left, swept = [3], threading.Event()

    def work() -> int:
        left[0] -= 1
        if left[0] <= 0:
            swept.set()
        return max(left[0], 0)

    worker = SagaWorker("test", work, every_s=60)
    worker.start()
    assert swept.wait(5)
    swept.clear()
    worker.wake()
    assert swept.wait(5)
    worker.stop(5)


def test_a_placed_order_is_driven_to_its_end_by_the_process_itself(
    sqlite_store: SqlEngine,
) -> None:
    _, parts = build_api(sqlite_store, FakePartner())
    works = {"sagas": lambda: parts.service().sweep(["acme_us"], 50)}
    api = Api(replace(parts, works=works), ApiSettings())
    with Caller(build_app(api)) as http:
        key = add_client(parts.clients, "web_shop", "web", frozenset({Role.read, Role.write}))
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "k-1"}
        placed = http.request("POST", "/v1/orders", json=order_body(), headers=headers)
        path = placed.headers["Location"]
        wait_until(lambda: http.request("GET", path, headers=headers).json()["state"] == "captured")


# The shell -------------------------------------------------------------------------------------


@pytest.fixture
def shell(sqlite_store: SqlEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tieout:
    url = str(sqlite_store.url)
    context = Tieout(Settings(url, tmp_path))
    monkeypatch.setattr(cli, "tieout", lambda: context)
    monkeypatch.setattr(joined, "tieout", lambda: context)
    return context


def test_clients_are_added_listed_and_revoked_from_the_shell(
    shell: Tieout, capsys: pytest.CaptureFixture[str]
) -> None:
    add = ["api-clients", "add", "acme_shop", "--shop", "acme_us_web", "--roles", "read", "write"]
    assert cli.main([*add, "--who", "ann"]) == 0
    key = capsys.readouterr().out.splitlines()[0]
    assert key.startswith("acme_shop.")
    assert cli.main(add) == 1  # the name is taken
    assert cli.main([*add[:4], "no_such_shop", *add[5:]]) == 1
    capsys.readouterr()
    assert cli.main(["api-clients", "list"]) == 0
    listed = capsys.readouterr().out
    assert "acme_us_web" in listed
    assert key.partition(".")[2] not in listed
    assert cli.main(["api-clients", "revoke", "acme_shop", "--who", "ann"]) == 0
    assert cli.main(["audit", "verify"]) == 0
    capsys.readouterr()
    cli.main(["api-clients", "list"])
    assert "revoked" in capsys.readouterr().out


# Joined and mounted ----------------------------------------------------------------------------


def test_the_real_parts_come_together(shell: Tieout) -> None:
    _, api = build_api(shell.store, FakePartner())
    partners = joined.Joined(
        service=api.service,
        sweep=lambda limit: api.service().sweep(["acme_us"], limit),
        replay=api.replay,
        webhook=api.webhook,
        is_anothers_token=lambda _order: False,
        unsold=lambda _order: (),
        handlers={"order.updated": lambda _row: "passed on"},
        owner="payments@acme.example",
    )
    parts = joined.parts_of(shell, partners)
    assert parts.shop("acme_us_web").purchase_order("1001") == "W1001"
    with pytest.raises(Rejected):
        parts.shop("nobody")
    parts.inbox.store([Incoming("woocommerce|web", "a", "order.updated", b"{}")])
    assert parts.works["inbox"]() == 1
    assert parts.works["sagas"]() == 0
    assert parts.verify_audit("", 100).is_unbroken


def test_the_audit_shows_that_its_end_was_cut_off(
    shell: Tieout, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = joined.join()
    for name in ("one", "two"):
        add_client(parts.clients, name, "web", frozenset({Role.read}))
    shell.trust.note()
    assert parts.verify_audit("", 100).is_unbroken
    with shell.store.begin() as connection:  # by whoever may write to the database itself
        unguard(connection)
        connection.exec_driver_sql("DELETE FROM audit WHERE entry_no > 1")
    assert not parts.verify_audit("", 100).is_unbroken
    assert cli.main(["audit", "verify"]) == 1


def test_mounted_under_another_server_it_works_from_the_first_request(
    shell: Tieout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TIEOUT_API_WORKER", raising=False)
    app = LazyApp(runs_alone=False)
    outer = Starlette(routes=[Mount("/tieout-api", app)])

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(outer)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return [
                await client.get("/tieout-api/v1/health"),
                await client.get("/tieout-api/v1/orders"),
                await client.get("/tieout-api/v1/nothing"),
            ]

    health, orders, nothing = asyncio.run(ask())
    assert (health.status_code, orders.status_code, nothing.status_code) == (200, 401, 404)
    assert app._app is not None
    api: Api = app._app.state.api
    assert set(api.workers) == {"alarms"}  # the DAGs sweep
    api.stop()


def test_where_it_is_mounted_changes_addresses_and_nothing_else(kit: Kit) -> None:
    outer = Starlette(routes=[Mount("/tieout-api", kit.app)])
    body = order_body()
    sent = {"Authorization": f"Bearer {kit.keys['web_shop']}", "Idempotency-Key": "k-1"}

    async def place() -> httpx.Response:
        transport = httpx.ASGITransport(outer)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return await client.post("/tieout-api/v1/orders", json=body, headers=sent)

    mounted = asyncio.run(place())
    alone = kit.call("POST", "/v1/orders", body, key="k-1")
    assert mounted.text == alone.text
    assert mounted.headers["Location"] == "/tieout-api" + alone.headers["Location"]


def test_the_plugin_mounts_it_and_imports_next_to_nothing() -> None:
    code = (
        "import sys; sys.path[:0] = ['plugins', '.']\n"
        "from tieout.api.mounted import mounted_app\n"
        "heavy = {'fastapi', 'sqlalchemy', 'pydantic'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    root = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)
    from tieout.api.mounted import mounted_app
    from tieout_plugin import TieoutPlugin

    mounted = {one["url_prefix"]: one["app"] for one in TieoutPlugin.fastapi_apps}
    assert mounted["/tieout-api"] is mounted_app
    assert set(mounted) == {"/tieout", "/tieout-api"}


SETTINGS_OF_NO_USE = (
    ("RATE_PER_S", "fast"),
    ("WORKER", "maybe"),
    ("THREADS", "1"),
    ("TRUSTED_PROXIES", "10.1.2.3/8"),
)


def test_a_setting_that_cannot_be_used_is_named() -> None:
    for name, value in SETTINGS_OF_NO_USE:
        with pytest.raises(Rejected, match=f"TIEOUT_API_{name}"):
            ApiSettings.of({f"TIEOUT_API_{name}": value}, worker=True)
    assert ApiSettings.of({}, worker=True).worker
    assert not ApiSettings.of({"TIEOUT_API_WORKER": "off"}, worker=True).worker
    assert ApiSettings.of({"TIEOUT_API_RATE_PER_S": "7"}, worker=False).rate_per_s == 7


def test_a_client_may_send_twice_its_rate_at_once() -> None:
    for rate in ("", "10", "1000"):
        found = ApiSettings.of({"TIEOUT_API_RATE_PER_S": rate}, worker=True)
        assert found.burst == 2 * found.rate_per_s


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("TIEOUT_STORE_URL", "sqlite:///{home}/empty.db", "this version needs"),
        ("TIEOUT_API_BODY_S", "0", "A number from 1 to 300"),
    ],
)
def test_alone_it_ends_at_once_where_it_can_never_work(
    tmp_path: Path, variable: str, value: str, said: str
) -> None:
    environment = {**os.environ, "TIEOUT_STORE_URL": "sqlite://", "TIEOUT_LAKE": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "tieout.api", "--port", "1"],
        env={**environment, variable: value.format(home=tmp_path)},
        timeout=60,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert said in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_misnamed_client_is_no_tenant(kit: Kit) -> None:
    assert kit.call("GET", "/v1/orders", who="house").status_code == 200
    body = kit.call("POST", "/v1/orders", {}, who="house", key="k")
    assert body.status_code == 403
