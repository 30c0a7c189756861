"""The day after a soak: its settlement must prove every capture and refund that really happened.

What moved is the gateway's own list; what settlement said of it is read out of the lake.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from include.domain.settlement import SettlementDay
from include.local.airflow_api import DAG_ID, AirflowApi
from include.local.order_stories import People
from include.local.summary import settled_lines
from include.wiring import Settings, Tieout
from tests.soak.judge import UNDONE
from tests.soak.stack import Running

Say = Callable[[str], None]
PATIENCE_S = 1200
_MOVES = {"capture": 1, "refund": -1, "credit": -1}  # signs of a settlement line


def settle(stack: Running, people: People, say: Say) -> list[str]:
    """Close the batch and settle its day, twice; say what is not proven, or booked again."""
    closed = people.control("settle")["settled"]
    day = date.fromisoformat(stack.local.business_date)
    say(f"the batch of {day} closes: {closed} lines")
    airflow = stack.analyst()
    airflow.call("PATCH", f"/dags/{DAG_ID}", json={"is_paused": False})
    found = []
    if (end := _run(airflow, day, say)) != "success":
        found.append(f"the settlement of {day} has ended as {end}")
    booked = _journals(stack.ledger())
    if (end := _run(airflow, day, say)) != "success":
        found.append(f"the settlement of {day}, run again, has ended as {end}")
    if (again := _journals(stack.ledger())) != booked:
        found.append(f"the same day run again has booked {again - booked} journals more")
    if not booked:
        found.append(f"nothing is booked for {day}")
    return found + unproven(people.control("live_requests")["requests"], _lines(stack, day))


def unproven(
    requests: Sequence[Mapping[str, Any]], lines: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Return a sentence for each capture and refund that has not its one settled, matched line.

    Args:
        requests: the gateway's; amounts in decimals, never signed.
        lines: by request id: ``amount_minor`` signed, ``rule`` that matched it, ``cause`` if none.
    """
    found, moved = [], set()
    for row in requests:
        if row["kind"] not in _MOVES or row["status"] in UNDONE:
            continue
        who = f"{row['code']}: {row['kind']} {row['request_id']} of {row['amount']}"
        line = lines.get(row["request_id"])
        moved.add(row["request_id"])
        if line is None:
            found.append(f"{who} is in no settlement")
        elif line["amount_minor"] != int(Decimal(row["amount"]) * 100) * _MOVES[row["kind"]]:
            found.append(f"{who} is settled as {line['amount_minor']} minor units")
        elif not line.get("rule") or line.get("cause"):
            found.append(f"{who} is matched with nothing: {line.get('cause') or 'no rule'}")
    return found if moved else ["no money moved that a settlement could prove"]


def _run(airflow: AirflowApi, day: date, say: Say) -> str:
    """Run the day and approve its journals; a run that the schedule made is no part of a soak."""
    mine = airflow.trigger(DAG_ID, settlement_date=str(day))
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        for run in airflow.runs(DAG_ID):
            name, state = run["dag_run_id"], run["state"]
            if name == mine and state in ("success", "failed"):
                say(f"{DAG_ID} of {day}: {state}")
                return str(state)
            if name != mine and state in ("queued", "running"):
                path = f"/dags/{DAG_ID}/dagRuns/{name}"
                airflow.call("PATCH", path, json={"state": "failed"})
        for question in airflow.questions():
            if question["task_instance"]["dag_id"] == DAG_ID:
                say(f"approved: {question['subject']}")
                airflow.answer(question, "Approve")
        time.sleep(1)
    return "running still"


def _journals(ledger: Sequence[Mapping[str, Any]]) -> int:
    return sum(row["verb"] == "GENTJL" and bool(row["committed"]) for row in ledger)


def _lines(stack: Running, day: date) -> dict[str, dict[str, Any]]:
    context = Tieout(Settings.of(stack.local.environment()))
    found: dict[str, dict[str, Any]] = {}
    for merchant_id in context.mappings.merchants:
        found |= settled_lines(context, SettlementDay(merchant_id, day))
    return found
