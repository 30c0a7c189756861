"""Hear Decision Manager's decisions: every ten minutes, what a lost webhook would have told.

The conversion report is read from a cursor, and each order that still waits is looked up by its
request id. Decisions advance by rank, so one that comes twice or late changes nothing. When it
fails: `include/docs/runbooks/fraud_decisions.md`.
"""

import pendulum
from airflow.sdk import dag, task

from tieout.retry import FamilyRetryPolicy
from tieout.timetable import every


@dag(
    schedule=every("*/10 * * * *"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={
        "owner": "integration",
        "retries": 2,
        "retry_delay": pendulum.duration(minutes=1),
        "retry_policy": FamilyRetryPolicy(),
        "execution_timeout": pendulum.duration(hours=1),
    },
    tags=["orders", "fraud", "order-to-cash", "tier-1"],
    doc_md=__doc__,
)
def fraud_decisions():
    @task
    def choose_merchants() -> list[str]:
        """Name the merchants that have a shop; only these names travel on."""
        from tieout.tasks import orders

        return orders.merchant_ids()

    @task(map_index_template="{{ task.op_kwargs['merchant_id'] }}")
    def poll_decisions(merchant_id: str) -> str:
        """Take decisions in; a contradiction stops the order until a person settles it."""
        from tieout.tasks import orders

        return orders.poll_decisions(merchant_id)

    poll_decisions.expand(merchant_id=choose_merchants())


fraud_decisions()
