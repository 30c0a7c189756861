"""Let a second person decide refunds above the limit: one required action for each that waits.

*Required Actions* shows order, amount, cause and who asked; the one who asked cannot approve. What
is approved moves with the next run of `orders`. A question nobody answers moves nothing and is
asked again after half an hour. When it fails: `include/docs/runbooks/approve_refunds.md`.
"""

from datetime import timedelta

import pendulum
from airflow.sdk import dag, task

from tieout.questions.refunds import ApproveRefund
from tieout.retry import FamilyRetryPolicy
from tieout.timetable import every


@dag(
    schedule=every("*/10 * * * *"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,  # while questions wait, no second run asks the same
    default_args={
        "owner": "finance",
        "retries": 2,
        "retry_delay": pendulum.duration(minutes=1),
        "retry_policy": FamilyRetryPolicy(),
        "execution_timeout": pendulum.duration(hours=1),
    },
    tags=["orders", "refunds", "order-to-cash", "tier-1"],
    doc_md=__doc__,
)
def approve_refunds():
    @task
    def choose_refunds() -> list[str]:
        """Name the refunds that wait for a second person, the oldest first."""
        from tieout.tasks import refunds

        return refunds.refunds_to_approve()

    # A DAG of its own: a question that waits holds up no poll of SYSPRO and no other refund.
    ApproveRefund.partial(
        task_id="decide",
        response_timeout=timedelta(minutes=30),
        map_index_template="{{ task.refund_id }}",
    ).expand(refund_id=choose_refunds())


approve_refunds()
