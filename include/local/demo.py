"""``make demo``: four settlement days, then a day of live orders that the fifth one proves.

The days span a month end and New York's 25-hour day. The demo acts as the controller ``finance``:
it asks Airflow for a backfill, answers required actions, has one report restated by the gateway
and runs that day again, so that only the difference is posted. Then come the orders
(``demo_orders``), and the settlement of the day they were traded on.
"""

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import requests

from include.domain.errors import Rejected, Retryable
from include.domain.settlement import SettlementDay
from include.local.airflow_api import DAG_ID, AirflowApi
from include.local.demo_orders import OrderDemo
from include.local.environment import PASSWORD, LocalStack
from include.local.processes import Processes
from include.local.stack import revive, start_stack
from include.local.summary import print_proof, print_summary

FIRST, LAST = date(2026, 10, 30), date(2026, 11, 2)
RESTATED = SettlementDay("acme_us", FIRST)
DONE = ("success", "failed")
WORTH_TELLING = (*DONE, "up_for_retry", "skipped")
PATIENCE_S = 900


def run_demo(stack: LocalStack) -> int:
    """Run it all; return 0 only if every run ended well, every journal ties out and every order."""
    began = time.monotonic()
    stack.demand_ours()
    if ended := Processes(stack.home, {}).stop():
        _say(began, f"ended {ended} processes of an earlier demo")
    stack.clear()  # its sandbox forgot its books; so do we
    api = start_stack(stack, say=lambda line: _say(began, line))
    api.wait_for_dag(DAG_ID, 90)
    _say(began, f"Airflow is up: {stack.base_url}")
    orders = OrderDemo(stack, api, say=lambda line: _say(began, line))
    orders.begin()

    told = _Told()
    days = _settle_past_days(stack, api, told, began)
    orders.play()
    _say(began, f"finance settles {stack.business_date}, the day of these orders")
    _settle(api, stack.business_date)
    states = _follow(stack, api, days + 1, told, began)

    last = date.fromisoformat(stack.business_date)
    ties = print_summary(stack, FIRST, last)
    ends_right = orders.show()
    is_proven = print_proof(stack, last)
    _print_links(stack, time.monotonic() - began)
    is_well = ties and ends_right and is_proven and set(states.values()) == {"success"}
    return 0 if is_well else 1


def _settle_past_days(stack: LocalStack, api: AirflowApi, told: "_Told", began: float) -> int:
    """Backfill, restate and run again; return how many runs there are."""
    _say(began, f"finance asks for a backfill, {FIRST} to {LAST}")
    api.backfill(DAG_ID, FIRST, LAST)
    days = (LAST - FIRST).days + 1
    _follow(stack, api, days, told, began)
    _say(began, f"the gateway restates {RESTATED}; finance runs that day again")
    _restate(stack)
    _settle(api, str(RESTATED.settlement_date), RESTATED.merchant_id)
    _follow(stack, api, days + 1, told, began)
    return days + 1


def _settle(api: AirflowApi, day: str, *merchants: str) -> None:
    chosen = {"merchants": list(merchants)} if merchants else {}
    api.trigger(DAG_ID, settlement_date=day, **chosen)


def _print_links(stack: LocalStack, seconds: float) -> None:
    print(  # noqa: T201 - the screen is what this command makes
        f"\nAirflow is running at {stack.base_url}  (log in as finance, password {PASSWORD}; "
        f"also analyst, admin, ops, auditor)\n"
        f"  Settlements  {stack.base_url}/plugin/settlements\n"
        f"  Orders       {stack.base_url}/plugin/orders\n"
        f"  Logs         {stack.home / 'logs'}\n"
        f"'make stop' ends it. The whole took {seconds:.0f} s."
    )


@dataclass
class _Told:
    """What the screen said already, so that it says each thing once."""

    tasks: dict[tuple[str, str, int], str] = field(default_factory=dict)
    runs: set[str] = field(default_factory=set)


def _follow(
    stack: LocalStack, api: AirflowApi, expected: int, told: _Told, began: float
) -> dict[str, str]:
    """Print progress and answer required actions until ``expected`` runs have ended."""
    while True:
        revive(stack, lambda line: _say(began, line))
        runs = api.runs(DAG_ID)
        for run in runs:
            if run["dag_run_id"] not in told.runs and run["state"] in ("running", *DONE):
                _tell_progress(api, run, told, began)
        _answer(api, began)
        states = {run["dag_run_id"]: run["state"] for run in runs}
        if len(runs) >= expected and all(state in DONE for state in states.values()):
            return states
        if time.monotonic() - began > PATIENCE_S:
            raise Retryable(
                f"the demo did not end in {PATIENCE_S // 60} minutes",
                DAG_ID,
                "The UI shows which task waits; on a busy machine run it again.",
            )
        time.sleep(1)


def _tell_progress(api: AirflowApi, run: dict[str, Any], told: _Told, began: float) -> None:
    """Say what changed since the last look: one line per step and state."""
    changed: Counter[tuple[str, str]] = Counter()
    for task in api.tasks(DAG_ID, run["dag_run_id"]):
        name, state = task["task_id"].rpartition(".")[2], task["state"]
        key = (run["dag_run_id"], name, task["map_index"])
        if state in WORTH_TELLING and told.tasks.get(key) != state:
            told.tasks[key] = state
            changed[name, state] += 1
    for (name, state), count in changed.items():
        _say(began, f"{_label(run)}  {name:11} {state.replace('_', ' ')} x{count}")
    if run["state"] in DONE:
        told.runs.add(run["dag_run_id"])
        _say(began, f"{_label(run)}  run {run['state']}")


def _label(run: dict[str, Any]) -> str:
    asked: str = run["conf"].get("settlement_date") or (run["data_interval_start"] or "")[:10]
    return asked


def _answer(api: AirflowApi, began: float) -> None:
    for question in api.questions():
        _say(began, f"finance reads and approves: {question['subject']}")
        api.answer(question, "Approve")


def _restate(stack: LocalStack) -> None:
    answer = requests.post(
        f"{stack.sandbox_url}/control/restate",
        json={
            "organization_id": RESTATED.merchant_id,
            "report_name": "FeeDetailReport_Daily",
            "settlement_date": str(RESTATED.settlement_date),
        },
        timeout=10,
    )
    if not answer.ok:
        raise Rejected(f"the sandbox answered {answer.status_code}", "/control/restate", "See log.")


def _say(began: float, line: str) -> None:
    print(f"[{time.monotonic() - began:5.0f} s] {line}", flush=True)  # noqa: T201
