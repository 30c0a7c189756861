"""DAGs that fail or stand still under a real scheduler are told of once in the sandbox's chat."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests

from include.local.airflow_api import AirflowApi
from include.local.environment import LocalStack
from tests.integration.running import FRAGILE
from tests.waiting import wait_until


def run_fragile(api: AirflowApi, minutes_ago: int) -> str:
    """Run it once, as its schedule would have; return how that ended."""
    at = (datetime.now(UTC) - timedelta(minutes=minutes_ago)).isoformat()
    made = api.call("POST", "/dags/fragile/dagRuns", json={"logical_date": at, "conf": {}})
    return api.wait("fragile", made["dag_run_id"], 60)


def let_a_quarter_pass(stack: LocalStack) -> None:
    """Date back how the failed runs ended: the rule wants the first of them 15 minutes old."""
    with sqlite3.connect(stack.home / "airflow.db", timeout=60) as database:
        database.execute(
            "UPDATE dag_run SET end_date = datetime(end_date, '-16 minutes') WHERE state = 'failed'"
        )


def chat_after_alerts(stack: LocalStack, api: AirflowApi) -> list[str]:
    """Let the alerts look once; return the subjects of everything in the chat."""
    assert api.wait("alerts", api.trigger("alerts"), 120) == "success"
    bank = f"http://127.0.0.1:{stack.sandbox_port + 2}"
    heard = requests.get(f"{bank}/chat/messages", timeout=10).json()
    return [one["body"]["text"].split("\n")[0] for one in heard]


def test_a_dag_that_fails_is_one_alert_until_it_succeeds(
    stack: LocalStack, api: AirflowApi
) -> None:
    assert run_fragile(api, 40) == "failed"
    assert chat_after_alerts(stack, api) == []  # it may have passed by itself
    let_a_quarter_pass(stack)
    assert run_fragile(api, 30) == "failed"
    (told,) = chat_after_alerts(stack, api)
    assert told.startswith("Tieout: dags failing: 2 (fragile has failed since ")
    assert told.endswith(" UTC, last: work)")
    assert run_fragile(api, 20) == "failed"
    assert len(chat_after_alerts(stack, api)) == 1
    (stack.home / "dags" / "mended").touch()
    assert run_fragile(api, 10) == "success"
    over = chat_after_alerts(stack, api)[1:]
    assert [one.startswith("Tieout: dags failing: over (fragile has failed") for one in over] == [
        True
    ]
    assert len(chat_after_alerts(stack, api)) == 2


def test_a_dag_file_that_cannot_be_imported_is_told_at_once(
    stack: LocalStack, api: AirflowApi
) -> None:
    before = len(chat_after_alerts(stack, api))
    fragile: Path = stack.home / "dags" / "fragile.py"
    fragile.write_text("from airflow.sdk import dag\nfrom include.mappings import nowhere\n")
    (told,) = chat_after_alerts(stack, api)[before:]
    assert told.startswith("Tieout: dags failing: 1 (fragile.py cannot be imported")
    assert "ImportError: cannot import name 'nowhere'" in told
    fragile.write_text(FRAGILE)
    (over,) = chat_after_alerts(stack, api)[before + 1 :]
    assert over.startswith("Tieout: dags failing: over (fragile.py")


def test_a_run_whose_pool_nobody_made_is_told_after_three_times_its_turn(
    stack: LocalStack, api: AirflowApi
) -> None:
    """Airflow itself warns in the scheduler's log alone. This DAG runs once a year."""
    api.call("POST", "/dags/stuck/dagRuns", json={"logical_date": "2026-02-01T00:00:00Z"})
    with sqlite3.connect(stack.home / "airflow.db", timeout=60, isolation_level=None) as database:
        asked = "SELECT 1 FROM task_instance WHERE dag_id = 'stuck' AND state = 'scheduled'"
        wait_until(lambda: database.execute(asked).fetchone())
        since = "UPDATE dag_run SET start_date = datetime('now', '-4 years') WHERE dag_id = 'stuck'"
        database.execute(since)
    told = chat_after_alerts(stack, api)[-1]
    assert told.startswith("Tieout: dags failing: 1 (stuck is at one run since 20")
    assert told.endswith(" UTC, and holds up the next; at: work (scheduled))")
