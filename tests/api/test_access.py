"""Who may do what: every route, every role, every tenant; rates; the mount in Airflow."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import Engine as SqlEngine

from include.adapters.store.api_alerts import SqlAlarms
from include.domain.errors import Rejected
from include.services.api.clients import add_client, hash_secret, is_secret_of
from include.services.api.ports import ANY_SHOP, ApiClient, Role
from tests.api.conftest import Kit, build_kit, order_body
from tests.waiting import wait_until
from tieout.api.addresses import networks_of
from tieout.api.app import ROUTERS
from tieout.api.auth import Needs, Open
from tieout.api.document import protection_of

ROUTES = [
    (method, route)
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in sorted(route.methods)
]
CELLS = [(method, route, role) for method, route in ROUTES for role in (None, *Role)]
OPEN = {
    ("GET", "/v1/health"),
    ("GET", "/v1/webhooks/health"),
    ("POST", "/v1/webhooks/health"),
    ("POST", "/v1/webhooks/cybersource/{merchant_id}"),
    ("POST", "/v1/webhooks/woocommerce/{shop_id}"),
    ("POST", "/v1/webhooks/generic/{shop_id}"),
}


@pytest.fixture
def one_role(kit: Kit) -> Kit:
    """Clients that have one role each."""
    for role in Role:
        name = f"only_{role}"
        kit.keys[name] = add_client(kit.api.parts.clients, name, "web", frozenset({role}))
    return kit


def test_every_route_names_its_protection() -> None:
    is_open = {(m, r.path) for m, r in ROUTES if isinstance(protection_of(r), Open)}
    assert is_open == OPEN


def test_each_role_passes_where_it_should_and_nowhere_else(one_role: Kit) -> None:
    """The matrix is made from the route table, so a new route is in it at once."""
    order_id = "ord_" + "0" * 26
    for method, route, role in CELLS:
        path = route.path.format(
            order_id=order_id,
            refund_id="ref_" + "0" * 26,
            number=1,
            merchant_id="acme_us",
            shop_id="web",
        )
        answer = one_role.call(method, path, {}, f"only_{role}" if role else "", key="k-1")
        protection = protection_of(route)
        cell = f"{method} {route.path} as {role}: {answer.status_code}"
        if isinstance(protection, Needs):
            if role is None:
                assert answer.status_code == 401, cell
                assert answer.headers["WWW-Authenticate"] == "Bearer"
            elif role is not protection.role:
                assert answer.status_code == 403, cell
            else:
                assert answer.status_code not in (401, 403), cell
        elif protection.is_signed:
            assert answer.status_code in (400, 401, 404), cell
        else:
            assert answer.status_code == 200, cell


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer web_shop",
        "Bearer web_shop.",
        "Bearer web_shop.wrongwrongwrongwrongwrong",
        "Bearer nobody.wrongwrongwrongwrongwrong",
        "Basic d2ViOnNob3A=",
        "Bearer web_shop.\u00e9" + "x" * 40,
        "Bearer " + "a" * 5000,
        "Bearer ' OR 1=1.xxxxxxxxxxxxxxxxxxxxxxx",
    ],
)
def test_a_key_that_is_not_valid_is_a_401(kit: Kit, header: str) -> None:
    sent = {"Authorization": header.encode("latin-1")}
    answer = kit.http.request("GET", "/v1/orders", headers=sent)
    assert answer.status_code == 401
    assert answer.json()["type"] == "urn:tieout:problem:unauthenticated"


def test_keys_that_are_not_valid_are_counted_by_client_and_told_with_their_address(
    kit: Kit, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = "x" * 43
    for key in (f"web_shop.{wrong}", f"web_shop.{wrong}", f"nobody.{wrong}", f"another.{wrong}"):
        kit.call("GET", "/v1/orders", who="", Authorization=f"Bearer {key}")
    assert kit.count("alerts") == 0  # they cost no write each
    kit.api.tally.flush()
    with kit.database.connect() as connection:
        rows = connection.exec_driver_sql("SELECT rule, words, count FROM alerts ORDER BY cause")
        assert [tuple(row) for row in rows] == [
            ("api_key_failures", "nobody we know: an unknown client; last from 127.0.0.1", 2),
            ("api_key_failures", "web_shop: a wrong key; last from 127.0.0.1", 2),
        ]
    assert "api_key_refused who=web_shop reason=a wrong key from=127.0.0.1" in caplog.text


def test_what_cannot_be_written_is_counted_on(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError("the disk is full")

    for _ in range(2):
        kit.call("GET", "/v1/orders", who="")
        with monkeypatch.context() as broken:
            broken.setattr(SqlAlarms, "sight", full)
            with pytest.raises(OSError, match="full"):
                kit.api.tally.flush()
    kit.api.tally.flush()
    with kit.database.connect() as connection:
        assert connection.exec_driver_sql("SELECT count FROM alerts").scalars().all() == [2]


def test_the_log_names_whom_a_trusted_proxy_speaks_for(
    sqlite_store: SqlEngine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "tieout.api")
    for kit in build_kit(sqlite_store, trusted_proxies=networks_of("127.0.0.1", "here")):
        kit.call("GET", "/v1/health", who="", X_Forwarded_For="198.51.100.1, 192.0.2.7")
    (said,) = [text for text in caplog.messages if text.startswith("api_answered")]
    assert said.endswith("client=- from=192.0.2.7")


def test_nothing_is_read_of_whom_nobody_knows(kit: Kit) -> None:
    taken = 0

    async def chunks() -> Any:
        nonlocal taken
        for _ in range(100):
            taken += 1
            yield b" " * 1000

    answer = kit.http.request("POST", "/v1/orders", content=chunks())
    assert answer.status_code == 401
    assert taken <= 1


def test_a_secret_is_kept_as_a_hash_only(kit: Kit) -> None:
    client_id, _, secret = kit.keys["web_shop"].partition(".")
    assert len(secret) >= 43  # 256 bits in base64
    with kit.database.connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM api_clients").all()
    assert secret not in str(rows)
    assert hash_secret(client_id, secret) in str(rows)
    assert hash_secret("another", secret) not in str(rows)


def test_a_revoked_client_is_refused_and_its_name_is_used_up(kit: Kit) -> None:
    clients = kit.api.parts.clients
    clients.revoke("web_shop")
    assert kit.call("GET", "/v1/orders").status_code == 401
    with pytest.raises(Rejected, match="name"):
        add_client(clients, "web_shop", "web", frozenset({Role.read}))


@pytest.mark.parametrize(
    ("name", "shop", "roles"),
    [("A", "web", {Role.read}), ("good_one", "web", set()), ("good_one", ANY_SHOP, {Role.write})],
)
def test_an_unsafe_client_is_not_added(kit: Kit, name: str, shop: str, roles: set[Role]) -> None:
    with pytest.raises(Rejected):
        add_client(kit.api.parts.clients, name, shop, frozenset(roles))


def test_an_inactive_client_with_the_right_secret_is_refused() -> None:
    client = ApiClient("web_shop", "web", frozenset(Role), hash_secret("web_shop", "s"), False)
    assert not is_secret_of(client, "web_shop", "s")
    assert not is_secret_of(None, "web_shop", "s")


@pytest.fixture
def slow(sqlite_store: SqlEngine) -> Iterator[Kit]:
    yield from build_kit(sqlite_store, rate_per_s=5, burst=3)


def test_a_client_that_sends_too_much_waits_and_others_do_not(slow: Kit) -> None:
    first = slow.call("GET", "/v1/orders")
    assert first.headers["RateLimit-Policy"] == '"client";q=3;w=1'
    assert first.headers["RateLimit"] == '"client";r=2;t=1'
    answers = (slow.call("GET", "/v1/orders") for _ in range(100))
    refused = next(one for one in answers if one.status_code == 429)
    assert int(refused.headers["Retry-After"]) >= 1
    assert refused.headers["RateLimit"].startswith('"client";r=0')
    assert slow.call("GET", "/v1/orders", who="web_reader").status_code == 200
    wait_until(lambda: slow.call("GET", "/v1/orders").status_code == 200)


def test_a_refused_request_places_nothing(slow: Kit) -> None:
    for asked in range(100):
        answer = slow.call("POST", "/v1/orders", order_body(), key=f"k-{asked}")
        if answer.status_code == 429:
            break
    assert answer.status_code == 429
    assert slow.count("orders") == asked
