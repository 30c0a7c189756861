"""Tell who must know: every five minutes, one alert for each cause, by the rules of alerts.yaml.

A partner that does not answer, reviews and holds about to expire, dead letters, stuck orders,
refunds that wait for a second person, DAGs that fail. When it fails itself:
`include/docs/runbooks/alerts.md`.
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
    tags=["alerts", "order-to-cash", "tier-1"],
    doc_md=__doc__,
)
def alerts():
    @task
    def raise_alerts() -> str:
        """Count what each rule watches, tell what is due, clear what is over."""
        from tieout.tasks import care

        return care.raise_alerts()

    @task
    def watch_dags() -> str:
        """Do the same for DAGs that fail; needs neither the store nor a mapping but alerts.yaml."""
        from tieout.tasks import own_dags

        return own_dags.watch_dags()

    raise_alerts()
    watch_dags()


alerts()
