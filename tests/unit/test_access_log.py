"""No card number reaches Airflow's access log, and a page that is asked for one says no."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from airflow.api_fastapi.common.http_access_log import HttpAccessLogMiddleware
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from sqlalchemy import select

from include import wiring
from include.adapters.store import schema
from include.adapters.store.order_tables import alerts

DIGITS = "4111111111111111"


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    """Collect what the access log and lines beside it would say, as Airflow joins them."""
    before, seen = structlog.get_config(), structlog.testing.LogCapture()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, seen])
    yield seen.entries
    structlog.configure(**before)


@pytest.fixture
def app() -> FastAPI:
    """An application as Airflow's: the access log outermost, something of ours below a prefix."""
    import tieout_plugin  # noqa: F401 - what Airflow loads before it serves

    inner, outer = FastAPI(), FastAPI()

    @inner.get("/orders/{number:path}")
    def order(number: str, request: Request) -> list[str | None]:
        structlog.get_logger("ours").info("worked")
        return [number, request.query_params.get("number"), request.headers.get("x-request-id")]

    outer.mount("/tieout-api/v1", inner)
    outer.add_middleware(HttpAccessLogMiddleware)
    return outer


@pytest.mark.parametrize(
    "number",
    ["4111111111111111", "4111-1111-1111-1111", "4111.1111.1111.1111", "4111 1111 1111 1111"],
)
def test_the_access_log_shows_no_card_number_and_the_application_gets_the_request(
    app: FastAPI, logged: list[Any], number: str
) -> None:
    answer = TestClient(app).get(
        f"/tieout-api/v1/orders/{number}",
        params={"number": number, "state": "open"},
        headers={"X-Request-Id": number},
    )
    assert answer.json() == [number, number, number]
    ours, line = logged
    assert line["path"] == "/tieout-api/v1/orders/[card number]"
    assert "card+number" in line["query"]
    assert line["query"].endswith("state=open")
    assert (line["status_code"], line["request_id"]) == (200, "[card number]")
    assert ours["request_id"] == "[card number]"
    assert number not in str(logged)
    assert DIGITS[4:] not in "".join(filter(str.isdigit, line["path"] + line["query"]))


def test_any_other_request_is_logged_as_it_came(app: FastAPI, logged: list[Any]) -> None:
    asked = {"number": "W100123", "shop": "a b"}
    name = {"X-Request-Id": "6425873491246001234567"}
    TestClient(app).get("/tieout-api/v1/orders/1", params=asked, headers=name)
    *_, line = logged
    assert line["path"] == "/tieout-api/v1/orders/1"
    assert line["query"] == "number=W100123&shop=a+b"
    assert line["request_id"] == "6425873491246001234567"


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setitem(os.environ, "TIEOUT_STORE_URL", f"sqlite:///{tmp_path / 'tieout.db'}")
    monkeypatch.setitem(os.environ, "TIEOUT_LAKE", str(tmp_path / "lake"))
    wiring.tieout.cache_clear()
    from airflow.api_fastapi.core_api.security import get_user

    from tieout.web.order_pages import router as order_router
    from tieout.web.pages import build_app, router
    from tieout.web.rendering import refuse_cards

    schema.metadata.create_all(wiring.tieout().store)
    app = build_app()
    # The right to read the DAG is Airflow's own code; the scheduler test goes through it.
    guards = {d.dependency for d in (*router.dependencies, *order_router.dependencies)}
    for guard in guards - {refuse_cards}:
        app.dependency_overrides[guard] = lambda: None
    app.dependency_overrides[get_user] = lambda: SimpleNamespace(get_name=lambda: "ann")
    yield TestClient(app, follow_redirects=False)
    wiring.tieout.cache_clear()


@pytest.mark.parametrize(
    ("address", "where"),
    [
        (f"/orders?number={DIGITS}", "the query"),
        ("/orders?number=4111%201111%201111%201111", "the query"),
        ("/orders/4111-1111-1111-1111", "the path"),
        (f"/orders/of/acme_us/{DIGITS}", "the path"),
        (f"/days?merchant={DIGITS}", "the query"),
        (f"/runs/{DIGITS}", "the path"),
    ],
)
def test_a_page_asked_for_by_a_card_number_is_refused_and_alarmed(
    pages: TestClient, address: str, where: str
) -> None:
    answer = pages.get(address)
    assert answer.status_code == 422
    assert f"{where} holds a card number" in answer.text
    with wiring.tieout().store.connect() as connection:
        told = connection.execute(select(alerts.c.words, alerts.c.count)).one()
    assert tuple(told) == (f"airflow:ann: {where} of a page", 1)
    assert DIGITS not in answer.text + str(told)
    assert pages.get("/orders?number=W100123").status_code == 200
