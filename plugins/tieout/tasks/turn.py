"""Whose turn it is at a merchant's days, named so that people find the run that has it."""

from contextlib import AbstractContextManager

from airflow.sdk import get_current_context

from include.domain.settlement import SettlementDay
from include.wiring import Tieout
from tieout.this_process import worker_name


def turn(context: Tieout, day: SettlementDay, step: str) -> AbstractContextManager[None]:
    """Keep other runs from the merchant's days while a step reads them and publishes.

    Airflow runs one date after another only by its schedule: each backfill counts its own runs. Not
    around a question: a person may take 20 hours.

    Raises:
        Retryable: another run has the turn, and the message says which.
    """
    where = f"{step} of {day.settlement_date}, {worker_name()}"
    return context.turns.of(day.merchant_id, f"{_run()} ({where})")


def _run() -> str:
    try:
        return f"run {get_current_context()['run_id']!r}"
    except RuntimeError:  # called by a test or from a shell
        return "no run of Airflow"
