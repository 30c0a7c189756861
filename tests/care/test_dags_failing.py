"""DAGs that fail: one alert each, but one for all of them where what they all need is broken."""

import shutil
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest

from include.adapters.store.alerts import SqlAlertBook
from include.domain.alerts import AlertKind
from include.domain.errors import Rejected
from include.mappings.load import SHIPPED, load_alert_rule, load_mappings
from include.services.alerts.dags_failing import DagSightings, Run
from include.services.alerts.raise_alerts import RaiseAlerts, Told
from tests.care.conftest import Care
from tests.care.watching import Post, rule

FAILING = rule(AlertKind.dags_failing, window=timedelta(minutes=15))


@dataclass
class Record:
    """Airflow's record, as runs are noted in it."""

    runs: list[tuple[Run, str]] = field(default_factory=list)
    broken_files: dict[str, str] = field(default_factory=dict)
    gaps: dict[str, timedelta] = field(default_factory=dict)

    def note(self, dag_id: str, state: str, at: datetime) -> None:
        self.runs.append((Run(dag_id, f"scheduled__{at}", at, at), state))

    def dag_ids(self) -> list[str]:
        return sorted({run.dag_id for run, _ in self.runs})

    def gap(self, dag_id: str) -> timedelta | None:
        return self.gaps.get(dag_id)

    def last(
        self, dag_id: str, state: Literal["success", "failed", "running"], before: datetime
    ) -> Run | None:
        found = [
            run
            for run, ended in self.runs
            if run.dag_id == dag_id and ended == state and run.logical_date < before
        ]
        return max(found, key=lambda run: run.logical_date, default=None)

    def failed_tasks(self, run: Run) -> list[str]:
        return [f"{run.dag_id}_task"]

    def waiting_tasks(self, run: Run) -> list[str]:
        return [f"{run.dag_id}_{number} (scheduled)" for number in range(5)]

    def unreadable(self) -> dict[str, str]:
        return self.broken_files


@dataclass
class Watch:
    care: Care
    post: Post
    record: Record
    faults: dict[str, str] = field(default_factory=lambda: {"the mappings": "", "the store": ""})

    def note(self, dag_id: str, state: str, minutes_ago: int = 0) -> None:
        self.record.note(dag_id, state, self.now - timedelta(minutes=minutes_ago, seconds=1))

    def run(self) -> Told:
        book = SqlAlertBook(self.care.store, lambda _c: self.now)
        needed = {name: (lambda name=name: self.faults[name]) for name in self.faults}  # type: ignore[misc]
        sightings = DagSightings(self.record, book, "alerts", needed)
        return RaiseAlerts([FAILING], sightings, book, self.post.send).run()

    @property
    def now(self) -> datetime:
        return self.care.kit.clock.now()

    def minute(self, minutes: int = 1) -> None:
        self.care.kit.clock.move(minutes=minutes)


@pytest.fixture
def watch(care: Care) -> Watch:
    return Watch(care, Post(), Record())


def test_a_dag_that_fails_for_its_window_is_told_once_with_its_count(watch: Watch) -> None:
    watch.note("orders", "success", 30)
    for minutes in (16, 10, 1):
        watch.note("orders", "failed", minutes)
    assert watch.run().told == 1
    (subject,) = watch.post.subjects()
    assert subject.startswith("Tieout: dags failing: 3 (orders has failed since ")
    assert subject.endswith("last: orders_task)")
    watch.minute(5)
    watch.note("orders", "failed")
    assert watch.run().told == 0
    watch.minute()
    watch.note("orders", "success")
    assert watch.run().over == 1


def test_what_passes_by_itself_within_the_window_is_told_to_nobody(watch: Watch) -> None:
    watch.note("orders", "failed", 20)
    watch.note("orders", "success", 19)
    watch.note("orders", "failed", 14)
    assert str(watch.run()) == "0 last, 0 told, 0 over, 0 not delivered"


