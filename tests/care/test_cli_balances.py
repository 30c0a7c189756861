"""``balances`` and its page: what is in transit and in dispute, and what nobody explains."""

import os
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import delete

from include import wiring
from include.adapters.store.schema import expectations
from include.services.journal_book import JournalState
from tests.support_books import DAY
from tests.unit.support import Room
from tieout import cli


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    url = f"sqlite:///{tmp_path / 'tieout.db'}"
    monkeypatch.setitem(os.environ, "TIEOUT_STORE_URL", url)
    monkeypatch.setitem(os.environ, "TIEOUT_LAKE", str(tmp_path / "lake"))
    wiring.tieout.cache_clear()
    made = Room(tmp_path, url)
    made.begin()
    yield made
    wiring.tieout.cache_clear()


@pytest.fixture
def client(room: Room) -> TestClient:
    from tieout.web import pages

    app = FastAPI()
    app.include_router(pages.router)
    # The right to read the DAG is Airflow's own code; the scheduler test goes through it.
    app.dependency_overrides = {
        d.dependency: lambda: None for d in pages.router.dependencies if d.dependency
    }
    return TestClient(app)


def said(capsys: pytest.CaptureFixture[str], *line: str, code: int = 0) -> str:
    capsys.readouterr()
    assert cli.main(["balances", *line]) == code
    return capsys.readouterr().out


def test_each_account_is_told_with_what_it_is_of(
    room: Room, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(capsys, "acme_us", "--on", str(DAY)) == (
        "funds in transit (1160) at the end of 2026-10-30: 267.98 USD, in base 267.98 USD\n"
        "  2026-10-30          267.98 USD  batch B1, due 2026-11-04\n"
        "  explained to the cent by 1 item, 0 of them overdue\n"
        "disputes receivable (1170) at the end of 2026-10-30: 80.00 USD, in base 80.00 USD\n"
        "  2026-10-30           80.00 USD  dispute K1, due 2026-11-19\n"
        "  explained to the cent by 1 item, 0 of them overdue\n"
    )
    later = said(capsys, "acme_us", "--on", str(DAY + timedelta(days=30)))
    assert "batch B1, due 2026-11-04, OVERDUE" in later
    assert "nothing was booked" in said(capsys, "acme_us", "--on", str(date(2026, 10, 29)))


def test_what_nothing_explains_is_a_failure(room: Room, capsys: pytest.CaptureFixture[str]) -> None:
    with room.engine.begin() as connection:
        connection.execute(delete(expectations))
    found = said(capsys, "acme_us", "--on", str(DAY), code=1)
    assert "UNEXPLAINED 267.98 USD: somebody must look before this month is closed" in found


def test_a_merchant_that_nobody_knows_is_named_with_those_that_are(
    room: Room, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["balances", "acme"]) == 1
    assert "Name one of acme_jp, acme_uk, acme_us" in capsys.readouterr().err


def test_the_page_shows_the_same(room: Room, client: TestClient) -> None:
    page = client.get(f"/balances?merchant=acme_us&on={DAY}").text
    for shown in ("funds in transit 1160", "267.98 USD", "batch B1", "2026-11-04", "dispute K1",
                  "explained to the cent by 1 item"):  # fmt: skip
        assert shown in page
    assert "is explained by nothing" not in page
    (journal, *_) = (booked.journal for booked in room.journals.of_day(room.day()))
    room.journals.move(journal, JournalState.parked)
    page = client.get(f"/balances?merchant=acme_us&on={DAY}").text
    assert "journal acme_us|2026-10-30|B1|USD|settlement|1, parked" in page
    assert "Nothing was booked" in client.get("/balances?merchant=acme_us&on=2026-10-01").text


def test_the_page_says_what_nothing_explains(room: Room, client: TestClient) -> None:
    with room.engine.begin() as connection:
        connection.execute(delete(expectations))
    page = client.get(f"/balances?on={DAY}").text
    assert "267.98 USD is explained by nothing" in page
    assert client.get("/balances?on=yesterday").status_code == 422
