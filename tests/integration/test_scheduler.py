"""One settlement date through a real scheduler, API server and sandbox, with a worker killed.

The slowest test of all, and the only one in which nothing at all is replaced.
"""

import os
import signal
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests

from include.domain.journal import JournalKind
from include.domain.settlement import SettlementDay
from include.local.airflow_api import DAG_ID, AirflowApi
from include.local.environment import LocalStack
from include.local.order_stories import People, Story, make_key
from include.local.processes import Processes
from include.wiring import Settings, Tieout

DAY = "2026-10-30"
LATE_DAY = "2026-11-02"
CARE = ("order_care", "alerts", "fraud_decisions", "stock_levels", "approve_refunds")
PAGES = [
    f"/tieout/{name}"
    for name in ("days", "balances", "open-items", "dead-letters", "orders", "reviews", "refunds")
]


def journals_booked(stack: LocalStack) -> dict[str, int]:
    """Return how often the sandbox really executed each posting, by reference."""
    rows = requests.get(f"{stack.sandbox_url}/control/ledger", timeout=10).json()
    counts: dict[str, int] = {}
    for row in rows:
        if row["committed"] and row["verb"] in {"GENTJL", "APSTIN", "CSHTWD"}:
            counts[row["reference"]] = counts.get(row["reference"], 0) + 1
    return counts


def trigger(api: AirflowApi, **conf: Any) -> str:
    made = api.call(
        "POST",
        f"/dags/{DAG_ID}/dagRuns",
        json={"logical_date": None, "conf": {"settlement_date": DAY, **conf}},
    )
    return str(made["dag_run_id"])


def follow(api: AirflowApi, run_id: str, seconds: float = 240) -> dict[str, str]:
    """Answer required actions until the run has ended; return the tasks' states."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for question in api.questions():
            api.answer(question, "Approve")
        run = api.call("GET", f"/dags/{DAG_ID}/dagRuns/{run_id}")
        if run["state"] in ("success", "failed"):
            break
        time.sleep(2)
    return {
        f"{task['task_id']}[{task['map_index']}]": task["state"]
        for task in api.tasks(DAG_ID, run_id)
    }


def task_processes(needle: str) -> list[int]:
    """Return the processes whose command line or environment names the task."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if needle in (entry / "cmdline").read_text(errors="replace"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def test_a_day_is_reconciled_and_posted_once_although_its_worker_is_killed(
    stack: LocalStack, api: AirflowApi
) -> None:
    # SYSPRO works on the first journal for eight seconds; its worker does not live to see the end.
    requests.post(
        f"{stack.sandbox_url}/control/faults",
        json={"system": "syspro", "match": "GENTJL", "nth": 1, "times": 1, "fault": "delay",
              "seconds": 8},
        timeout=10,
    ).raise_for_status()  # fmt: skip
    run_id = trigger(api, merchants=["acme_jp"])
    killed = kill_when_posting(api, run_id, stack)
    assert killed
    # The next try finds a send without an outcome: it waits, looks, and finds the journal there.
    states = follow(api, run_id, 300)
    assert set(states.values()) == {"success"}, states
    booked = journals_booked(stack)
    assert booked
    assert set(booked.values()) == {1}


def kill_when_posting(api: AirflowApi, run_id: str, stack: LocalStack) -> bool:
    """Send SIGKILL to the process that runs ``post``, once it has called SYSPRO."""
    until = time.monotonic() + 180
    while time.monotonic() < until:
        for question in api.questions():
            api.answer(question, "Approve")
        for task in api.tasks(DAG_ID, run_id):
            if task["task_id"] == "settle.post" and task["state"] == "running" and task["pid"]:
                time.sleep(3)
                os.kill(task["pid"], signal.SIGKILL)
                return True
        time.sleep(1)
    return False


def test_the_other_merchants_settle_and_a_second_run_posts_nothing_more(
    stack: LocalStack, api: AirflowApi
) -> None:
    states = follow(api, trigger(api, merchants=["acme_us", "acme_uk"]))
    assert set(states.values()) == {"success"}, states
    before = journals_booked(stack)
    assert set(before.values()) == {1}
    states = follow(api, trigger(api, merchants=["acme_us"]))
    assert set(states.values()) == {"success"}, states
    assert journals_booked(stack) == before


def test_a_late_bank_statement_is_asked_for_again_and_its_deposit_is_booked_once(
    stack: LocalStack, api: AirflowApi
) -> None:
    # The bank pays the batch of 30 October on 2 November, and has that statement later than we run.
    if not Tieout(Settings.of(stack.environment())).journals.of_day(
        SettlementDay("acme_uk", date.fromisoformat(DAY))
    ):
        follow(api, trigger(api, merchants=["acme_uk"]))
    requests.post(
        f"{stack.sandbox_url}/control/faults",
        json={"system": "bank", "match": "UK-GBP-001/statements/2026-11-02", "times": 0,
              "fault": "404"},
        timeout=10,
    ).raise_for_status()  # fmt: skip
    states = follow(api, trigger(api, settlement_date=LATE_DAY, merchants=["acme_uk"]))
    assert set(states.values()) == {"success"}, states
    assert awaited(stack) == ["acme_uk|2026-11-02|source_awaited|bank_gbp"]
    assert late_files(api) == {"ask": "skipped", "run_again": "skipped"}
    assert deposits(stack) == {}
    requests.delete(f"{stack.sandbox_url}/control/faults", timeout=10).raise_for_status()
    pause(api, True)  # the run waits for its turn, as behind a day that waits for its reports
    assert late_files(api) == {"ask": "success", "run_again": "success"}
    assert late_files(api) == {"ask": "success", "run_again": "skipped"}
    pause(api, False)
    (run,) = [one for one in api.runs(DAG_ID) if one["dag_run_id"].startswith("late__acme_uk__")]
    states = follow(api, run["dag_run_id"])
    assert set(states.values()) == {"success"}, states
    # Three batches are paid; those of the two days that never ran are nobody's yet.
    assert deposits(stack) == {"1147.17 GBP": "tied_out"}
    assert set(journals_booked(stack).values()) == {1}
    assert awaited(stack) == []
    assert late_files(api) == {}


