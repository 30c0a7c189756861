"""Hear what clerks did in SYSPRO: every five minutes, credits, invoices, shipments.

A credit note becomes one refund, a cancelled order is unwound, an invoice completes an order, a
dispatch note tells the shopper. When it fails: `include/docs/runbooks/erp_feedback.md`.
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
    tags=["orders", "refunds", "syspro", "order-to-cash", "tier-1"],
    doc_md=__doc__,
)
def erp_feedback():
    @task
    def choose_merchants() -> list[str]:
        """Name the merchants that have a shop; only these names travel on."""
        from tieout.tasks import orders

        return orders.merchant_ids()

    @task(pool="syspro", map_index_template="{{ task.op_kwargs['merchant_id'] }}")
    def poll_erp(merchant_id: str) -> str:
        """Read the company's documents since the watermark; a repeat changes nothing."""
        from tieout.tasks import orders

        return orders.poll_erp(merchant_id)

    poll_erp.expand(merchant_id=choose_merchants())


erp_feedback()
