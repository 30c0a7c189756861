"""Ask again, every hour, for what a settlement day went on without; run what was passed over.

A bank statement that comes an hour late, or on Monday for Friday, is booked by the run that this
DAG triggers of *settlement_reconciliation*; so is a date that a backfill of a newer one has pushed
out of the line. Those runs wait behind all that no backfill made, and what has not changed posts
nothing. When it fails: `include/docs/runbooks/late_files.md`.
"""

import pendulum
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import dag, task, task_group
from airflow.sdk.exceptions import AirflowSkipException

from tieout.retry import FamilyRetryPolicy
from tieout.timetable import every


@dag(
    schedule=every("20 * * * *"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={
        "owner": "finance",
        "retries": 2,
        "retry_delay": pendulum.duration(minutes=1),
        "retry_policy": FamilyRetryPolicy(),
        "execution_timeout": pendulum.duration(hours=1),
    },
    tags=["settlement", "tier-1"],
    doc_md=__doc__,
)
def late_files():
    @task
    def choose_days() -> list[str]:
        """Name the days that await a source, or were passed over: ``acme_us|2026-10-31``."""
        from tieout.tasks import late_files

        return late_files.choose_days()

    @task(map_index_template="{{ task.op_args[0] }}")
    def ask(day_key: str) -> dict:
        """Ask the senders of the day; skipped, with what follows, where nothing has come."""
        from tieout.tasks import late_files

        found = late_files.ask(day_key)
        if found is None:
            raise AirflowSkipException(f"{day_key}: nothing has come yet")
        return found

    @task_group
    def again(day_key: str):
        found = ask(day_key)
        TriggerDagRunOperator(
            task_id="run_again",
            trigger_dag_id="settlement_reconciliation",
            trigger_run_id=found["trigger_run_id"],
            conf=found["conf"],
            logical_date=None,
            skip_when_already_exists=True,
            map_index_template="{{ task.trigger_run_id }}",
        )

    again.expand(day_key=choose_days())


late_files()