def test_a_run_that_does_not_end_is_told_as_no_other_begins(watch: Watch) -> None:
    watch.record.gaps = {"orders": timedelta(minutes=1), "settlement": timedelta(days=1)}
    watch.note("orders", "success", 121)
    watch.note("orders", "running", 119)  # nobody waits for two hours in vain
    for minutes in (60 * 24 * 3 - 2, 20):  # a backfill's runs are newer, and younger
        watch.note("settlement", "running", minutes)
    assert str(watch.run()) == "0 last, 0 told, 0 over, 0 not delivered"
    watch.minute()
    assert watch.run().told == 1
    (subject,) = watch.post.subjects()
    assert "(orders is at one run since " in subject
    assert subject.endswith(
        "at: orders_0 (scheduled), orders_1 (scheduled), orders_2 (scheduled) and 2 more)"
    )
    watch.minute()
    assert watch.run().told == 1
    assert "(settlement is at one run since " in watch.post.subjects()[-1]
    watch.record.runs = [(run, "success") for run, _ in watch.record.runs]
    assert watch.run().over == 2


def test_a_dag_that_only_people_start_may_take_its_time(watch: Watch) -> None:
    watch.note("orders", "running", 60 * 24 * 30)
    assert str(watch.run()) == "0 last, 0 told, 0 over, 0 not delivered"


def test_broken_mappings_are_one_alert_though_every_dag_fails(watch: Watch) -> None:
    watch.faults["the mappings"] = "1 problem in the mappings (at merchants.yaml:12). Fix it."
    watch.record.broken_files = {"settlement_reconciliation.py": "ScannerError"}
    for dag_id in ("alerts", "orders", "shop_orders"):
        watch.note(dag_id, "failed", 60)
        watch.note(dag_id, "failed", 1)
    assert watch.run().told == 1
    assert "every DAG fails: the mappings cannot be used" in watch.post.subjects()[0]
    # Mended, and no other DAG has had its turn yet.
    watch.faults["the mappings"] = ""
    watch.record.broken_files = {}
    watch.note("alerts", "success")
    watch.minute()
    assert (told := watch.run()).over == 1
    assert told.told == 0
    # What has still not succeeded a quarter of an hour later needs a person: a daily run is lost.
    watch.minute(15)
    watch.note("shop_orders", "success")
    assert watch.run().told == 1
    assert "(orders has failed since" in watch.post.subjects()[-1]


def test_a_cause_told_before_is_not_called_over_while_something_else_is_broken(
    watch: Watch,
) -> None:
    watch.note("orders", "failed", 20)
    assert watch.run().told == 1
    watch.faults["the store"] = "OperationalError. Look at the database."
    assert str(watch.run()) == "2 last, 1 told, 0 over, 0 not delivered"


def test_alerts_that_fail_for_a_reason_of_their_own_hide_no_other_dag(watch: Watch) -> None:
    for dag_id in ("alerts", "orders"):
        watch.note(dag_id, "failed", 20)
        watch.note(dag_id, "failed", 1)
    assert watch.run().told == 2


def test_the_rule_is_read_though_every_other_mapping_is_broken(tmp_path: Path) -> None:
    for path in SHIPPED.glob("*.yaml"):
        shutil.copy(path, tmp_path)
    (tmp_path / "merchants.yaml").write_text("merchants: [")
    text = (tmp_path / "alerts.yaml").read_text()
    (tmp_path / "alerts.yaml").write_text(text.replace("threshold: 5", "threshold: five"))
    with pytest.raises(Rejected):
        load_mappings(tmp_path)
    day = date(2026, 11, 3)
    found = load_alert_rule(AlertKind.dags_failing, day, tmp_path)
    shipped = load_mappings().orders.alert(AlertKind.dags_failing, day)
    assert found is not None
    assert found == shipped


def test_rules_that_nobody_can_read_are_an_error_and_not_nobody(tmp_path: Path) -> None:
    (tmp_path / "alerts.yaml").write_text("alerts: [")
    with pytest.raises(Rejected, match="this is not YAML"):
        load_alert_rule(AlertKind.dags_failing, date(2026, 11, 3), tmp_path)
    shipped = (SHIPPED / "alerts.yaml").read_text()
    own = "what: dags_failing"
    (tmp_path / "alerts.yaml").write_text(shipped.replace(own, "what: dags_falling"))
    with pytest.raises(Rejected, match="'dags_falling' is not known"):
        load_alert_rule(AlertKind.dags_failing, date(2026, 11, 3), tmp_path)
    (tmp_path / "alerts.yaml").unlink()
    with pytest.raises(Rejected, match="the file is missing"):
        load_alert_rule(AlertKind.dags_failing, date(2026, 11, 3), tmp_path)
