"""Finish what a crash or a lost answer left: every five minutes, ask the other side and conclude.

Every write of every flow is an effect: journals, payments, sales orders, words to a shop. One in
doubt is never sent again before the other side has had time to finish and has been asked twice.
What cannot be finished becomes a dead letter with an owner and a next action. When it fails:
`include/docs/runbooks/effects_janitor.md`.
"""

import pendulum
from airflow.sdk import dag, task

from tieout.retry import FamilyRetryPolicy
from tieout.timetable import every


@dag(
    schedule=every("*/5 * * * *"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={
        "owner": "integration",
        "priority_weight": 90,  # before stock, care and settlements in SYSPRO's pool
        "retries": 2,
        "retry_delay": pendulum.duration(minutes=1),
        "retry_policy": FamilyRetryPolicy(),
        "execution_timeout": pendulum.duration(hours=1),
    },
    tags=["effects", "repair", "tier-1"],
    doc_md=__doc__,
)
def effects_janitor():
    @task(pool="syspro")
    def sweep() -> str:
        """Advance every effect that is due, of the ledger and of orders; say how many stand where.

        One task, not two: SYSPRO takes one session per operator at a time.
        """
        from tieout.tasks import effects

        return effects.sweep_all()

    sweep()


effects_janitor()
