"""Reconcile one settlement date for every merchant, then post its journals once.

Nine steps per merchant, and three beside them for disputes past their deadline; one merchant's
trouble stops nobody else. Every task may be cleared and re-run at any time: a day that has not
changed posts nothing. Backfill a range from the Trigger button; both dates are included. When
something fails: `include/docs/runbooks/settlement_reconciliation.md`.
"""

from datetime import timedelta
from importlib import import_module

import pendulum
from airflow.sdk import Param, chain, dag, task, task_group

from include.mappings.names import merchant_ids
from tieout.questions.journals import ApproveJournals, ApproveWriteOffs
from tieout.retry import FamilyRetryPolicy
from tieout.timetable import SettlementDays

ANSWER = timedelta(hours=20)  # no answer by then is "held"
SYSPRO = {"pool": "syspro", "weight_rule": "absolute"}  # a slot per operator; orders go first


@dag(
    schedule=SettlementDays(),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,  # a backfill counts its own beside: see tieout.tasks.turn
    params={
        "settlement_date": Param(
            None,
            type=["null", "string"],
            format="date",
            title="Settlement date",
            description="In each merchant's own calendar. Empty: the day before this run.",
        ),
        "merchants": Param(
            merchant_ids(),
            type="array",
            minItems=1,
            uniqueItems=True,
            items={"enum": merchant_ids()},
            examples=merchant_ids(),  # what the form offers
            title="Merchants",
            description="Only these are reconciled.",
        ),
    },
    default_args={
        "owner": "finance",
        "retries": 24,  # half a day of waiting; the first pause is [core] default_task_retry_delay
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": pendulum.duration(minutes=30),
        "retry_policy": FamilyRetryPolicy(),
        "execution_timeout": pendulum.duration(hours=3),
    },
    tags=["settlement", "gl", "tier-1"],
    doc_md=__doc__,
)
def settlement_reconciliation():
    @task
    def choose_days(params=None, dag_run=None, run_id=None) -> list[str]:
        """Name the merchants' days, e.g. ``acme_us|2026-10-31``; only these keys travel on."""
        from tieout.tasks import days

        # On manual runs the interval may be empty; run_after is always set.
        day = dag_run.data_interval_start or dag_run.run_after - timedelta(days=1)
        asked = params["settlement_date"] or day.date()
        return days.choose_days(asked, params["merchants"], run_id)

    def step(name, module="settlement", **options):
        @task(task_id=name, map_index_template="{{ task.op_args[0] }}", **options)
        def run(day_key: str) -> str:
            return getattr(import_module(f"tieout.tasks.{module}"), name)(day_key)

        return run

    @task_group
    def settle(day_key: str):
        # Each gets the group's own key: a step that a person marks a success hands on nothing.
        files = [step(name)(day_key) for name in ("download", "classify", "check")]
        match, build = (step(name, **SYSPRO)(day_key) for name in ("match", "build"))
        approve = ApproveJournals(task_id="approve", day_key=day_key, response_timeout=ANSWER)
        post, tied = (step(name, "posting", **SYSPRO)(day_key) for name in ("post", "tie_out"))
        chain(*files, match, build, approve, post, tied)
        # Beside the day: its own settlement waits for no answer about a dispute.
        watched = step("watch_disputes", "disputes", **SYSPRO)(day_key)
        lost = ApproveWriteOffs(
            task_id="approve_write_offs", day_key=day_key, response_timeout=ANSWER
        )
        chain(build, watched, lost, step("post_write_offs", "disputes", **SYSPRO)(day_key))
        # Written whatever happened above; it fails itself when the day is not proven.
        [tied, watched] >> step("report", "posting", trigger_rule="all_done")(day_key)

    settle.expand(day_key=choose_days())


settlement_reconciliation()
