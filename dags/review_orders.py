"""Let analysts decide held orders here: one required action for each order under fraud review.

*Required Actions* shows amount, shopper's country, age and when the authorisation expires. The
answer goes to Decision Manager's case; SYSPRO and the shop follow by the normal path. A question
nobody answers is asked again after half an hour, most urgent first. When it fails:
`include/docs/runbooks/review_orders.md`.
"""

from datetime import timedelta

import pendulum
from airflow.sdk import dag, task

from tieout.questions.reviews import ReviewOrder
from tieout.retry import FamilyRetryPolicy
from tieout.timetable import every


@dag(
    schedule=every("*/10 * * * *"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,  # while questions wait, no second run asks the same
    default_args={
        "owner": "fraud",
        "retries": 2,
        "retry_delay": pendulum.duration(minutes=1),
        "retry_policy": FamilyRetryPolicy(),
        "execution_timeout": pendulum.duration(hours=1),
    },
    tags=["orders", "fraud", "order-to-cash", "tier-1"],
    doc_md=__doc__,
)
def review_orders():
    @task
    def choose_orders() -> list[str]:
        """Name the orders that wait for a decision, those about to expire first."""
        from tieout.tasks import orders

        return orders.orders_to_review()

    ReviewOrder.partial(
        task_id="decide",
        response_timeout=timedelta(minutes=30),
        map_index_template="{{ task.order_id }}",
    ).expand(order_id=choose_orders())


review_orders()
