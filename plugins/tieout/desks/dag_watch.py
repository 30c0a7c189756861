"""Joins the watch over our own DAGs with Airflow: its record of runs, and a place for what is told.

It stands on Airflow and ``alerts.yaml`` alone, so that a store that is away, or a mapping that
nobody can read, is told of as well.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pendulum
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import Variable, get_current_context
from airflow.sdk.execution_time import comms, task_runner
from airflow.serialization.encoders import coerce_to_core_timetable
from airflow.timetables.base import TimeRestriction

from include.domain.alerts import AlertKind, AlertRule, Channel, Recipient
from include.domain.errors import Rejected
from include.mappings.load import load_alert_rule, load_mappings
from include.services.alerts.dags_failing import DagSightings, Run
from include.services.alerts.ports import AlertRow, Seen
from include.services.alerts.raise_alerts import RaiseAlerts
from include.wiring import tieout
from tieout.hooks import messages

_BOOK = "tieout_dags_failing"  # the variable
# A task's states, in Airflow's words, that are neither an end nor waiting for another task.
_BUSY = {"scheduled", "queued", "running", "deferred", "up_for_retry", "up_for_reschedule"}


def dag_alerts() -> RaiseAlerts:
    """Return the alerts over our DAGs; to be asked from a task of one of them."""
    rule, book = _rule(), VariableBook()
    file = Path(get_current_context()["dag"].fileloc)
    needed = {"the mappings": _mappings_fault, "the store": _store_fault}
    sightings = DagSightings(AirflowRuns.of(file.parent), book, file.stem, needed)
    return RaiseAlerts([rule] if rule else [], sightings, book, messages.send_alert)


def _rule() -> AlertRule | None:
    try:
        return load_alert_rule(AlertKind.dags_failing, date.today())  # noqa: DTZ011 - days of a rule
    except Rejected:  # nobody can say any more whom to tell, and that must be told
        return AlertRule(
            kind=AlertKind.dags_failing,
            threshold=1,
            window=timedelta(minutes=15),
            recipients=(Recipient(Channel.chat, messages.CHAT_CONN),),
            repeat_after=timedelta(hours=1),
            quiet=None,
            is_urgent=True,
            owner="nobody: alerts.yaml cannot be read",
            where="alerts.yaml",
        )


def _mappings_fault() -> str:
    try:
        load_mappings()
    except Rejected as fault:
        return str(fault)
    return ""


def _store_fault() -> str:
    from sqlalchemy.exc import SQLAlchemyError

    from include.adapters.store.migrate import demand_current

    try:
        demand_current(tieout().store)
    except SQLAlchemyError as fault:  # its words may hold the address of the database
        return f"{type(fault).__name__}. Look at the database of TIEOUT_STORE_URL."
    except Rejected as fault:
        return str(fault)
    return ""


@dataclass(frozen=True, slots=True)
class AirflowRuns:
    """Satisfies ``dags_failing.Runs`` inside a task, which may not read Airflow's database.

    The questions are those that a task puts about its own DAG; Airflow 3.3 answers them about any.
    """

    folder: Path  # of the DAG files; each holds the DAG of its own name
    bag: DagBag  # what could be imported of them

    @classmethod
    def of(cls, folder: Path) -> "AirflowRuns":
        return cls(folder, DagBag(folder, bundle_path=folder))

    def dag_ids(self) -> Sequence[str]:
        return sorted(path.stem for path in self.folder.glob("*.py"))

    def gap(self, dag_id: str) -> timedelta | None:
        dag = self.bag.dags.get(dag_id)
        if dag is None:
            return None
        timetable = coerce_to_core_timetable(dag.timetable)
        from_now = TimeRestriction(pendulum.now("UTC"), None, catchup=True)
        first = timetable.next_dagrun_info(last_automated_data_interval=None, restriction=from_now)
        if first is None:
            return None
        second = timetable.next_dagrun_info(
            last_automated_data_interval=first.data_interval, restriction=from_now
        )
        return second and second.run_after - first.run_after

    def last(
        self, dag_id: str, state: Literal["success", "failed", "running"], before: datetime
    ) -> Run | None:
        asked = comms.GetPreviousDagRun(dag_id=dag_id, logical_date=before, state=state)
        answer: Any = task_runner.SUPERVISOR_COMMS.send(asked)
        run = answer.dag_run
        if run is None:
            return None
        since = run.start_date if state == "running" else run.end_date
        return Run(dag_id, run.run_id, run.logical_date, since or run.run_after)

    def failed_tasks(self, run: Run) -> Sequence[str]:
        states = self._states(run)
        return sorted(task_id for task_id, state in states.items() if state == "failed")

    def waiting_tasks(self, run: Run) -> Sequence[str]:
        states = self._states(run)
        return sorted(f"{task_id} ({state})" for task_id, state in states.items() if state in _BUSY)

    def _states(self, run: Run) -> Mapping[str, str | None]:
        asked = comms.GetTaskStates(dag_id=run.dag_id, run_ids=[run.run_id])
        answer: Any = task_runner.SUPERVISOR_COMMS.send(asked)
        found: Mapping[str, str | None] = answer.task_states.get(run.run_id, {})
        return found

    def unreadable(self) -> Mapping[str, str]:
        errors = self.bag.import_errors
        return {file: trace.strip().splitlines()[-1] for file, trace in errors.items()}


@dataclass(frozen=True, slots=True)
class VariableBook:
    """Satisfies ``AlertBook`` for one kind, in a variable of Airflow: the store may be away."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def raised(self, _kind: AlertKind) -> Sequence[AlertRow]:
        return [_row(cause, kept) for cause, kept in sorted(_read().items())]

    def raise_one(self, _rule: AlertRule, seen: Seen) -> AlertRow:
        rows = _read()
        before = rows.get(seen.cause, {"raised_at": self.now().isoformat(), "told_at": None})
        rows[seen.cause] = {**before, "count": seen.count, "words": seen.words}
        _write(rows)
        return _row(seen.cause, rows[seen.cause])

    def mark_sent(self, row: AlertRow, *, counted: int) -> None:
        rows = _read()
        rows[row.cause]["told_at"] = self.now().isoformat()
        _write(rows)

    def clear(self, row: AlertRow) -> None:
        rows = _read()
        del rows[row.cause]
        _write(rows)


def _read() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(Variable.get(_BOOK, default="{}"))
    return found


def _write(rows: Mapping[str, Mapping[str, Any]]) -> None:
    Variable.set(_BOOK, json.dumps(rows), description="Which failing DAGs people were told of.")


def _row(cause: str, kept: Mapping[str, Any]) -> AlertRow:
    told_at = kept["told_at"] and datetime.fromisoformat(kept["told_at"])
    raised_at = datetime.fromisoformat(kept["raised_at"])
    return AlertRow(cause, kept["count"], kept["words"], raised_at, told_at)
