"""Show each shop what SYSPRO can promise: every quarter of an hour what changed, once a day all.

Stock shown late costs a back order, not money; the order itself asks SYSPRO again. When it fails:
`include/docs/runbooks/stock_levels.md`.
"""

import pendulum
from airflow.sdk import dag, task

from tieout.retry import FamilyRetryPolicy
from tieout.timetable import every


@dag(
    schedule=every("*/15 * * * *"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={
        "owner": "integration",
        "priority_weight": 50,  # before care and settlements in SYSPRO's pool
        "retries": 2,
        "retry_delay": pendulum.duration(minutes=1),
        "retry_policy": FamilyRetryPolicy(),
        "execution_timeout": pendulum.duration(hours=1),
    },
    tags=["shop", "stock", "order-to-cash"],
    doc_md=__doc__,
)
def stock_levels():
    @task
    def choose_shops() -> list[str]:
        """Name the shops that take new orders; only these names travel on."""
        from tieout.tasks import orders

        return orders.open_shop_ids()

    @task(pool="syspro", map_index_template="{{ task.op_kwargs['shop_id'] }}")
    def push_stock(shop_id: str) -> str:
        """Push what changed in the shop's warehouse; levels are absolute."""
        from tieout.tasks import orders

        return orders.push_stock(shop_id)

    push_stock.expand(shop_id=choose_shops())


stock_levels()
