"""Finish what a crash or a lost answer left: every five minutes, ask the other side and conclude.

An effect in doubt is never sent again before SYSPRO has had time to finish and has been asked
twice. What cannot be finished becomes a dead letter with an owner and a next action. When it
fails: `include/docs/runbooks/effects_janitor.md`.
"""

import pendulum
from airflow.sdk import dag, task

from tieout.retry import FamilyRetryPolicy


@dag(
    schedule="*/5 * * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={
        "owner": "integration",
        "retries": 2,
        "retry_delay": pendulum.duration(minutes=1),
        "retry_policy": FamilyRetryPolicy(),
    },
    tags=["effects", "repair", "tier-1"],
    doc_md=__doc__,
)
def effects_janitor():
    @task(pool="syspro")
    def sweep() -> dict[str, int]:
        """Advance every effect that is due; return how many ended in each state."""
        from tieout import steps

        return steps.sweep()

    sweep()


effects_janitor()
