"""Finish what the API began: every minute, work on webhooks and drive every order that is due.

The API's process does the same at once; this is the safety net that takes up what a crash, an
outage or a redeployment left. Leases let one of them at an order. When it fails:
`include/docs/runbooks/orders.md`.
"""

import pendulum
from airflow.sdk import dag, task

from tieout.retry import FamilyRetryPolicy
from tieout.timetable import every


@dag(
    schedule=every("* * * * *"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={
        "owner": "integration",
        "priority_weight": 100,  # first in SYSPRO's pool: a shopper waits
        "retries": 2,
        "retry_delay": pendulum.duration(seconds=20),
        "retry_policy": FamilyRetryPolicy(),
        "execution_timeout": pendulum.duration(hours=1),
    },
    tags=["orders", "order-to-cash", "tier-1"],
    doc_md=__doc__,
)
def orders():
    @task
    def handle_inbox() -> str:
        """Work out what stored webhooks mean."""
        from tieout.tasks import orders

        return orders.handle_inbox()

    @task(pool="syspro")
    def sweep_orders() -> str:
        """Drive orders and refunds, the longest waiting first, in one SYSPRO session a company."""
        from tieout.tasks import orders

        return orders.sweep_orders()

    handle_inbox() >> sweep_orders()


orders()