def pause(api: AirflowApi, is_paused: bool) -> None:
    api.call("PATCH", f"/dags/{DAG_ID}", json={"is_paused": is_paused})


def deposits(stack: LocalStack) -> dict[str, str]:
    """Return the pound deposits that the late day has booked: amount and state."""
    found = Tieout(Settings.of(stack.environment())).journals.of_day(
        SettlementDay("acme_uk", date.fromisoformat(LATE_DAY))
    )
    return {
        str(one.journal.debit_total): one.state.value
        for one in found
        if one.journal.kind is JournalKind.funding and one.journal.currency == "GBP"
    }


def awaited(stack: LocalStack) -> list[str]:
    items = Tieout(Settings.of(stack.environment())).open_items
    return [item.item_key for item in items.of_stage("acme_uk", "download")]


def late_files(api: AirflowApi) -> dict[str, str]:
    """Ask once more for what is awaited; return how its tasks ended, for the one day there is."""
    run_id = api.trigger("late_files")
    assert api.wait("late_files", run_id, 120) == "success"
    return {
        task["task_id"].removeprefix("again."): str(task["state"])
        for task in api.tasks("late_files", run_id)
        if task["map_index"] >= 0
    }


def test_an_order_placed_by_the_api_ends_completed_by_the_dags(
    stack: LocalStack, api: AirflowApi
) -> None:
    people = People(stack, make_key(Tieout(Settings.of(stack.environment()))))
    people.open_shops()
    story = Story("good", "completed")
    placed = people.place_by_api(story)
    assert placed["state"] == "authorized"
    for dag_id in ("orders", "erp_feedback", "orders"):
        assert api.wait(dag_id, api.trigger(dag_id), 120) == "success"
        if people.read(f"/orders/{story.order_id}")["state"] == "completed":
            break
    order = people.read(f"/orders/{story.order_id}")
    assert order["state"] == "completed"
    assert order["invoice"]
    assert order["captures"][0]["receipt"]
    ledger = requests.get(
        f"{stack.sandbox_url}/control/ledger", params={"system": "cybersource"}, timeout=10
    ).json()
    done = [
        row["verb"] for row in ledger if row.get("code") == f"W{story.number}" and row["committed"]
    ]
    assert sorted(done) == ["authorization", "capture"]
    shown = requests.get(
        f"{stack.base_url}/tieout/orders/{story.order_id}",
        headers={"Authorization": api.authorization},
        timeout=60,
    )
    assert order["captures"][0]["request_id"] in shown.text


def test_what_looks_after_orders_runs_whole(stack: LocalStack, api: AirflowApi) -> None:
    """Started together, as at 03:30: they share SYSPRO's pool and the store."""
    runs = {dag_id: api.trigger(dag_id) for dag_id in CARE}
    assert {dag_id: api.wait(dag_id, run_id, 120) for dag_id, run_id in runs.items()} == (
        dict.fromkeys(CARE, "success")
    )
    for dag_id, run_id in runs.items():
        states = {(task["task_id"], task["state"]) for task in api.tasks(dag_id, run_id)}
        # No refund waits, so there is nobody to ask; everything else really ran.
        idle = {"decide"} if dag_id == "approve_refunds" else set()
        assert {name for name, state in states if state != "success"} == idle, states


@pytest.mark.parametrize("path", PAGES)
def test_every_page_needs_a_login(stack: LocalStack, api: AirflowApi, path: str) -> None:
    assert requests.get(stack.base_url + path, timeout=30).status_code == 401
    shown = requests.get(
        stack.base_url + path, headers={"Authorization": api.authorization}, timeout=60
    )
    assert shown.status_code == 200, shown.text[:500]
    assert "<h1>" in shown.text


def test_no_secret_is_in_any_log(stack: LocalStack, api: AirflowApi) -> None:
    secrets = ["sandbox-A", "sandbox-B", "sandbox-J", "sandbox-bank"]
    for path in (stack.home / "logs").rglob("*.log"):
        text = path.read_text(errors="replace")
        for secret in secrets:
            assert secret not in text, f"{secret} in {path}"


def test_stopping_leaves_no_process_behind(stack: LocalStack, api: AirflowApi) -> None:
    processes = Processes(stack.home, {})
    assert processes.running()
    processes.stop()
    assert not processes.running()
    assert not task_processes(str(stack.home))
