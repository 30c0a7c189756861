"""A scheduled date that a backfill of a newer one has pushed out of the line still runs."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pendulum
import pytest

from include.adapters.store.schema import metadata
from include.domain.settlement import SettlementDay
from include.services.missed_days import missed_days
from include.wiring import Settings, Tieout
from tests.support_books import Clock
from tieout.tasks import late_files
from tieout.timetable import NO_GAP

DAG_ID = "settlement_reconciliation"
LAST, NEWER = date(2026, 11, 20), date(2026, 11, 24)
BETWEEN = [date(2026, 11, 21), date(2026, 11, 22), date(2026, 11, 23)]
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def context(tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tieout]:
    made = Tieout(Settings(store_url, tmp_path / "lake", "sandbox"))
    made.clock = Clock(NOON)
    metadata.create_all(made.store)
    monkeypatch.setattr(late_files, "tieout", lambda: made)
    monkeypatch.delenv("TIEOUT_SCHEDULE", raising=False)
    yield made
    made.store.dispose()


def ran(context: Tieout, on: date, run_id: str, merchant_id: str = "acme_us") -> None:
    context.days.record(SettlementDay(merchant_id, on), "reported", run_id=run_id)


def test_airflow_itself_passes_over_the_dates_before_a_backfill(dagbag: Any) -> None:
    """Should this fail with a newer Airflow, ``missed_days`` may not be needed any more."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import sync_bag_to_db
    from airflow.models.backfill import ReprocessBehavior, _create_backfill
    from airflow.models.dag import DagModel
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunTriggeredByType, DagRunType

    def parse() -> str:
        sync_bag_to_db(dagbag, "dags-folder", None)
        with create_session() as session:
            return session.get(DagModel, DAG_ID).next_dagrun.date().isoformat()

    DagBundlesManager().sync_bundles_to_db()
    parse()
    last = pendulum.today("UTC").subtract(days=7)
    newer = last.add(days=4)
    with create_session() as session:
        dag = SerializedDagModel.get_dag(DAG_ID, session=session)
        dag.create_dagrun(
            run_id=f"scheduled__{last.date()}", logical_date=last,
            data_interval=(last, last.add(days=1)), run_after=last.add(hours=36),
            run_type=DagRunType.SCHEDULED, triggered_by=DagRunTriggeredByType.TIMETABLE,
            state=DagRunState.SUCCESS, session=session,
        )  # fmt: skip
    assert parse() == last.add(days=1).date().isoformat()
    _create_backfill(
        dag_id=DAG_ID, from_date=newer, to_date=newer, max_active_runs=1, reverse=False,
        dag_run_conf={}, reprocess_behavior=ReprocessBehavior.NONE,
        triggering_user_name="finance",
    )  # fmt: skip
    assert parse() == newer.add(days=1).date().isoformat()


def test_the_dates_before_a_backfill_are_run_for_every_merchant_that_has_begun(
    context: Tieout,
) -> None:
    for merchant_id in ("acme_us", "acme_uk"):
        ran(context, LAST, "scheduled__20", merchant_id)
    ran(context, NEWER, "backfill__24")
    due = [f"acme_us|{on}" for on in BETWEEN]
    assert late_files.choose_days() == due  # acme_uk has no newer date: its turn still comes
    assert late_files.ask(due[0]) == {
        "trigger_run_id": "missed__acme_us__2026-11-21__2026-11-25",
        "conf": {"settlement_date": "2026-11-21", "merchants": ["acme_us"]},
    }
    ran(context, BETWEEN[0], "missed__acme_us__2026-11-21__2026-11-25")
    assert late_files.choose_days() == due[1:]


def test_a_stack_told_to_run_what_people_ask_for_misses_nothing(
    context: Tieout, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran(context, LAST, "scheduled__20")
    ran(context, NEWER, "backfill__24")
    monkeypatch.setenv("TIEOUT_SCHEDULE", "manual")
    assert late_files.choose_days() == []


def test_a_date_whose_time_has_not_come_or_without_its_merchant_is_not_missed(
    context: Tieout,
) -> None:
    ran(context, LAST, "scheduled__20")
    ran(context, NEWER, "backfill__24")
    context.clock = Clock(NOON - timedelta(days=1, seconds=1))  # the 23rd is due at this noon
    assert late_files.choose_days() == [f"acme_us|{on}" for on in BETWEEN[:-1]]
    ran(context, date(2025, 12, 30), "scheduled__30")  # acme_us is in force from 1 January
    ran(context, date(2026, 1, 2), "scheduled__2")
    assert late_files.choose_days()[0] == "acme_us|2026-01-01"


@pytest.mark.parametrize(
    ("runs", "missed"),
    [
        ([], []),
        ([(LAST, "scheduled__20")], []),
        ([(LAST, "manual__try"), (NEWER, "scheduled__24")], []),  # the first of all is the 24th
        ([(LAST, "scheduled__20"), (NEWER, "manual__again")], BETWEEN),
        ([(LAST, "late__acme_us__2026-11-20"), (NEWER, "scheduled__24")], BETWEEN),
        ([(LAST - NO_GAP, "scheduled__6"), (NEWER, "scheduled__24")], []),  # a pause was meant
    ],
)
def test_a_gap_counts_inside_the_calendar_that_the_schedule_has_begun(
    runs: list[tuple[date, str]], missed: list[date]
) -> None:
    assert missed_days(runs, lambda _: True, NO_GAP) == missed
