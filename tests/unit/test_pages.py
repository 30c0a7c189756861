"""The pages: exact amounts, nothing unescaped, nothing found outside the store."""

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import insert

from include import wiring
from include.adapters.store import schema
from include.domain.money import Money

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setitem(os.environ, "TIEOUT_STORE_URL", f"sqlite:///{tmp_path / 'tieout.db'}")
    monkeypatch.setitem(os.environ, "TIEOUT_LAKE", str(tmp_path / "lake"))
    wiring.tieout.cache_clear()
    from tieout.web import pages

    schema.metadata.create_all(wiring.tieout().store)
    app = FastAPI()
    app.include_router(pages.router)
    # The right to read the DAG is Airflow's own code; the scheduler test goes through it.
    app.dependency_overrides = {
        d.dependency: lambda: None for d in pages.router.dependencies if d.dependency
    }
    yield TestClient(app)
    wiring.tieout.cache_clear()


def open_item(**changes: object) -> dict[str, object]:
    return {
        "item_key": "k1", "merchant_id": "acme_us", "settlement_date": date(2026, 10, 31),
        "stage": "match", "cause": "missing_in_erp", "currency": "USD", "amount_minor": -1234567,
        "source": "", "document_id": "", "explanation": "found", "next_action": "do",
        "owner": "ar@acme.example", "state": "open", "opened_at": NOW, "resolved_by": "",
        "resolution": "", **changes,
    }  # fmt: skip


def test_an_amount_is_grouped_for_people_and_loses_no_digit() -> None:
    from tieout.web.rendering import amount, grouped

    assert grouped(Money(-123456789, "USD")) == "-1,234,567.89"
    assert grouped(Money(-5, "USD")) == "-0.05"
    assert grouped(Money(20000, "JPY")) == "20,000"
    assert amount(None, "USD") == "not readable"


def test_a_stored_script_is_shown_as_text(client: TestClient) -> None:
    hostile = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    with wiring.tieout().store.begin() as connection:
        connection.execute(insert(schema.open_items), open_item(explanation=hostile))
    page = client.get("/open-items")
    assert page.status_code == 200
    assert "<script>" not in page.text
    assert "<img" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "-12,345.67 USD" in page.text
    assert "script-src" not in page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/days/acme_us/2026-10-31/report.html",
        "/days/..%2f..%2fetc/2026-10-31/report.csv",
        "/days/acme_us/2026-10-31/passwd",
        "/days/' OR 1=1 --/2026-10-31/report.xlsx",
    ],
)
def test_what_is_not_in_the_store_is_not_found(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    "query", ["state=closed", "offset=-1", "offset=x", "state=open'--", "merchant=" + "x" * 65]
)
def test_a_bad_filter_is_refused_and_not_an_error_of_ours(client: TestClient, query: str) -> None:
    assert client.get(f"/open-items?{query}").status_code == 422


def test_sql_in_a_filter_is_only_a_merchant_nobody_has(client: TestClient) -> None:
    with wiring.tieout().store.begin() as connection:
        connection.execute(insert(schema.open_items), open_item())
    page = client.get("/open-items", params={"merchant": "x' OR '1'='1"})
    assert page.status_code == 200
    assert "12,345" not in page.text


def test_an_open_item_shows_its_number_and_a_resolved_one_who_resolved_it(
    client: TestClient,
) -> None:
    ended = open_item(
        item_key="k2", state="resolved", resolved_at=NOW, resolved_by="ann",
        resolution="paid by <cheque>",
    )  # fmt: skip
    with wiring.tieout().store.begin() as connection:
        connection.execute(insert(schema.open_items), open_item(item_id=4711))
        connection.execute(insert(schema.open_items), ended)
    assert '<td class="n">4711</td>' in client.get("/open-items").text
    page = client.get("/open-items?state=resolved").text
    assert "paid by &lt;cheque&gt;" in page
    assert "ann<br><small>2026-11-02 12:00</small>" in page
    assert "4711" not in page


def test_an_empty_store_says_what_to_do(client: TestClient) -> None:
    assert "Run <b>settlement_reconciliation</b>" in client.get("/days").text
    assert "Everything ties" in client.get("/open-items").text
    assert "No open dead letter" in client.get("/dead-letters").text
