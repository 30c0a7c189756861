"""Take new and changed orders in, shop by shop: every five minutes, from a watermark with overlap.

A webhook only makes it sooner; a lost one loses nothing. An order that cannot be read becomes a
dead letter and the poll goes on. When it fails: `include/docs/runbooks/shop_orders.md`.
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
        "retries": 2,
        "retry_delay": pendulum.duration(minutes=1),
        "retry_policy": FamilyRetryPolicy(),
        "execution_timeout": pendulum.duration(hours=1),
    },
    tags=["orders", "shop", "order-to-cash", "tier-1"],
    doc_md=__doc__,
)
def shop_orders():
    @task
    def choose_shops() -> list[str]:
        """Name the shops whose orders are followed, ended ones too; only these names travel on."""
        from tieout.tasks import orders

        return orders.shop_ids()

    @task(map_index_template="{{ task.op_kwargs['shop_id'] }}")
    def poll_shop(shop_id: str) -> str:
        """Take in what the shop changed since the watermark, a refund or cancellation too."""
        from tieout.tasks import orders

        return orders.poll_shop(shop_id)

    @task(map_index_template="{{ task.op_kwargs['shop_id'] }}")
    def keep_webhooks(shop_id: str) -> str:
        """Make the webhooks of an open shop, and mend those that it has disabled."""
        from tieout.tasks import orders

        return orders.keep_webhooks(shop_id)

    shops = choose_shops()
    poll_shop.expand(shop_id=shops)
    keep_webhooks.expand(shop_id=shops)


shop_orders()
