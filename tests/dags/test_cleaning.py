"""What Airflow keeps of old runs is removed; what is young, or the last of its DAG, stays."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from airflow.utils import db
from airflow.utils.session import create_session
from sqlalchemy import text

from tieout import cleaning

NOW = datetime.now(UTC)


@pytest.fixture
def runs() -> None:
    """Three scheduled runs of ``cleaned``, and one of a DAG that nobody has run for a year."""
    db.initdb()
    with create_session() as session:
        session.execute(text("DELETE FROM dag_run"))
        for dag_id, days_ago in (("cleaned", 100), ("cleaned", 89), ("cleaned", 0), ("rare", 365)):
            at = NOW - timedelta(days=days_ago)
            row = {"dag_id": dag_id, "run_id": f"scheduled__{days_ago}", "at": at}
            session.execute(
                text(
                    "INSERT INTO dag_run (dag_id, run_id, run_type, state, logical_date, run_after,"
                    " start_date, end_date, log_template_id, clear_number, span_status)"
                    " VALUES (:dag_id, :run_id, 'scheduled', 'success', :at, :at, :at, :at,"
                    " (SELECT max(id) FROM log_template), 0, 'ended')"
                ),
                row,
            )
            session.execute(
                text("INSERT INTO log (dttm, event, dag_id) VALUES (:at, 'cleaned', :dag_id)"), row
            )


def kept(what: str) -> list[str]:
    with create_session() as session:
        return sorted(session.scalars(text(f"SELECT {what}")))


@pytest.mark.usefixtures("runs")
def test_old_runs_go_and_young_ones_and_the_last_of_each_dag_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__LOGGING__BASE_LOG_FOLDER", str(tmp_path))
    assert cleaning.main(["--once"]) == 0
    assert kept("run_id FROM dag_run") == ["scheduled__0", "scheduled__365", "scheduled__89"]
    assert kept("dag_id FROM log WHERE event = 'cleaned'") == ["cleaned", "cleaned"]
    assert kept("name FROM sqlite_master WHERE name LIKE '_airflow_deleted%'") == []


def test_old_files_of_logs_go_and_what_is_written_to_stays(tmp_path: Path) -> None:
    old, young = tmp_path / "run_id=old/task/attempt=1.log", tmp_path / "run_id=new/attempt=1.log"
    other, empty = tmp_path / "run_id=old/passwords.json", tmp_path / "run_id=older/task"
    empty.mkdir(parents=True)
    for file, days_ago in ((old, 31), (young, 29), (other, 365)):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        age(file, days_ago)
    age(empty, 32)
    assert cleaning.clean_logs(tmp_path, NOW - timedelta(days=30)) == 1
    assert not old.exists()
    assert old.parent.exists()  # a task may be about to write there; it goes another day
    assert young.exists()
    assert other.exists()
    assert not empty.exists()


def age(path: Path, days: int) -> None:
    at = (NOW - timedelta(days=days)).timestamp()
    os.utime(path, (at, at))


def test_a_fault_is_told_and_ends_no_daily_cleaning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            raise KeyboardInterrupt

    def away(_before: datetime) -> None:
        if not pauses:
            raise RuntimeError("the database is away")

    monkeypatch.setattr(cleaning, "clean_database", away)
    monkeypatch.setattr(cleaning, "clean_logs", lambda *_: 0)
    monkeypatch.setattr(cleaning.time, "sleep", sleep)
    with pytest.raises(KeyboardInterrupt):
        cleaning.main([])
    assert pauses == [3600, 24 * 3600]
    assert "the database is away" in caplog.text
