"""A mapping is changed, and what it would make of days that have run is seen before it rules."""

import shutil
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select

import include.mappings.load as mappings_of
from include.adapters.store.schema import metadata
from include.domain.settlement import SettlementDay
from include.wiring import Tieout
from tests.integration.play import Play
from tieout import cli
from tieout.tasks import day_step, posting, settlement

DAY = SettlementDay("acme_us", date(2026, 10, 31))
STEPS = ("download", "classify", "check", "match", "build")


@pytest.fixture(scope="module")
def context(play: Play) -> Tieout:
    """Return the product after a day that was posted and proven."""
    found = play.desks.context
    with pytest.MonkeyPatch.context() as patch:
        for module in (day_step, posting):
            patch.setattr(module, "tieout", lambda: found)
        for name in STEPS:
            getattr(settlement, name)(str(DAY))
        if posting.approval_request(str(DAY)) is not None:
            posting.record_decision(str(DAY), is_approved=True, decided_by="ann")
        posting.post(str(DAY))
        posting.tie_out(str(DAY))
    return found


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    folder = tmp_path / "mappings"
    shutil.copytree(Path(mappings_of.__file__).parent, folder)
    return folder


def look(
    context: Tieout,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> str:
    monkeypatch.setattr(cli, "tieout", lambda: context)
    capsys.readouterr()
    day = DAY.settlement_date.isoformat()
    code = cli.main(["preview", DAY.merchant_id, day, "--mappings", str(folder)])
    said = capsys.readouterr()
    return said.out if code == 0 else said.err


def state_of(context: Tieout, play: Play) -> list[object]:
    """Return what must not change: rows of the store, files of the lake, what SYSPRO executed."""
    with context.store.connect() as connection:
        counts: list[object] = [
            connection.execute(select(func.count()).select_from(table)).scalar()
            for name, table in metadata.tables.items()
            if name != "leases"
        ]
    files = sorted((p, p.stat().st_mtime_ns) for p in context.lake.root.rglob("*") if p.is_file())
    executed = sum(row.committed for row in play.sandbox.ledger.rows(system="syspro"))
    return [*counts, files, executed]


def test_another_account_shows_the_journal_it_would_post_and_books_nothing(
    play: Play,
    context: Tieout,
    changed: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = state_of(context, play)
    assert f"{DAY}: nothing would change" in look(context, changed, monkeypatch, capsys)
    page = changed / "gl_templates.yaml"
    page.write_text(
        page.read_text().replace('fee.interchange: "6150"', 'fee.interchange: "6158"', 1)
    )
    said = look(context, changed, monkeypatch, capsys)
    assert f"{DAY}: this would change" in said
    assert "journal changed: acme_us|2026-10-31|" in said
    lines = [line.split() for line in said.splitlines() if line.startswith("    ")]
    moved = {line[1]: line[2] for line in lines}
    assert moved.keys() == {"6150", "6158"}
    assert moved["6150"] == f"-{moved['6158']}"
    assert state_of(context, play) == before


def test_a_code_that_lost_its_mapping_stops_the_day_and_is_named(
    context: Tieout,
    changed: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = changed / "gl_templates.yaml"
    lines = [line for line in page.read_text().splitlines() if "fee.interchange" not in line]
    page.write_text("\n".join(lines) + "\n")
    said = look(context, changed, monkeypatch, capsys)
    assert "fee.interchange" in said


def test_what_cannot_be_previewed_is_said(
    context: Tieout,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "holds no mappings" in look(context, tmp_path / "nowhere", monkeypatch, capsys)
    with monkeypatch.context() as away:
        away.delenv("AIRFLOW_CONN_SYSPRO_A")
        stopped = look(context, Path(mappings_of.__file__).parent, away, capsys)
    assert "the day stops, with the change and without: Airflow finds no connection" in stopped
    folder = str(Path(mappings_of.__file__).parent)
    for days, words in (
        (["2026-09-01"], "has no files"),
        (["2026-09-02", "--to", "2026-09-01"], "0 days"),
    ):
        assert cli.main(["preview", "acme_us", *days, "--mappings", folder]) == 1
        assert words in capsys.readouterr().err
