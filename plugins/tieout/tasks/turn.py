"""Whose turn it is at a merchant's days and at a day, named so that people find the run."""

from contextlib import AbstractContextManager, nullcontext

from airflow.sdk import get_current_context

from include.domain.settlement import SettlementDay
from include.wiring import Tieout
from tieout.this_process import worker_name

_DAG_ID = "settlement_reconciliation"  # the janitor proves days as well, and is no run of theirs


def turn(context: Tieout, day: SettlementDay, step: str) -> AbstractContextManager[None]:
    """Keep other runs from the merchant's days while a step reads them and publishes.

    Airflow runs one date after another only by its schedule: each backfill counts its own runs. Not
    around a question: a person may take 20 hours.

    Raises:
        Retryable: another run has the turn, and the message says which.
    """
    run = this_run()
    who = f"run {run!r}" if run else "no run of Airflow"
    where = f"{step} of {day.settlement_date}, {worker_name()}"
    return context.turns.of(day.merchant_id, f"{who} ({where})")


def day_of_run(context: Tieout, day: SettlementDay) -> AbstractContextManager[None]:
    """Keep the day for this run while a step works and until its next; nothing outside a run.

    Raises:
        Retryable: another run of the same date has it, and the message says which.
    """
    run = this_run()
    return context.turns.day(day, run) if run else nullcontext()


def begin(context: Tieout, day: SettlementDay, run_id: str) -> None:
    """Note that a run begins with a day; where the day got to in this run already, it still is."""
    known = context.days.get(day)
    if known is None or known.run_id != run_id:
        version = context.mappings.version
        context.days.record(day, "chosen", run_id=run_id, mapping_version=version)


def leave(context: Tieout, day: SettlementDay) -> None:
    """Let other runs have the day: this one has reported it, or a person is asked about it."""
    if run := this_run():
        context.turns.leave(day, run)


def this_run() -> str:
    """Return the settlement run that this is a task of; '' in other DAGs, tests and shells."""
    try:
        run = get_current_context()["dag_run"]
    except (RuntimeError, KeyError):
        return ""
    return str(run.run_id) if run.dag_id == _DAG_ID else ""
