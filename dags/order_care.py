"""Look after what no order asks for: daily, stored cards, and the gateway held against SYSPRO.

Profiles are kept in step with SYSPRO's customers. Every capture and refund of the gateway must
have its document in SYSPRO and every receipt its payment; what is missing goes the normal way
again. Webhooks of long ago lose their bytes, and the API its answers. When it fails:
`include/docs/runbooks/order_care.md`.
"""

import pendulum
from airflow.sdk import dag, task

from tieout.retry import FamilyRetryPolicy
from tieout.timetable import every


@dag(
    schedule=every("30 3 * * *"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={
        "owner": "integration",
        "priority_weight": 10,  # before settlements in SYSPRO's pool
        # An outage of SYSPRO lasts hours, not minutes: 5, 10, 20, 40, then 60 minutes, 8 in all.
        "retries": 8,
        "retry_delay": pendulum.duration(minutes=5),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": pendulum.duration(hours=1),
        "retry_policy": FamilyRetryPolicy(),
        "execution_timeout": pendulum.duration(hours=4),
    },
    tags=["orders", "repair", "order-to-cash"],
    doc_md=__doc__,
)
def order_care():
    @task
    def choose_merchants() -> list[str]:
        """Name the merchants that have a shop; only these names travel on."""
        from tieout.tasks import orders

        return orders.merchant_ids()

    # First in SYSPRO's pool: somebody has asked for it, and it is soon done.
    @task(
        pool="syspro",
        priority_weight=12,
        map_index_template="{{ task.op_kwargs['merchant_id'] }}",
    )
    def end_deletions(merchant_id: str) -> str:
        """Delete stored cards on both sides where a shopper, or the house, wants it."""
        from tieout.tasks import care

        return care.end_deletions(merchant_id)

    @task(pool="syspro", map_index_template="{{ task.op_kwargs['merchant_id'] }}")
    def keep_profiles(merchant_id: str) -> str:
        """Follow network tokens and SYSPRO's customers, and join duplicate cards."""
        from tieout.tasks import care

        return care.keep_profiles(merchant_id)

    @task(pool="syspro", map_index_template="{{ task.op_kwargs['merchant_id'] }}")
    def compare_systems(merchant_id: str) -> str:
        """Name what one system holds and the other does not, and have it repaired."""
        from tieout.tasks import care

        return care.compare_systems(merchant_id)

    @task
    def drop_old() -> str:
        """Drop the bytes of old webhooks, old answers of the API and lapsed leases."""
        from tieout.tasks import retention

        return retention.drop_old()

    # None waits for another: a merchant whose cards cannot be kept would stop all comparing.
    merchants = choose_merchants()
    end_deletions.expand(merchant_id=merchants)
    keep_profiles.expand(merchant_id=merchants)
    compare_systems.expand(merchant_id=merchants)
    drop_old()


order_care()
