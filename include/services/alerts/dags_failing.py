"""Which DAGs fail, or are at one run for ever, from what Airflow keeps about their runs.

Asked for, not told: a callback is lost with the process that should have run it, and a DAG whose
file cannot be imported calls nobody. What all DAGs need (the mappings, the store) is tried first.
While it is broken, and until each DAG has had time to run again, it is the one cause that is told.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from include.domain.alerts import AlertRule
from include.services.alerts.ports import AlertBook, Seen

_COUNTED = 100  # runs in a row; each is a question to Airflow
_GAPS = 3  # a run that takes as long as three of them is told of
_PATIENCE = timedelta(hours=2)  # and none sooner: questions to people and retries take their time
_NAMED = 3  # tasks of a run that does not end


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a DAG."""

    dag_id: str
    run_id: str
    logical_date: datetime  # runs of a DAG stand in its order
    since: datetime  # when it ended; of one that still runs, when it began


class Runs(Protocol):
    """Airflow's own record; of runs with a logical date, as schedules and backfills make them."""

    def dag_ids(self) -> Sequence[str]: ...

    def gap(self, dag_id: str) -> timedelta | None:
        """Return the time from one scheduled run to the next; ``None`` without a schedule."""
        ...

    def last(
        self, dag_id: str, state: Literal["success", "failed", "running"], before: datetime
    ) -> Run | None:
        """Return the last run of a state whose logical date is before an instant."""
        ...

    def failed_tasks(self, run: Run) -> Sequence[str]: ...

    def waiting_tasks(self, run: Run) -> Sequence[str]:
        """Return what has neither ended nor to wait for another task, each with its state."""
        ...

    def unreadable(self) -> Mapping[str, str]:
        """Return the DAG files that cannot be imported, each with its fault in one line."""
        ...


@dataclass(frozen=True, slots=True)
class DagSightings:
    """Satisfies ``Sightings`` for ``AlertKind.dags_failing``."""

    runs: Runs
    book: AlertBook
    watcher: str  # the DAG that asks; it fails itself while what all DAGs need is broken
    needed: Mapping[str, Callable[[], str]]  # what all DAGs need: says what is wrong, '' if nothing

    def seen(self, rule: AlertRule, now: datetime) -> Sequence[Seen]:
        broken = tuple(self._broken(rule))
        others = tuple(self._others(rule, now))
        if broken or self._is_mended_lately(rule, now):
            known = {row.cause for row in self.book.raised(rule.kind)}
            others = tuple(one for one in others if one.cause in known)
        return (*broken, *others)

    def _broken(self, rule: AlertRule) -> Iterator[Seen]:
        for name, fault_of in self.needed.items():
            if fault := fault_of():
                words = f"every DAG fails: {name} cannot be used. {fault}"
                yield Seen(f"{rule.kind}|{name}", rule.threshold, words)

    def _others(self, rule: AlertRule, now: datetime) -> Iterator[Seen]:
        for file, fault in self.runs.unreadable().items():
            words = f"{file} cannot be imported, so it does not run. {fault}"
            yield Seen(f"{rule.kind}|{file}", rule.threshold, words)
        for dag_id in self.runs.dag_ids():
            failed = self._failed_in_a_row(dag_id, now)
            if failed and now - failed[-1].since >= rule.window:
                tasks = ", ".join(self.runs.failed_tasks(failed[0])) or "no task of its own"
                words = f"{dag_id} has failed since {failed[-1].since:%Y-%m-%d %H:%M} UTC"
                yield Seen(f"{rule.kind}|{dag_id}", len(failed), f"{words}, last: {tasks}")
            if words := self._endless(dag_id, now):
                yield Seen(f"{rule.kind}|{dag_id}|endless", rule.threshold, words)

    def _endless(self, dag_id: str, now: datetime) -> str:
        """Say which run holds up all later ones: no task of it fails where its pool is missing."""
        gap, before, found = self.runs.gap(dag_id), now, list[Run]()
        while gap and len(found) < _COUNTED:
            run = self.runs.last(dag_id, "running", before)
            if run is None:
                break
            found.append(run)
            before = run.logical_date
        run = min(found, key=lambda run: run.since, default=None)
        if gap is None or run is None or now - run.since < max(_GAPS * gap, _PATIENCE):
            return ""
        waiting = self.runs.waiting_tasks(run)
        named = ", ".join(waiting[:_NAMED]) or "no task"
        more = f" and {len(waiting) - _NAMED} more" if len(waiting) > _NAMED else ""
        words = (
            f"{dag_id} is at one run since {run.since:%Y-%m-%d %H:%M} UTC, and holds up the next"
        )
        return f"{words}; at: {named}{more}"

    def _failed_in_a_row(self, dag_id: str, now: datetime) -> Sequence[Run]:
        """Return the failed runs after the last success, the newest first."""
        success = self.runs.last(dag_id, "success", now)
        found: list[Run] = []
        while len(found) < _COUNTED:
            before = found[-1].logical_date if found else now
            run = self.runs.last(dag_id, "failed", before)
            if run is None or (success and run.logical_date < success.logical_date):
                break
            found.append(run)
        return found

    def _is_mended_lately(self, rule: AlertRule, now: datetime) -> bool:
        """Say whether other DAGs may not have had a run since what all need works again."""
        if self._failed_in_a_row(self.watcher, now):
            return False
        failed = self.runs.last(self.watcher, "failed", now)
        return failed is not None and now - failed.since < rule.window
